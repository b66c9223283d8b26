//// A supervised counter: it counts, crashes, and counts again from 1.

import regrow/child
import regrow/process
import regrow/registry
import regrow/runtime
import regrow/server
import regrow/supervisor
import support/say

pub type Message {
  Next(reply: process.Subject(Int))
  Crash(reply: process.Subject(Int))
}

fn count(count: Int, message: Message) -> server.Next(Int) {
  case message {
    Next(reply) -> {
      process.send(to: reply, message: count + 1)
      server.Continue(count + 1)
    }
    Crash(_) -> panic
  }
}

pub fn main() -> Nil {
  let assert Ok(runtime) = runtime.start(runtime.new())
  let assert Ok(names) = registry.unique() |> registry.start(in: runtime)
  let counter = server.new(0) |> server.on_message(count) |> server.registered(in: names, under: "counter")
  let assert Ok(_) =
    supervisor.new(supervisor.OneForOne)
    |> supervisor.add(child.worker(id: "counter", starting: fn() { server.start(counter) }))
    |> supervisor.start(in: runtime)

  say.line("next: " <> ask(names, Next))
  say.line("next: " <> ask(names, Next))
  say.line("crash: " <> ask(names, Crash))
  say.line("next: " <> ask(names, Next))
}

/// Asks whichever counter lives now; while one is being started again, tries once more.
fn ask(names: registry.Registry(String, Message), question: fn(process.Subject(Int)) -> Message) -> String {
  case registry.lookup(in: names, key: "counter") {
    Error(_) -> {
      process.sleep(1)
      ask(names, question)
    }
    Ok(counter) ->
      case process.call(counter, sending: question, within: 1000) {
        Ok(number) -> say.number(number)
        Error(process.Exited(_)) -> "exited"
        Error(_) -> "no answer"
      }
  }
}
