//// What all operations need: the runtime, the recorder, and what scenarios give names to.

import executor/lists
import executor/message
import executor/recorder
import executor/scenario
import executor/text
import executor/words
import regrow/agent
import regrow/clock
import regrow/dynamic
import regrow/group
import regrow/process
import regrow/registry
import regrow/runtime

pub type World {
  World(
    scenario: scenario.Scenario,
    runtime: runtime.Runtime,
    recorder: recorder.Recorder,
    main: process.Pid,
    store: agent.Agent(Store),
    groups: group.Groups(dynamic.Dynamic, dynamic.Dynamic),
  )
}

pub type Registry =
  registry.Registry(dynamic.Dynamic, message.Message)

/// A monitor of a process, by its pid or by a name.
pub type Mark {
  Mark(monitor: process.Monitor, pid: process.Pid, name: Result(String, Nil))
}

/// By their names in the scenario, the newest first.
pub type Store {
  Store(
    count: Int,
    marks: List(#(String, Mark)),
    timers: List(#(String, #(clock.Timer, Int))),
    registries: List(#(String, Registry)),
    // Their kinds.
    tables: List(#(String, String)),
  )
}

const patience = 20_000

/// A world whose main is the caller.
pub fn new(scenario: scenario.Scenario, runtime: runtime.Runtime) -> World {
  let assert Ok(groups) = group.new() |> group.start(in: runtime)
  let assert Ok(store) = agent.start(fn() { Store(count: 0, marks: [], timers: [], registries: [], tables: []) })
  World(
    scenario: scenario,
    runtime: runtime,
    recorder: recorder.start(),
    main: process.self(),
    store: store.data,
    groups: groups,
  )
}

pub fn stored(world: World) -> Store {
  let assert Ok(store) = agent.get(world.store, with: fn(store) { store }, within: patience)
  store
}

pub fn change(world: World, with function: fn(Store) -> Store) -> Nil {
  let assert Ok(Nil) = agent.update(world.store, with: function, within: patience)
  Nil
}

/// A number that nobody else gets.
pub fn next_number(world: World) -> String {
  let assert Ok(number) =
    agent.get_and_update(
      world.store,
      with: fn(store: Store) { #(store.count, Store(..store, count: store.count + 1)) },
      within: patience,
    )
  text.from_int(number)
}

/// The newest process of an id, the one with a label, or main.
pub fn pid(world: World, name: String) -> Result(process.Pid, Nil) {
  case name, recorder.named(world.recorder, name) {
    "main", _ -> Ok(world.main)
    _, Ok(attempt) -> Ok(attempt.begun.pid)
    _, Error(Nil) -> Error(Nil)
  }
}

pub fn label(world: World, pid: process.Pid) -> String {
  recorder.label(world.recorder, world.main, pid)
}

pub fn show(world: World, value: dynamic.Dynamic) -> String {
  words.show(value, fn(pid) { label(world, pid) })
}

pub fn show_reason(world: World, reason: process.ExitReason) -> String {
  words.show_reason(reason, fn(pid) { label(world, pid) })
}

/// What a worker is talked to by, or, with `@`, whoever has that name.
pub fn target(world: World, name: String) -> Result(process.Subject(message.Message), Nil) {
  let attempt = case name {
    "@" <> registered ->
      case runtime.whereis(world.runtime, registered) {
        Ok(pid) -> recorder.of_pid(world.recorder, pid)
        Error(Nil) -> Error(Nil)
      }
    _ -> recorder.named(world.recorder, name)
  }
  case attempt {
    Ok(recorder.Attempt(handle: recorder.Talks(subject), ..)) -> Ok(subject)
    _ -> Error(Nil)
  }
}

/// How a monitor is called, and what it is of.
pub fn mark(world: World, monitor: process.Monitor) -> Result(#(String, Mark), Nil) {
  lists.find(stored(world).marks, where: fn(entry: #(String, Mark)) {
    let #(_, mark) = entry
    mark.monitor == monitor
  })
}
