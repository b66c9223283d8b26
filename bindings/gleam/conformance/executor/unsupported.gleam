//// What cannot be said in Gleam, and why.

import executor/lists
import executor/operation
import executor/scenario

/// Why a scenario cannot be carried out, or `Error(Nil)`.
pub fn why(scenario: scenario.Scenario, supports: fn(String, operation.By) -> Bool) -> Result(String, Nil) {
  let untyped = lists.find(scenario.steps, where: fn(line) { goes_by_an_id(scenario, line) })
  let unknown = lists.find(scenario.steps, where: fn(line) { !is_supported(line, supports) })
  case untyped, unknown {
    Ok(_), _ -> Ok("simple_one_for_one: a factory supervisor in Gleam cannot be asked for children by ids")
    _, Ok(line) -> Ok(line.text <> ": the executor does not know it")
    Error(Nil), Error(Nil) -> Error(Nil)
  }
}

/// What only an untyped supervisor can be asked, and refuses.
fn goes_by_an_id(scenario: scenario.Scenario, line: scenario.Line) -> Bool {
  case line.words {
    ["restart_child", top, ..] | ["delete_child", top, ..] | ["get_childspec", top, ..] -> is_factory(scenario, top)
    ["terminate_child", top, "id:" <> _, ..] -> is_factory(scenario, top)
    _ -> False
  }
}

fn is_factory(scenario: scenario.Scenario, id: String) -> Bool {
  case scenario.declaration(in: scenario, of: id) {
    Ok(line) -> scenario.option(of: line, named: "strategy", or: "") == "simple_one_for_one"
    Error(Nil) -> False
  }
}

fn is_supported(line: scenario.Line, supports: fn(String, operation.By) -> Bool) -> Bool {
  case line.words {
    ["do", _, name, ..] -> supports(name, operation.Process)
    [name, ..] -> supports(name, operation.Main)
    [] -> False
  }
}
