//// What a value must look like to have a type. A decoder is a function, so those here are used as they are:
////
//// ```gleam
//// gen_server.call(counter, dynamic.from(Get), decode.int, within: 1000)
//// ```
////
//// and larger ones are put together with `use`:
////
//// ```gleam
//// use id <- decode.field(named: "id", of: decode.int)
//// use name <- decode.field(named: "name", of: decode.string)
//// decode.success(User(id, name))
//// ```
////
//// A decoder never fails in another way than by `Error`.

import regrow/dynamic
import regrow/process

/// What was expected, what was there, and where: indices of tuples and lists, and keys of maps, from the outside in.
pub type DecodeError {
  DecodeError(expected: String, found: String, path: List(String))
}

/// What makes a value of one type of one without, or says what was there instead.
pub type Decoder(a) =
  fn(dynamic.Dynamic) -> Result(a, List(DecodeError))

/// Decodes a value.
pub fn run(value: dynamic.Dynamic, decoder: Decoder(a)) -> Result(a, List(DecodeError)) {
  decoder(value)
}

/// An integer, of any size.
pub fn int(value: dynamic.Dynamic) -> Result(Int, List(DecodeError)) {
  expect("Int", do_int(value))
}

/// A float. An integer is none.
pub fn float(value: dynamic.Dynamic) -> Result(Float, List(DecodeError)) {
  expect("Float", do_float(value))
}

/// A binary that is UTF-8.
pub fn string(value: dynamic.Dynamic) -> Result(String, List(DecodeError)) {
  expect("String", do_string(value))
}

/// Any binary or bitstring.
pub fn bits(value: dynamic.Dynamic) {
  // The type has no name that all versions of the language know; the segment gives it.
  case do_bits(value) {
    Ok(bits) -> Ok(<<coerce(bits):bits>>)
    Error(found) -> Error([DecodeError("Bits", found, [])])
  }
}

/// The atom `true` or `false`.
pub fn bool(value: dynamic.Dynamic) -> Result(Bool, List(DecodeError)) {
  expect("Bool", do_bool(value))
}

/// The atom `nil`.
pub fn nil(value: dynamic.Dynamic) -> Result(Nil, List(DecodeError)) {
  expect("Nil", do_nil(value))
}

/// A process of either kind.
pub fn pid(value: dynamic.Dynamic) -> Result(process.Pid, List(DecodeError)) {
  expect("Pid", do_pid(value))
}

/// A subject. Which messages it takes cannot be seen: the caller says so.
pub fn subject(value: dynamic.Dynamic) -> Result(process.Subject(message), List(DecodeError)) {
  expect("Subject", do_subject(value))
}

/// Any value, as it is.
pub fn dynamic(value: dynamic.Dynamic) -> Result(dynamic.Dynamic, List(DecodeError)) {
  Ok(value)
}

/// Exactly this value, which any may be: a constructor without fields for an atom.
pub fn exactly(wanted: a) -> Decoder(a) {
  fn(value) {
    case value == dynamic.from(wanted) {
      True -> Ok(wanted)
      False -> Error([DecodeError(dynamic.inspect(dynamic.from(wanted)), dynamic.inspect(value), [])])
    }
  }
}

/// A list, all of whose items are of one kind. Tells of the first that is not.
pub fn list(of item: Decoder(a)) -> Decoder(List(a)) {
  fn(value) {
    case expect("List", do_list(value)) {
      Ok(items) -> do_items(items, item, 0, [])
      Error(errors) -> Error(errors)
    }
  }
}

/// An element of a tuple, counted from 0, and then the rest.
pub fn element(at index: Int, of decoder: Decoder(a), then next: fn(a) -> Decoder(b)) -> Decoder(b) {
  let name = int_to_string(index)
  inside(fn(value) { do_element(index, value) }, "Tuple with " <> name, name, decoder, next)
}

/// The value of a key in a map, and then the rest. The key is any value: a string, or a constructor for an atom.
pub fn field(named key: key, of decoder: Decoder(a), then next: fn(a) -> Decoder(b)) -> Decoder(b) {
  let name = dynamic.inspect(dynamic.from(key))
  inside(fn(value) { do_value(key, value) }, "Map with " <> name, name, decoder, next)
}

