//// Supervisors with children that are known beforehand: started in order, started again when they fail, ended last to
//// first. Limits, order and restarts are the native library's; children may be servers in Gleam, modules of Erlang and
//// Elixir, native servers and further supervisors, side by side.
////
//// ```gleam
//// supervisor.new(supervisor.OneForOne)
//// |> supervisor.restart_tolerance(intensity: 3, period: 5)
//// |> supervisor.add(child.worker(id: "cache", starting: start_cache))
//// |> supervisor.start(in: runtime)
//// ```

import regrow/child
import regrow/dynamic
import regrow/process
import regrow/runtime
import regrow/start

/// A supervisor that runs.
pub type Supervisor

/// Who is started again when a child fails: it alone, all, or it and those after it.
pub type Strategy {
  OneForOne
  OneForAll
  RestForOne
}

/// Whether a supervisor ends by itself when significant children have ended.
pub type AutoShutdown {
  Never
  AnySignificant
  AllSignificant
}

/// Why something was not done.
pub type SupervisorError {
  NotFound
  /// The child runs, and only one that does not can be restarted or deleted.
  StillRunning
  /// The child waits for its next start.
  Restarting
  /// There is a child of that id already, which does not run.
  AlreadyPresent
  NotStarted(error: start.StartError)
  DeadSupervisor
}

/// What becomes of a child at the moment.
pub type Status {
  Running(pid: process.Pid)
  Stopped
  Waiting
}

/// What a child is: a process that works, or one that supervises.
pub type Kind {
  Worker
  Supervising
}

/// What a supervisor knows of a child.
pub type ChildSpec {
  ChildSpec(
    id: dynamic.Dynamic,
    restart: child.Restart,
    shutdown: child.Shutdown,
    kind: Kind,
    significant: Bool,
  )
}

/// A child as it is at the moment.
pub type ChildInfo {
  ChildInfo(id: dynamic.Dynamic, status: Status, kind: Kind)
}

/// How many children there are, how many of them run, and of which kind they are.
pub type Counts {
  Counts(specs: Int, active: Int, supervisors: Int, workers: Int)
}

/// What became of a child that failed: it was to be started again, after so many milliseconds; or it stays down, since
/// it failed too often for its backoff; or the supervisor gave up.
pub type Verdict {
  Restarts(after: Int)
  StaysDown
  GaveUp
}

/// A child that was to be started again: who it was and what process it had (`Error(Nil)`: none; of a child on the BEAM
/// the native process that stands for it), why, how often so far, when, and how long it had been up. Times are
/// milliseconds, of the runtime's clock.
pub type Failure {
  Failure(
    id: dynamic.Dynamic,
    pid: Result(process.Pid, Nil),
    reason: process.ExitReason,
    count: Int,
    at: Int,
    uptime: Int,
    verdict: Verdict,
  )
}

/// A process and those below it, as they were seen: its id under its supervisor, its kind and what it does ("server",
/// "waiting" and so on: see regrow_tree() of regrow.h), how many messages wait for it, and how often it was to be
/// started again. Children on the BEAM show as the native processes that stand for them.
pub type Node {
  Node(
    id: dynamic.Dynamic,
    pid: Result(process.Pid, Nil),
    kind: String,
    status: String,
    queue: Int,
    restarts: Int,
    children: List(Node),
  )
}

/// What a supervisor is to be, for `start`.
pub opaque type Builder {
  Builder(
    strategy: Strategy,
    intensity: Int,
    period: Int,
    auto_shutdown: AutoShutdown,
    children: List(child.Child(dynamic.Dynamic)),
  )
}

/// A supervisor without children, which ends when more than 2 restarts are needed in 5 seconds.
pub fn new(strategy: Strategy) -> Builder {
  Builder(strategy: strategy, intensity: 2, period: 5, auto_shutdown: Never, children: [])
}

/// How many restarts there may be in how many seconds before the supervisor gives up.
pub fn restart_tolerance(builder: Builder, intensity intensity: Int, period seconds: Int) -> Builder {
  Builder(..builder, intensity: intensity, period: seconds)
}

