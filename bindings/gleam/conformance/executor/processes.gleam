//// Processes: starting and stopping, signals, messages, names, links, monitors, timers.

import executor/lists
import executor/message
import executor/operation
import executor/recorder
import executor/scenario
import executor/text
import executor/words
import executor/worker
import executor/world
import regrow/clock
import regrow/process
import regrow/runtime

const patience = 20_000

const call_time = 1000

pub fn operations() -> List(operation.Operation) {
  [
    operation.Operation("spawn", operation.Main, spawn),
    operation.Operation("stop", operation.Main, stop),
    operation.Operation("exit", operation.Either, exit),
    operation.Operation("alive", operation.Main, alive),
    operation.Operation("sleep", operation.Main, sleep),
    operation.Operation("call", operation.Either, call),
    operation.Operation("cast", operation.Main, cast),
    operation.Operation("send", operation.Either, send),
    operation.Operation("register", operation.Either, register),
    operation.Operation("unregister", operation.Either, unregister),
    operation.Operation("whereis", operation.Main, whereis),
    operation.Operation("link", operation.Process, link),
    operation.Operation("unlink", operation.Process, unlink),
    operation.Operation("monitor", operation.Process, monitor),
    operation.Operation("demonitor", operation.Process, demonitor),
    operation.Operation("trap", operation.Process, trap),
    operation.Operation("timer", operation.Process, timer),
    operation.Operation("cancel", operation.Process, fn(world, words, _) { left(world, words, clock.cancel) }),
    operation.Operation("read_timer", operation.Process, fn(world, words, _) { left(world, words, clock.time_left) }),
  ]
}

fn spawn(world: world.World, words: List(String), line: scenario.Line) -> String {
  let assert [id, ..] = words
  let plain = scenario.Line(..line, options: lists.filter(line.options, where: fn(option) { option.0 == "trap" }))
  case worker.start_plain(world, plain, id) {
    Ok(started) -> "ok " <> world.label(world, started.pid)
    Error(error) -> "error " <> operation.show_start_error(world, error)
  }
}

fn stop(world: world.World, words: List(String), _: scenario.Line) -> String {
  let assert [name, reason, ..] = words
  use pid <- operation.with_pid(world, name, or: "error noproc")
  case process.stop_with(pid, reason: words.reason(reason), within: patience) {
    Ok(Nil) -> "ok"
    Error(error) -> operation.show_call_error(world, error)
  }
}

fn exit(world: world.World, words: List(String), _: scenario.Line) -> String {
  let assert [name, reason, ..] = words
  use pid <- operation.with_pid(world, name, or: "error noproc")
  process.exit(pid, with: words.reason(reason))
  "ok"
}

fn alive(world: world.World, words: List(String), _: scenario.Line) -> String {
  let assert [name, ..] = words
  use pid <- operation.with_pid(world, name, or: "error noproc")
  words.show_bool(process.is_alive(pid))
}

fn sleep(_: world.World, words: List(String), _: scenario.Line) -> String {
  let assert [milliseconds, ..] = words
  let assert Ok(number) = text.to_int(milliseconds)
  process.sleep(number)
  "ok"
}

// ---- messages ----

fn call(world: world.World, words: List(String), _: scenario.Line) -> String {
  let assert [name, request, ..rest] = words
  let milliseconds = case rest {
    [word, ..] -> text.to_int(word)
    [] -> Ok(call_time)
  }
  case world.target(world, name), milliseconds {
    Error(Nil), _ -> "error noproc"
    _, Error(Nil) -> "error badarg"
    Ok(subject), Ok(milliseconds) -> operation.call(world, subject, request, milliseconds)
  }
}

fn cast(world: world.World, words: List(String), _: scenario.Line) -> String {
  let assert [name, request, ..] = words
  case world.target(world, name), name {
    Ok(subject), _ -> {
      process.send(to: subject, message: message.Cast(request))
      "ok"
    }
    Error(Nil), "@" <> _ -> "ok"
    Error(Nil), _ -> "error noproc"
  }
}

fn send(world: world.World, words: List(String), _: scenario.Line) -> String {
  let assert [name, value, ..] = words
  case world.target(world, name), name {
    Ok(subject), _ -> {
      process.send(to: subject, message: message.Tell(words.term(value)))
      "ok"
    }
    Error(Nil), "@" <> _ -> "error badarg"
    Error(Nil), _ -> "error noproc"
  }
}

