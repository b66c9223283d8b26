//// Drill 3: how far an error goes is decided by the tree. Each answer below is read off the pids.
////
////     System               supervisor, one_for_one
////     |- Registry          where the database's workers are
////     |- Database          supervisor, one_for_one
////     |  |- 1, 2, 3        servers, registered as {db_worker, N}
////     |- Cache             server
////     `- API               server

import regrow/child
import regrow/decode
import regrow/dynamic
import regrow/process
import regrow/registry
import regrow/runtime
import regrow/server
import regrow/start
import regrow/supervisor
import support/drill
import support/items
import support/say

pub type Key {
  DbWorker(number: Int)
}

type Names =
  registry.Registry(Key, Nil)

pub fn main() -> Nil {
  let runtime = drill.start()
  // The end of a system is to be looked at, and not to be shared.
  process.trap_exits(True)
  let registry_then_database = [find_child(), database(runtime), component(runtime, "Cache"), component(runtime, "API")]

  say.line("1. The tree:")
  let assert Ok(system) = start_system(runtime, registry_then_database)
  say.line("   System")
  draw(runtime, system, "      ")

  say.line("2. A database worker crashes:")
  crash(runtime, "Worker2", 1)
  say.line("3. The database crashes:")
  crash(runtime, "Database", 1)
  say.line("4. The cache crashes:")
  crash(runtime, "Cache", 1)
  let assert Ok(Nil) = supervisor.stop(system, within: drill.forever)

  say.line("5. The registry before the database, because the other way round the workers find none:")
  let database_first = [database(runtime), find_child(), component(runtime, "Cache"), component(runtime, "API")]
  let assert Error(error) = start_system(runtime, database_first)
  say.line("   REGROW_ERR_START")
  say.line("   " <> show_error(error))

  say.line("6. A supervisor of its own for the database: what is too much for it is one restart for the system.")
  let assert Ok(system) = start_system(runtime, registry_then_database)
  crash(runtime, "Worker1", 4)
  let assert Ok(Nil) = supervisor.stop(system, within: drill.forever)
  say.line("   With the workers directly under the system it is the system's end:")
  let flat = [
    find_child(),
    worker(runtime, 1),
    worker(runtime, 2),
    worker(runtime, 3),
    component(runtime, "Cache"),
    component(runtime, "API"),
  ]
  let assert Ok(_) = start_system(runtime, flat)
  crash(runtime, "Worker1", 4)
}

// ---- the tree ----

/// Whoever starts gets its name in the runtime, for the pids to be looked at.
fn named(
  runtime: runtime.Runtime,
  name: String,
  start: fn() -> Result(start.Started(data), start.StartError),
) -> Result(start.Started(data), start.StartError) {
  case start() {
    Ok(started) -> {
      let assert Ok(Nil) = runtime.register(runtime, pid: started.pid, named: name)
      Ok(started)
    }
    Error(error) -> Error(error)
  }
}

fn component(runtime: runtime.Runtime, name: String) -> child.Child(Nil) {
  erase(child.worker(id: name, starting: fn() { named(runtime, name, fn() { server.start(server.new(Nil)) }) }))
}

/// The database's workers register, so there must be a registry when they start.
fn worker(runtime: runtime.Runtime, number: Int) -> child.Child(Nil) {
  let register = fn(subject) {
    let found: Result(Names, registry.RegistryError) = registry.find(in: runtime, named: "Registry")
    case found {
      Ok(names) -> {
        let assert Ok(Nil) = registry.register(in: names, key: DbWorker(number), subject: subject)
        Ok(server.initialised(Nil))
      }
      Error(_) -> Error("noproc")
    }
  }
  let start = fn() { server.start(server.new_with_initialiser(within: 5000, running: register)) }
  let name = "Worker" <> say.number(number)
  erase(child.worker(id: name, starting: fn() { named(runtime, name, start) }))
}

