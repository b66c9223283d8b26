//// What a worker of a scenario is told.

import regrow/dynamic
import regrow/process
import regrow/table

pub type Message {
  Call(request: String, reply: process.Subject(dynamic.Dynamic))
  Cast(request: String)
  /// An operation that it carries out itself.
  Carry(operation: fn() -> String, reply: process.Subject(String))
  Tell(value: dynamic.Dynamic)
  TimeIsUp(value: dynamic.Dynamic)
  Late(reply: process.Subject(dynamic.Dynamic))
  Continue
  Linked(down: process.Down)
  Monitored(monitor: process.Monitor, down: process.Down)
  Transferred(transfer: table.Transfer(dynamic.Dynamic, dynamic.Dynamic))
  Else(message: dynamic.Dynamic)
}