/// A tuple of two.
pub fn pair(of first: Decoder(a), and second: Decoder(b)) -> Decoder(#(a, b)) {
  use a <- element(0, first)
  use b <- element(1, second)
  success(#(a, b))
}

/// No value is looked at any more: the end of a decoder that is put together.
pub fn success(result: a) -> Decoder(a) {
  fn(_) { Ok(result) }
}

/// No value will do.
pub fn failure(expected expected: String) -> Decoder(a) {
  fn(value) { Error([DecodeError(expected, dynamic.classify(value), [])]) }
}

/// What a function makes of a decoded value.
pub fn map(decoder: Decoder(a), with function: fn(a) -> b) -> Decoder(b) {
  fn(value) {
    case decoder(value) {
      Ok(decoded) -> Ok(function(decoded))
      Error(errors) -> Error(errors)
    }
  }
}

/// Goes on with the decoder that the decoded value leads to, on the same value.
pub fn then(decoder: Decoder(a), with next: fn(a) -> Decoder(b)) -> Decoder(b) {
  fn(value) {
    case decoder(value) {
      Ok(decoded) -> next(decoded)(value)
      Error(errors) -> Error(errors)
    }
  }
}

/// The first decoder that fits. If none does, the errors are those of the first.
pub fn one_of(first: Decoder(a), or others: List(Decoder(a))) -> Decoder(a) {
  fn(value) {
    case first(value) {
      Ok(decoded) -> Ok(decoded)
      Error(errors) -> do_one_of(value, others, errors)
    }
  }
}

fn do_one_of(
  value: dynamic.Dynamic,
  others: List(Decoder(a)),
  errors: List(DecodeError),
) -> Result(a, List(DecodeError)) {
  case others {
    [] -> Error(errors)
    [decoder, ..rest] ->
      case decoder(value) {
        Ok(decoded) -> Ok(decoded)
        Error(_) -> do_one_of(value, rest, errors)
      }
  }
}

fn do_items(
  items: List(dynamic.Dynamic),
  decoder: Decoder(a),
  index: Int,
  done: List(a),
) -> Result(List(a), List(DecodeError)) {
  case items {
    [] -> Ok(reverse(done))
    [item, ..rest] ->
      case decoder(item) {
        Ok(decoded) -> do_items(rest, decoder, index + 1, [decoded, ..done])
        Error(errors) -> Error(under(int_to_string(index), errors))
      }
  }
}

fn inside(
  take: fn(dynamic.Dynamic) -> Result(dynamic.Dynamic, String),
  expected: String,
  name: String,
  decoder: Decoder(a),
  next: fn(a) -> Decoder(b),
) -> Decoder(b) {
  fn(value) {
    case expect(expected, take(value)) {
      Error(errors) -> Error(errors)
      Ok(part) ->
        case decoder(part) {
          Ok(decoded) -> next(decoded)(value)
          Error(errors) -> Error(under(name, errors))
        }
    }
  }
}

fn under(name: String, errors: List(DecodeError)) -> List(DecodeError) {
  case errors {
    [] -> []
    [DecodeError(expected, found, path), ..rest] -> [DecodeError(expected, found, [name, ..path]), ..under(name, rest)]
  }
}

fn expect(expected: String, outcome: Result(a, String)) -> Result(a, List(DecodeError)) {
  case outcome {
    Ok(value) -> Ok(value)
    Error(found) -> Error([DecodeError(expected, found, [])])
  }
}

@external(erlang, "regrow_gleam_dynamic", "int")
fn do_int(value: dynamic.Dynamic) -> Result(Int, String)

@external(erlang, "regrow_gleam_dynamic", "float")
fn do_float(value: dynamic.Dynamic) -> Result(Float, String)

@external(erlang, "regrow_gleam_dynamic", "string")
fn do_string(value: dynamic.Dynamic) -> Result(String, String)

@external(erlang, "regrow_gleam_dynamic", "bits")
fn do_bits(value: dynamic.Dynamic) -> Result(dynamic.Dynamic, String)

@external(erlang, "regrow_gleam_dynamic", "bool")
fn do_bool(value: dynamic.Dynamic) -> Result(Bool, String)

@external(erlang, "regrow_gleam_dynamic", "nil")
fn do_nil(value: dynamic.Dynamic) -> Result(Nil, String)

@external(erlang, "regrow_gleam_dynamic", "pid")
fn do_pid(value: dynamic.Dynamic) -> Result(process.Pid, String)

@external(erlang, "regrow_gleam_dynamic", "subject")
fn do_subject(value: dynamic.Dynamic) -> Result(process.Subject(message), String)

@external(erlang, "regrow_gleam_dynamic", "list")
fn do_list(value: dynamic.Dynamic) -> Result(List(dynamic.Dynamic), String)

@external(erlang, "regrow_gleam_dynamic", "element")
fn do_element(index: Int, value: dynamic.Dynamic) -> Result(dynamic.Dynamic, String)

@external(erlang, "regrow_gleam_dynamic", "value")
fn do_value(key: key, value: dynamic.Dynamic) -> Result(dynamic.Dynamic, String)

@external(erlang, "regrow_gleam_dynamic", "identity")
fn coerce(value: dynamic.Dynamic) -> a

@external(erlang, "erlang", "integer_to_binary")
fn int_to_string(value: Int) -> String

@external(erlang, "lists", "reverse")
fn reverse(items: List(a)) -> List(a)
