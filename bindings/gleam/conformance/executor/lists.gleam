//// Lists, which the package does not need.

pub fn map(items: List(a), with function: fn(a) -> b) -> List(b) {
  case items {
    [] -> []
    [item, ..rest] -> [function(item), ..map(rest, function)]
  }
}

pub fn filter(items: List(a), where holds: fn(a) -> Bool) -> List(a) {
  case items {
    [] -> []
    [item, ..rest] ->
      case holds(item) {
        True -> [item, ..filter(rest, holds)]
        False -> filter(rest, holds)
      }
  }
}

/// The first one for which it holds.
pub fn find(items: List(a), where holds: fn(a) -> Bool) -> Result(a, Nil) {
  case items {
    [] -> Error(Nil)
    [item, ..rest] ->
      case holds(item) {
        True -> Ok(item)
        False -> find(rest, holds)
      }
  }
}

pub fn any(items: List(a), where holds: fn(a) -> Bool) -> Bool {
  case find(items, holds) {
    Ok(_) -> True
    Error(Nil) -> False
  }
}

pub fn all(items: List(a), where holds: fn(a) -> Bool) -> Bool {
  !any(items, fn(item) { !holds(item) })
}

pub fn contains(items: List(a), item: a) -> Bool {
  any(items, fn(each) { each == item })
}

pub fn fold(items: List(a), from state: b, with function: fn(b, a) -> b) -> b {
  case items {
    [] -> state
    [item, ..rest] -> fold(rest, function(state, item), function)
  }
}

/// The results' values, or that there is none.
pub fn all_ok(results: List(Result(a, e))) -> Result(List(a), e) {
  case results {
    [] -> Ok([])
    [Error(error), ..] -> Error(error)
    [Ok(value), ..rest] ->
      case all_ok(rest) {
        Ok(values) -> Ok([value, ..values])
        Error(error) -> Error(error)
      }
  }
}

/// The item at a place, counted from 1; behind the end the last one.
pub fn at_most(items: List(a), number: Int, default: a) -> a {
  case items {
    [] -> default
    [item] -> item
    [item, ..] if number <= 1 -> item
    [_, ..rest] -> at_most(rest, number - 1, default)
  }
}

/// The value of a key.
pub fn value(pairs: List(#(key, value)), of key: key) -> Result(value, Nil) {
  case find(pairs, fn(pair) { pair.0 == key }) {
    Ok(pair) -> Ok(pair.1)
    Error(Nil) -> Error(Nil)
  }
}

@external(erlang, "lists", "append")
pub fn append(first: List(a), second: List(a)) -> List(a)

@external(erlang, "lists", "append")
pub fn flatten(lists: List(List(a))) -> List(a)

@external(erlang, "lists", "reverse")
pub fn reverse(items: List(a)) -> List(a)

@external(erlang, "erlang", "length")
pub fn length(items: List(a)) -> Int

/// By bytes.
@external(erlang, "lists", "sort")
pub fn sort(texts: List(String)) -> List(String)

/// By bytes, each once.
@external(erlang, "lists", "usort")
pub fn sort_once(texts: List(String)) -> List(String)
