//// What is asked of supervisors, and starting what is declared.

import executor/lists
import executor/operation
import executor/recorder
import executor/scenario
import executor/text
import executor/tree
import executor/words
import executor/world
import regrow/child
import regrow/dynamic_supervisor
import regrow/factory_supervisor
import regrow/process
import regrow/start
import regrow/supervisor

pub fn operations() -> List(operation.Operation) {
  [
    operation.Operation("start", operation.Main, start),
    operation.Operation("start_child", operation.Main, start_child),
    operation.Operation("terminate_child", operation.Main, terminate_child),
    operation.Operation("restart_child", operation.Main, restart_child),
    operation.Operation("delete_child", operation.Main, delete_child),
    operation.Operation("which_children", operation.Main, which_children),
    operation.Operation("count_children", operation.Main, count_children),
    operation.Operation("get_childspec", operation.Main, get_childspec),
  ]
}

// ---- starting ----

fn start(world: world.World, words: List(String), _: scenario.Line) -> String {
  let assert [id, ..] = words
  case scenario.declaration(in: world.scenario, of: id) {
    Error(Nil) -> "error unknown_id"
    Ok(line) ->
      case tree.is_sayable(world, line) {
        False -> "error bad_spec"
        True -> show_started(world, tree.start(world, line, id, id))
      }
  }
}

fn start_child(world: world.World, words: List(String), _: scenario.Line) -> String {
  let assert [top, id, ..] = words
  case scenario.declaration(in: world.scenario, of: id), handle(world, top) {
    // The template is what is declared.
    _, Ok(recorder.SupervisesAlike(above)) ->
      case factory_supervisor.start_child(in: above, with: id) {
        Error(start.Ignored) -> "ok undefined"
        outcome -> show_started(world, outcome)
      }
    Error(Nil), _ -> "error unknown_id"
    _, Error(Nil) -> "error noproc"
    Ok(line), Ok(recorder.Supervises(above)) ->
      case tree.child(world, line, tree.Fixed) {
        Ok(child) -> added(world, supervisor.start_child(in: above, child: child))
        Error(Nil) -> refused(supervisor.pid(of: above))
      }
    Ok(line), Ok(recorder.SupervisesMany(above)) ->
      case tree.child(world, line, tree.Many) {
        Ok(child) -> show_started(world, dynamic_supervisor.start_child(in: above, child: child))
        Error(Nil) -> refused(dynamic_supervisor.pid(of: above))
      }
    _, _ -> "error badarg"
  }
}

/// OTP's supervisor looks at the specification itself, when there is one.
fn refused(above: process.Pid) -> String {
  case process.is_alive(above) {
    True -> "error bad_spec"
    False -> "error noproc"
  }
}

fn show_started(world: world.World, outcome: tree.Outcome) -> String {
  case outcome {
    Ok(started) -> "ok " <> world.label(world, started.pid)
    Error(start.Ignored) -> "ignore"
    Error(error) -> not_started(world, error)
  }
}

/// What a static supervisor gives, which keeps who is not wanted.
fn added(world: world.World, outcome: Result(start.Started(a), supervisor.SupervisorError)) -> String {
  case outcome {
    Ok(started) -> "ok " <> world.label(world, started.pid)
    Error(error) -> failed(world, error)
  }
}

fn failed(world: world.World, error: supervisor.SupervisorError) -> String {
  case error {
    supervisor.NotFound -> "error not_found"
    supervisor.StillRunning -> "error running"
    supervisor.Restarting -> "error restarting"
    supervisor.AlreadyPresent -> "error already_present"
    supervisor.DeadSupervisor -> "error noproc"
    supervisor.NotStarted(start.Ignored) -> "ok undefined"
    supervisor.NotStarted(error) -> not_started(world, error)
  }
}

