//// Tables, of any keys and values. Each goes by its name in the runtime too, by which it is found again.

import executor/lists
import executor/operation
import executor/scenario
import executor/text
import executor/words
import executor/world
import regrow/decode
import regrow/dynamic
import regrow/table

type Table =
  table.Table(dynamic.Dynamic, dynamic.Dynamic)

pub fn operations() -> List(operation.Operation) {
  [
    operation.Operation("ets_new", operation.Process, new),
    operation.Operation("ets_insert", operation.Either, insert),
    operation.Operation("ets_insert_new", operation.Either, insert_new),
    operation.Operation("ets_delete", operation.Either, delete),
    operation.Operation("ets_delete_object", operation.Either, delete_object),
    operation.Operation("ets_clear", operation.Either, clear),
    operation.Operation("ets_drop", operation.Either, drop),
    operation.Operation("ets_member", operation.Either, member),
    operation.Operation("ets_update", operation.Either, update),
    operation.Operation("ets_lookup", operation.Either, lookup),
    operation.Operation("ets_take", operation.Either, take),
    operation.Operation("ets_lookup_element", operation.Either, lookup_element),
    operation.Operation("ets_list", operation.Either, list),
    operation.Operation("ets_counter", operation.Either, counter),
    operation.Operation("ets_first", operation.Either, first),
    operation.Operation("ets_last", operation.Either, last),
    operation.Operation("ets_next", operation.Either, next),
    operation.Operation("ets_prev", operation.Either, previous),
    operation.Operation("ets_size", operation.Either, size),
    operation.Operation("ets_owner", operation.Either, owner),
    operation.Operation("ets_give", operation.Either, give),
    operation.Operation("ets_setopts", operation.Either, set_heir),
  ]
}

// ---- finding and showing ----

fn found(world: world.World, words: List(String)) -> Result(Table, table.TableError) {
  let assert [name, ..] = words
  table.find(in: world.runtime, named: name, key: decode.dynamic, value: decode.dynamic)
}

fn is_of(world: world.World, words: List(String), kinds: List(String)) -> Bool {
  let assert [name, ..] = words
  case lists.value(world.stored(world).tables, of: name) {
    Ok(kind) -> lists.contains(kinds, kind)
    Error(Nil) -> False
  }
}

fn is_bag(world: world.World, words: List(String)) -> Bool {
  is_of(world, words, ["bag", "duplicate_bag"])
}

/// What a table gives, shown; every refusal is the same.
fn with(
  world: world.World,
  words: List(String),
  asking ask: fn(Table) -> Result(a, table.TableError),
  showing show: fn(a) -> String,
) -> String {
  case found(world, words) {
    Error(_) -> "error badarg"
    Ok(table) ->
      case ask(table) {
        Ok(value) -> show(value)
        Error(_) -> "error badarg"
      }
  }
}

fn is_done(_: Nil) -> String {
  "true"
}

/// The second word, or the third.
fn key(words: List(String)) -> dynamic.Dynamic {
  let assert [_, word, ..] = words
  words.term(word)
}

fn value(words: List(String)) -> dynamic.Dynamic {
  let assert [_, _, word, ..] = words
  words.term(word)
}

