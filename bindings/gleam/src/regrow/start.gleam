//// What starting something gives, and why it may not.

import regrow/dynamic
import regrow/process

/// A process that was started, and what those who started it get of it: a server's subject, for example.
pub type Started(data) {
  Started(pid: process.Pid, data: data)
}

/// Why something did not start.
pub type StartError {
  /// It said no while it started, and why.
  InitFailed(reason: String)
  /// It ended while it started: a panic, or a module of Erlang or Elixir that said no.
  InitExited(reason: process.ExitReason)
  /// It had not started in its time, and was killed.
  InitTimeout
  /// It was not wanted: see `server.ignored`. A supervisor to which that was added has it, and can be told to start it.
  Ignored
  /// The name or the id that it was to have belongs to this process.
  NameInUse(pid: process.Pid)
  /// A supervisor has this child, which did not start.
  ChildFailed(id: dynamic.Dynamic, error: StartError)
  /// A supervisor has as many children as it may.
  MaxChildren
  /// The runtime, the supervisor or the registry that it needs is dead.
  RuntimeIsOver
  /// Anything else: a part of a specification that cannot be, for example.
  NotStarted(reason: dynamic.Dynamic)
}
