//// An operation of FORMAT.md: its name, who may issue it, and what carries it out.

import executor/message
import executor/scenario
import executor/world
import regrow/process
import regrow/start

pub type By {
  Main
  Process
  Either
}

/// `run` gets the words behind the operation's name, and the line for its options; it acts for the process that calls
/// it, and gives the result.
pub type Operation {
  Operation(name: String, by: By, run: fn(world.World, List(String), scenario.Line) -> String)
}

/// With a process that there is or was.
pub fn with_pid(world: world.World, name: String, or missing: String, then then: fn(process.Pid) -> String) -> String {
  case world.pid(world, name) {
    Ok(pid) -> then(pid)
    Error(Nil) -> missing
  }
}

/// Asks a worker.
pub fn call(
  world: world.World,
  worker: process.Subject(message.Message),
  request: String,
  milliseconds: Int,
) -> String {
  case process.call(worker, sending: fn(reply) { message.Call(request, reply) }, within: milliseconds) {
    Ok(answer) -> "reply " <> world.show(world, answer)
    Error(error) -> show_call_error(world, error)
  }
}

pub fn show_call_error(world: world.World, error: process.CallError) -> String {
  case error {
    process.NoProcess -> "error noproc"
    process.Timeout -> "error timeout"
    process.CallingSelf -> "error calling_self"
    process.Exited(reason) -> "error " <> world.show_reason(world, reason)
  }
}

/// Why something did not start, as a reason.
pub fn show_start_error(world: world.World, error: start.StartError) -> String {
  case error {
    start.InitFailed(text) -> text
    start.InitExited(reason) -> world.show_reason(world, reason)
    start.InitTimeout -> "timeout"
    start.Ignored -> "ignore"
    start.NameInUse(pid) -> "already_started " <> world.label(world, pid)
    start.ChildFailed(id, inner) ->
      "shutdown:failed_to_start_child:" <> world.show(world, id) <> ":" <> show_start_error(world, inner)
    start.MaxChildren -> "max_children"
    start.RuntimeIsOver -> "noproc"
    start.NotStarted(reason) -> world.show(world, reason)
  }
}
