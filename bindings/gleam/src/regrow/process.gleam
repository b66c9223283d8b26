//// Processes of both kinds, those of the BEAM and native ones, and the subjects to which typed messages are sent.
////
//// All times are in milliseconds; less than 0 is 0.

import regrow/dynamic

/// A process, of the BEAM or native.
pub type Pid

/// Where messages of one type are sent: a process and a tag of its own, so that the messages are told from all others
/// in its mailbox. In memory it is what gleam_erlang's unnamed `Subject` is.
pub type Subject(message)

/// What tells of the end of one process: see `monitor`.
pub type Monitor

/// What sends a message later: see `send_after`.
pub type Timer

/// Why a process ended. `Abnormal` has any other reason, as it is.
pub type ExitReason {
  Normal
  Shutdown
  Killed
  Abnormal(reason: dynamic.Dynamic)
}

/// Why a call has no answer. `Exited`: the process ended before it answered.
pub type CallError {
  NoProcess
  Timeout
  CallingSelf
  Exited(reason: ExitReason)
}

/// Why nothing was received.
pub type ReceiveError {
  NothingCame
  NotTheOwner
}

/// What is told of the end of a process.
pub type Down {
  Down(pid: Pid, reason: ExitReason)
}

// ---- processes ----

/// This process.
@external(erlang, "erlang", "self")
pub fn self() -> Pid

/// Runs a function in a process of its own, linked with this one: if either ends other than normally, so does the
/// other, unless it traps exits.
@external(erlang, "regrow_gleam_process", "spawn_link")
pub fn spawn(running function: fn() -> a) -> Pid

/// As `spawn`, without a link.
@external(erlang, "regrow_gleam_process", "spawn")
pub fn spawn_unlinked(running function: fn() -> a) -> Pid

/// Whether a process has not ended.
@external(erlang, "regrow", "is_alive")
pub fn is_alive(pid: Pid) -> Bool

/// Whether a process is native.
@external(erlang, "regrow", "is_native")
pub fn is_native(pid: Pid) -> Bool

/// Sends an exit signal. A process that traps exits gets it as a message, but for `Killed`.
@external(erlang, "regrow_gleam_process", "exit")
pub fn exit(pid: Pid, with reason: ExitReason) -> Nil

/// Ends a process, come what may.
pub fn kill(pid: Pid) -> Nil {
  exit(pid, Killed)
}

/// Asks a process that is a server, agent or supervisor to end, and waits until it has. `Error(Timeout)`: it goes on.
/// `Error(Exited(reason))`: it ended, with another reason than normally.
pub fn stop(pid: Pid, within milliseconds: Int) -> Result(Nil, CallError) {
  stop_with(pid, Normal, milliseconds)
}

/// As `stop`, with another reason.
@external(erlang, "regrow_gleam_process", "stop")
pub fn stop_with(pid: Pid, reason reason: ExitReason, within milliseconds: Int) -> Result(Nil, CallError)

/// Does nothing for a time.
@external(erlang, "regrow_gleam_process", "sleep")
pub fn sleep(milliseconds: Int) -> Nil

// ---- links and monitors ----

/// Links this process with another. `Error(Nil)`: it is dead; if this process traps exits it may learn that by
/// `receive_exit` instead.
@external(erlang, "regrow_gleam_process", "link")
pub fn link(with pid: Pid) -> Result(Nil, Nil)

/// Takes a link away. No exit signal of that process comes after this.
@external(erlang, "regrow_gleam_process", "unlink")
pub fn unlink(from pid: Pid) -> Nil

/// Has exit signals from linked processes come as messages, which `receive_exit` takes, or in servers
/// `server.listening_to_exits`, and not end this process. Tells whether it was so before.
@external(erlang, "regrow_gleam_process", "trap_exits")
pub fn trap_exits(trap: Bool) -> Bool

/// Takes the next exit signal that has come as a message.
@external(erlang, "regrow_gleam_process", "receive_exit")
pub fn receive_exit(within milliseconds: Int) -> Result(Down, ReceiveError)

/// Has this process told when another ends; at once, if it is dead. `receive_down` takes what it is told.
@external(erlang, "regrow", "monitor")
pub fn monitor(pid: Pid) -> Monitor

/// Takes a monitor away, and what it told; tells whether it was there still, and had told nothing.
@external(erlang, "regrow_gleam_process", "demonitor")
pub fn demonitor(pid: Pid, monitor: Monitor) -> Bool

/// Takes what a monitor of this process tells.
@external(erlang, "regrow_gleam_process", "receive_down")
pub fn receive_down(from monitor: Monitor, within milliseconds: Int) -> Result(Down, ReceiveError)

// ---- subjects ----

/// A new subject of this process.
@external(erlang, "regrow_gleam_process", "new_subject")
pub fn new_subject() -> Subject(message)

/// The process that gets what is sent to a subject.
@external(erlang, "regrow_gleam_process", "owner")
pub fn owner(of subject: Subject(message)) -> Pid

/// Sends a message. If the owner is dead, it is lost.
@external(erlang, "regrow_gleam_process", "send")
pub fn send(to subject: Subject(message), message message: message) -> Nil

/// Takes the next message to a subject of this process, and leaves all others where they are.
@external(erlang, "regrow_gleam_process", "receive")
pub fn receive(from subject: Subject(message), within milliseconds: Int) -> Result(message, ReceiveError)

/// Sends a message with a subject for the answer in it, and waits for that:
///
/// ```gleam
/// process.call(counter, sending: fn(reply) { Get(reply) }, within: 1000)
/// ```
///
/// An answer that comes too late is dropped, and never lies in the mailbox.
@external(erlang, "regrow_gleam_process", "call")
pub fn call(
  subject: Subject(message),
  sending make: fn(Subject(reply)) -> message,
  within milliseconds: Int,
) -> Result(reply, CallError)

// ---- timers ----

/// Sends a message when a time is over, by the BEAM's clock; `clock.send_after` goes by a runtime's.
@external(erlang, "regrow_gleam_process", "send_after")
pub fn send_after(to subject: Subject(message), within milliseconds: Int, message message: message) -> Timer

/// Has a timer send nothing; tells how long it had to go. `Error(Nil)`: it has sent its message, or was cancelled.
@external(erlang, "regrow_gleam_process", "cancel_timer")
pub fn cancel_timer(timer: Timer) -> Result(Int, Nil)

/// How long a timer has to go, as `cancel_timer`.
@external(erlang, "regrow_gleam_process", "time_left")
pub fn time_left(timer: Timer) -> Result(Int, Nil)
