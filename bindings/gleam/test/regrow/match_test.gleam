import regrow/decode
import regrow/match
import regrow/process
import regrow/registry
import regrow/runtime

pub type User {
  User(name: String, age: Int)
}

/// For how many of the keys 1 to 9 a condition holds.
fn count(of condition: fn(match.Expression(Int)) -> match.Expression(Bool)) -> Int {
  let assert Ok(runtime) = runtime.start(runtime.new())
  let assert Ok(numbers) = registry.unique() |> registry.start(in: runtime)
  fill(numbers, 9)
  let assert Ok(count) = registry.select_count(in: numbers, where: fn(entry) { condition(entry.key) })
  let assert Ok(Nil) = runtime.shutdown(runtime, within: 5000)
  count
}

fn fill(numbers: registry.Registry(Int, Nil), left: Int) -> Nil {
  case left {
    0 -> Nil
    _ -> {
      let assert Ok(Nil) = registry.register(in: numbers, key: left, subject: process.new_subject())
      fill(numbers, left - 1)
    }
  }
}

/// What one entry, whose key is any value, gives.
fn of_key(
  key: key,
  giving result: fn(match.Expression(key)) -> match.Expression(a),
) -> Result(List(a), registry.RegistryError) {
  let assert Ok(runtime) = runtime.start(runtime.new())
  let assert Ok(keys) = registry.unique() |> registry.start(in: runtime)
  let assert Ok(Nil) = registry.register(in: keys, key: key, subject: process.new_subject())
  let found = registry.select(in: keys, where: fn(_) { match.always() }, giving: fn(entry) { result(entry.key) })
  let assert Ok(Nil) = runtime.shutdown(runtime, within: 5000)
  found
}

pub fn numbers_are_compared_test() {
  let five = match.value(5)
  let assert 1 = count(of: fn(n) { match.equal(n, to: five) })
  let assert 8 = count(of: fn(n) { match.unequal(n, to: five) })
  let assert 4 = count(of: fn(n) { match.less(n, than: five) })
  let assert 5 = count(of: fn(n) { match.at_most(n, most: five) })
  let assert 4 = count(of: fn(n) { match.greater(n, than: five) })
  let assert 5 = count(of: fn(n) { match.at_least(n, least: five) })
}

pub fn conditions_are_put_together_test() {
  let from_three = fn(n) { match.at_least(n, least: match.value(3)) }
  let to_four = fn(n) { match.at_most(n, most: match.value(4)) }
  let assert 2 = count(of: fn(n) { match.both(from_three(n), and: to_four(n)) })
  let assert 9 = count(of: fn(n) { match.either(from_three(n), or: to_four(n)) })
  let assert 2 = count(of: fn(n) { match.negated(from_three(n)) })
  // The second one has no value for 3, and is not looked at.
  let tenth = fn(n) {
    let divisor = match.subtract(n, match.value(3))
    match.equal(match.divide(match.value(10), by: divisor), to: match.value(10))
  }
  let assert 8 = count(of: fn(n) { match.either(match.unequal(n, to: match.value(3)), or: tenth(n)) })
  let assert 1 = count(of: tenth)
}

pub fn numbers_are_calculated_with_test() {
  let assert Ok([#(9, 5)]) =
    of_key(7, giving: fn(n) { match.pair(match.add(n, match.value(2)), and: match.subtract(n, match.value(2))) })
  let assert Ok([#(14, 3)]) =
    of_key(7, giving: fn(n) { match.pair(match.multiply(n, match.value(2)), and: match.divide(n, by: match.value(2))) })
  let assert Ok([1]) = of_key(7, giving: fn(n) { match.remainder(n, by: match.value(2)) })
  let assert 4 = count(of: fn(n) { match.equal(match.remainder(n, by: match.value(2)), to: match.value(0)) })
  // No value where one is to be given is an error.
  let assert Error(registry.Undecodable([decode.DecodeError("Int", "Atom", ["0"])])) =
    of_key(7, giving: fn(n) { match.divide(n, by: match.value(0)) })
}

pub fn parts_of_values_are_taken_and_decoded_test() {
  let user = User("anna", 7)
  let assert Ok(["anna"]) = of_key(user, giving: match.element(_, at: 1, decoder: decode.string))
  let assert Ok([#(User("anna", 7), 7)]) =
    of_key(user, giving: fn(it) { match.pair(it, and: match.element(of: it, at: 2, decoder: decode.int)) })
  let assert Error(registry.Undecodable([decode.DecodeError("Int", "String", ["0"])])) =
    of_key(user, giving: match.element(_, at: 1, decoder: decode.int))
  let assert Error(registry.Undecodable(_)) = of_key(user, giving: match.element(_, at: 3, decoder: decode.int))
  let assert Error(registry.Undecodable([decode.DecodeError("Int", "Bool", ["0", "1"])])) =
    of_key(1, giving: fn(_) { match.pair(match.value(1), and: match.decoded(match.always(), decoder: decode.int)) })
  let map = dynamic_map()
  let assert Ok([7]) = of_key(map, giving: match.field(_, named: "age", decoder: decode.int))
  let assert Error(registry.Undecodable(_)) = of_key(map, giving: match.field(_, named: "name", decoder: decode.int))
}

/// A tuple in a specification means something else than a tuple, unless it is a value.
pub fn a_value_is_taken_as_it_is_test() {
  let assert Ok([#("$1", [#(1, 2)])]) = of_key(1, giving: fn(_) { match.value(#("$1", [#(1, 2)])) })
  let assert Ok([#(Pair, 1)]) = of_key(1, giving: fn(_) { match.value(#(Pair, 1)) })
  let assert Ok([True]) = of_key(#(Pair, 1), giving: fn(it) { match.equal(it, to: match.value(#(Pair, 1))) })
}

type Constructor {
  Pair
}

fn dynamic_map() -> a {
  from_list([#("age", 7)])
}

@external(erlang, "maps", "from_list")
fn from_list(entries: List(#(String, Int))) -> a
