//// A scenario file (tests/conformance/FORMAT.md, section 1).

import executor/lists
import executor/text

/// One item: its text, its words without `=`, and its options.
pub type Line {
  Line(text: String, words: List(String), options: List(#(String, String)))
}

pub type Scenario {
  Scenario(name: String, declarations: List(Line), steps: List(Line))
}

/// `Error(Nil)`: it does not begin as a scenario does.
pub fn parse(text: String) -> Result(Scenario, Nil) {
  let lines =
    text.split(text, on: "\n")
    |> lists.filter(where: fn(line) {
      case line {
        "" | "#" <> _ -> False
        _ -> True
      }
    })
    |> lists.map(with: line)
  case lines {
    [Line(_, ["scenario", name], _), ..rest] ->
      Ok(Scenario(
        name: name,
        declarations: lists.filter(rest, where: is_declaration),
        steps: lists.filter(rest, where: fn(line) { !is_declaration(line) }),
      ))
    _ -> Error(Nil)
  }
}

pub fn line(text: String) -> Line {
  let tokens =
    text.split(text, on: " ")
    |> lists.map(with: fn(token) { #(token, text.split_once(token, on: "=")) })
  Line(
    text: text,
    words: tokens
    |> lists.filter(where: fn(token) { token.1 == Error(Nil) })
    |> lists.map(with: fn(token) { token.0 }),
    options: lists.fold(tokens, from: [], with: fn(options, token) {
      case token.1 {
        Ok(option) -> [option, ..options]
        Error(Nil) -> options
      }
    }),
  )
}

fn is_declaration(line: Line) -> Bool {
  case line.words {
    ["sup", ..] | ["dsup", ..] | ["worker", ..] -> True
    _ -> False
  }
}

/// An option's value, or what holds without it.
pub fn option(of line: Line, named name: String, or default: String) -> String {
  case lists.value(line.options, of: name) {
    Ok(value) -> value
    Error(Nil) -> default
  }
}

pub fn declaration(in scenario: Scenario, of id: String) -> Result(Line, Nil) {
  lists.find(scenario.declarations, where: fn(line) {
    case line.words {
      [_, declared, ..] -> declared == id
      _ -> False
    }
  })
}

/// What stands in the initial specification of a supervisor.
pub fn children(in scenario: Scenario, of id: String) -> List(Line) {
  lists.filter(scenario.declarations, where: fn(line) { option(of: line, named: "in", or: "") == id })
}
