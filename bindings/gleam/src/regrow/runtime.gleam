//// Runtimes: the native processes, and all that stands on them. A program has one as a rule.
////
//// ```gleam
//// let assert Ok(runtime) =
////   runtime.new()
////   |> runtime.workers(2)
////   |> runtime.start
//// ```
////
//// A runtime ends with the process that started it, and all that is in it.

import regrow/dynamic
import regrow/process

/// A runtime's handle. Whoever starts a runtime keeps it alive until it ends itself, or shuts it down.
pub type Runtime

/// Why something was not done. `BadOption`: an option has a value that it cannot have. `NotManual`: only a manual clock
/// is moved on. `Stuck`: the time was over; everything was killed, and these are in native callbacks that have not
/// returned.
pub type RuntimeError {
  BadOption
  Failed(reason: dynamic.Dynamic)
  AlreadyOver
  NotManual
  Timeout
  Stuck(pids: List(process.Pid))
}

/// Why a name was not given.
pub type NameError {
  NameTaken(by: process.Pid)
  DeadProcess
}

/// `Monotonic`: the machine's time. `Manual`: the time that `advance` makes, for tests.
pub type Clock {
  Monotonic
  Manual
}

/// From which importance on the runtime's log goes to `logger`.
pub type LogLevel {
  Debug
  Info
  Warning
  Failure
  Silent
}

/// What a runtime is to be, for `start`.
pub opaque type Builder {
  Builder(workers: Int, clock: Clock, log_level: LogLevel)
}

/// As many workers as there are processors, the machine's clock, warnings and errors in the log.
pub fn new() -> Builder {
  Builder(workers: 0, clock: Monotonic, log_level: Warning)
}

/// How many threads run native processes; 0: as many as there are processors.
pub fn workers(builder: Builder, count: Int) -> Builder {
  Builder(..builder, workers: count)
}

/// What its times are measured by; the machine's clock, if this is not said.
pub fn clock(builder: Builder, clock: Clock) -> Builder {
  Builder(..builder, clock: clock)
}

/// What of its log goes to `logger`.
pub fn log_level(builder: Builder, level: LogLevel) -> Builder {
  Builder(..builder, log_level: level)
}

/// Starts a runtime.
pub fn start(builder: Builder) -> Result(Runtime, RuntimeError) {
  do_start(builder.workers, builder.clock, builder.log_level)
}

/// Ends a runtime: every process in it, then its threads.
@external(erlang, "regrow_gleam_runtime", "shutdown")
pub fn shutdown(runtime: Runtime, within milliseconds: Int) -> Result(Nil, RuntimeError)

/// Waits until nothing native runs and no native call waits for a process of the BEAM. For tests.
@external(erlang, "regrow_gleam_runtime", "settle")
pub fn settle(runtime: Runtime, within milliseconds: Int) -> Result(Nil, RuntimeError)

/// Moves a manual clock on, from deadline to deadline. For tests.
@external(erlang, "regrow_gleam_runtime", "advance")
pub fn advance(runtime: Runtime, by milliseconds: Int) -> Result(Nil, RuntimeError)

/// How many native processes there are.
@external(erlang, "regrow_gleam_runtime", "process_count")
pub fn process_count(runtime: Runtime) -> Result(Int, RuntimeError)

/// Gives a process of either kind a name in a runtime, until it ends.
@external(erlang, "regrow_gleam_runtime", "register")
pub fn register(runtime: Runtime, pid pid: process.Pid, named name: String) -> Result(Nil, NameError)

/// Takes a name away; `Error(Nil)` if nobody had it.
@external(erlang, "regrow_gleam_runtime", "unregister")
pub fn unregister(runtime: Runtime, name: String) -> Result(Nil, Nil)

/// Who has a name.
@external(erlang, "regrow_gleam_runtime", "whereis")
pub fn whereis(runtime: Runtime, name: String) -> Result(process.Pid, Nil)

@external(erlang, "regrow_gleam_runtime", "start")
fn do_start(workers: Int, clock: Clock, log_level: LogLevel) -> Result(Runtime, RuntimeError)
