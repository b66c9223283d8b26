//// Agents, whose state is a number.

import executor/operation
import executor/recorder
import executor/scenario
import executor/text
import executor/words
import executor/world
import regrow/agent
import regrow/process

const patience = 20_000

pub fn operations() -> List(operation.Operation) {
  [
    operation.Operation("agent_start", operation.Main, start),
    operation.Operation("agent_get", operation.Main, get),
    operation.Operation("agent_add", operation.Main, add),
    operation.Operation("agent_cast_add", operation.Main, cast_add),
    operation.Operation("agent_fetch_add", operation.Main, fetch_add),
    operation.Operation("agent_crash", operation.Main, crash),
    operation.Operation("agent_stop", operation.Main, stop),
  ]
}

fn start(world: world.World, words: List(String), _: scenario.Line) -> String {
  let assert [id, ..] = words
  let number = number(words)
  case agent.start(with: fn() { number }) {
    Ok(started) -> {
      process.unlink(from: started.pid)
      recorder.begins(
        world.recorder,
        recorder.Begun(
          id: id,
          kind: recorder.Agent,
          pid: started.pid,
          starter: Error(Nil),
          behaviours: ["ok"],
          child_id: id,
          handle: recorder.Keeps(started.data),
        ),
      )
      recorder.came_up(world.recorder, started.pid)
      "ok " <> world.label(world, started.pid)
    }
    Error(error) -> "error " <> operation.show_start_error(world, error)
  }
}

fn number(words: List(String)) -> Int {
  let assert [_, word, ..] = words
  let assert Ok(number) = text.to_int(word)
  number
}

fn with_agent(world: world.World, words: List(String), then: fn(agent.Agent(Int)) -> String) -> String {
  let assert [id, ..] = words
  case recorder.named(world.recorder, id) {
    Ok(recorder.Attempt(handle: recorder.Keeps(agent), ..)) -> then(agent)
    _ -> "error noproc"
  }
}

fn valued(world: world.World, outcome: Result(Int, process.CallError)) -> String {
  case outcome {
    Ok(number) -> text.from_int(number)
    Error(error) -> operation.show_call_error(world, error)
  }
}

fn done(world: world.World, outcome: Result(Nil, process.CallError)) -> String {
  case outcome {
    Ok(Nil) -> "ok"
    Error(error) -> operation.show_call_error(world, error)
  }
}

fn get(world: world.World, words: List(String), _: scenario.Line) -> String {
  use agent <- with_agent(world, words)
  valued(world, agent.get(agent, with: fn(n) { n }, within: patience))
}

fn add(world: world.World, words: List(String), _: scenario.Line) -> String {
  use agent <- with_agent(world, words)
  let number = number(words)
  done(world, agent.update(agent, with: fn(n) { n + number }, within: patience))
}

fn cast_add(world: world.World, words: List(String), _: scenario.Line) -> String {
  use agent <- with_agent(world, words)
  let number = number(words)
  agent.cast(agent, with: fn(n) { n + number })
  "ok"
}

fn fetch_add(world: world.World, words: List(String), _: scenario.Line) -> String {
  use agent <- with_agent(world, words)
  let number = number(words)
  valued(world, agent.get_and_update(agent, with: fn(n) { #(n, n + number) }, within: patience))
}

/// A function in Gleam has no way out with a reason: it has its process end by a signal.
fn crash(world: world.World, words: List(String), _: scenario.Line) -> String {
  let assert [_, reason, ..] = words
  use agent <- with_agent(world, words)
  let crashing = fn(n) {
    process.exit(process.self(), with: words.reason(reason))
    n
  }
  done(world, agent.update(agent, with: crashing, within: patience))
}

fn stop(world: world.World, words: List(String), _: scenario.Line) -> String {
  let assert [_, reason, ..] = words
  use agent <- with_agent(world, words)
  done(world, process.stop_with(agent.pid(of: agent), reason: words.reason(reason), within: patience))
}
