//// Tasks: each is awaited, ended or killed by the process that began it, at once.

import executor/operation
import executor/recorder
import executor/scenario
import executor/words
import executor/world
import regrow/dynamic
import regrow/process
import regrow/selector
import regrow/task
import regrow/task_supervisor

const patience = 20_000

const limit_of_the_hanging = 20

pub fn operations() -> List(operation.Operation) {
  [
    operation.Operation("task_await", operation.Process, await),
    operation.Operation("task_yield", operation.Process, yield),
    operation.Operation("task_shutdown", operation.Process, shutdown),
    operation.Operation("task_kill", operation.Process, kill),
    operation.Operation("task_nolink", operation.Process, nolink),
  ]
}

/// What a task does; who is told so hears that it will do nothing any more.
fn work(
  world: world.World,
  id: String,
  behaviour: String,
  hangs: Result(process.Subject(Nil), Nil),
) -> dynamic.Dynamic {
  let me = process.self()
  recorder.begins(
    world.recorder,
    recorder.Begun(
      id: id,
      kind: recorder.Task,
      pid: me,
      starter: Error(Nil),
      behaviours: ["ok"],
      child_id: id,
      handle: recorder.None,
    ),
  )
  recorder.came_up(world.recorder, me)
  case behaviour {
    "ret:" <> word -> words.term(word)
    "exit:" <> reason -> {
      process.exit(me, with: words.reason(reason))
      dynamic.nil()
    }
    _ -> {
      process.trap_exits(behaviour == "traphang")
      case hangs {
        Ok(subject) -> process.send(to: subject, message: Nil)
        Error(Nil) -> Nil
      }
      process.sleep(patience * 1000)
      dynamic.nil()
    }
  }
}

fn limit(behaviour: String) -> Int {
  case behaviour {
    "hang" | "traphang" -> limit_of_the_hanging
    _ -> patience
  }
}

/// How long a task has to end in that is told to: one that ends then has all the time that it needs.
fn limit_of_ending(behaviour: String) -> Int {
  case behaviour {
    "traphang" -> limit_of_the_hanging
    _ -> patience
  }
}

/// A task, and how long it is waited for.
fn begin(
  world: world.World,
  words: List(String),
  hangs: Result(process.Subject(Nil), Nil),
) -> #(task.Task(dynamic.Dynamic), Int) {
  let assert [id, behaviour, ..] = words
  #(task.async(running: fn() { work(world, id, behaviour, hangs) }), limit(behaviour))
}

/// A task that has ended or hangs.
fn begin_and_wait(world: world.World, words: List(String)) -> task.Task(dynamic.Dynamic) {
  let hangs = process.new_subject()
  let #(begun, _) = begin(world, words, Ok(hangs))
  let pid = task.pid(of: begun)
  let monitor = process.monitor(pid)
  let assert Ok(Nil) =
    selector.new()
    |> selector.add(subject: hangs, wrapping: fn(_) { Nil })
    |> selector.down(of: monitor, wrapping: fn(_) { Nil })
    |> selector.receive(within: patience)
  process.demonitor(pid, monitor)
  begun
}

fn outcome(world: world.World, outcome: Result(dynamic.Dynamic, task.TaskError), late: String) -> String {
  case outcome {
    Ok(value) -> "ok " <> world.show(world, value)
    Error(task.Timeout) -> late
    Error(task.Exited(reason)) -> "exit " <> world.show_reason(world, reason)
    Error(task.Crashed(with)) -> "exit " <> world.show(world, with)
    Error(task.NotTheOwner) -> "error not_owner"
  }
}

fn await(world: world.World, words: List(String), _: scenario.Line) -> String {
  let #(begun, limit) = begin(world, words, Error(Nil))
  outcome(world, task.await(begun, within: limit), "exit timeout")
}

fn yield(world: world.World, words: List(String), _: scenario.Line) -> String {
  let #(begun, limit) = begin(world, words, Error(Nil))
  outcome(world, task.await(begun, within: limit), "nil")
}

fn shutdown(world: world.World, words: List(String), _: scenario.Line) -> String {
  let assert [_, behaviour, ..] = words
  case task.shutdown(begin_and_wait(world, words), within: limit_of_ending(behaviour)) {
    Error(task.Exited(process.Shutdown)) -> "nil"
    other -> outcome(world, other, "nil")
  }
}

fn kill(world: world.World, words: List(String), _: scenario.Line) -> String {
  case task.kill(begin_and_wait(world, words)) {
    Error(task.Exited(process.Killed)) -> "nil"
    other -> outcome(world, other, "nil")
  }
}

/// Unlinked, under a supervisor that is killed then.
fn nolink(world: world.World, words: List(String), _: scenario.Line) -> String {
  let assert [id, behaviour, ..] = words
  let assert Ok(supervisor) = task_supervisor.new() |> task_supervisor.start(in: world.runtime)
  process.unlink(from: supervisor.pid)
  let assert Ok(begun) =
    task_supervisor.async(in: supervisor.data, running: fn() { work(world, id, behaviour, Error(Nil)) })
  let result = outcome(world, task.await(begun, within: limit(behaviour)), "nil")
  process.kill(supervisor.pid)
  result
}
