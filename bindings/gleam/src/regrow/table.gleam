//// Tables: values by key, shared by processes of the BEAM and native ones, as `ets` has them. A table belongs to the
//// process that makes it, and goes when that ends, before anybody can see that.
////
//// ```gleam
//// let assert Ok(scores) = table.new() |> table.access(table.Public) |> table.create(in: runtime)
//// let assert Ok(Nil) = table.insert(into: scores, key: "anna", value: 7)
//// let assert Ok(7) = table.lookup(in: scores, key: "anna")
//// ```
////
//// A table that others may write to is found by its name with decoders, which look at each key and value that comes
//// out.

import regrow/decode
import regrow/dynamic
import regrow/process
import regrow/runtime

type Raw

/// A table with keys of one type and values of another.
pub opaque type Table(key, value) {
  Table(raw: Raw, key: decode.Decoder(key), value: decode.Decoder(value))
}

pub type TableError {
  /// There is no such table, or not any more; or the runtime is over.
  NoTable
  NotFound
  /// Only the owner may do that.
  Denied
  NameTaken
  /// What is there is something else.
  Undecodable(errors: List(decode.DecodeError))
  Failed(reason: dynamic.Dynamic)
}

/// Who may read and write: `Protected`: all read, the owner writes; `Public`: all do both; `Private`: the owner alone.
pub type Access {
  Protected
  Public
  Private
}

type Kind {
  Set
  OrderedSet
}

pub opaque type Builder {
  Builder(kind: Kind, access: Access, name: Result(String, Nil))
}

/// A protected table without order or name.
pub fn new() -> Builder {
  Builder(kind: Set, access: Protected, name: Error(Nil))
}

/// Keeps the keys in Erlang's order, in which `to_list` has them; 1 and 1.0 are the same key.
pub fn ordered(builder: Builder) -> Builder {
  Builder(..builder, kind: OrderedSet)
}

pub fn access(builder: Builder, access: Access) -> Builder {
  Builder(..builder, access: access)
}

/// Has a name in its runtime, by which `find` and native code find it.
pub fn named(builder: Builder, name: String) -> Builder {
  Builder(..builder, name: Ok(name))
}

/// Makes a table of the caller's.
pub fn create(builder: Builder, in runtime: runtime.Runtime) -> Result(Table(key, value), TableError) {
  case do_create(runtime, builder.kind, builder.access, builder.name) {
    Ok(raw) -> Ok(Table(raw: raw, key: trusted, value: trusted))
    Error(error) -> Error(error)
  }
}

/// The table of that name. Whoever has written to it: what is no such key or value is an `Error` when it is looked at.
pub fn find(
  in runtime: runtime.Runtime,
  named name: String,
  key key: decode.Decoder(key),
  value value: decode.Decoder(value),
) -> Result(Table(key, value), TableError) {
  case do_find(runtime, name) {
    Ok(raw) -> Ok(Table(raw: raw, key: key, value: value))
    Error(error) -> Error(error)
  }
}

/// Keeps a value under a key, in place of another.
pub fn insert(into table: Table(key, value), key key: key, value value: value) -> Result(Nil, TableError) {
  do_insert(table.raw, key, value)
}

/// Keeps a value under a key that has none; tells whether it had none.
pub fn insert_new(into table: Table(key, value), key key: key, value value: value) -> Result(Bool, TableError) {
  do_insert_new(table.raw, key, value)
}

pub fn lookup(in table: Table(key, value), key key: key) -> Result(value, TableError) {
  decoded(do_lookup(table.raw, key), table.value)
}

/// As `lookup`, and takes the value away.
pub fn take(from table: Table(key, value), key key: key) -> Result(value, TableError) {
  decoded(do_take(table.raw, key), table.value)
}

pub fn contains(table: Table(key, value), key key: key) -> Result(Bool, TableError) {
  do_contains(table.raw, key)
}

/// Takes the value of a key away, if there is one.
pub fn delete(from table: Table(key, value), key key: key) -> Result(Nil, TableError) {
  do_delete(table.raw, key)
}

