//// Groups.

import executor/lists
import executor/operation
import executor/scenario
import executor/text
import executor/words
import executor/world
import regrow/group

pub fn operations() -> List(operation.Operation) {
  [
    operation.Operation("join", operation.Process, join),
    operation.Operation("leave", operation.Process, leave),
    operation.Operation("members", operation.Main, members),
    operation.Operation("publish", operation.Main, publish),
  ]
}

fn failed(world: world.World, error: group.GroupError) -> String {
  case error {
    group.NotJoined -> "not_joined"
    group.NotFound -> "error not_found"
    group.DeadProcess -> "error noproc"
    group.DeadGroups -> "error badarg"
    group.Undecodable(_) -> "error undecodable"
    group.Failed(reason) -> "error " <> world.show(world, reason)
  }
}

/// A worker listens to its subject from its start.
fn join(world: world.World, words: List(String), _: scenario.Line) -> String {
  let assert [name, ..] = words
  case group.join(world.groups, group: words.term(name)) {
    Ok(_) -> "ok"
    Error(error) -> failed(world, error)
  }
}

fn leave(world: world.World, words: List(String), _: scenario.Line) -> String {
  let assert [name, ..] = words
  case group.leave(world.groups, group: words.term(name)) {
    Ok(Nil) -> "ok"
    Error(error) -> failed(world, error)
  }
}

fn members(world: world.World, words: List(String), _: scenario.Line) -> String {
  let assert [name, ..] = words
  case group.members(world.groups, group: words.term(name)) {
    Ok(pids) -> {
      let labels = lists.map(pids, with: fn(pid) { world.label(world, pid) })
      text.join(["members", ..lists.sort(labels)], with: " ")
    }
    Error(error) -> failed(world, error)
  }
}

fn publish(world: world.World, words: List(String), _: scenario.Line) -> String {
  let assert [name, value, ..] = words
  case group.send(world.groups, group: words.term(name), message: words.term(value)) {
    Ok(count) -> text.from_int(count)
    Error(error) -> failed(world, error)
  }
}
