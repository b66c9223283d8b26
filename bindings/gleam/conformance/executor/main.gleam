//// Carries a scenario of tests/conformance out through the package, and writes its trace.
////
//// Arguments: a scenario; or `--operations`, for the names of the operations that it supports, a line each.
////
//// Exit status 0: done. 77: the scenario uses something that cannot be said in Gleam; what and why is on standard
//// error. Else: failed.

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
import regrow/process
import regrow/runtime

const patience = 20_000

pub fn main() -> Nil {
  case arguments() {
    ["--operations"] -> {
      print(lists.fold(operations(), from: "", with: fn(names, operation) { names <> operation.name <> "\n" }))
      end_with(0)
    }
    [path] ->
      case read(path) {
        Error(Nil) -> {
          complain("cannot read " <> path <> "\n")
          end_with(2)
        }
        Ok(text) ->
          case scenario.parse(text) {
            Error(Nil) -> {
              complain(path <> " is no scenario\n")
              end_with(2)
            }
            Ok(scenario) -> end_with(run(scenario))
          }
      }
    _ -> {
      complain("usage: SCENARIO | --operations\n")
      end_with(2)
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

fn run(scenario: scenario.Scenario) -> Int {
  case unsupported.why(scenario, fn(name, by) { find(name, by) != Error(Nil) }) {
    Ok(reason) -> {
      complain(reason <> "\n")
      77
    }
    Error(Nil) -> {
      process.trap_exits(True)
      let assert Ok(runtime) =
        runtime.new()
        |> runtime.workers(workers())
        |> runtime.log_level(runtime.Silent)
        |> runtime.start
      let world = world.new(scenario, runtime)
      print("scenario " <> scenario.name <> "\n")
      lists.fold(scenario.steps, from: 1, with: fn(number, line) {
        print("step " <> text.from_int(number) <> " " <> line.text <> "\n")
        let result = carry_out(world, line)
        quiet.wait(world)
        let step = recorder.is_over(world.recorder)
        let lines = trace.step(result(step), step)
        print(text.join(lines, with: "\n") <> "\n")
        number + 1
      })
      print(trace.final(recorder.attempts(world.recorder)) <> "\n")
      0
    }
  }
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

@external(erlang, "regrow_gleam_conformance", "arguments")
fn arguments() -> List(String)

@external(erlang, "regrow_gleam_conformance", "workers")
fn workers() -> Int

@external(erlang, "regrow_gleam_conformance", "read")
fn read(path: String) -> Result(String, Nil)

@external(erlang, "regrow_gleam_conformance", "print")
fn print(text: String) -> Nil

@external(erlang, "regrow_gleam_conformance", "complain")
fn complain(text: String) -> Nil

@external(erlang, "regrow_gleam_conformance", "end_with")
fn end_with(status: Int) -> Nil
