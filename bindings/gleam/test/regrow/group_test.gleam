import regrow/child
import regrow/decode
import regrow/dynamic
import regrow/group
import regrow/process
import regrow/pubsub
import regrow/runtime
import regrow/selector
import regrow/start
import regrow/supervisor

fn with_groups(body: fn(runtime.Runtime, group.Groups(String, Int)) -> a) -> Nil {
  let assert Ok(runtime) = runtime.start(runtime.new())
  let assert Ok(groups) = group.new() |> group.named("groups") |> group.start(in: runtime)
  body(runtime, groups)
  let assert Ok(Nil) = runtime.shutdown(runtime, within: 5000)
  Nil
}

/// A process that lives until it is killed.
fn somebody() -> process.Pid {
  process.spawn_unlinked(running: fn() { process.sleep(60_000) })
}

fn kill(pid: process.Pid) -> Nil {
  let monitor = process.monitor(pid)
  process.kill(pid)
  let assert Ok(_) = process.receive_down(from: monitor, within: 20_000)
  Nil
}

pub fn a_message_goes_to_all_members_test() {
  use _, groups <- with_groups
  let assert Ok(0) = group.send(groups, group: "a", message: 1)
  let assert Ok(subject) = group.join(groups, group: "a")
  let assert Ok(same) = group.join(groups, group: "b")
  let assert True = subject == same
  let other = somebody()
  let assert Ok(its) = group.join_process(groups, group: "a", pid: other)
  let assert True = process.owner(of: its) == other
  let assert Ok([_, _]) = group.members(groups, group: "a")
  let assert Ok(2) = group.send(groups, group: "a", message: 2)
  let assert Ok(1) = group.send(groups, group: "b", message: 3)
  let assert Ok(2) = process.receive(from: subject, within: 20_000)
  let assert Ok(3) = process.receive(from: subject, within: 20_000)
  let assert Ok(Nil) = group.leave_process(groups, group: "a", pid: other)
  let assert Ok([me]) = group.members(groups, group: "a")
  let assert True = me == process.self()
  process.kill(other)
}

pub fn who_joins_twice_is_a_member_twice_test() {
  use _, groups <- with_groups
  let assert Ok(subject) = group.join(groups, group: "a")
  let assert Ok(_) = group.join(groups, group: "a")
  let assert Ok(2) = group.send(groups, group: "a", message: 1)
  let assert Ok(1) = process.receive(from: subject, within: 20_000)
  let assert Ok(1) = process.receive(from: subject, within: 20_000)
  let assert Ok(Nil) = group.leave(groups, group: "a")
  let assert Ok([_]) = group.members(groups, group: "a")
  let assert Ok(Nil) = group.leave(groups, group: "a")
  let assert Error(group.NotJoined) = group.leave(groups, group: "a")
  let assert Ok([]) = group.members(groups, group: "a")
}

pub fn a_subject_is_there_before_its_process_joins_test() {
  let assert Ok(runtime) = runtime.start(runtime.new())
  let assert Ok(groups) = group.new() |> group.start(in: runtime)
  let subject: process.Subject(Int) = group.subject(of: groups)
  let assert Ok(joined) = group.join(groups, group: "a")
  let assert True = subject == joined
  let assert Ok(1) = group.send(groups, group: "a", message: 7)
  let assert Ok(7) = process.receive(from: subject, within: 20_000)
  let assert Ok(Nil) = runtime.shutdown(runtime, within: 5000)
}

pub fn who_is_dead_joins_no_group_before_native_code_knows_it_test() {
  use _, groups <- with_groups
  let other = somebody()
  let assert Ok(_) = group.join_process(groups, group: "a", pid: other)
  let assert Error(group.DeadProcess) =
    uninformed(group.pid(of: groups), fn() {
      kill(other)
      group.join_process(groups, group: "b", pid: other)
    })
}

pub fn a_dead_process_is_no_member_test() {
  use _, groups <- with_groups
  let other = somebody()
  let assert Ok(_) = group.join_process(groups, group: "a", pid: other)
  kill(other)
  let assert Ok([]) = group.members(groups, group: "a")
  let assert Error(group.DeadProcess) = group.join_process(groups, group: "a", pid: other)
  let assert Error(group.NotJoined) = group.leave_process(groups, group: "a", pid: other)
}

pub fn the_names_of_groups_are_decoded_test() {
  use runtime, groups <- with_groups
  let assert Ok([]) = group.which(groups, decoder: decode.string)
  let assert Ok(_) = group.join(groups, group: "a")
  let assert Ok(["a"]) = group.which(groups, decoder: decode.string)
  // The same groups, by a caller who says something else.
  let assert Ok(numbers) = group.find(in: runtime, named: "groups")
  let assert Ok(_) = group.join(numbers, group: 7)
  let _ = group.send(numbers, group: 7, message: 1)
  let assert Error(group.Undecodable([_])) = group.which(groups, decoder: decode.string)
}

