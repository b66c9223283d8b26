//// What the documents' programs share: a runtime whose clock stands still (`../erlang/examples/drill.erl` moves it),
//// and printing. Crashes are what these programs are about, so there are no reports of them.

import regrow/dynamic
import regrow/process
import regrow/registry
import regrow/runtime
import regrow/table
import support/say

/// As long as it takes.
pub const forever = 4_000_000_000

pub fn start() -> runtime.Runtime {
  let assert Ok(runtime) =
    runtime.new()
    |> runtime.clock(runtime.Manual)
    |> runtime.log_level(runtime.Silent)
    |> runtime.start
  start_clock(runtime)
  runtime
}

// ---- the clock ----

/// Returns when so much time has passed.
pub fn sleep(milliseconds: Int) -> Nil {
  do_sleep(milliseconds)
  Nil
}

/// Sends a message when so much time has passed.
pub fn send_after(to subject: process.Subject(message), message message: message, after milliseconds: Int) -> Nil {
  do_run_after(fn() { process.send(to: subject, message: message) }, milliseconds)
  Nil
}

/// Moves the clock on, from deadline to deadline.
pub fn advance(by milliseconds: Int) -> Nil {
  do_advance(milliseconds)
  Nil
}

@external(erlang, "drill", "now")
pub fn now() -> Int

/// Until nothing runs any more: what follows from what was done has happened.
pub fn settle() -> Nil {
  do_settle()
  Nil
}

// ---- ends ----

/// Returns when the process is dead, and not yet when what follows from that has happened.
pub fn kill(pid: process.Pid) -> Nil {
  end(pid, by: fn() { process.kill(pid) })
}

pub fn end(pid: process.Pid, by tell: fn() -> Nil) -> Nil {
  let monitor = process.monitor(pid)
  tell()
  let assert Ok(_) = process.receive_down(from: monitor, within: forever)
  Nil
}

// ---- requests that outlive who gets them ----

/// The numbers of the requests that somebody has begun with.
pub type Begun =
  table.Table(Int, Bool)

pub fn begun(in runtime: runtime.Runtime) -> Begun {
  let assert Ok(begun) = table.new() |> table.access(table.Public) |> table.create(in: runtime)
  begun
}

/// Called by a server when it begins with a request.
pub fn begin(begun: Begun, request: Int) -> Nil {
  let assert Ok(Nil) = table.insert(into: begun, key: request, value: True)
  Nil
}

/// Asks whoever has a key, waiting while that is nobody; `Error(reason)`: it ended over the request.
///
/// The error of a call does not say whether the server had begun with it, or whether it still lay in the mailbox. So
/// these servers say what they begin with, and what nobody has begun with goes to the next who has the key. Native
/// calls by key do that of themselves.
pub fn ask(
  in registry: registry.Registry(key, message),
  key key: key,
  begun begun: Begun,
  sending make: fn(Int, process.Subject(reply)) -> message,
) -> Result(reply, process.ExitReason) {
  let request = unique_integer()
  case registry.lookup(in: registry, key: key) {
    Error(_) -> {
      process.sleep(1)
      ask(registry, key, begun, make)
    }
    Ok(subject) ->
      case process.call(subject, sending: fn(reply) { make(request, reply) }, within: forever) {
        Ok(reply) -> Ok(reply)
        Error(error) ->
          case error, table.contains(begun, key: request) {
            process.Exited(reason), Ok(True) -> Error(reason)
            _, _ -> ask(registry, key, begun, make)
          }
      }
  }
}

// ---- printing ----

pub fn yes_or_no(yes: Bool) -> String {
  case yes {
    True -> "yes"
    False -> "no"
  }
}

/// A value as Erlang writes it.
pub fn show(value: a) -> String {
  dynamic.inspect(dynamic.from(value))
}

pub fn reason(reason: process.ExitReason) -> String {
  case reason {
    process.Abnormal(reason) -> show(reason)
    other -> show(other)
  }
}

/// With spaces behind it, up to a width.
pub fn pad(text: String, to width: Int) -> String {
  case size(text) < width {
    True -> pad(text <> " ", to: width)
    False -> text
  }
}

/// Numbers with a space before each.
pub fn spaced(numbers: List(Int)) -> String {
  case numbers {
    [] -> ""
    [first, ..rest] -> " " <> say.number(first) <> spaced(rest)
  }
}

/// From 0 to less than a bound.
@external(erlang, "erlang", "phash2")
pub fn hash(value: a, below bound: Int) -> Int

@external(erlang, "drill", "start_link")
fn start_clock(runtime: runtime.Runtime) -> dynamic.Dynamic

@external(erlang, "drill", "sleep")
fn do_sleep(milliseconds: Int) -> dynamic.Dynamic

@external(erlang, "drill", "run_after")
fn do_run_after(run: fn() -> Nil, milliseconds: Int) -> dynamic.Dynamic

@external(erlang, "drill", "advance")
fn do_advance(milliseconds: Int) -> dynamic.Dynamic

@external(erlang, "drill", "settle")
fn do_settle() -> dynamic.Dynamic

@external(erlang, "erlang", "unique_integer")
fn unique_integer() -> Int

@external(erlang, "erlang", "byte_size")
fn size(text: String) -> Int
