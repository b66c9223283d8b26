//// Strings, of which the package needs little.

import regrow/decode
import regrow/dynamic

type Where {
  All
  Leading
}

/// All parts between a separator.
pub fn split(text: String, on separator: String) -> List(String) {
  do_split(text, separator, All)
}

/// What is before and behind the first separator.
pub fn split_once(text: String, on separator: String) -> Result(#(String, String), Nil) {
  case do_split(text, separator, Leading) {
    [before, behind] -> Ok(#(before, behind))
    _ -> Error(Nil)
  }
}

pub fn join(parts: List(String), with separator: String) -> String {
  case parts {
    [] -> ""
    [part] -> part
    [part, ..rest] -> part <> separator <> join(rest, separator)
  }
}

pub fn to_int(text: String) -> Result(Int, Nil) {
  whole(do_to_int(text), decode.int)
}

pub fn to_float(text: String) -> Result(Float, Nil) {
  whole(do_to_float(text), decode.float)
}

/// A number that is followed by nothing.
fn whole(parsed: dynamic.Dynamic, decoder: decode.Decoder(a)) -> Result(a, Nil) {
  case decode.run(parsed, decode.pair(of: decoder, and: decode.exactly(""))) {
    Ok(#(number, _)) -> Ok(number)
    Error(_) -> Error(Nil)
  }
}

@external(erlang, "erlang", "integer_to_binary")
pub fn from_int(number: Int) -> String

@external(erlang, "string", "split")
fn do_split(text: String, separator: String, where: Where) -> List(String)

@external(erlang, "string", "to_integer")
fn do_to_int(text: String) -> dynamic.Dynamic

@external(erlang, "string", "to_float")
fn do_to_float(text: String) -> dynamic.Dynamic
