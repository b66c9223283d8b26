//// Waiting for several kinds of messages at once: those of subjects, ends of processes, and what other modules add
//// (`group.changes`, `registry.changes`, `table.transfers`, `pubsub.lags`), each made a message of one type.
////
//// ```gleam
//// selector.new()
//// |> selector.add(subject: numbers, wrapping: Number)
//// |> selector.down(of: monitor, wrapping: Ended)
//// |> selector.receive(within: 1000)
//// ```
////
//// A server takes one too: `server.selecting`. A selector is a value, and is used as often as one likes.

import regrow/dynamic
import regrow/process

/// What is waited for, and what is made of it.
pub type Selector(message)

/// Waits for nothing.
@external(erlang, "regrow_gleam_selector", "new")
pub fn new() -> Selector(message)

/// Adds what comes to a subject; instead of what there was for the same subject.
@external(erlang, "regrow_gleam_selector", "add")
pub fn add(
  selector: Selector(message),
  subject subject: process.Subject(other),
  wrapping wrap: fn(other) -> message,
) -> Selector(message)

/// Adds what a monitor tells of the end of its process.
@external(erlang, "regrow_gleam_selector", "down")
pub fn down(
  selector: Selector(message),
  of monitor: process.Monitor,
  wrapping wrap: fn(process.Down) -> message,
) -> Selector(message)

/// Adds what all other monitors tell, of whatever process: those too that are made later.
@external(erlang, "regrow_gleam_selector", "monitors")
pub fn monitors(
  selector: Selector(message),
  wrapping wrap: fn(process.Monitor, process.Down) -> message,
) -> Selector(message)

/// Adds the exit signals that come as messages, to who traps exits.
@external(erlang, "regrow_gleam_selector", "exits")
pub fn exits(selector: Selector(message), wrapping wrap: fn(process.Down) -> message) -> Selector(message)

/// Adds all other messages, as they are: those of native code and of modules of Erlang and Elixir, which have no
/// subject. Messages to subjects that the selector does not have are among them.
@external(erlang, "regrow_gleam_selector", "other")
pub fn other(selector: Selector(message), wrapping wrap: fn(dynamic.Dynamic) -> message) -> Selector(message)

/// What both wait for; where both have the same the second one's counts.
@external(erlang, "regrow_gleam_selector", "merge")
pub fn merge(first: Selector(message), with second: Selector(message)) -> Selector(message)

/// A selector whose messages a function makes others of.
@external(erlang, "regrow_gleam_selector", "map")
pub fn map(selector: Selector(a), with function: fn(a) -> b) -> Selector(b)

/// Takes the first message in the mailbox that is waited for, and leaves all others where they are.
/// `Error(NotTheOwner)`: a subject is another process's.
@external(erlang, "regrow_gleam_selector", "receive")
pub fn receive(from selector: Selector(message), within milliseconds: Int) -> Result(message, process.ReceiveError)
