//// One message to all who want it.

import regrow/process
import regrow/pubsub
import regrow/runtime
import support/say

pub fn main() -> Nil {
  let assert Ok(runtime) = runtime.start(runtime.new())
  let assert Ok(metrics) = pubsub.new() |> pubsub.named("metrics") |> pubsub.start(in: runtime)

  let assert Ok(subject) = pubsub.subscribe(to: metrics, topic: "user.*")
  let assert Ok(Nil) = pubsub.broadcast(over: metrics, topic: "user.123", message: 7)
  let assert Ok(Nil) = pubsub.broadcast(over: metrics, topic: "server.1", message: 8)
  let assert Ok(pubsub.Event(topic, value)) = process.receive(from: subject, within: 20_000)
  say.line(topic <> ": " <> say.number(value))

  let assert Ok(Nil) = pubsub.unsubscribe(from: metrics, topic: "user.*", subject: subject)
  let assert Ok(Nil) = pubsub.broadcast(over: metrics, topic: "user.123", message: 9)
  let assert Error(process.NothingCame) = process.receive(from: subject, within: 50)
  let assert Ok(Nil) = runtime.shutdown(runtime, within: 5000)
  say.line("over")
}