/// Takes all away.
pub fn clear(table: Table(key, value)) -> Result(Nil, TableError) {
  do_clear(table.raw)
}

/// Adds to the number of a key, which is the given one if there is none, and tells what it is now. No other process's
/// change comes in between.
pub fn add(
  to table: Table(key, Int),
  key key: key,
  number number: Int,
  starting_at start: Int,
) -> Result(Int, TableError) {
  decoded(do_add(table.raw, key, number, start), decode.int)
}

pub fn size(of table: Table(key, value)) -> Result(Int, TableError) {
  do_size(table.raw)
}

/// All keys and their values.
pub fn to_list(table: Table(key, value)) -> Result(List(#(key, value)), TableError) {
  decoded(do_to_list(table.raw), decode.list(of: decode.pair(of: table.key, and: table.value)))
}

/// Gives a table of the caller's to a process of the BEAM, which gets the message {'ETS-TRANSFER', Table, From, nil}.
pub fn give_away(table: Table(key, value), to pid: process.Pid) -> Result(Nil, TableError) {
  do_give_away(table.raw, pid)
}

/// Deletes a table.
pub fn drop(table: Table(key, value)) -> Result(Nil, TableError) {
  do_drop(table.raw)
}

fn decoded(
  outcome: Result(dynamic.Dynamic, TableError),
  decoder: decode.Decoder(a),
) -> Result(a, TableError) {
  case outcome {
    Error(error) -> Error(error)
    Ok(value) ->
      case decode.run(value, decoder) {
        Ok(decoded) -> Ok(decoded)
        Error(errors) -> Error(Undecodable(errors))
      }
  }
}

/// What the compiler has seen go in.
fn trusted(value: dynamic.Dynamic) -> Result(a, List(decode.DecodeError)) {
  Ok(coerce(value))
}

@external(erlang, "regrow_gleam_dynamic", "identity")
fn coerce(value: dynamic.Dynamic) -> a

@external(erlang, "regrow_gleam_table", "create")
fn do_create(
  runtime: runtime.Runtime,
  kind: Kind,
  access: Access,
  name: Result(String, Nil),
) -> Result(Raw, TableError)

@external(erlang, "regrow_gleam_table", "find")
fn do_find(runtime: runtime.Runtime, name: String) -> Result(Raw, TableError)

@external(erlang, "regrow_gleam_table", "insert")
fn do_insert(table: Raw, key: key, value: value) -> Result(Nil, TableError)

@external(erlang, "regrow_gleam_table", "insert_new")
fn do_insert_new(table: Raw, key: key, value: value) -> Result(Bool, TableError)

@external(erlang, "regrow_gleam_table", "lookup")
fn do_lookup(table: Raw, key: key) -> Result(dynamic.Dynamic, TableError)

@external(erlang, "regrow_gleam_table", "take")
fn do_take(table: Raw, key: key) -> Result(dynamic.Dynamic, TableError)

@external(erlang, "regrow_gleam_table", "contains")
fn do_contains(table: Raw, key: key) -> Result(Bool, TableError)

@external(erlang, "regrow_gleam_table", "delete")
fn do_delete(table: Raw, key: key) -> Result(Nil, TableError)

@external(erlang, "regrow_gleam_table", "clear")
fn do_clear(table: Raw) -> Result(Nil, TableError)

@external(erlang, "regrow_gleam_table", "add")
fn do_add(table: Raw, key: key, number: Int, start: Int) -> Result(dynamic.Dynamic, TableError)

@external(erlang, "regrow_gleam_table", "size")
fn do_size(table: Raw) -> Result(Int, TableError)

@external(erlang, "regrow_gleam_table", "to_list")
fn do_to_list(table: Raw) -> Result(dynamic.Dynamic, TableError)

@external(erlang, "regrow_gleam_table", "give_away")
fn do_give_away(table: Raw, pid: process.Pid) -> Result(Nil, TableError)

@external(erlang, "regrow_gleam_table", "drop")
fn do_drop(table: Raw) -> Result(Nil, TableError)