/// Whether it ends when significant children have; `Never`, if this is not said.
pub fn auto_shutdown(builder: Builder, when: AutoShutdown) -> Builder {
  Builder(..builder, auto_shutdown: when)
}

/// Adds a child, after those that are there.
pub fn add(builder: Builder, child: child.Child(data)) -> Builder {
  Builder(..builder, children: [erase(child), ..builder.children])
}

/// Starts a supervisor and its children, linked with the caller. If a child does not start, those before it are ended,
/// and the error is `ChildFailed`; the caller goes on.
pub fn start(builder: Builder, in runtime: runtime.Runtime) -> Result(start.Started(Supervisor), start.StartError) {
  start_with_initialiser(running: fn() { Ok(builder) }, in: runtime)
}

/// As `start`, with what a function makes, which runs in the supervisor before any child starts. If that gives an error
/// the supervisor does not start; `Error(start.Ignored)`: it is not wanted.
@external(erlang, "regrow_gleam_supervisor", "start")
pub fn start_with_initialiser(
  running initialise: fn() -> Result(Builder, start.StartError),
  in runtime: runtime.Runtime,
) -> Result(start.Started(Supervisor), start.StartError)

/// Starts one more child, after all others. `Error(NotStarted(start.Ignored))`: it is there, and does not run.
@external(erlang, "regrow_gleam_supervisor", "start_child")
pub fn start_child(
  in supervisor: Supervisor,
  child child: child.Child(data),
) -> Result(start.Started(data), SupervisorError)

/// Ends a child, and keeps what is known of it, unless it is temporary.
@external(erlang, "regrow_gleam_supervisor", "terminate_child")
pub fn terminate_child(in supervisor: Supervisor, id id: String) -> Result(Nil, SupervisorError)

/// Starts a child again that was ended.
@external(erlang, "regrow_gleam_supervisor", "restart_child")
pub fn restart_child(in supervisor: Supervisor, id id: String) -> Result(process.Pid, SupervisorError)

/// Forgets a child that does not run.
@external(erlang, "regrow_gleam_supervisor", "delete_child")
pub fn delete_child(in supervisor: Supervisor, id id: String) -> Result(Nil, SupervisorError)

/// The children, the last one first. Ids are strings, unless somebody else has added others.
@external(erlang, "regrow_gleam_supervisor", "which_children")
pub fn which_children(in supervisor: Supervisor) -> Result(List(ChildInfo), SupervisorError)

/// What is known of one child.
@external(erlang, "regrow_gleam_supervisor", "child_spec")
pub fn child_spec(in supervisor: Supervisor, id id: String) -> Result(ChildSpec, SupervisorError)

/// What becomes of one child.
@external(erlang, "regrow_gleam_supervisor", "status")
pub fn status(in supervisor: Supervisor, id id: String) -> Result(Status, SupervisorError)

/// How many children there are.
@external(erlang, "regrow_gleam_supervisor", "count_children")
pub fn count_children(in supervisor: Supervisor) -> Result(Counts, SupervisorError)

/// The last 100 failures of the children, the oldest first.
@external(erlang, "regrow_gleam_supervisor", "history")
pub fn history(in supervisor: Supervisor) -> Result(List(Failure), SupervisorError)

/// The supervisor and all that is below it. Nobody is held up, and a supervisor that does not answer within 5 seconds
/// shows what its links show.
@external(erlang, "regrow_gleam_supervisor", "tree")
pub fn tree(of supervisor: Supervisor) -> Result(Node, SupervisorError)

/// Its process, which OTP's own functions for supervisors take too.
@external(erlang, "regrow_gleam_dynamic", "identity")
pub fn pid(of supervisor: Supervisor) -> process.Pid

/// Ends a supervisor and its children, last to first.
@external(erlang, "regrow_gleam_process", "stop")
pub fn stop(supervisor: Supervisor, within milliseconds: Int) -> Result(Nil, process.CallError)

@external(erlang, "regrow_gleam_dynamic", "identity")
fn erase(child: child.Child(data)) -> child.Child(dynamic.Dynamic)
