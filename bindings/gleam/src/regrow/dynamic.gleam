//// Values of which the compiler does not know the type: what comes from native code and from modules of Erlang and
//// Elixir, and what goes there. `regrow/decode` has the way back.
////
//// No function makes an atom out of a string: the BEAM's table of atoms is never emptied. A custom type's constructor
//// without fields is an atom that the program has anyway: `GetCount` is `get_count`, so `from(GetCount)` is a request
//// that a module of Elixir takes.

/// A value of any type.
pub type Dynamic

/// Any value as it is.
@external(erlang, "regrow_gleam_dynamic", "identity")
pub fn from(value: a) -> Dynamic

/// An integer.
pub fn int(value: Int) -> Dynamic {
  from(value)
}

/// A float.
pub fn float(value: Float) -> Dynamic {
  from(value)
}

/// A binary.
pub fn string(value: String) -> Dynamic {
  from(value)
}

/// The atom `true` or `false`.
pub fn bool(value: Bool) -> Dynamic {
  from(value)
}

/// The atom `nil`.
pub fn nil() -> Dynamic {
  from(Nil)
}

/// A list of values of any types.
pub fn list(items: List(Dynamic)) -> Dynamic {
  from(items)
}

/// A tuple of any size.
@external(erlang, "erlang", "list_to_tuple")
pub fn tuple(items: List(Dynamic)) -> Dynamic

/// A map. Of entries with the same key the last one stays.
@external(erlang, "maps", "from_list")
pub fn map(entries: List(#(Dynamic, Dynamic))) -> Dynamic

/// The atom of that name, if there is one on this node; else `Error(Nil)`, and there is none afterwards either.
@external(erlang, "regrow_gleam_dynamic", "existing_atom")
pub fn existing_atom(name: String) -> Result(Dynamic, Nil)

/// What a value is, for messages: "Int", "String", "List" and so on.
@external(erlang, "regrow_gleam_dynamic", "classify")
pub fn classify(value: Dynamic) -> String

/// A value as Erlang prints it.
@external(erlang, "regrow_gleam_dynamic", "inspect")
pub fn inspect(value: Dynamic) -> String
