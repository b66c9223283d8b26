//// Looking into processes, as OTP's `sys` does: servers, agents, supervisors, registries and pubsubs, native ones and
//// those of the BEAM alike.

import regrow/dynamic
import regrow/process

/// Why something was not done.
pub type SysError {
  NoProcess
  /// It did not answer in time: it is busy, or is none that can be looked into.
  Timeout
  /// A native process of a kind that cannot be looked into.
  WrongKind
  /// It ended before it answered, or refuses.
  Failed(reason: dynamic.Dynamic)
}

/// Has a process handle nothing until `resume`. What comes meanwhile is kept in its order.
@external(erlang, "regrow_gleam_sys", "suspend")
pub fn suspend(pid: process.Pid, within milliseconds: Int) -> Result(Nil, SysError)

/// Has a process go on; nothing happens if it does.
@external(erlang, "regrow_gleam_sys", "resume")
pub fn resume(pid: process.Pid, within milliseconds: Int) -> Result(Nil, SysError)

/// Has a process write to the log whatever comes in and goes out, at the level debug, or no more: a native one to its
/// runtime's log, one of the BEAM to standard output.
@external(erlang, "regrow_gleam_sys", "trace")
pub fn trace(pid: process.Pid, on: Bool, within milliseconds: Int) -> Result(Nil, SysError)

/// What a process says of itself: a native one a map (see regrow_get_status() of regrow.h), one of the BEAM what OTP's
/// `sys:get_status` gives.
@external(erlang, "regrow_gleam_sys", "status")
pub fn status(pid: process.Pid, within milliseconds: Int) -> Result(dynamic.Dynamic, SysError)
