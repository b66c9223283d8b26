//// Actors found by what they are for: an actor registers its own subject, and anybody sends to it by its key.

import support/say
import regrow/process
import regrow/registry
import regrow/runtime

pub type UserMessage {
  RecordMetric(name: String, value: Float)
  GetStats(reply: process.Subject(Int))
}

pub fn main() -> Nil {
  let assert Ok(runtime) = runtime.start(runtime.new())
  let assert Ok(users) = registry.unique() |> registry.named("user_actors") |> registry.start(in: runtime)

  // The actor registers itself, and says that it is there.
  let ready = process.new_subject()
  let actor =
    process.spawn_unlinked(running: fn() {
      let subject = process.new_subject()
      let assert Ok(Nil) = registry.register(in: users, key: "user_123", subject: subject)
      process.send(to: ready, message: Nil)
      user(subject, 0)
    })
  let assert Ok(Nil) = process.receive(from: ready, within: 20_000)

  // Later: found and told from anywhere.
  case registry.lookup(in: users, key: "user_123") {
    Ok(subject) -> {
      process.send(to: subject, message: RecordMetric("page_views", 1.0))
      let assert Ok(1) = process.call(subject, sending: GetStats, within: 20_000)
      say.line("metric sent to user actor")
    }
    Error(_) -> say.line("user actor not found")
  }

  // When it has ended it is not found, by nobody and at no moment.
  let monitor = process.monitor(actor)
  process.kill(actor)
  let assert Ok(_) = process.receive_down(from: monitor, within: 20_000)
  case registry.lookup(in: users, key: "user_123") {
    Error(registry.NotFound) -> say.line("process not found")
    _ -> say.line("a stale answer")
  }
  let assert Ok(Nil) = runtime.shutdown(runtime, within: 5000)
  Nil
}

fn user(subject: process.Subject(UserMessage), recorded: Int) -> Nil {
  case process.receive(from: subject, within: 60_000) {
    Ok(RecordMetric(_, _)) -> user(subject, recorded + 1)
    Ok(GetStats(reply)) -> {
      process.send(to: reply, message: recorded)
      user(subject, recorded)
    }
    Error(_) -> Nil
  }
}
