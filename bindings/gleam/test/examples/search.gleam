//// Searches: conditions that are evaluated where the entries are, and typed as everything else.

import regrow/decode
import regrow/match
import regrow/process
import regrow/registry
import regrow/runtime
import regrow/table
import support/say

/// In memory a tuple: the constructor, and then the fields.
pub type User {
  User(name: String, age: Int)
}

pub fn main() -> Nil {
  let assert Ok(runtime) = runtime.start(runtime.new())
  let assert Ok(users) = table.new() |> table.ordered |> table.create(in: runtime)
  let assert Ok(Nil) =
    table.insert_all(into: users, entries: [
      #(1, User("anna", 7)),
      #(2, User("bert", 30)),
      #(3, User("carl", 41)),
    ])

  let grown = fn(_, user) { match.at_least(age(user), least: match.value(18)) }
  let assert Ok(["bert", "carl"]) = table.select(in: users, where: grown, giving: fn(_, user) { name(user) })
  say.line("bert, carl")
  let assert Ok(2) = table.select_delete(from: users, where: grown)
  let assert Ok([#(1, User("anna", 7))]) = table.to_list(users)
  say.line("anna is left")

  // Who has which keys.
  let assert Ok(rooms) = registry.unique() |> registry.start(in: runtime)
  let mine = process.new_subject()
  let assert Ok(Nil) = registry.register(in: rooms, key: #("hall", 1), subject: mine)
  let assert Ok(Nil) = registry.register(in: rooms, key: #("hall", 2), subject: mine)
  let assert Ok(Nil) = registry.register(in: rooms, key: #("tower", 1), subject: mine)
  let in_hall = fn(entry: registry.Entry(#(String, Int))) {
    match.equal(match.element(of: entry.key, at: 0, decoder: decode.string), to: match.value("hall"))
  }
  let assert Ok(2) = registry.select_count(in: rooms, where: in_hall)
  say.line("2 in the hall")
  let assert Ok(Nil) = runtime.shutdown(runtime, within: 5000)
  Nil
}

fn name(user: match.Expression(User)) -> match.Expression(String) {
  match.element(of: user, at: 1, decoder: decode.string)
}

fn age(user: match.Expression(User)) -> match.Expression(Int) {
  match.element(of: user, at: 2, decoder: decode.int)
}
