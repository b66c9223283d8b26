//// Tasks: functions that run beside the caller, whose values it waits for.
////
//// ```gleam
//// let answer = task.async(fn() { 6 * 7 })
//// let assert Ok(42) = task.await(answer, within: 5000)
//// ```
////
//// A task is linked with its owner, the process that began it, and ends with it. A function that panics ends neither:
//// that is told by `await`, as `Error(Crashed(_))`. Only the owner can wait.

import regrow/dynamic
import regrow/process

/// A function that runs, or has run.
pub type Task(value)

/// Why there is no value. `Crashed`: the function panicked, and with what. `Exited`: the task was ended from outside,
/// or ended itself.
pub type TaskError {
  Timeout
  Crashed(with: dynamic.Dynamic)
  Exited(reason: process.ExitReason)
  NotTheOwner
}

/// Begins a task.
@external(erlang, "regrow_gleam_task", "async")
pub fn async(running function: fn() -> value) -> Task(value)

/// The value. After a time that was too short the task runs on, and can be waited for again; a value that was taken
/// does not come twice.
@external(erlang, "regrow_gleam_task", "await")
pub fn await(task: Task(value), within milliseconds: Int) -> Result(value, TaskError)

/// What became of each task, in their order, within one time for all.
@external(erlang, "regrow_gleam_task", "await_all")
pub fn await_all(tasks: List(Task(value)), within milliseconds: Int) -> List(Result(value, TaskError))

/// Ends a task, and waits until it has ended; after the time it is killed. `Ok`: it had a value before.
@external(erlang, "regrow_gleam_task", "shutdown")
pub fn shutdown(task: Task(value), within milliseconds: Int) -> Result(value, TaskError)

/// Ends a task at once, whether it traps exits or not, and waits until it has ended. `Ok`: it had a value before;
/// `Error(Exited(Killed))`: it had none.
@external(erlang, "regrow_gleam_task", "kill")
pub fn kill(task: Task(value)) -> Result(value, TaskError)

/// The task's process.
@external(erlang, "regrow_gleam_task", "pid")
pub fn pid(of task: Task(value)) -> process.Pid