// ---- names ----

fn register(world: world.World, words: List(String), _: scenario.Line) -> String {
  let give = fn(name, pid) {
    case runtime.register(world.runtime, pid: pid, named: name) {
      Ok(Nil) -> "true"
      Error(_) -> "error badarg"
    }
  }
  case words {
    [name, whom, ..] -> {
      use pid <- operation.with_pid(world, whom, or: "error noproc")
      give(name, pid)
    }
    [name] -> give(name, process.self())
    [] -> "error badarg"
  }
}

fn unregister(world: world.World, words: List(String), _: scenario.Line) -> String {
  let assert [name, ..] = words
  case runtime.unregister(world.runtime, name) {
    Ok(Nil) -> "true"
    Error(Nil) -> "error badarg"
  }
}

fn whereis(world: world.World, words: List(String), _: scenario.Line) -> String {
  let assert [name, ..] = words
  case runtime.whereis(world.runtime, name) {
    Ok(pid) -> world.label(world, pid)
    Error(Nil) -> "undefined"
  }
}

// ---- links, monitors, traps ----

// For one that never was there is no pid.
fn link(world: world.World, words: List(String), _: scenario.Line) -> String {
  let assert [name, ..] = words
  use pid <- operation.with_pid(world, name, or: "error badarg")
  case process.link(with: pid) {
    Ok(Nil) -> "true"
    Error(Nil) -> "error noproc"
  }
}

fn unlink(world: world.World, words: List(String), _: scenario.Line) -> String {
  let assert [name, ..] = words
  use pid <- operation.with_pid(world, name, or: "error badarg")
  process.unlink(from: pid)
  "true"
}

fn monitor(world: world.World, words: List(String), line: scenario.Line) -> String {
  let assert [name, ..] = words
  let marking = fn(pid, registered) {
    let mark = world.Mark(monitor: process.monitor(pid), pid: pid, name: registered)
    let key = scenario.option(of: line, named: "as", or: "")
    world.change(world, with: fn(store) { world.Store(..store, marks: [#(key, mark), ..store.marks]) })
    "ok"
  }
  case name {
    "@" <> registered ->
      case runtime.whereis(world.runtime, registered) {
        Ok(pid) -> marking(pid, Ok(registered))
        Error(Nil) -> marking(nobody(), Ok(registered))
      }
    _ -> {
      use pid <- operation.with_pid(world, name, or: "error noproc")
      marking(pid, Error(Nil))
    }
  }
}

/// A process that is dead.
fn nobody() -> process.Pid {
  let pid = process.spawn_unlinked(running: fn() { Nil })
  let monitor = process.monitor(pid)
  let assert Ok(_) = process.receive_down(from: monitor, within: patience)
  pid
}

fn demonitor(world: world.World, words: List(String), _: scenario.Line) -> String {
  let assert [name, ..flags] = words
  case lists.value(world.stored(world).marks, of: name) {
    Error(Nil) -> "error badarg"
    Ok(mark) -> {
      let was_there = process.demonitor(mark.pid, mark.monitor)
      words.show_bool(was_there || !lists.contains(flags, "info"))
    }
  }
}

fn trap(_: world.World, words: List(String), _: scenario.Line) -> String {
  words.show_bool(process.trap_exits(words == ["true"]))
}

// ---- timers ----

fn timer(world: world.World, words: List(String), _: scenario.Line) -> String {
  let assert [name, word, value, ..] = words
  let me = recorder.of_pid(world.recorder, process.self())
  case me, text.to_int(word) {
    Ok(recorder.Attempt(handle: recorder.Talks(subject), ..)), Ok(milliseconds) -> {
      let message = message.TimeIsUp(words.term(value))
      let assert Ok(timer) = clock.send_after(in: world.runtime, to: subject, within: milliseconds, message: message)
      world.change(world, with: fn(store) {
        world.Store(..store, timers: [#(name, #(timer, milliseconds)), ..store.timers])
      })
      "ok"
    }
    _, _ -> "error badarg"
  }
}

fn left(world: world.World, words: List(String), ask: fn(clock.Timer) -> Result(Int, clock.TimerError)) -> String {
  let assert [name, ..] = words
  case lists.value(world.stored(world).timers, of: name) {
    Error(Nil) -> "false"
    Ok(#(timer, _)) ->
      case ask(timer) {
        Ok(_) -> "left"
        Error(_) -> "false"
      }
  }
}
