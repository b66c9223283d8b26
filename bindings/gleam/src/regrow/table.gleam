//// Tables: values by key, shared by processes of the BEAM and native ones, as `ets` has them. A table belongs to the
//// process that makes it, and goes when that ends, before anybody can see that, or becomes its heir's.
////
//// ```gleam
//// let assert Ok(scores) = table.new() |> table.access(table.Public) |> table.create(in: runtime)
//// let assert Ok(Nil) = table.insert(into: scores, key: "anna", value: 7)
//// let assert Ok(7) = table.lookup(in: scores, key: "anna")
//// ```
////
//// A table that others may write to is found by its name with decoders, which look at each key and value that comes
//// out. What is in it and no pair of a key and a value is an `Error(Undecodable(_))` where it is met, and no search
//// finds it.

import regrow/decode
import regrow/dynamic
import regrow/match
import regrow/process
import regrow/runtime
import regrow/selector

/// A table with keys of one type and values of another.
pub type Table(key, value)

/// Why something was not found or done.
pub type TableError {
  /// There is no such table, or not any more; or the runtime is over.
  NoTable
  NotFound
  /// Only the owner may do that.
  Denied
  NameTaken
  /// What is there is something else.
  Undecodable(errors: List(decode.DecodeError))
  /// What a table of that kind cannot do, or what cannot cross to native code.
  Failed(reason: dynamic.Dynamic)
}

/// Who may read and write: `Protected`: all read, the owner writes; `Public`: all do both; `Private`: the owner alone.
pub type Access {
  Protected
  Public
  Private
}

/// A table that has become this process's own, whose it was, and what was said with it.
pub type Transfer(key, value) {
  Transfer(table: Table(key, value), from: process.Pid, telling: dynamic.Dynamic)
}

type Kind {
  Set
  OrderedSet
  Bag
  DuplicateBag
}

