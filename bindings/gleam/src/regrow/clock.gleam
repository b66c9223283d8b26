//// A runtime's clock, and timers on it: the machine's time, or one that only `runtime.advance` moves, so that a test
//// of what takes hours takes no time.
////
//// ```gleam
//// let assert Ok(runtime) = runtime.new() |> runtime.clock(runtime.Manual) |> runtime.start
//// let assert Ok(_) = clock.send_after(in: runtime, to: subject, within: 3_600_000, message: Expire)
//// let assert Ok(clock.Waits(until: 3_600_000, for: clock.Timers)) = clock.settle(runtime, within: 1000)
//// let assert Ok(Nil) = runtime.advance(runtime, by: 3_600_000)
//// let assert Ok(Expire) = process.receive(from: subject, within: 1000)
//// ```
////
//// What a process of the BEAM waits for with `process.sleep`, `process.receive` or `process.send_after` is on the
//// BEAM's clock, which nobody moves.

import regrow/dynamic
import regrow/process
import regrow/runtime

/// What a runtime waits for when nothing runs in it: nothing, or the next deadline.
pub type Settled {
  Quiet
  Waits(until: Int, for: Deadline)
}

/// Whose deadline it is: a timer's; a supervisor's, of a child that starts, ends or waits for its next start; or that
/// of a native process that sleeps.
pub type Deadline {
  Timers
  Supervision
  Sleep
}

/// A timer of one runtime.
pub type Timer

pub type TimerError {
  /// It has sent its message, was cancelled, or ended with the process.
  NoTimer
  /// The process that is to get the message is dead.
  DeadProcess
  RuntimeIsOver
  /// A message that cannot cross to native code.
  Failed(reason: dynamic.Dynamic)
}

/// Milliseconds since the runtime started.
@external(erlang, "regrow_gleam_clock", "now")
pub fn now(of runtime: runtime.Runtime) -> Result(Int, runtime.RuntimeError)

/// As `runtime.settle`, and tells what the runtime waits for then. For tests.
@external(erlang, "regrow_gleam_clock", "settle")
pub fn settle(runtime: runtime.Runtime, within milliseconds: Int) -> Result(Settled, runtime.RuntimeError)

/// Sends a message when a time is over, unless the process ends before.
@external(erlang, "regrow_gleam_clock", "send_after")
pub fn send_after(
  in runtime: runtime.Runtime,
  to subject: process.Subject(message),
  within milliseconds: Int,
  message message: message,
) -> Result(Timer, TimerError)

/// Has a timer send nothing; tells how long it had to go.
@external(erlang, "regrow_gleam_clock", "cancel")
pub fn cancel(timer: Timer) -> Result(Int, TimerError)

/// How long a timer has to go.
@external(erlang, "regrow_gleam_clock", "time_left")
pub fn time_left(timer: Timer) -> Result(Int, TimerError)