fn database(runtime: runtime.Runtime) -> child.Child(Nil) {
  let start = fn() {
    supervisor.new(supervisor.OneForOne)
    |> supervisor.restart_tolerance(intensity: 3, period: 5)
    |> supervisor.add(worker(runtime, 1))
    |> supervisor.add(worker(runtime, 2))
    |> supervisor.add(worker(runtime, 3))
    |> supervisor.start(in: runtime)
  }
  erase(child.supervisor(id: "Database", starting: fn() { named(runtime, "Database", start) }))
}

/// The registry itself: a native child, which has the name of itself.
fn find_child() -> child.Child(Nil) {
  let names: child.Child(Names) = registry.child(registry.unique() |> registry.named("Registry"), id: "Registry")
  erase(names)
}

fn start_system(
  runtime: runtime.Runtime,
  children: List(child.Child(Nil)),
) -> Result(supervisor.Supervisor, start.StartError) {
  let empty = supervisor.new(supervisor.OneForOne) |> supervisor.restart_tolerance(intensity: 3, period: 5)
  let system = items.fold(over: children, from: empty, with: supervisor.add)
  case named(runtime, "System", fn() { supervisor.start(system, in: runtime) }) {
    Ok(started) -> Ok(started.data)
    Error(error) -> Error(error)
  }
}

/// The reason, as Erlang has it.
fn show_error(error: start.StartError) -> String {
  case error {
    start.ChildFailed(id, error) ->
      "{shutdown,{failed_to_start_child,'" <> text(id) <> "'," <> show_error(error) <> "}}"
    start.InitFailed(reason) -> reason
    other -> drill.show(other)
  }
}

// ---- looking at it ----

/// Children are told the last started first; drawn they are in the order of their start. C is told the kind of each;
/// here it is seen by what it is found as.
fn draw(runtime: runtime.Runtime, supervisor: supervisor.Supervisor, before: String) -> Nil {
  let assert Ok(children) = supervisor.which_children(in: supervisor)
  items.each(
    of: items.reverse(children),
    do: fn(child: supervisor.ChildInfo) {
      let assert supervisor.Running(pid) = child.status
      let found: Result(Names, registry.RegistryError) = registry.find(in: runtime, named: text(child.id))
      let kind = case found, child.kind {
        Ok(_), _ -> "registry"
        _, supervisor.Supervising -> "supervisor"
        _, supervisor.Worker -> "server"
      }
      say.line(before <> "'" <> text(child.id) <> "', " <> kind)
      case kind {
        "supervisor" -> draw(runtime, supervisor_at(pid), before <> "   ")
        _ -> Nil
      }
    },
  )
}

/// Kills who has that name, so many times, and tells who has another pid than before, and who has none.
fn crash(runtime: runtime.Runtime, name: String, times: Int) -> Nil {
  // Earlier restarts do not count any more.
  drill.advance(by: 10_000)
  let names = ["System", "Registry", "Database", "Worker1", "Worker2", "Worker3", "Cache", "API"]
  let look = fn() { items.map(of: names, with: fn(name) { runtime.whereis(runtime, name) }) }
  let before = look()
  items.each(
    of: items.range(1, times),
    do: fn(_) {
      let assert Ok(pid) = runtime.whereis(runtime, name)
      drill.kill(pid)
      drill.settle()
    },
  )
  let changes =
    items.fold(
      over: items.zip(names, items.zip(before, look())),
      from: "",
      with: fn(text, one) {
        let #(name, #(old, now)) = one
        case old == now, now {
          True, _ -> text
          _, Ok(_) -> text <> " new " <> name <> ","
          _, Error(Nil) -> text <> " no " <> name <> ","
        }
      },
    )
  let often = case times {
    1 -> "once"
    _ -> "four times"
  }
  say.line("   " <> name <> " is killed " <> often <> ":" <> changes <> " all else as before")
}

fn text(id: dynamic.Dynamic) -> String {
  let assert Ok(text) = decode.run(id, decode.string)
  text
}

/// Children that give different things, in one list.
@external(erlang, "regrow_gleam_dynamic", "identity")
fn erase(child: child.Child(data)) -> child.Child(Nil)

/// The supervisor that a child is.
@external(erlang, "regrow_gleam_dynamic", "identity")
fn supervisor_at(pid: process.Pid) -> supervisor.Supervisor
