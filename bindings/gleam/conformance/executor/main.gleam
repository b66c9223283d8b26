//// Carries scenarios of tests/conformance out through the package, and answers with their traces. It is asked as the
//// reference is (tests/conformance/reference/reference.erl), by executor.py:
////
//// Standard input has a line `0 FILE` for each scenario. The answer is a line `KIND BYTES` and that many bytes: the
//// trace (KIND `trace`), why the scenario cannot be said in Gleam (`unsupported`), or what went wrong (`failed`). A
//// line `operations` is answered with the names of the operations, a line each.
////
//// One scenario at a time, on one scheduler. What is there afterwards and was not before belongs to it, and is killed.

import executor/agents
import executor/groups
import executor/lists
import executor/message
import executor/operation
import executor/processes
import executor/quiet
import executor/recorder
import executor/registries
import executor/scenario
import executor/supervisors
import executor/tables
import executor/tasks
import executor/text
import executor/trace
import executor/unsupported
import executor/world
import regrow/dynamic
import regrow/process
import regrow/runtime
import regrow/selector

const patience = 20_000

const longest_run = 40_000

type Answer {
  Answer(kind: String, text: String)
}

pub fn main() -> Nil {
  case line() {
    Error(Nil) -> end()
    Ok(asked) -> {
      let answer = case text.split_once(asked, on: " ") {
        Ok(#(_, path)) -> run_alone(path)
        Error(Nil) -> Answer("operations", names())
      }
      print(answer.kind <> " " <> text.from_int(size(answer.text)) <> "\n" <> answer.text)
      main()
    }
  }
}

fn names() -> String {
  let names = lists.map(operations(), with: fn(operation) { operation.name <> "\n" })
  text.join(lists.sort_once(names), with: "")
}

/// In a process of its own, which is the scenario's main.
fn run_alone(path: String) -> Answer {
  let before = all_processes()
  let answers = process.new_subject()
  let main = process.spawn_unlinked(running: fn() { process.send(to: answers, message: run_file(path)) })
  let monitor = process.monitor(main)
  let outcome =
    selector.new()
    |> selector.add(subject: answers, wrapping: fn(answer) { answer })
    |> selector.down(of: monitor, wrapping: fn(down) { Answer("failed", dynamic.inspect(dynamic.from(down.reason))) })
    |> selector.receive(within: longest_run)
  kill_all_but(before)
  process.demonitor(main, monitor)
  case outcome {
    Ok(answer) -> answer
    Error(_) -> Answer("failed", "it hangs")
  }
}

/// Supervisors start new ones while theirs are killed, so until there is none.
fn kill_all_but(before: List(process.Pid)) -> Nil {
  let left = lists.filter(all_processes(), where: fn(pid) { !lists.contains(before, pid) })
  case left {
    [] -> Nil
    _ -> {
      lists.map(left, with: process.kill)
      process.sleep(0)
      kill_all_but(before)
    }
  }
}

fn run_file(path: String) -> Answer {
  case read(path) {
    Error(Nil) -> Answer("failed", "cannot read " <> path)
    Ok(text) ->
      case scenario.parse(text) {
        Error(Nil) -> Answer("failed", path <> " is no scenario")
        Ok(scenario) ->
          case unsupported.why(scenario, fn(name, by) { find(name, by) != Error(Nil) }) {
            Ok(reason) -> Answer("unsupported", reason)
            Error(Nil) -> Answer("trace", run(scenario))
          }
      }
  }
}

fn operations() -> List(operation.Operation) {
  lists.flatten([
    supervisors.operations(),
    processes.operations(),
    registries.operations(),
    tables.operations(),
    groups.operations(),
    agents.operations(),
    tasks.operations(),
  ])
}

fn find(name: String, by: operation.By) -> Result(operation.Operation, Nil) {
  lists.find(operations(), where: fn(operation: operation.Operation) {
    operation.name == name && { operation.by == by || operation.by == operation.Either }
  })
}

fn run(scenario: scenario.Scenario) -> String {
  process.trap_exits(True)
  let assert Ok(runtime) =
    runtime.new()
    |> runtime.workers(workers())
    |> runtime.log_level(runtime.Silent)
    |> runtime.start
  let world = world.new(scenario, runtime)
  let lines =
    lists.fold(scenario.steps, from: ["scenario " <> scenario.name], with: fn(lines, line) {
      let result = carry_out(world, line)
      quiet.wait(world)
      let step = recorder.is_over(world.recorder)
      let first = "step " <> text.from_int(step.number) <> " " <> line.text
      lists.append(lines, [first, ..trace.step(result(step), step)])
    })
  text.join(lines, with: "\n") <> "\n" <> trace.final(recorder.attempts(world.recorder)) <> "\n"
}

/// Does a step, and gives its result once the step is over: what a dead process answered does not count.
fn carry_out(world: world.World, line: scenario.Line) -> fn(recorder.Step) -> String {
  case line.words {
    ["do", whom, name, ..rest] ->
      case recorder.named(world.recorder, whom) {
        Ok(recorder.Attempt(handle: recorder.Talks(subject), ended: Error(Nil), label: label, ..)) -> {
          let assert Ok(operation) = find(name, operation.Process)
          let carrying = fn(reply) { message.Carry(fn() { operation.run(world, rest, line) }, reply) }
          let result = case process.call(subject, sending: carrying, within: patience) {
            Ok(result) -> result
            Error(error) -> operation.show_call_error(world, error)
          }
          fn(step) { died_or(step, label, result) }
        }
        _ -> fn(_) { "error noproc" }
      }
    [name, ..rest] -> {
      let assert Ok(operation) = find(name, operation.Main)
      let result = operation.run(world, rest, line)
      fn(_) { result }
    }
    [] -> fn(_) { "error badarg" }
  }
}

fn died_or(step: recorder.Step, label: String, result: String) -> String {
  let found = lists.find(step.attempts, where: fn(attempt: recorder.Attempt) { attempt.label == label })
  case found {
    Ok(recorder.Attempt(ended: Ok(#(_, reason)), ..)) -> "died " <> reason
    _ -> result
  }
}

@external(erlang, "regrow_gleam_conformance", "line")
fn line() -> Result(String, Nil)

@external(erlang, "regrow_gleam_conformance", "read")
fn read(path: String) -> Result(String, Nil)

@external(erlang, "regrow_gleam_conformance", "print")
fn print(text: String) -> Nil

@external(erlang, "regrow_gleam_conformance", "end")
fn end() -> Nil

@external(erlang, "regrow_gleam_conformance", "workers")
fn workers() -> Int

@external(erlang, "erlang", "processes")
fn all_processes() -> List(process.Pid)

@external(erlang, "erlang", "byte_size")
fn size(text: String) -> Int
