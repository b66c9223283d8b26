//// The words of scenarios as values, and the way back. What is an atom there is a string here, which is as good: no
//// atom is made of a scenario's words. Only those reasons are atoms that mean something.

import executor/lists
import executor/text
import regrow/decode
import regrow/dynamic
import regrow/process

type Meaning {
  Shutdown
  Kill
  Killed
  Noproc
}

type Wrapper {
  StartError
  InitFailed
}

pub fn term(word: String) -> dynamic.Dynamic {
  case text.to_int(word), text.to_float(word) {
    Ok(number), _ -> dynamic.int(number)
    _, Ok(number) -> dynamic.float(number)
    _, _ -> dynamic.string(word)
  }
}

/// The sum of two numbers; `Error(Nil)` if one is none.
pub fn sum(of first: dynamic.Dynamic, and second: dynamic.Dynamic) -> Result(dynamic.Dynamic, Nil) {
  case decode.int(first), decode.int(second), number(first), number(second) {
    Ok(a), Ok(b), _, _ -> Ok(dynamic.int(a + b))
    _, _, Ok(a), Ok(b) -> Ok(dynamic.float(a +. b))
    _, _, _, _ -> Error(Nil)
  }
}

pub fn is_same_number(first: dynamic.Dynamic, second: dynamic.Dynamic) -> Bool {
  case number(first), number(second) {
    Ok(a), Ok(b) -> a == b
    _, _ -> False
  }
}

fn number(value: dynamic.Dynamic) -> Result(Float, Nil) {
  case decode.int(value), decode.float(value) {
    Ok(number), _ -> Ok(to_float(number))
    _, Ok(number) -> Ok(number)
    _, _ -> Error(Nil)
  }
}

/// `a:b:c` is `a` with (`b` with `c`).
pub fn reason(word: String) -> process.ExitReason {
  case word {
    "normal" -> process.Normal
    "shutdown" -> process.Shutdown
    _ -> process.Abnormal(reason_term(word))
  }
}

fn reason_term(word: String) -> dynamic.Dynamic {
  case text.split_once(word, on: ":") {
    Ok(#(first, rest)) -> dynamic.tuple([reason_term(first), reason_term(rest)])
    Error(Nil) ->
      case word {
        "shutdown" -> dynamic.from(Shutdown)
        "kill" -> dynamic.from(Kill)
        "killed" -> dynamic.from(Killed)
        "noproc" -> dynamic.from(Noproc)
        _ -> dynamic.string(word)
      }
  }
}

/// A value as a word of a trace; `label` names processes.
pub fn show(value: dynamic.Dynamic, label: fn(process.Pid) -> String) -> String {
  case decode.string(value), decode.pid(value), parts(value) {
    Ok(text), _, _ -> text
    _, Ok(pid), _ -> label(pid)
    _, _, Ok(parts) ->
      parts
      |> lists.map(with: fn(part) { show(part, label) })
      |> text.join(with: ":")
    _, _, _ -> dynamic.inspect(value)
  }
}

/// The elements of a tuple; without what the package wraps the reasons of servers in that do not start.
fn parts(value: dynamic.Dynamic) -> Result(List(dynamic.Dynamic), Nil) {
  let wrapper = decode.one_of(decode.exactly(StartError), or: [decode.exactly(InitFailed)])
  let wrapped = decode.pair(of: wrapper, and: decode.dynamic)
  case decode.run(value, wrapped) {
    Ok(#(_, inside)) -> Ok([inside])
    Error(_) -> elements(value, 0)
  }
}

fn elements(value: dynamic.Dynamic, index: Int) -> Result(List(dynamic.Dynamic), Nil) {
  case decode.run(value, decode.element(at: index, of: decode.dynamic, then: decode.success)), index {
    Error(_), 0 -> Error(Nil)
    Error(_), _ -> Ok([])
    Ok(element), _ ->
      case elements(value, index + 1) {
        Ok(rest) -> Ok([element, ..rest])
        Error(Nil) -> Ok([element])
      }
  }
}

pub fn show_reason(reason: process.ExitReason, label: fn(process.Pid) -> String) -> String {
  case reason {
    process.Normal -> "normal"
    process.Shutdown -> "shutdown"
    process.Killed -> "killed"
    process.Abnormal(reason) -> show(reason, label)
  }
}

pub fn show_bool(truth: Bool) -> String {
  case truth {
    True -> "true"
    False -> "false"
  }
}

@external(erlang, "erlang", "float")
fn to_float(number: Int) -> Float
