//// What cannot be said in Gleam, and why.

import executor/lists
import executor/operation
import executor/scenario

/// Why a scenario cannot be carried out, or `Error(Nil)`.
pub fn why(scenario: scenario.Scenario, supports: fn(String, operation.By) -> Bool) -> Result(String, Nil) {
  let unsaid = lists.find(scenario.declarations, where: fn(line) {
    scenario.option(of: line, named: "strategy", or: "") == "simple_one_for_one"
  })
  let unknown = lists.find(scenario.steps, where: fn(line) { !is_supported(line, supports) })
  case unsaid, unknown {
    Ok(_), _ -> Ok("simple_one_for_one: a supervisor in Gleam has no template; a dynamic one takes any child")
    _, Ok(line) -> Ok(line.text <> ": the executor does not know it")
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
