//// A table that outlives its writers, counted in by many.

import regrow/decode
import regrow/runtime
import regrow/table
import regrow/task
import support/say

pub fn main() -> Nil {
  let assert Ok(runtime) = runtime.start(runtime.new())
  let assert Ok(views) = table.new() |> table.access(table.Public) |> table.named("views") |> table.create(in: runtime)

  let count = fn() { table.add(to: views, key: "page", number: 1, starting_at: 0) }
  let assert [Ok(_), Ok(_), Ok(_)] =
    task.await_all([task.async(running: count), task.async(running: count), task.async(running: count)], within: 5000)
  let assert Ok(3) = table.lookup(in: views, key: "page")
  say.line("3 views")

  // Whoever finds it by its name says what he takes it for.
  let assert Ok(texts) = table.find(in: runtime, named: "views", key: decode.string, value: decode.string)
  let assert Error(table.Undecodable(_)) = table.lookup(in: texts, key: "page")
  say.line("no texts there")
  Nil
}
