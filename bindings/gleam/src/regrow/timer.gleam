//// Timers by a runtime's clock: one that is moved by hand (`runtime.advance`) moves them. `process.send_after` goes by
//// the machine's.
////
//// ```gleam
//// let assert Ok(timer) = timer.send_after(in: runtime, to: subject, within: 1000, message: Tick)
//// ```

import regrow/dynamic
import regrow/process
import regrow/runtime

/// What sends a message later.
pub type Timer

/// Why there is no timer.
pub type TimerError {
  /// The process that is to get the message is dead, or the runtime is over.
  NobodyThere
  /// A message that cannot cross to native code.
  Failed(reason: dynamic.Dynamic)
}

/// Sends a message after a time. The timer ends with the process that is to get it.
@external(erlang, "regrow_gleam_timer", "send_after")
pub fn send_after(
  in runtime: runtime.Runtime,
  to subject: process.Subject(message),
  within milliseconds: Int,
  message message: message,
) -> Result(Timer, TimerError)

/// Takes a timer away, and tells how much time was left. `Error(Nil)`: it has sent its message, or was taken away.
@external(erlang, "regrow_gleam_timer", "cancel")
pub fn cancel(timer: Timer) -> Result(Int, Nil)

/// How much time is left. `Error(Nil)`: it has sent its message, or was taken away.
@external(erlang, "regrow_gleam_timer", "left")
pub fn left(of timer: Timer) -> Result(Int, Nil)