fn not_started(world: world.World, error: start.StartError) -> String {
  let shown = operation.show_start_error(world, error)
  case text.split_once(shown, on: "duplicate_child_name:"), text.split_once(shown, on: "start_spec:") {
    Ok(#(_, id)), _ -> "error duplicate_id " <> id
    _, Ok(_) -> "error bad_spec"
    _, _ ->
      case text.split_once(shown, on: "supervisor_data:"), shown {
        Ok(_), _ | _, "badarg" -> "error bad_spec"
        _, _ -> "error " <> shown
      }
  }
}

// ---- the others ----

fn handle(world: world.World, name: String) -> Result(recorder.Handle, Nil) {
  case recorder.named(world.recorder, name) {
    // One that did not come up, and so has none, is dead.
    Ok(recorder.Attempt(handle: recorder.None, ..)) | Error(Nil) -> Error(Nil)
    Ok(attempt) -> Ok(attempt.handle)
  }
}

fn done(world: world.World, outcome: Result(Nil, supervisor.SupervisorError)) -> String {
  case outcome {
    Ok(Nil) -> "ok"
    Error(error) -> failed(world, error)
  }
}

fn terminate_child(world: world.World, words: List(String), _: scenario.Line) -> String {
  let assert [top, name, ..] = words
  case handle(world, top) {
    Ok(recorder.Supervises(above)) -> done(world, supervisor.terminate_child(in: above, id: name))
    Ok(recorder.SupervisesMany(above)) -> terminate_process(world, above, name)
    Ok(recorder.SupervisesAlike(above)) -> {
      use pid <- operation.with_pid(world, name, or: "error noproc")
      done(world, factory_supervisor.terminate_child(in: above, pid: pid))
    }
    Ok(_) -> "error badarg"
    Error(Nil) -> "error noproc"
  }
}

/// A child goes by its id there: that of the process, if it is a child.
fn terminate_process(world: world.World, above: dynamic_supervisor.DynamicSupervisor, name: String) -> String {
  case dynamic_supervisor.pids(in: above), recorder.named(world.recorder, name) {
    Error(error), _ -> failed(world, error)
    Ok(_), Error(Nil) -> "error noproc"
    Ok(pids), Ok(attempt) ->
      case lists.contains(pids, attempt.begun.pid) {
        True -> done(world, dynamic_supervisor.terminate_child(in: above, id: attempt.begun.child_id))
        False -> "error not_found"
      }
  }
}

fn restart_child(world: world.World, words: List(String), _: scenario.Line) -> String {
  let assert [top, id, ..] = words
  case handle(world, top) {
    Ok(recorder.Supervises(above)) ->
      case supervisor.restart_child(in: above, id: id) {
        Ok(pid) -> "ok " <> world.label(world, pid)
        Error(error) -> failed(world, error)
      }
    Ok(_) -> "error badarg"
    Error(Nil) -> "error noproc"
  }
}

fn delete_child(world: world.World, words: List(String), _: scenario.Line) -> String {
  let assert [top, id, ..] = words
  case handle(world, top) {
    Ok(recorder.Supervises(above)) -> done(world, supervisor.delete_child(in: above, id: id))
    Ok(_) -> "error badarg"
    Error(Nil) -> "error noproc"
  }
}

fn which_children(world: world.World, words: List(String), _: scenario.Line) -> String {
  let assert [top, ..] = words
  let shown = fn(children, order: fn(List(String)) -> List(String)) {
    case children {
      Error(error) -> failed(world, error)
      Ok(children) -> {
        let entries = order(lists.map(children, with: fn(info) { show_child(world, info) }))
        text.join(["children", ..entries], with: " ")
      }
    }
  }
  case handle(world, top) {
    Ok(recorder.Supervises(above)) -> shown(supervisor.which_children(in: above), fn(entries) { entries })
    Ok(recorder.SupervisesMany(above)) -> shown(dynamic_supervisor.which_children(in: above), lists.sort)
    Ok(recorder.SupervisesAlike(above)) -> shown(factory_supervisor.which_children(in: above), lists.sort)
    Ok(_) -> "error badarg"
    Error(Nil) -> "error noproc"
  }
}

fn show_child(world: world.World, info: supervisor.ChildInfo) -> String {
  let status = case info.status {
    supervisor.Running(pid) -> world.label(world, pid)
    supervisor.Stopped -> "undefined"
    supervisor.Waiting -> "restarting"
  }
  world.show(world, info.id) <> "/" <> status <> "/" <> show_kind(info.kind)
}

fn show_kind(kind: supervisor.Kind) -> String {
  case kind {
    supervisor.Worker -> "worker"
    supervisor.Supervising -> "supervisor"
  }
}

fn count_children(world: world.World, words: List(String), _: scenario.Line) -> String {
  let assert [top, ..] = words
  let counts = case handle(world, top) {
    Ok(recorder.Supervises(above)) -> supervisor.count_children(in: above)
    Ok(recorder.SupervisesMany(above)) -> dynamic_supervisor.count_children(in: above)
    Ok(recorder.SupervisesAlike(above)) -> factory_supervisor.count_children(in: above)
    _ -> Error(supervisor.DeadSupervisor)
  }
  case counts {
    Error(error) -> failed(world, error)
    Ok(counts) ->
      "count specs="
      <> text.from_int(counts.specs)
      <> " active="
      <> text.from_int(counts.active)
      <> " supervisors="
      <> text.from_int(counts.supervisors)
      <> " workers="
      <> text.from_int(counts.workers)
  }
}

fn get_childspec(world: world.World, words: List(String), _: scenario.Line) -> String {
  let assert [top, id, ..] = words
  case handle(world, top) {
    Ok(recorder.Supervises(above)) ->
      case supervisor.child_spec(in: above, id: id) {
        Error(error) -> failed(world, error)
        Ok(spec) -> show_spec(world, spec)
      }
    Ok(_) -> "error badarg"
    Error(Nil) -> "error noproc"
  }
}

fn show_spec(world: world.World, spec: supervisor.ChildSpec) -> String {
  let restart = case spec.restart {
    child.Permanent -> "permanent"
    child.Transient -> "transient"
    child.Temporary -> "temporary"
  }
  let shutdown = case spec.shutdown {
    child.BrutalKill -> "brutal_kill"
    child.Infinity -> "infinity"
    child.Within(milliseconds) -> text.from_int(milliseconds)
  }
  text.join(
    [
      "spec id=" <> world.show(world, spec.id),
      "restart=" <> restart,
      "shutdown=" <> shutdown,
      "type=" <> show_kind(spec.kind),
      "significant=" <> words.show_bool(spec.significant),
    ],
    with: " ",
  )
}
