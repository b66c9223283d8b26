//// Supervisors whose children are all made by one function, each from an argument of its own: OTP's
//// `simple_one_for_one`. Children go by their processes; a child that is started again has its argument again.
////
//// ```gleam
//// let assert Ok(pool) =
////   factory_supervisor.new(starting: fn(number) { server.start(worker(number)) })
////   |> factory_supervisor.restart(child.Transient)
////   |> factory_supervisor.start(in: runtime)
//// let assert Ok(seventh) = factory_supervisor.start_child(in: pool.data, with: 7)
//// ```

import regrow/child
import regrow/process
import regrow/runtime
import regrow/start
import regrow/supervisor

/// A supervisor that runs: of which argument children are made, and what they give.
pub type FactorySupervisor(argument, data)

/// What a supervisor is to be, for `start`.
pub opaque type Builder(argument, data) {
  Builder(
    run: fn(argument) -> Result(start.Started(data), start.StartError),
    restart: child.Restart,
    shutdown: child.Shutdown,
    kind: supervisor.Kind,
    intensity: Int,
    period: Int,
  )
}

/// A supervisor of permanent children with 5 seconds to end, which ends itself when more than 2 restarts are needed in
/// 5 seconds. The function runs in the supervisor, at each start, and must link what it starts.
pub fn new(
  starting run: fn(argument) -> Result(start.Started(data), start.StartError),
) -> Builder(argument, data) {
  Builder(
    run: run,
    restart: child.Permanent,
    shutdown: child.Within(5000),
    kind: supervisor.Worker,
    intensity: 2,
    period: 5,
  )
}

/// When children are started again.
pub fn restart(builder: Builder(argument, data), restart: child.Restart) -> Builder(argument, data) {
  Builder(..builder, restart: restart)
}

/// How children are ended.
pub fn shutdown(builder: Builder(argument, data), shutdown: child.Shutdown) -> Builder(argument, data) {
  Builder(..builder, shutdown: shutdown)
}

/// The children are supervisors, with all the time they take to end.
pub fn supervising(builder: Builder(argument, data)) -> Builder(argument, data) {
  Builder(..builder, shutdown: child.Infinity, kind: supervisor.Supervising)
}

/// How many restarts there may be in how many seconds before the supervisor gives up.
pub fn restart_tolerance(
  builder: Builder(argument, data),
  intensity intensity: Int,
  period seconds: Int,
) -> Builder(argument, data) {
  Builder(..builder, intensity: intensity, period: seconds)
}

/// Starts a supervisor, linked with the caller.
pub fn start(
  builder: Builder(argument, data),
  in runtime: runtime.Runtime,
) -> Result(start.Started(FactorySupervisor(argument, data)), start.StartError) {
  start_with_initialiser(running: fn() { Ok(builder) }, in: runtime)
}

/// As `start`, with what a function makes, which runs in the supervisor. If that gives an error the supervisor does not
/// start; `Error(start.Ignored)`: it is not wanted.
@external(erlang, "regrow_gleam_factory_supervisor", "start")
pub fn start_with_initialiser(
  running initialise: fn() -> Result(Builder(argument, data), start.StartError),
  in runtime: runtime.Runtime,
) -> Result(start.Started(FactorySupervisor(argument, data)), start.StartError)

/// Starts a child. `Error(Ignored)`: it is not wanted, and not kept.
@external(erlang, "regrow_gleam_factory_supervisor", "start_child")
pub fn start_child(
  in supervisor: FactorySupervisor(argument, data),
  with argument: argument,
) -> Result(start.Started(data), start.StartError)

/// Ends a child, and forgets it.
@external(erlang, "regrow_gleam_supervisor", "terminate_child")
pub fn terminate_child(
  in supervisor: FactorySupervisor(argument, data),
  pid pid: process.Pid,
) -> Result(Nil, supervisor.SupervisorError)

/// The children in no order, with what becomes of them. Their ids are the atom `undefined`.
@external(erlang, "regrow_gleam_supervisor", "which_children")
pub fn which_children(
  in supervisor: FactorySupervisor(argument, data),
) -> Result(List(supervisor.ChildInfo), supervisor.SupervisorError)

/// How many there are; there is one specification.
@external(erlang, "regrow_gleam_supervisor", "count_children")
pub fn count_children(
  in supervisor: FactorySupervisor(argument, data),
) -> Result(supervisor.Counts, supervisor.SupervisorError)

/// Its process, which stands under another supervisor.
@external(erlang, "regrow_gleam_dynamic", "identity")
pub fn pid(of supervisor: FactorySupervisor(argument, data)) -> process.Pid

/// Ends a supervisor and its children.
pub fn stop(
  supervisor: FactorySupervisor(argument, data),
  within milliseconds: Int,
) -> Result(Nil, process.CallError) {
  process.stop(pid(of: supervisor), within: milliseconds)
}
