//// Drill 1: registries find processes by keys of any shape, and forget them before anyone can know of their end.

import regrow/decode
import regrow/dynamic
import regrow/process
import regrow/registry
import support/drill
import support/items
import support/say

pub type Key {
  Task(number: Int)
  Workers
}

/// What a worker has in its entry, with its subject.
pub type Beside {
  Priority(number: Int)
}

pub type Message {
  Work(data: String)
  Ping
  Stop
}

type Registry =
  registry.Registry(Key, Message)

pub fn main() -> Nil {
  let runtime = drill.start()
  let assert Ok(my_registry) = registry.unique() |> registry.start(in: runtime)

  say.line("1. Five processes register as {task, Number}.")
  let start = fn(number) { process.spawn_unlinked(fn() { worker(my_registry, number) }) }
  let assert [first, second, third, fourth, fifth] = items.map(of: items.range(1, 5), with: start)
  // A spawn does not wait for what the process does first.
  drill.settle()
  let assert Ok(#(_, fourth_subject)) = look(my_registry, 4)
  let assert Ok(subjects) = all_ok(items.map(of: [1, 2, 5, 5], with: fn(number) { look(my_registry, number) }))
  print_count("my_registry", my_registry)

  say.line("2. One is found by its key, and gets a message.")
  let assert Ok(found) = look_up(my_registry, 2)
  process.send(to: found, message: Work("important task"))
  drill.settle()

  say.line("3. A second process for the same key is refused.")
  let nothing = dynamic.nil()
  case registry.register_value(in: my_registry, key: Task(2), pid: first, value: nothing) {
    Error(registry.AlreadyRegistered(holder)) ->
      say.line(
        "   REGROW_ERR_EXISTS, {already_registered, Pid}: yes; Pid is who has it: "
        <> drill.yes_or_no(holder == second),
      )
    _ -> say.line("   it is not")
  }

  say.line("4. Who ends is not found any more, neither killed nor by itself.")
  drill.kill(third)
  let _ = look_up(my_registry, 3)
  drill.end(fourth, by: fn() { process.send(to: fourth_subject, message: Stop) })
  let _ = look_up(my_registry, 4)
  // A lookup is never stale; a count may be, for a moment.
  drill.settle()
  print_count("my_registry", my_registry)

  say.line("5. In a duplicate registry many processes have one key, and one may have it twice.")
  let assert Ok(crowd) = registry.duplicate() |> registry.start(in: runtime)
  items.each(of: subjects, do: fn(subject) { registry.register(in: crowd, key: Workers, subject: subject) })
  print_count("crowd", crowd)
  drill.kill(fifth)
  let assert Ok(left) = registry.dispatch(in: crowd, key: Workers, message: Ping)
  say.line("   one of them ends, and " <> say.number(left) <> " entries are left to dispatch to")
}

/// Registers itself, and does what it is sent.
fn worker(my_registry: Registry, number: Int) -> Nil {
  let subject = process.new_subject()
  let beside = dynamic.from(#(Priority(10 - number), subject))
  let assert Ok(Nil) =
    registry.register_value(in: my_registry, key: Task(number), pid: process.self(), value: beside)
  loop(number, subject)
}

fn loop(number: Int, subject: process.Subject(Message)) -> Nil {
  case process.receive(from: subject, within: drill.forever) {
    Ok(Work(data)) -> {
      say.line("   task " <> say.number(number) <> " works at: " <> data)
      loop(number, subject)
    }
    Ok(Ping) -> loop(number, subject)
    _ -> Nil
  }
}

/// The entry of a task: what is beside its process, decoded.
fn look(
  my_registry: Registry,
  number: Int,
) -> Result(#(dynamic.Dynamic, process.Subject(Message)), Nil) {
  let decoder = decode.pair(of: decode.dynamic, and: decode.subject)
  case registry.values(in: my_registry, key: Task(number), decoder: decoder) {
    Ok([#(_, entry)]) -> Ok(entry)
    _ -> Error(Nil)
  }
}

fn look_up(my_registry: Registry, number: Int) -> Result(process.Subject(Message), Nil) {
  let found = "   {task," <> say.number(number) <> "}: "
  case look(my_registry, number) {
    Ok(#(beside, subject)) -> {
      say.line(found <> "1 found, beside it " <> drill.show(beside))
      Ok(subject)
    }
    Error(Nil) -> {
      say.line(found <> "0 found")
      Error(Nil)
    }
  }
}

fn all_ok(
  entries: List(Result(#(dynamic.Dynamic, process.Subject(Message)), Nil)),
) -> Result(List(process.Subject(Message)), Nil) {
  case entries {
    [] -> Ok([])
    [Ok(#(_, subject)), ..rest] ->
      case all_ok(rest) {
        Ok(others) -> Ok([subject, ..others])
        Error(Nil) -> Error(Nil)
      }
    [Error(Nil), ..] -> Error(Nil)
  }
}

fn print_count(what: String, registry: Registry) -> Nil {
  let assert Ok(count) = registry.count(in: registry)
  say.line("   " <> what <> ": " <> say.number(count) <> " entries")
}
