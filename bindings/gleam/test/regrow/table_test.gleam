import regrow/decode
import regrow/dynamic
import regrow/match
import regrow/process
import regrow/runtime
import regrow/selector
import support/counter
import regrow/table

fn with_runtime(body: fn(runtime.Runtime) -> a) -> Nil {
  let assert Ok(runtime) = runtime.start(runtime.new())
  body(runtime)
  let assert Ok(Nil) = runtime.shutdown(runtime, within: 5000)
  Nil
}

/// What a function gives in a process of its own.
fn elsewhere(function: fn() -> a) -> a {
  let told = process.new_subject()
  let _ = process.spawn(running: fn() { process.send(to: told, message: function()) })
  let assert Ok(value) = process.receive(from: told, within: 20_000)
  value
}

pub fn a_table_keeps_values_by_key_test() {
  use runtime <- with_runtime
  let assert Ok(scores) = table.new() |> table.ordered |> table.create(in: runtime)
  let assert Error(table.NotFound) = table.lookup(in: scores, key: "anna")
  let assert Ok(Nil) = table.insert(into: scores, key: "bert", value: 8)
  let assert Ok(Nil) = table.insert(into: scores, key: "anna", value: 6)
  let assert Ok(Nil) = table.insert(into: scores, key: "anna", value: 7)
  let assert Ok(False) = table.insert_new(into: scores, key: "anna", value: 9)
  let assert Ok(True) = table.insert_new(into: scores, key: "carl", value: 9)
  let assert Ok(7) = table.lookup(in: scores, key: "anna")
  let assert Ok([#("anna", 7), #("bert", 8), #("carl", 9)]) = table.to_list(scores)
  let assert Ok(9) = table.take(from: scores, key: "carl")
  let assert Ok(False) = table.contains(scores, key: "carl")
  let assert Ok(Nil) = table.delete(from: scores, key: "bert")
  let assert Ok(Nil) = table.delete(from: scores, key: "nobody")
  let assert Ok(1) = table.size(of: scores)
  let assert Ok(Nil) = table.clear(scores)
  let assert Ok([]) = table.to_list(scores)
  let assert Ok(Nil) = table.drop(scores)
  let assert Error(table.NoTable) = table.size(of: scores)
  let assert Error(table.NoTable) = table.insert(into: scores, key: "anna", value: 1)
  let assert Error(table.NoTable) = table.lookup(in: scores, key: "anna")
  let assert Error(table.NoTable) = table.drop(scores)
}

pub fn many_processes_count_in_one_table_test() {
  use runtime <- with_runtime
  let assert Ok(counts) = table.new() |> table.access(table.Public) |> table.create(in: runtime)
  let done = process.new_subject()
  let count = fn() {
    let _ =
      process.spawn(running: fn() {
        times(1000, fn() {
          let assert Ok(_) = table.add(to: counts, key: "all", number: 1, starting_at: 0)
          Nil
        })
        process.send(to: done, message: Nil)
      })
    Nil
  }
  times(4, count)
  times(4, fn() {
    let assert Ok(Nil) = process.receive(from: done, within: 20_000)
    Nil
  })
  let assert Ok(4000) = table.lookup(in: counts, key: "all")
}

fn times(count: Int, function: fn() -> Nil) -> Nil {
  case count {
    0 -> Nil
    _ -> {
      function()
      times(count - 1, function)
    }
  }
}

pub fn access_is_kept_test() {
  use runtime <- with_runtime
  let assert Ok(open) = table.new() |> table.access(table.Public) |> table.create(in: runtime)
  let assert Ok(Nil) = elsewhere(fn() { table.insert(into: open, key: 1, value: 1) })
  let assert Ok(shown) = table.create(table.new(), in: runtime)
  let assert Ok(Nil) = table.insert(into: shown, key: 1, value: 1)
  let assert Ok(1) = elsewhere(fn() { table.lookup(in: shown, key: 1) })
  let assert Error(table.Denied) = elsewhere(fn() { table.insert(into: shown, key: 1, value: 2) })
  let assert Error(table.Denied) = elsewhere(fn() { table.give_away(shown, to: process.self()) })
  let assert Ok(hidden) = table.new() |> table.access(table.Private) |> table.create(in: runtime)
  let assert Ok(Nil) = table.insert(into: hidden, key: 1, value: 1)
  let assert Error(table.Denied) = elsewhere(fn() { table.lookup(in: hidden, key: 1) })
  let assert Ok(1) = table.lookup(in: hidden, key: 1)
}

pub fn a_table_goes_with_its_owner_unless_it_was_given_away_test() {
  use runtime <- with_runtime
  let me = process.self()
  let told = process.new_subject()
  let owner =
    process.spawn_unlinked(running: fn() {
      let assert Ok(lost) = table.create(table.new(), in: runtime)
      let assert Ok(kept) = table.create(table.new(), in: runtime)
      let assert Ok(Nil) = table.insert(into: lost, key: 1, value: "lost")
      let assert Ok(Nil) = table.insert(into: kept, key: 1, value: "kept")
      let assert Ok(Nil) = table.give_away(kept, to: me)
      process.send(to: told, message: #(lost, kept))
    })
  let monitor = process.monitor(owner)
  let assert Ok(#(lost, kept)) = process.receive(from: told, within: 20_000)
  let assert Ok(_) = process.receive_down(from: monitor, within: 20_000)
  let assert Error(table.NoTable) = table.lookup(in: lost, key: 1)
  let assert Ok("kept") = table.lookup(in: kept, key: 1)
  let assert Ok(Nil) = table.insert(into: kept, key: 1, value: "mine")
}

pub fn what_others_wrote_is_decoded_and_the_wrong_decoder_is_an_error_test() {
  use runtime <- with_runtime
  let assert Ok(scores) = table.new() |> table.named("scores") |> table.create(in: runtime)
  let assert Ok(Nil) = table.insert(into: scores, key: "anna", value: dynamic.int(7))
  let assert Ok(Nil) = table.insert(into: scores, key: "bert", value: dynamic.string("eight"))
  let assert Error(table.NameTaken) = table.new() |> table.named("scores") |> table.create(in: runtime)
  let assert Ok(numbers) = table.find(in: runtime, named: "scores", key: decode.string, value: decode.int)
  let assert Ok(7) = table.lookup(in: numbers, key: "anna")
  let assert Error(table.Undecodable([decode.DecodeError("Int", "String", [])])) =
    table.lookup(in: numbers, key: "bert")
  let assert Error(table.Undecodable(_)) = table.to_list(numbers)
  let assert Error(table.Undecodable(_)) = table.add(to: numbers, key: "bert", number: 1, starting_at: 0)
  let assert Ok(8) = table.add(to: numbers, key: "anna", number: 1, starting_at: 0)
  let assert Error(table.NoTable) = table.find(in: runtime, named: "nobody", key: decode.string, value: decode.int)
  let assert Error(_) = table.find(in: runtime, named: zero(), key: decode.string, value: decode.int)
  let assert Error(table.Failed(_)) = table.new() |> table.named(zero()) |> table.create(in: runtime)
  let assert Error(table.Failed(_)) = table.insert(into: scores, key: "carl", value: too_large())
  let assert Ok(2) = table.size(of: scores)
}

pub fn a_bag_has_many_values_for_a_key_test() {
  use runtime <- with_runtime
  let assert Ok(tags) = table.new() |> table.bag |> table.create(in: runtime)
  let assert Ok([]) = table.lookup_all(in: tags, key: 1)
  let assert Ok(Nil) = table.insert(into: tags, key: 1, value: "a")
  let assert Ok(Nil) = table.insert_all(into: tags, entries: [#(1, "b"), #(1, "a"), #(2, "c")])
  let assert Ok(["a", "b"]) = table.lookup_all(in: tags, key: 1)
  let assert Ok("a") = table.lookup(in: tags, key: 1)
  let assert Ok(False) = table.insert_all_new(into: tags, entries: [#(1, "d"), #(3, "d")])
  let assert Ok(True) = table.insert_all_new(into: tags, entries: [#(3, "d"), #(3, "e")])
  let assert Ok(5) = table.size(of: tags)
  let assert Ok(Nil) = table.delete_value(from: tags, key: 1, value: "a")
  let assert Ok(Nil) = table.delete_value(from: tags, key: 1, value: "z")
  let assert Ok(["b"]) = table.lookup_all(in: tags, key: 1)
  let assert Ok(["d", "e"]) = table.take_all(from: tags, key: 3)
  let assert Ok([]) = table.take_all(from: tags, key: 3)
  let assert Error(table.Failed(_)) = table.replace(in: tags, key: 1, value: "z")
  let assert Ok(more) = table.new() |> table.duplicate_bag |> table.create(in: runtime)
  let assert Ok(Nil) = table.insert_all(into: more, entries: [#(1, 7), #(1, 7), #(1, 8)])
  let assert Ok([7, 7, 8]) = table.lookup_all(in: more, key: 1)
  let assert Error(table.Failed(_)) = table.add(to: more, key: 1, number: 1, starting_at: 0)
  let assert Ok(Nil) = table.delete_value(from: more, key: 1, value: 7)
  let assert Ok([8]) = table.lookup_all(in: more, key: 1)
}

pub fn an_ordered_table_is_walked_key_by_key_test() {
  use runtime <- with_runtime
  let assert Ok(numbers) = table.new() |> table.ordered |> table.create(in: runtime)
  let assert Error(table.NotFound) = table.first(of: numbers)
  let assert Error(table.NotFound) = table.last(of: numbers)
  let assert Ok(Nil) = table.insert_all(into: numbers, entries: [#(5, "e"), #(1, "a"), #(3, "c")])
  let assert Ok(1) = table.first(of: numbers)
  let assert Ok(5) = table.last(of: numbers)
  let assert Ok(3) = table.next(in: numbers, after: 2)
  let assert Ok(5) = table.next(in: numbers, after: 3)
  let assert Error(table.NotFound) = table.next(in: numbers, after: 5)
  let assert Ok(3) = table.previous(in: numbers, before: 4)
  let assert Error(table.NotFound) = table.previous(in: numbers, before: 1)
  let assert Ok("ace") = table.fold(over: numbers, from: "", with: fn(text, _, value) { text <> value })
  let assert Ok(9) = table.fold(over: numbers, from: 0, with: fn(sum, key, _) { sum + key })
  let assert Ok(unordered) = table.create(table.new(), in: runtime)
  let assert Ok(Nil) = table.insert(into: unordered, key: 1, value: 1)
  let assert Ok(1) = table.first(of: unordered)
  let assert Error(table.NotFound) = table.next(in: unordered, after: 1)
  let assert Error(table.NotFound) = table.next(in: unordered, after: 2)
}

pub fn a_counter_has_a_limit_test() {
  use runtime <- with_runtime
  let assert Ok(counts) = table.create(table.new(), in: runtime)
  let add = fn(number) {
    table.add_limited(to: counts, key: "a", number: number, starting_at: 8, limit: 10, beyond: 0)
  }
  let assert Ok(9) = add(1)
  let assert Ok(10) = add(1)
  let assert Ok(0) = add(1)
  let assert Ok(Nil) = table.replace(in: counts, key: "a", value: 10)
  let assert Ok(0) = add(5)
  let assert Error(table.NotFound) = table.replace(in: counts, key: "b", value: 1)
  let assert Ok(False) = table.contains(counts, key: "b")
}

pub fn keys_and_values_are_searched_by_what_they_are_test() {
  use runtime <- with_runtime
  let assert Ok(scores) = table.new() |> table.ordered |> table.named("scores") |> table.create(in: runtime)
  let assert Ok(Nil) = table.insert_all(into: scores, entries: [#("anna", 7), #("bert", 3), #("carl", 9)])
  let many = fn(_, points) { match.greater(points, than: match.value(5)) }
  let assert Ok(["anna", "carl"]) = table.select(in: scores, where: many, giving: fn(name, _) { name })
  let assert Ok([#("anna", 8), #("carl", 10)]) =
    table.select(in: scores, where: many, giving: fn(name, points) {
      match.pair(name, and: match.add(points, match.value(1)))
    })
  let assert Ok(2) = table.select_count(in: scores, where: many)
  let assert Ok(2) = table.select_delete(from: scores, where: many)
  let assert Ok([#("bert", 3)]) = table.to_list(scores)
  // By a decoder that what is there is not for.
  let assert Ok(texts) = table.find(in: runtime, named: "scores", key: decode.string, value: decode.string)
  let assert Error(table.Undecodable([decode.DecodeError("String", "Int", ["0"])])) =
    table.select(in: texts, where: fn(_, _) { match.always() }, giving: fn(_, text) { text })
  let assert Ok(["bert"]) =
    table.select(in: texts, where: fn(_, _) { match.always() }, giving: fn(name, _) { name })
  let assert Ok(numbers) = table.find(in: runtime, named: "scores", key: decode.int, value: decode.int)
  let assert Error(table.Undecodable(_)) = table.first(of: numbers)
  let assert Error(table.Undecodable(_)) = table.fold(over: numbers, from: 0, with: fn(sum, _, _) { sum })
}

pub fn an_heir_gets_the_table_test() {
  use runtime <- with_runtime
  // In a process of its own, to which nothing else was given.
  use <- elsewhere
  let me = process.self()
  let told = process.new_subject()
  let owner =
    process.spawn_unlinked(running: fn() {
      let assert Ok(kept) =
        table.new()
        |> table.heir(to: me, telling: dynamic.string("yours"))
        |> table.create(in: runtime)
      let assert Ok(Nil) = table.insert(into: kept, key: 1, value: "kept")
      process.send(to: told, message: #(table.owner(of: kept), kept))
    })
  let assert Ok(#(Ok(first), kept)) = process.receive(from: told, within: 20_000)
  let assert True = first == owner
  let assert Ok(table.Transfer(mine, from, telling)) =
    table.receive_transfer(in: runtime, key: decode.int, value: decode.string, within: 20_000)
  let assert True = from == owner && telling == dynamic.string("yours")
  let assert Ok("kept") = table.lookup(in: mine, key: 1)
  let assert Ok(Nil) = table.insert(into: mine, key: 2, value: "mine")
  let assert Ok("mine") = table.lookup(in: kept, key: 2)
  let assert Ok(second) = table.owner(of: kept)
  let assert True = second == me
  let assert Error(process.NothingCame) =
    table.receive_transfer(in: runtime, key: decode.int, value: decode.string, within: 0)
}

pub fn an_heir_is_named_and_taken_away_later_test() {
  use runtime <- with_runtime
  // In a process of its own, to which nothing else was given.
  use <- elsewhere
  let me = process.self()
  let told = process.new_subject()
  let owning = fn(name, named: fn(table.Table(Int, String)) -> Nil) {
    process.spawn_unlinked(running: fn() {
      let assert Ok(kept) = table.new() |> table.named(name) |> table.create(in: runtime)
      let assert Ok(Nil) = table.set_heir(of: kept, to: me, telling: dynamic.string(name))
      named(kept)
      process.send(to: told, message: kept)
    })
  }
  owning("unnamed", fn(kept) {
    let assert Ok(Nil) = table.remove_heir(of: kept)
    Nil
  })
  let assert Ok(gone) = process.receive(from: told, within: 20_000)
  owning("named", fn(_) { Nil })
  let assert Ok(_) = process.receive(from: told, within: 20_000)
  let assert Ok(table.Transfer(mine, _, telling)) =
    table.receive_transfer(in: runtime, key: decode.int, value: decode.string, within: 20_000)
  let assert True = telling == dynamic.string("named")
  let assert Ok(Nil) = table.set_heir(of: mine, to: me, telling: dynamic.nil())
  counter.until(fn() { table.size(of: gone) == Error(table.NoTable) })
  let assert Error(table.NoTable) = table.set_heir(of: gone, to: me, telling: dynamic.nil())
  let assert Error(table.NoTable) = table.remove_heir(of: gone)
  let told_result = process.new_subject()
  process.spawn(running: fn() {
    process.send(to: told_result, message: table.set_heir(of: mine, to: me, telling: dynamic.nil()))
  })
  let assert Ok(Error(table.Denied)) = process.receive(from: told_result, within: 20_000)
}

pub fn who_is_given_a_table_is_told_test() {
  use runtime <- with_runtime
  let me = process.self()
  let assert Ok(kept) = table.create(table.new(), in: runtime)
  let assert Ok(Nil) = table.insert(into: kept, key: 1, value: 7)
  let told = process.new_subject()
  let other =
    process.spawn(running: fn() {
      let mine =
        selector.new()
        |> table.transfers(in: runtime, key: decode.int, value: decode.int, wrapping: fn(transfer) { transfer })
      let assert Ok(table.Transfer(given, from, telling)) = selector.receive(from: mine, within: 20_000)
      process.send(to: told, message: #(table.lookup(in: given, key: 1), from, telling))
    })
  let assert Ok(Nil) = table.give_away_telling(kept, to: other, telling: dynamic.int(42))
  let assert Ok(#(Ok(7), from, telling)) = process.receive(from: told, within: 20_000)
  let assert True = from == me && telling == dynamic.int(42)
}

pub fn a_runtime_that_is_over_is_an_error_test() {
  let assert Ok(over) = runtime.start(runtime.new())
  let assert Ok(numbers) = table.create(table.new(), in: over)
  let assert Ok(Nil) = table.insert(into: numbers, key: 1, value: 1)
  let assert Ok(Nil) = runtime.shutdown(over, within: 5000)
  let assert Error(table.NoTable) = table.lookup(in: numbers, key: 1)
  let assert Error(table.NoTable) = table.insert(into: numbers, key: 1, value: 1)
  let assert Error(table.NoTable) = table.first(of: numbers)
  let assert Error(table.NoTable) = table.owner(of: numbers)
  let assert Error(table.NoTable) = table.insert_all(into: numbers, entries: [#(1, 1)])
  let assert Error(table.NoTable) = table.select_count(in: numbers, where: fn(_, _) { match.always() })
  let assert Error(table.NoTable) = table.fold(over: numbers, from: 0, with: fn(sum, _, _) { sum })
  let assert Error(table.NoTable) = table.create(table.new(), in: over)
  let assert Error(table.NoTable) = table.find(in: over, named: "x", key: decode.int, value: decode.int)
}

@external(erlang, "regrow_gleam_support", "too_large")
fn too_large() -> dynamic.Dynamic

@external(erlang, "regrow_gleam_support", "zero")
fn zero() -> String
