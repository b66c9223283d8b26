//// What the tests of supervisors supervise.

import regrow/child
import regrow/process
import regrow/registry
import regrow/server

pub type Message {
  Next(reply: process.Subject(Int))
  Crash
  End
}

pub type Counters =
  registry.Registry(String, Message)

/// A counter that is registered by its id.
pub fn builder(in counters: Counters, id id: String) -> server.Builder(Int, Message) {
  server.new(0)
  |> server.on_message(fn(count, message) {
    case message {
      Next(reply) -> {
        process.send(to: reply, message: count + 1)
        server.Continue(count + 1)
      }
      Crash -> panic
      End -> server.Stop
    }
  })
  |> server.registered(in: counters, under: id)
}

pub fn child(in counters: Counters, id id: String) -> child.Child(process.Subject(Message)) {
  child.worker(id: id, starting: fn() { server.start(builder(in: counters, id: id)) })
}

/// The next number of whoever has an id.
pub fn next(in counters: Counters, id id: String) -> Int {
  let assert Ok(counter) = registry.lookup(in: counters, key: id)
  let assert Ok(number) = process.call(counter, sending: Next, within: 20_000)
  number
}

/// Has a counter end in a way, and waits until it has.
pub fn end(in counters: Counters, id id: String, by message: Message) -> process.Pid {
  let assert Ok(counter) = registry.lookup(in: counters, key: id)
  let pid = process.owner(of: counter)
  let monitor = process.monitor(pid)
  process.send(to: counter, message: message)
  let assert Ok(_) = process.receive_down(from: monitor, within: 20_000)
  pid
}

/// Waits until something holds that nobody tells of; at most thirty seconds.
pub fn until(holds: fn() -> Bool) -> Nil {
  until_times(holds, 6000)
}

fn until_times(holds: fn() -> Bool, left: Int) -> Nil {
  case holds() {
    True -> Nil
    False -> {
      let assert True = left > 0
      process.sleep(5)
      until_times(holds, left - 1)
    }
  }
}
