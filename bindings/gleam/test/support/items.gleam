//// What the examples do with lists; there is no other package here.

pub fn each(of items: List(a), do function: fn(a) -> b) -> Nil {
  do_each(function, items)
  Nil
}

pub fn map(of items: List(a), with function: fn(a) -> b) -> List(b) {
  do_map(function, items)
}

pub fn count(of items: List(a), where holds: fn(a) -> Bool) -> Int {
  length(do_filter(holds, items))
}

pub fn keep(of items: List(a), where holds: fn(a) -> Bool) -> List(a) {
  do_filter(holds, items)
}

pub fn all(of items: List(a), are holds: fn(a) -> Bool) -> Bool {
  length(do_filter(holds, items)) == length(items)
}

/// Item after item makes another of a value.
pub fn fold(over items: List(a), from first: b, with function: fn(b, a) -> b) -> b {
  case items {
    [] -> first
    [item, ..rest] -> fold(over: rest, from: function(first, item), with: function)
  }
}

@external(erlang, "lists", "seq")
pub fn range(from first: Int, to last: Int) -> List(Int)

@external(erlang, "lists", "reverse")
pub fn reverse(items: List(a)) -> List(a)

@external(erlang, "lists", "sort")
pub fn sort(items: List(a)) -> List(a)

@external(erlang, "erlang", "length")
pub fn length(items: List(a)) -> Int

@external(erlang, "lists", "zip")
pub fn zip(one: List(a), other: List(b)) -> List(#(a, b))

/// Sorted, each once.
@external(erlang, "lists", "usort")
pub fn unique(items: List(a)) -> List(a)

@external(erlang, "lists", "foreach")
fn do_each(function: fn(a) -> b, items: List(a)) -> c

@external(erlang, "lists", "map")
fn do_map(function: fn(a) -> b, items: List(a)) -> List(b)

@external(erlang, "lists", "filter")
fn do_filter(holds: fn(a) -> Bool, items: List(a)) -> List(a)
