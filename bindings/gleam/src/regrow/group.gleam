//// Groups: any number of processes under a name, to which one message goes at once, as `pg` of Erlang has them. Who
//// can see that a process has ended finds it a member no more.
////
//// ```gleam
//// let assert Ok(groups) = group.new() |> group.start(in: runtime)
//// let assert Ok(subject) = group.join(groups, group: "workers")
//// let assert Ok(1) = group.send(groups, group: "workers", message: Job(7))
//// let assert Ok(Job(7)) = process.receive(from: subject, within: 1000)
//// ```
////
//// A process that joins twice is a member twice, gets each message twice, and leaves twice. Messages of one sender
//// come in their order; between them and what the same sender sends directly there is none.

import regrow/child
import regrow/decode
import regrow/dynamic
import regrow/process
import regrow/runtime
import regrow/selector
import regrow/start

/// Groups whose names are of one type, and whose members take messages of one type.
pub type Groups(name, message)

/// What tells of the members of one group: see `monitor`.
pub type Monitor(name)

/// A monitor, and the members as they are when it begins.
pub type Monitored(name) {
  Monitored(monitor: Monitor(name), members: List(process.Pid))
}

/// What a monitor tells. `Ended`: the groups themselves have, and nothing more comes.
pub type Change(name) {
  Joined(group: name, pids: List(process.Pid))
  Left(group: name, pids: List(process.Pid))
  Ended(reason: process.ExitReason)
}

/// Why something was not done.
pub type GroupError {
  /// There are no groups of that name in the runtime.
  NotFound
  /// The process is no member; or the monitor is over, or another process's.
  NotJoined
  /// The process that is to be a member is dead.
  DeadProcess
  /// The groups are dead, or these are none.
  DeadGroups
  /// What was there is something else.
  Undecodable(errors: List(decode.DecodeError))
  /// A name or message that cannot cross to native code, for example.
  Failed(reason: dynamic.Dynamic)
}

/// What groups are to be, for `start`.
pub opaque type Builder {
  Builder(name: Result(String, Nil))
}

/// Groups without a name.
pub fn new() -> Builder {
  Builder(name: Error(Nil))
}

/// Has a name in its runtime, by which `find` finds it.
pub fn named(_: Builder, name: String) -> Builder {
  Builder(name: Ok(name))
}

/// Starts groups, which end with their runtime.
pub fn start(builder: Builder, in runtime: runtime.Runtime) -> Result(Groups(name, message), start.StartError) {
  do_start(runtime, builder.name)
}

/// Groups as a child of a supervisor. If it fails nobody fails with it, and nobody is a member any more.
pub fn child(builder: Builder, id id: String) -> child.Child(Groups(name, message)) {
  child.native_kind(id: id, spec: do_spec(builder.name), giving: of_pid)
}

/// The groups of that name. Of which types they are is what the caller says.
@external(erlang, "regrow_gleam_group", "find")
pub fn find(in runtime: runtime.Runtime, named name: String) -> Result(Groups(name, message), GroupError)

/// Makes this process a member. What is sent to any of these groups comes to the same subject.
pub fn join(groups: Groups(name, message), group name: name) -> Result(process.Subject(message), GroupError) {
  join_process(groups, group: name, pid: process.self())
}

/// Makes another process a member: the subject is that one's.
@external(erlang, "regrow_gleam_group", "join")
pub fn join_process(
  groups: Groups(name, message),
  group name: name,
  pid pid: process.Pid,
) -> Result(process.Subject(message), GroupError)

/// The subject to which all comes that is sent to groups of which this process is a member: for a server that listens
/// to it from its start, and joins later.
@external(erlang, "regrow_gleam_group", "subject")
pub fn subject(of groups: Groups(name, message)) -> process.Subject(message)

/// Takes this process out of a group, once.
pub fn leave(groups: Groups(name, message), group name: name) -> Result(Nil, GroupError) {
  leave_process(groups, group: name, pid: process.self())
}

/// Takes another process out of a group, once.
@external(erlang, "regrow_gleam_group", "leave")
pub fn leave_process(
  groups: Groups(name, message),
  group name: name,
  pid pid: process.Pid,
) -> Result(Nil, GroupError)

/// The members, in no order, each as often as it joined; none: an empty list.
@external(erlang, "regrow_gleam_group", "members")
pub fn members(groups: Groups(name, message), group name: name) -> Result(List(process.Pid), GroupError)

/// The names of the groups that have members, in no order. Others may have joined groups of other names, so they are
/// decoded.
pub fn which(groups: Groups(name, message), decoder decoder: decode.Decoder(name)) -> Result(List(name), GroupError) {
  case do_which(groups) {
    Error(error) -> Error(error)
    Ok(names) ->
      case decode.run(names, decode.list(of: decoder)) {
        Ok(decoded) -> Ok(decoded)
        Error(errors) -> Error(Undecodable(errors))
      }
  }
}

/// Sends a message to all members, and tells how many times it was sent.
@external(erlang, "regrow_gleam_group", "send")
pub fn send(groups: Groups(name, message), group name: name, message message: message) -> Result(Int, GroupError)

/// Has this process told of all that changes in a group from now on: by `receive_change`, or a selector with `changes`.
@external(erlang, "regrow_gleam_group", "monitor")
pub fn monitor(groups: Groups(name, message), group name: name) -> Result(Monitored(name), GroupError)

/// Takes a monitor of this process away, and what it told.
@external(erlang, "regrow_gleam_group", "demonitor")
pub fn demonitor(monitor: Monitor(name)) -> Result(Nil, GroupError)

/// Takes the next change that a monitor of this process tells.
pub fn receive_change(
  from monitor: Monitor(name),
  within milliseconds: Int,
) -> Result(Change(name), process.ReceiveError) {
  selector.new()
  |> changes(of: monitor, wrapping: fn(change) { change })
  |> selector.receive(within: milliseconds)
}

/// Adds what a monitor tells to a selector.
@external(erlang, "regrow_gleam_group", "changes")
pub fn changes(
  selector: selector.Selector(message),
  of monitor: Monitor(name),
  wrapping wrap: fn(Change(name)) -> message,
) -> selector.Selector(message)

/// The groups' own process.
@external(erlang, "regrow_gleam_dynamic", "identity")
pub fn pid(of groups: Groups(name, message)) -> process.Pid

@external(erlang, "regrow_gleam_group", "which")
fn do_which(groups: Groups(name, message)) -> Result(dynamic.Dynamic, GroupError)

@external(erlang, "regrow_gleam_pubsub", "start")
fn do_start(runtime: runtime.Runtime, name: Result(String, Nil)) -> Result(Groups(name, message), start.StartError)

@external(erlang, "regrow_gleam_pubsub", "spec")
fn do_spec(name: Result(String, Nil)) -> dynamic.Dynamic

@external(erlang, "regrow_gleam_dynamic", "identity")
fn of_pid(pid: process.Pid) -> Groups(name, message)