fn objects(world: world.World, entries: List(#(dynamic.Dynamic, dynamic.Dynamic))) -> List(String) {
  lists.map(entries, with: fn(entry) { world.show(world, entry.0) <> "/" <> world.show(world, entry.1) })
}

fn show_objects(objects: List(String)) -> String {
  text.join(["objects", ..objects], with: " ")
}

// ---- making, giving, dropping ----

fn new(world: world.World, words: List(String), line: scenario.Line) -> String {
  let assert [name, kind, access, ..] = words
  let of_kind = case kind {
    "ordered_set" -> table.ordered(table.new())
    "bag" -> table.bag(table.new())
    "duplicate_bag" -> table.duplicate_bag(table.new())
    _ -> table.new()
  }
  let accessed = case access {
    "public" -> table.access(of_kind, table.Public)
    "private" -> table.access(of_kind, table.Private)
    _ -> table.access(of_kind, table.Protected)
  }
  let builder = table.named(accessed, name)
  case scenario.option(of: line, named: "heir", or: "") {
    "" -> create(world, builder, name, kind)
    heir -> {
      use pid <- operation.with_pid(world, heir, or: "error noproc")
      create(world, table.heir(builder, to: pid, telling: dynamic.string("inherited")), name, kind)
    }
  }
}

fn create(world: world.World, builder: table.Builder, name: String, kind: String) -> String {
  let created: Result(Table, table.TableError) = table.create(builder, in: world.runtime)
  case created {
    Ok(_) -> {
      world.change(world, with: fn(store) { world.Store(..store, tables: [#(name, kind), ..store.tables]) })
      "ok"
    }
    Error(_) -> "error badarg"
  }
}

fn drop(world: world.World, words: List(String), _: scenario.Line) -> String {
  with(world, words, asking: table.drop, showing: is_done)
}

fn give(world: world.World, words: List(String), _: scenario.Line) -> String {
  let assert [_, whom, ..] = words
  use pid <- operation.with_pid(world, whom, or: "error noproc")
  let asking = fn(table) { table.give_away_telling(table, to: pid, telling: dynamic.string("given")) }
  with(world, words, asking: asking, showing: is_done)
}

fn set_heir(world: world.World, words: List(String), _: scenario.Line) -> String {
  let assert [_, whom, ..] = words
  use pid <- operation.with_pid(world, whom, or: "error noproc")
  let asking = fn(table) { table.set_heir(of: table, to: pid, telling: dynamic.string("inherited")) }
  with(world, words, asking: asking, showing: is_done)
}

fn owner(world: world.World, words: List(String), _: scenario.Line) -> String {
  undefined_without(world, words, table.owner, fn(pid) { world.label(world, pid) })
}

fn size(world: world.World, words: List(String), _: scenario.Line) -> String {
  undefined_without(world, words, table.size, text.from_int)
}

fn undefined_without(
  world: world.World,
  words: List(String),
  ask: fn(Table) -> Result(a, table.TableError),
  show: fn(a) -> String,
) -> String {
  case found(world, words) {
    Error(_) -> "undefined"
    Ok(table) ->
      case ask(table) {
        Ok(value) -> show(value)
        Error(_) -> "undefined"
      }
  }
}

// ---- writing ----

fn insert(world: world.World, words: List(String), _: scenario.Line) -> String {
  let asking = fn(table) { table.insert(into: table, key: key(words), value: value(words)) }
  with(world, words, asking: asking, showing: is_done)
}

fn insert_new(world: world.World, words: List(String), _: scenario.Line) -> String {
  let asking = fn(table) { table.insert_new(into: table, key: key(words), value: value(words)) }
  with(world, words, asking: asking, showing: words.show_bool)
}

fn delete(world: world.World, words: List(String), _: scenario.Line) -> String {
  with(world, words, asking: fn(table) { table.delete(from: table, key: key(words)) }, showing: is_done)
}

fn delete_object(world: world.World, words: List(String), _: scenario.Line) -> String {
  let asking = fn(table) { table.delete_value(from: table, key: key(words), value: value(words)) }
  with(world, words, asking: asking, showing: is_done)
}

fn clear(world: world.World, words: List(String), _: scenario.Line) -> String {
  with(world, words, asking: table.clear, showing: is_done)
}

fn update(world: world.World, words: List(String), _: scenario.Line) -> String {
  let asking = fn(table) {
    case table.replace(in: table, key: key(words), value: value(words)) {
      Ok(Nil) -> Ok(True)
      Error(table.NotFound) -> Ok(False)
      Error(error) -> Error(error)
    }
  }
  with(world, words, asking: asking, showing: words.show_bool)
}

/// A key that is missing is only added where the scenario says with what.
fn counter(world: world.World, words: List(String), line: scenario.Line) -> String {
  let assert [name, _, amount, ..] = words
  let number = fn(option) { text.to_int(scenario.option(of: line, named: option, or: "")) }
  let numbers = table.find(in: world.runtime, named: name, key: decode.dynamic, value: decode.int)
  let sum = case numbers, text.to_int(amount), number("default") {
    Error(error), _, _ -> Error(error)
    _, Error(Nil), _ -> Error(table.NotFound)
    Ok(table), Ok(amount), Ok(start) -> add(table, words, amount, start, number("threshold"), number("setvalue"))
    Ok(table), Ok(amount), Error(Nil) ->
      case table.contains(table, key: key(words)) {
        Ok(True) -> add(table, words, amount, 0, number("threshold"), number("setvalue"))
        Ok(False) -> Error(table.NotFound)
        Error(error) -> Error(error)
      }
  }
  case sum {
    Ok(number) -> text.from_int(number)
    Error(_) -> "error badarg"
  }
}

fn add(
  table: table.Table(dynamic.Dynamic, Int),
  words: List(String),
  amount: Int,
  start: Int,
  threshold: Result(Int, Nil),
  reset: Result(Int, Nil),
) -> Result(Int, table.TableError) {
  case threshold, reset {
    Ok(limit), Ok(reset) ->
      table.add_limited(
        to: table,
        key: key(words),
        number: amount,
        starting_at: start,
        limit: limit,
        beyond: reset,
      )
    _, _ -> table.add(to: table, key: key(words), number: amount, starting_at: start)
  }
}

// ---- reading ----

fn member(world: world.World, words: List(String), _: scenario.Line) -> String {
  with(world, words, asking: fn(table) { table.contains(table, key: key(words)) }, showing: words.show_bool)
}

/// A lookup gives values. The key that is kept may be another number of the same value, in an ordered table: so it is
/// asked for, before.
fn kept_key(world: world.World, words: List(String)) -> dynamic.Dynamic {
  let asked = key(words)
  let kept = case found(world, words), is_of(world, words, ["ordered_set"]) {
    Ok(table), True -> table.to_list(table)
    _, _ -> Ok([])
  }
  case kept {
    Error(_) -> asked
    Ok(entries) ->
      case lists.find(entries, where: fn(entry) { words.is_same_number(entry.0, asked) }) {
        Ok(entry) -> entry.0
        Error(Nil) -> asked
      }
  }
}

fn with_key(world: world.World, key: dynamic.Dynamic, values: List(dynamic.Dynamic)) -> String {
  show_objects(objects(world, lists.map(values, with: fn(value) { #(key, value) })))
}

fn lookup(world: world.World, words: List(String), _: scenario.Line) -> String {
  let kept = kept_key(world, words)
  with(world, words, asking: fn(table) { table.lookup_all(in: table, key: key(words)) }, showing: fn(values) {
    with_key(world, kept, values)
  })
}

fn take(world: world.World, words: List(String), _: scenario.Line) -> String {
  let kept = kept_key(world, words)
  with(world, words, asking: fn(table) { table.take_all(from: table, key: key(words)) }, showing: fn(values) {
    with_key(world, kept, values)
  })
}

fn lookup_element(world: world.World, words: List(String), _: scenario.Line) -> String {
  let is_bag = is_bag(world, words)
  with(world, words, asking: fn(table) { table.lookup_all(in: table, key: key(words)) }, showing: fn(values) {
    let shown = lists.map(values, with: fn(value) { world.show(world, value) })
    case shown, is_bag {
      [], _ -> "error badarg"
      _, True -> text.join(["elements", ..shown], with: " ")
      [element, ..], False -> "element " <> element
    }
  })
}

fn list(world: world.World, words: List(String), _: scenario.Line) -> String {
  let is_ordered = is_of(world, words, ["ordered_set"])
  with(world, words, asking: table.to_list, showing: fn(entries) {
    case is_ordered {
      True -> show_objects(objects(world, entries))
      False -> show_objects(lists.sort(objects(world, entries)))
    }
  })
}

// ---- key by key ----

fn walked(
  world: world.World,
  words: List(String),
  step: fn(Table) -> Result(dynamic.Dynamic, table.TableError),
) -> String {
  let asking = fn(table) {
    case step(table) {
      Ok(key) -> Ok(world.show(world, key))
      Error(table.NotFound) -> Ok("end_of_table")
      Error(error) -> Error(error)
    }
  }
  with(world, words, asking: asking, showing: fn(shown) { shown })
}

fn first(world: world.World, words: List(String), _: scenario.Line) -> String {
  walked(world, words, table.first)
}

fn last(world: world.World, words: List(String), _: scenario.Line) -> String {
  walked(world, words, table.last)
}

fn next(world: world.World, words: List(String), _: scenario.Line) -> String {
  walked(world, words, fn(table) { table.next(in: table, after: key(words)) })
}

fn previous(world: world.World, words: List(String), _: scenario.Line) -> String {
  walked(world, words, fn(table) { table.previous(in: table, before: key(words)) })
}

// ---- transfers ----

/// The name of a table that has become somebody's.
pub fn name(world: world.World, transferred: Table) -> String {
  let named = lists.find(world.stored(world).tables, where: fn(entry) { found(world, [entry.0]) == Ok(transferred) })
  case named {
    Ok(#(name, _)) -> name
    Error(Nil) -> "?"
  }
}
