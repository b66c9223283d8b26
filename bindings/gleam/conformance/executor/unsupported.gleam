//// What cannot be said in Gleam, and why: by operations, and by options of declarations.

import executor/lists
import executor/operation
import executor/scenario

/// Why a scenario cannot be carried out, or `Error(Nil)`.
pub fn why(scenario: scenario.Scenario, supports: fn(String, operation.By) -> Bool) -> Result(String, Nil) {
  let unsaid = lists.find(scenario.declarations, where: fn(line) {
    scenario.option(of: line, named: "strategy", or: "") == "simple_one_for_one"
  })
  let undone = lists.find(scenario.steps, where: fn(line) { !is_supported(line, supports) })
  case unsaid, undone {
    Ok(_), _ -> Ok("simple_one_for_one: a supervisor in Gleam has no template; a dynamic one takes any child")
    _, Ok(line) -> Ok(name(line) <> ": " <> reason(name(line)))
    Error(Nil), Error(Nil) -> Error(Nil)
  }
}

fn is_supported(line: scenario.Line, supports: fn(String, operation.By) -> Bool) -> Bool {
  case line.words {
    ["do", _, name, ..] -> supports(name, operation.Process)
    [name, ..] -> supports(name, operation.Main)
    [] -> False
  }
}

fn name(line: scenario.Line) -> String {
  case line.words {
    ["do", _, name, ..] -> name
    [name, ..] -> name
    [] -> ""
  }
}

fn reason(name: String) -> String {
  case name {
    "task_nolink" -> "there is no task supervisor in Gleam"
    _ -> "the executor does not know it"
  }
}
