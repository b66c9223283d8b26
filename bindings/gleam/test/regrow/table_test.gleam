import regrow/decode
import regrow/dynamic
import regrow/process
import regrow/runtime
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
  let assert Ok(value) = process.receive(from: told, within: 5000)
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
    let assert Ok(Nil) = process.receive(from: done, within: 5000)
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
  let assert Ok(#(lost, kept)) = process.receive(from: told, within: 5000)
  let assert Ok(_) = process.receive_down(from: monitor, within: 5000)
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

pub fn a_runtime_that_is_over_is_an_error_test() {
  let assert Ok(over) = runtime.start(runtime.new())
  let assert Ok(numbers) = table.create(table.new(), in: over)
  let assert Ok(Nil) = table.insert(into: numbers, key: 1, value: 1)
  let assert Ok(Nil) = runtime.shutdown(over, within: 5000)
  let assert Error(table.NoTable) = table.lookup(in: numbers, key: 1)
  let assert Error(table.NoTable) = table.insert(into: numbers, key: 1, value: 1)
  let assert Error(table.NoTable) = table.create(table.new(), in: over)
  let assert Error(table.NoTable) = table.find(in: over, named: "x", key: decode.int, value: decode.int)
}

@external(erlang, "regrow_gleam_support", "too_large")
fn too_large() -> dynamic.Dynamic

@external(erlang, "regrow_gleam_support", "zero")
fn zero() -> String
