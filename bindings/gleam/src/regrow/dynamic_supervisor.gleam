//// Supervisors whose children come and go, by the thousand: each has an id that no other has, by which it is ended,
//// and is forgotten when it has ended and is not started again.
////
//// ```gleam
//// let assert Ok(users) = dynamic_supervisor.new() |> dynamic_supervisor.start(in: runtime)
//// let assert Ok(user) = dynamic_supervisor.start_child(in: users.data, child: user_child("user_123"))
//// let assert Ok(Nil) = dynamic_supervisor.terminate_child(in: users.data, id: "user_123")
//// ```

import regrow/child
import regrow/process
import regrow/runtime
import regrow/start
import regrow/supervisor

/// A supervisor that runs.
pub type DynamicSupervisor

/// What a supervisor is to be, for `start`.
pub opaque type Builder {
  Builder(max_children: Result(Int, Nil), intensity: Int, period: Int)
}

/// A supervisor with any number of children, which ends when more than 3 restarts are needed in 5 seconds.
pub fn new() -> Builder {
  Builder(max_children: Error(Nil), intensity: 3, period: 5)
}

/// How many children there may be.
pub fn max_children(builder: Builder, count: Int) -> Builder {
  Builder(..builder, max_children: Ok(count))
}

/// How many restarts there may be in how many seconds before the supervisor gives up.
pub fn restart_tolerance(builder: Builder, intensity intensity: Int, period seconds: Int) -> Builder {
  Builder(..builder, intensity: intensity, period: seconds)
}

/// Starts a supervisor, linked with the caller.
pub fn start(
  builder: Builder,
  in runtime: runtime.Runtime,
) -> Result(start.Started(DynamicSupervisor), start.StartError) {
  start_with_initialiser(running: fn() { Ok(builder) }, in: runtime)
}

/// As `start`, with what a function makes, which runs in the supervisor. If that gives an error the supervisor does not
/// start; `Error(start.Ignored)`: it is not wanted.
@external(erlang, "regrow_gleam_dynamic_supervisor", "start")
pub fn start_with_initialiser(
  running initialise: fn() -> Result(Builder, start.StartError),
  in runtime: runtime.Runtime,
) -> Result(start.Started(DynamicSupervisor), start.StartError)

/// The supervisor whose process this is: one that was started again by its own supervisor has another.
/// `Error(NotFound)`: the process is something else.
@external(erlang, "regrow_gleam_dynamic_supervisor", "at")
pub fn at(pid pid: process.Pid) -> Result(DynamicSupervisor, supervisor.SupervisorError)

/// Starts a child. `NameInUse`: one with that id runs.
@external(erlang, "regrow_gleam_dynamic_supervisor", "start_child")
pub fn start_child(
  in supervisor: DynamicSupervisor,
  child child: child.Child(data),
) -> Result(start.Started(data), start.StartError)

/// Ends the child with an id, also while it waits for its next start, and forgets it.
@external(erlang, "regrow_gleam_dynamic_supervisor", "terminate_child")
pub fn terminate_child(in supervisor: DynamicSupervisor, id id: String) -> Result(Nil, supervisor.SupervisorError)

/// The ids of the children, in no order.
@external(erlang, "regrow_gleam_dynamic_supervisor", "ids")
pub fn ids(in supervisor: DynamicSupervisor) -> Result(List(String), supervisor.SupervisorError)

/// The processes of the children that run, in no order. One that is started again this moment may show as the native
/// process that stands for it.
@external(erlang, "regrow_gleam_dynamic_supervisor", "pids")
pub fn pids(in supervisor: DynamicSupervisor) -> Result(List(process.Pid), supervisor.SupervisorError)

/// The children in no order, with what becomes of them. The ids here are the atom `undefined`: `ids` has them.
@external(erlang, "regrow_gleam_dynamic_supervisor", "which_children")
pub fn which_children(
  in supervisor: DynamicSupervisor,
) -> Result(List(supervisor.ChildInfo), supervisor.SupervisorError)

/// How many children there are.
@external(erlang, "regrow_gleam_dynamic_supervisor", "count_children")
pub fn count_children(in supervisor: DynamicSupervisor) -> Result(supervisor.Counts, supervisor.SupervisorError)

/// The last 100 failures of the children, the oldest first.
@external(erlang, "regrow_gleam_dynamic_supervisor", "history")
pub fn history(in supervisor: DynamicSupervisor) -> Result(List(supervisor.Failure), supervisor.SupervisorError)

/// As `supervisor.tree`.
@external(erlang, "regrow_gleam_dynamic_supervisor", "tree")
pub fn tree(of supervisor: DynamicSupervisor) -> Result(supervisor.Node, supervisor.SupervisorError)

/// Its process, which stands under another supervisor.
@external(erlang, "regrow_gleam_dynamic_supervisor", "pid")
pub fn pid(of supervisor: DynamicSupervisor) -> process.Pid

/// Ends a supervisor and its children.
pub fn stop(supervisor: DynamicSupervisor, within milliseconds: Int) -> Result(Nil, process.CallError) {
  process.stop(pid(of: supervisor), within: milliseconds)
}
