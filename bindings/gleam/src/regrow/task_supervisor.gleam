//// Supervisors of tasks: functions that run beside the caller, with a limit to how many, and ended with their
//// supervisor.
////
//// ```gleam
//// let assert Ok(tasks) =
////   task_supervisor.new()
////   |> task_supervisor.max_children(100)
////   |> task_supervisor.start(in: runtime)
//// let assert Ok(answer) = task_supervisor.async(in: tasks.data, running: fn() { 6 * 7 })
//// let assert Ok(42) = task.await(answer, within: 5000)
//// ```

import regrow/child
import regrow/process
import regrow/runtime
import regrow/start
import regrow/supervisor
import regrow/task

/// A supervisor that runs.
pub type TaskSupervisor

/// What a supervisor is to be, for `start`.
pub opaque type Builder {
  Builder(max_children: Result(Int, Nil), intensity: Int, period: Int)
}

/// A supervisor with any number of tasks, which ends when more than 3 restarts are needed in 5 seconds.
pub fn new() -> Builder {
  Builder(max_children: Error(Nil), intensity: 3, period: 5)
}

/// How many tasks there may be.
pub fn max_children(builder: Builder, count: Int) -> Builder {
  Builder(..builder, max_children: Ok(count))
}

/// How many restarts there may be in how many seconds before the supervisor gives up.
pub fn restart_tolerance(builder: Builder, intensity intensity: Int, period seconds: Int) -> Builder {
  Builder(..builder, intensity: intensity, period: seconds)
}

/// Starts a supervisor, linked with the caller.
@external(erlang, "regrow_gleam_task_supervisor", "start")
pub fn start(builder: Builder, in runtime: runtime.Runtime) -> Result(start.Started(TaskSupervisor), start.StartError)

/// A supervisor as a child of another. One that is started again is another process, without tasks.
pub fn child(builder: Builder, id id: String, in runtime: runtime.Runtime) -> child.Child(TaskSupervisor) {
  child.supervisor(id: id, starting: fn() { start(builder, in: runtime) })
}

/// Starts a task that nobody waits for. When it is started again, `child.Transient` after a panic for example, is for
/// its restart to say; it has 5 seconds to end. `Error(MaxChildren)`: there are as many as there may be.
@external(erlang, "regrow_gleam_task_supervisor", "start_child")
pub fn start_child(
  in supervisor: TaskSupervisor,
  restart restart: child.Restart,
  running function: fn() -> a,
) -> Result(process.Pid, start.StartError)

/// Begins a task whose value this process waits for, with `task.await` and its like. Neither ends with the other.
@external(erlang, "regrow_gleam_task_supervisor", "async")
pub fn async(
  in supervisor: TaskSupervisor,
  running function: fn() -> value,
) -> Result(task.Task(value), start.StartError)

/// As `async`, linked with this process: if either ends other than normally, so does the other. A panic of the function
/// is no such end.
@external(erlang, "regrow_gleam_task_supervisor", "async_linked")
pub fn async_linked(
  in supervisor: TaskSupervisor,
  running function: fn() -> value,
) -> Result(task.Task(value), start.StartError)

/// What a function makes of each item, in a task each, in the items' order. So many run at once at most, and one that
/// takes longer than its time is ended, with `Error(Timeout)`. All end with this process. Returns when all have ended.
@external(erlang, "regrow_gleam_task_supervisor", "each")
pub fn each(
  in supervisor: TaskSupervisor,
  of items: List(item),
  running function: fn(item) -> value,
  at_once most: Int,
  within milliseconds: Int,
) -> Result(List(Result(value, task.TaskError)), start.StartError)

/// Ends a task.
@external(erlang, "regrow_gleam_task_supervisor", "terminate_child")
pub fn terminate_child(in supervisor: TaskSupervisor, pid pid: process.Pid) -> Result(Nil, supervisor.SupervisorError)

/// The tasks that run, in no order.
@external(erlang, "regrow_gleam_task_supervisor", "children")
pub fn children(in supervisor: TaskSupervisor) -> Result(List(process.Pid), supervisor.SupervisorError)

/// Its process, which stands under another supervisor.
@external(erlang, "regrow_gleam_dynamic", "identity")
pub fn pid(of supervisor: TaskSupervisor) -> process.Pid

/// Ends a supervisor and its tasks.
pub fn stop(supervisor: TaskSupervisor, within milliseconds: Int) -> Result(Nil, process.CallError) {
  process.stop(pid(of: supervisor), within: milliseconds)
}
