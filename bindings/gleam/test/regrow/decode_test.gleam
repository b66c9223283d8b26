import regrow/decode
import regrow/dynamic
import regrow/process

pub type Request {
  GetCount
}

pub fn what_is_encoded_is_decoded_test() {
  let assert Ok(42) = decode.int(dynamic.int(42))
  let assert Ok("seven") = decode.string(dynamic.string("seven"))
  let assert Ok(True) = decode.bool(dynamic.bool(True))
  let assert Ok(Nil) = decode.nil(dynamic.nil())
  let assert Ok(1.5) = decode.float(dynamic.float(1.5))
  let assert Ok([1, 2]) = decode.run(dynamic.list([dynamic.int(1), dynamic.int(2)]), decode.list(of: decode.int))
  let me = process.self()
  let assert True = decode.pid(dynamic.from(me)) == Ok(me)
  let assert Ok(_) = decode.bits(dynamic.string("x"))
}

pub fn the_wrong_decoder_is_an_error_with_its_place_test() {
  let assert Error([decode.DecodeError("Int", "String", [])]) = decode.int(dynamic.string("42"))
  let assert Error([decode.DecodeError("String", "Bytes", [])]) = decode.string(dynamic.from(<<255, 254>>))
  let value = dynamic.tuple([dynamic.int(1), dynamic.list([dynamic.int(2), dynamic.bool(True)])])
  let decoder = decode.pair(of: decode.int, and: decode.list(of: decode.int))
  let assert Error([decode.DecodeError("Int", "Bool", ["1", "1"])]) = decode.run(value, decoder)
  let assert Error([decode.DecodeError("Subject", "Int", [])]) = decode.subject(dynamic.int(1))
}

pub fn an_improper_list_is_an_error_test() {
  let assert Error([decode.DecodeError("List", "List", [])]) =
    decode.run(improper(dynamic.int(1), dynamic.int(2)), decode.list(of: decode.int))
}

pub fn decoders_are_put_together_test() {
  let value =
    dynamic.map([#(dynamic.string("id"), dynamic.int(7)), #(dynamic.from(GetCount), dynamic.string("seven"))])
  let decoder = {
    use id <- decode.field(named: "id", of: decode.int)
    use name <- decode.field(named: GetCount, of: decode.string)
    decode.success(#(id, name))
  }
  let assert Ok(#(7, "seven")) = decode.run(value, decoder)
  let assert Error([decode.DecodeError("Map with <<\"id\">>", "nothing", [])]) = decode.run(dynamic.map([]), decoder)
  let assert Error([decode.DecodeError("Map with <<\"id\">>", "Int", [])]) = decode.run(dynamic.int(1), decoder)
  let number_or_none = decode.one_of(decode.map(decode.int, with: Ok), or: [decode.map(decode.nil, with: Error)])
  let assert Ok(Ok(1)) = decode.run(dynamic.int(1), number_or_none)
  let assert Ok(Error(Nil)) = decode.run(dynamic.nil(), number_or_none)
  let assert Error([decode.DecodeError("Int", "Bool", [])]) = decode.run(dynamic.bool(False), number_or_none)
}

pub fn a_constructor_is_an_atom_and_no_string_becomes_one_test() {
  let assert Ok(atom) = dynamic.existing_atom("get_count")
  let assert Ok(GetCount) = decode.run(atom, decode.exactly(GetCount))
  let assert Error(_) = decode.run(dynamic.string("get_count"), decode.exactly(GetCount))
  let before = atoms()
  let assert Error(Nil) = dynamic.existing_atom("an atom that nobody " <> "has made before")
  let assert Error(Nil) = dynamic.existing_atom("an atom that nobody " <> "has made before")
  let assert True = atoms() == before
}

@external(erlang, "regrow_gleam_support", "atom_count")
fn atoms() -> Int

@external(erlang, "regrow_gleam_support", "improper")
fn improper(head: dynamic.Dynamic, tail: dynamic.Dynamic) -> dynamic.Dynamic