pub fn a_monitor_tells_who_comes_and_goes_test() {
  use _, groups <- with_groups
  let first = somebody()
  let assert Ok(_) = group.join_process(groups, group: "a", pid: first)
  let assert Ok(group.Monitored(monitor, [member])) = group.monitor(groups, group: "a")
  let assert True = member == first
  let second = somebody()
  let assert Ok(_) = group.join_process(groups, group: "a", pid: second)
  let assert Ok(_) = group.join_process(groups, group: "b", pid: second)
  kill(first)
  let assert Ok(group.Joined("a", [joined])) = group.receive_change(from: monitor, within: 20_000)
  let assert True = joined == second
  let assert Ok(group.Left("a", [left])) =
    selector.new()
    |> group.changes(of: monitor, wrapping: fn(change) { change })
    |> selector.receive(within: 20_000)
  let assert True = left == first
  let assert Ok(Nil) = group.demonitor(monitor)
  let assert Error(group.NotJoined) = group.demonitor(monitor)
  let assert Ok(Nil) = group.leave_process(groups, group: "a", pid: second)
  let assert Error(process.NothingCame) = group.receive_change(from: monitor, within: 20)
  process.kill(second)
}

pub fn a_monitor_tells_the_end_of_the_groups_test() {
  use _, groups <- with_groups
  let assert Ok(group.Monitored(monitor, [])) = group.monitor(groups, group: "a")
  process.kill(group.pid(of: groups))
  let assert Ok(group.Ended(process.Killed)) = group.receive_change(from: monitor, within: 20_000)
}

pub fn groups_and_topics_of_one_name_are_not_mistaken_test() {
  use runtime, groups <- with_groups
  let assert Ok(subject) = group.join(groups, group: "a")
  let assert Ok(news) = pubsub.find(in: runtime, named: "groups")
  let assert Ok(events) = pubsub.subscribe(to: news, topic: "a")
  let assert Ok(Nil) = pubsub.broadcast(over: news, topic: "a", message: "news")
  let assert Ok(1) = group.send(groups, group: "a", message: 1)
  let assert Ok(1) = process.receive(from: subject, within: 20_000)
  let assert Ok(pubsub.Event("a", "news")) = process.receive(from: events, within: 20_000)
}

pub fn groups_are_a_child_of_a_supervisor_test() {
  use runtime, _ <- with_groups
  let assert Ok(started) = supervisor.new(supervisor.OneForOne) |> supervisor.start(in: runtime)
  let its = group.new() |> group.named("its") |> group.child(id: "groups") |> child.restart(child.Permanent)
  let assert Ok(start.Started(pid, groups)) = supervisor.start_child(in: started.data, child: its)
  let assert True = pid == group.pid(of: groups)
  let assert Ok(_) = group.join(groups, group: 1)
  let assert Ok(1) = group.send(groups, group: 1, message: Nil)
  let assert Ok(Nil) = supervisor.stop(started.data, within: 5000)
}

pub fn what_cannot_be_is_an_error_test() {
  use runtime, groups <- with_groups
  let assert Ok(any) = group.find(in: runtime, named: "groups")
  let assert Error(group.Failed(_)) = group.send(any, group: "a", message: too_large())
  let assert Ok(odd) = group.find(in: runtime, named: "groups")
  let assert Error(group.Failed(_)) = group.join(odd, group: too_large())
  let _ = group.send(odd, group: too_large(), message: Nil)
  let assert Error(group.NotFound) = found(group.find(in: runtime, named: "nobody"))
  let assert Ok(Nil) = runtime.register(runtime, pid: process.self(), named: "me")
  let assert Error(group.NotFound) = found(group.find(in: runtime, named: "me"))
  kill(group.pid(of: groups))
  let assert Error(group.DeadGroups) = group.join(groups, group: "a")
  let assert Error(group.DeadGroups) = group.leave(groups, group: "a")
  let assert Error(group.DeadGroups) = group.members(groups, group: "a")
  let assert Error(group.DeadGroups) = group.which(groups, decoder: decode.string)
  let assert Error(group.DeadGroups) = group.send(groups, group: "a", message: 1)
  let assert Error(group.DeadGroups) = group.monitor(groups, group: "a")
}

/// Says of which types the groups are.
fn found(outcome: Result(group.Groups(String, Int), a)) -> Result(group.Groups(String, Int), a) {
  outcome
}

@external(erlang, "regrow_gleam_support", "too_large")
fn too_large() -> dynamic.Dynamic

@external(erlang, "regrow_gleam_support", "uninformed")
fn uninformed(native: process.Pid, function: fn() -> a) -> a