/// What a table is to be, for `create`.
pub opaque type Builder {
  Builder(
    kind: Kind,
    access: Access,
    name: Result(String, Nil),
    heir: Result(#(process.Pid, dynamic.Dynamic), Nil),
  )
}

// ---- making and finding ----

/// A protected table without order, name or heir, with one value for a key.
pub fn new() -> Builder {
  Builder(kind: Set, access: Protected, name: Error(Nil), heir: Error(Nil))
}

/// Keeps the keys in Erlang's order, in which `to_list`, `first` and its like have them; 1 and 1.0 are the same key.
pub fn ordered(builder: Builder) -> Builder {
  Builder(..builder, kind: OrderedSet)
}

/// Has any number of values for a key, none twice.
pub fn bag(builder: Builder) -> Builder {
  Builder(..builder, kind: Bag)
}

/// Has any number of values for a key, the same one too.
pub fn duplicate_bag(builder: Builder) -> Builder {
  Builder(..builder, kind: DuplicateBag)
}

/// Who may read and write; `Protected`, if this is not said.
pub fn access(builder: Builder, access: Access) -> Builder {
  Builder(..builder, access: access)
}

/// Has a name in its runtime, by which `find` and native code find it.
pub fn named(builder: Builder, name: String) -> Builder {
  Builder(..builder, name: Ok(name))
}

/// Becomes another process's when its owner ends, which is told: see `transfers`. If that is dead too, it goes.
pub fn heir(builder: Builder, to pid: process.Pid, telling data: dynamic.Dynamic) -> Builder {
  Builder(..builder, heir: Ok(#(pid, data)))
}

/// Makes a table of the caller's.
@external(erlang, "regrow_gleam_table", "create")
pub fn create(builder: Builder, in runtime: runtime.Runtime) -> Result(Table(key, value), TableError)

/// The table of that name. Whoever has written to it: what is no such key or value is an `Error` when it is looked at.
@external(erlang, "regrow_gleam_table", "find")
pub fn find(
  in runtime: runtime.Runtime,
  named name: String,
  key key: decode.Decoder(key),
  value value: decode.Decoder(value),
) -> Result(Table(key, value), TableError)

/// Deletes a table.
@external(erlang, "regrow_gleam_table", "drop")
pub fn drop(table: Table(key, value)) -> Result(Nil, TableError)

// ---- writing ----

/// Keeps a value under a key, in place of another; in a bag beside them.
@external(erlang, "regrow_gleam_table", "insert")
pub fn insert(into table: Table(key, value), key key: key, value value: value) -> Result(Nil, TableError)

/// Keeps a value under a key that has none; tells whether it had none.
@external(erlang, "regrow_gleam_table", "insert_new")
pub fn insert_new(into table: Table(key, value), key key: key, value value: value) -> Result(Bool, TableError)

/// Keeps many values. Nobody sees a part of them.
@external(erlang, "regrow_gleam_table", "insert_all")
pub fn insert_all(into table: Table(key, value), entries entries: List(#(key, value))) -> Result(Nil, TableError)

/// Keeps many values if none of their keys has any; tells whether that is so.
@external(erlang, "regrow_gleam_table", "insert_all_new")
pub fn insert_all_new(into table: Table(key, value), entries entries: List(#(key, value))) -> Result(Bool, TableError)

/// Gives a key that has a value another one. `Error(NotFound)`: it has none. Not for bags.
@external(erlang, "regrow_gleam_table", "replace")
pub fn replace(in table: Table(key, value), key key: key, value value: value) -> Result(Nil, TableError)

/// Adds to the number of a key, which is the given one if there is none, and tells what it is now. No other process's
/// change comes in between. Not for bags.
@external(erlang, "regrow_gleam_table", "add")
pub fn add(
  to table: Table(key, Int),
  key key: key,
  number number: Int,
  starting_at start: Int,
) -> Result(Int, TableError)

/// As `add`, but a sum beyond a limit becomes another number: one above it, where something is added, or below it,
/// where something is taken away.
@external(erlang, "regrow_gleam_table", "add_limited")
pub fn add_limited(
  to table: Table(key, Int),
  key key: key,
  number number: Int,
  starting_at start: Int,
  limit limit: Int,
  beyond reset: Int,
) -> Result(Int, TableError)

/// Takes the values of a key away, if there are any.
@external(erlang, "regrow_gleam_table", "delete")
pub fn delete(from table: Table(key, value), key key: key) -> Result(Nil, TableError)

/// Takes one value of a key away, if it is there; of a duplicate bag as often as it is.
@external(erlang, "regrow_gleam_table", "delete_value")
pub fn delete_value(from table: Table(key, value), key key: key, value value: value) -> Result(Nil, TableError)

/// Takes all away.
@external(erlang, "regrow_gleam_table", "clear")
pub fn clear(table: Table(key, value)) -> Result(Nil, TableError)

// ---- reading ----

/// The value of a key; in a bag that which was inserted first.
@external(erlang, "regrow_gleam_table", "lookup")
pub fn lookup(in table: Table(key, value), key key: key) -> Result(value, TableError)

/// The values of a key, in the order in which they were inserted; none: an empty list.
@external(erlang, "regrow_gleam_table", "lookup_all")
pub fn lookup_all(in table: Table(key, value), key key: key) -> Result(List(value), TableError)

/// As `lookup`, and takes the values away, all of them.
@external(erlang, "regrow_gleam_table", "take")
pub fn take(from table: Table(key, value), key key: key) -> Result(value, TableError)

/// As `lookup_all`, and takes the values away.
@external(erlang, "regrow_gleam_table", "take_all")
pub fn take_all(from table: Table(key, value), key key: key) -> Result(List(value), TableError)

/// Whether a key has a value.
@external(erlang, "regrow_gleam_table", "contains")
pub fn contains(table: Table(key, value), key key: key) -> Result(Bool, TableError)

/// How many values there are.
@external(erlang, "regrow_gleam_table", "size")
pub fn size(of table: Table(key, value)) -> Result(Int, TableError)

/// All keys and their values, as they are at one moment.
@external(erlang, "regrow_gleam_table", "to_list")
pub fn to_list(table: Table(key, value)) -> Result(List(#(key, value)), TableError)

/// What a function makes of all keys and values, one after the other, as they are at one moment.
pub fn fold(
  over table: Table(key, value),
  from initial: a,
  with function: fn(a, key, value) -> a,
) -> Result(a, TableError) {
  case to_list(table) {
    Ok(entries) -> Ok(do_fold(entries, initial, function))
    Error(error) -> Error(error)
  }
}

fn do_fold(entries: List(#(key, value)), folded: a, function: fn(a, key, value) -> a) -> a {
  case entries {
    [] -> folded
    [#(key, value), ..rest] -> do_fold(rest, function(folded, key, value), function)
  }
}

// ---- key by key ----

/// The first key. `Error(NotFound)`: the table is empty.
@external(erlang, "regrow_gleam_table", "first")
pub fn first(of table: Table(key, value)) -> Result(key, TableError)

/// The last key; the first one, of a table without order.
@external(erlang, "regrow_gleam_table", "last")
pub fn last(of table: Table(key, value)) -> Result(key, TableError)

/// The key after another. `Error(NotFound)`: that is the last one, or a table without order has no such key; an ordered
/// one need not have it.
@external(erlang, "regrow_gleam_table", "next")
pub fn next(in table: Table(key, value), after key: key) -> Result(key, TableError)

/// The key before another, as `next`; of a table without order the same as that.
@external(erlang, "regrow_gleam_table", "previous")
pub fn previous(in table: Table(key, value), before key: key) -> Result(key, TableError)

// ---- searches ----

/// What the keys and values give for which a condition holds; of an ordered table in its order.
///
/// ```gleam
/// // The names of those who have more than 5 points.
/// table.select(
///   in: scores,
///   where: fn(_, points) { match.greater(points, than: match.value(5)) },
///   giving: fn(name, _) { name },
/// )
/// ```
pub fn select(
  in table: Table(key, value),
  where condition: fn(match.Expression(key), match.Expression(value)) -> match.Expression(Bool),
  giving result: fn(match.Expression(key), match.Expression(value)) -> match.Expression(result),
) -> Result(List(result), TableError) {
  let #(key, value) = do_variables(table)
  do_select(table, condition(key, value), result(key, value))
}

/// For how many keys and values a condition holds.
pub fn select_count(
  in table: Table(key, value),
  where condition: fn(match.Expression(key), match.Expression(value)) -> match.Expression(Bool),
) -> Result(Int, TableError) {
  let #(key, value) = do_variables(table)
  do_select_count(table, condition(key, value))
}

/// Takes the keys and values away for which a condition holds, and tells how many those were.
pub fn select_delete(
  from table: Table(key, value),
  where condition: fn(match.Expression(key), match.Expression(value)) -> match.Expression(Bool),
) -> Result(Int, TableError) {
  let #(key, value) = do_variables(table)
  do_select_delete(table, condition(key, value))
}

// ---- owners ----

/// Whose table it is.
@external(erlang, "regrow_gleam_table", "owner")
pub fn owner(of table: Table(key, value)) -> Result(process.Pid, TableError)

/// Has a table of the caller's become another process's when its owner ends, as `heir`.
@external(erlang, "regrow_gleam_table", "set_heir")
pub fn set_heir(
  of table: Table(key, value),
  to pid: process.Pid,
  telling data: dynamic.Dynamic,
) -> Result(Nil, TableError)

/// Has a table of the caller's go when its owner ends.
@external(erlang, "regrow_gleam_table", "remove_heir")
pub fn remove_heir(of table: Table(key, value)) -> Result(Nil, TableError)

/// Gives a table of the caller's to another process, which is told, with `Nil`: see `transfers`.
pub fn give_away(table: Table(key, value), to pid: process.Pid) -> Result(Nil, TableError) {
  give_away_telling(table, to: pid, telling: dynamic.nil())
}

/// As `give_away`, with more to tell.
@external(erlang, "regrow_gleam_table", "give_away")
pub fn give_away_telling(
  table: Table(key, value),
  to pid: process.Pid,
  telling data: dynamic.Dynamic,
) -> Result(Nil, TableError)

/// Adds the tables that become this process's own to a selector: those that are given to it, and those whose heir it
/// is. Of which runtime they are, and which keys and values they have, is what the caller says: those are decoded.
@external(erlang, "regrow_gleam_table", "transfers")
pub fn transfers(
  selector: selector.Selector(message),
  in runtime: runtime.Runtime,
  key key: decode.Decoder(key),
  value value: decode.Decoder(value),
  wrapping wrap: fn(Transfer(key, value)) -> message,
) -> selector.Selector(message)

/// Takes the next table that has become this process's own.
pub fn receive_transfer(
  in runtime: runtime.Runtime,
  key key: decode.Decoder(key),
  value value: decode.Decoder(value),
  within milliseconds: Int,
) -> Result(Transfer(key, value), process.ReceiveError) {
  selector.new()
  |> transfers(in: runtime, key: key, value: value, wrapping: fn(transfer) { transfer })
  |> selector.receive(within: milliseconds)
}

@external(erlang, "regrow_gleam_table", "variables")
fn do_variables(table: Table(key, value)) -> #(match.Expression(key), match.Expression(value))

@external(erlang, "regrow_gleam_table", "select")
fn do_select(
  table: Table(key, value),
  condition: match.Expression(Bool),
  result: match.Expression(result),
) -> Result(List(result), TableError)

@external(erlang, "regrow_gleam_table", "select_count")
fn do_select_count(table: Table(key, value), condition: match.Expression(Bool)) -> Result(Int, TableError)

@external(erlang, "regrow_gleam_table", "select_delete")
fn do_select_delete(table: Table(key, value), condition: match.Expression(Bool)) -> Result(Int, TableError)
