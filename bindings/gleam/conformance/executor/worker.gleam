//// The server that every worker and plain process of a scenario is (FORMAT.md, "What a worker does").

import executor/message
import executor/recorder
import executor/scenario
import executor/tables
import executor/text
import executor/words
import executor/world
import regrow/decode
import regrow/dynamic
import regrow/group
import regrow/process
import regrow/selector
import regrow/server
import regrow/start
import regrow/table

const patience = 20_000

const slow_terminate = 300

type State {
  State(me: process.Subject(message.Message), value: dynamic.Dynamic)
}

/// Starts one, linked with the caller. `starter`: the supervisor in whose context it is.
pub fn start(
  world: world.World,
  line: scenario.Line,
  id: String,
  child_id: String,
  starter: Result(process.Pid, Nil),
) -> Result(start.Started(process.Subject(message.Message)), start.StartError) {
  server.new_with_initialiser(within: patience, running: fn(subject) {
    let me = process.self()
    let behaviour =
      recorder.begins(
        world.recorder,
        recorder.Begun(
          id: id,
          kind: recorder.Worker,
          pid: me,
          starter: starter,
          behaviours: text.split(scenario.option(of: line, named: "init", or: "ok"), on: ","),
          child_id: child_id,
          handle: recorder.Talks(subject),
        ),
      )
    process.trap_exits(scenario.option(of: line, named: "trap", or: "false") == "true")
    case behaviour {
      "ignore" -> Ok(server.ignored())
      "fail:" <> reason -> Error(reason)
      "kill:" <> victim -> {
        kill(world, victim)
        up(world, subject)
      }
      "cont" -> {
        // Nobody else knows the subject, so nothing comes before.
        process.send(to: subject, message: message.Continue)
        up(world, subject)
      }
      _ -> up(world, subject)
    }
  })
  |> server.on_message(fn(state, message) { handle(world, state, message) })
  |> server.on_terminate(fn(state, reason) {
    terminate(world, state, reason, scenario.option(of: line, named: "term", or: ""))
  })
  |> server.start
}

/// Starts one that nobody is linked with.
pub fn start_plain(
  world: world.World,
  line: scenario.Line,
  id: String,
) -> Result(start.Started(process.Subject(message.Message)), start.StartError) {
  let answer = process.new_subject()
  process.spawn_unlinked(running: fn() {
    let outcome = start(world, line, id, id, Error(Nil))
    case outcome {
      Ok(started) -> process.unlink(from: started.pid)
      Error(_) -> Nil
    }
    process.send(to: answer, message: outcome)
  })
  let assert Ok(outcome) = process.receive(from: answer, within: patience)
  outcome
}

fn up(
  world: world.World,
  subject: process.Subject(message.Message),
) -> Result(server.Initialised(State, message.Message), String) {
  recorder.came_up(world.recorder, process.self())
  server.initialised(State(me: subject, value: dynamic.int(0)))
  |> server.selecting(
    selector.new()
    |> selector.add(subject: group.subject(of: world.groups), wrapping: message.Tell)
    |> selector.exits(wrapping: message.Linked)
    |> selector.monitors(wrapping: message.Monitored)
    |> table.transfers(
      in: world.runtime,
      key: decode.dynamic,
      value: decode.dynamic,
      wrapping: message.Transferred,
    )
    |> selector.other(wrapping: message.Else),
  )
  |> Ok
}

/// Kills the newest process of an id, and waits until it is dead.
fn kill(world: world.World, id: String) -> Nil {
  case world.pid(world, id) {
    Error(Nil) -> Nil
    Ok(victim) -> {
      let monitor = process.monitor(victim)
      process.kill(victim)
      let assert Ok(_) = process.receive_down(from: monitor, within: patience)
      Nil
    }
  }
}

fn terminate(world: world.World, state: State, reason: process.ExitReason, how: String) -> Nil {
  let me = process.owner(of: state.me)
  recorder.happens(
    world.recorder,
    me,
    "term " <> world.label(world, me) <> " " <> world.show_reason(world, reason),
  )
  case how {
    "slow" -> process.sleep(slow_terminate)
    _ -> Nil
  }
}

// ---- messages ----

fn handle(world: world.World, state: State, message: message.Message) -> server.Next(State) {
  case message {
    message.Call(request, reply) -> call(state, request, reply)
    message.Cast(request) -> cast(state, request)
    message.Carry(operation, reply) -> {
      process.send(to: reply, message: operation())
      server.Continue(state)
    }
    message.Late(reply) -> {
      process.send(to: reply, message: dynamic.string("late"))
      server.Continue(state)
    }
    _ -> {
      let me = process.owner(of: state.me)
      recorder.hears(world.recorder, me, world.label(world, me) <> " " <> described(world, message))
      server.Continue(state)
    }
  }
}

fn call(state: State, request: String, reply: process.Subject(dynamic.Dynamic)) -> server.Next(State) {
  let answered = fn(answer, value) {
    process.send(to: reply, message: answer)
    server.Continue(State(..state, value: value))
  }
  case request {
    "ping" -> answered(dynamic.string("pong"), state.value)
    "get" -> answered(state.value, state.value)
    "set:" <> word -> answered(state.value, words.term(word))
    "add:" <> word ->
      case words.sum(of: state.value, and: words.term(word)) {
        Ok(sum) -> answered(sum, sum)
        Error(Nil) -> stop("badarith")
      }
    "late" -> {
      process.send(to: state.me, message: message.Late(reply))
      server.Continue(state)
    }
    "stopr:" <> reason -> {
      process.send(to: reply, message: dynamic.string("bye"))
      stop(reason)
    }
    _ -> ends_or_goes_on(state, request)
  }
}

fn cast(state: State, request: String) -> server.Next(State) {
  case request {
    "set:" <> word -> server.Continue(State(..state, value: words.term(word)))
    "add:" <> word ->
      case words.sum(of: state.value, and: words.term(word)) {
        Ok(sum) -> server.Continue(State(..state, value: sum))
        Error(Nil) -> stop("badarith")
      }
    _ -> ends_or_goes_on(state, request)
  }
}

/// A handler in Gleam has no way out but its value, and cannot give a wrong one.
fn ends_or_goes_on(state: State, request: String) -> server.Next(State) {
  case request {
    "stop:" <> reason | "exit:" <> reason -> stop(reason)
    "bad" -> stop("bad_return_value")
    _ -> server.Continue(state)
  }
}

fn stop(reason: String) -> server.Next(State) {
  server.StopWith(words.reason(reason))
}

fn described(world: world.World, message: message.Message) -> String {
  case message {
    message.Linked(process.Down(pid, reason)) ->
      "EXIT " <> world.label(world, pid) <> " " <> world.show_reason(world, reason)
    message.Monitored(monitor, process.Down(pid, reason)) -> {
      let #(name, whom) = case world.mark(world, monitor) {
        Ok(#(name, world.Mark(name: Ok(registered), ..))) -> #(name, "@" <> registered)
        Ok(#(name, _)) -> #(name, world.label(world, pid))
        Error(Nil) -> #("task", world.label(world, pid))
      }
      "DOWN " <> name <> " " <> whom <> " " <> world.show_reason(world, reason)
    }
    message.TimeIsUp(value) -> "timer " <> world.show(world, value)
    message.Tell(value) -> "got " <> world.show(world, value)
    message.Continue -> "continue"
    message.Transferred(table.Transfer(moved, from, telling)) ->
      "TRANSFER " <> tables.name(world, moved) <> " " <> world.label(world, from) <> " " <> world.show(world, telling)
    message.Else(other) -> "got " <> world.show(world, other)
    _ -> "?"
  }
}
