//// Declarations as specifications of children and supervisors.

import executor/lists
import executor/recorder
import executor/scenario
import executor/text
import executor/worker
import executor/world
import regrow/child
import regrow/dynamic_supervisor
import regrow/factory_supervisor
import regrow/process
import regrow/start
import regrow/supervisor

/// Under what something stands, which says what a specification of it may have.
pub type Above {
  Fixed
  Many
}

/// What a child gives: its process.
pub type Outcome =
  Result(start.Started(process.Pid), start.StartError)

/// Starts what a line declares, linked with the caller, who is its starter unless that is main.
pub fn start(world: world.World, line: scenario.Line, id: String, child_id: String) -> Outcome {
  let me = process.self()
  let starter = case me == world.main {
    True -> Error(Nil)
    False -> Ok(me)
  }
  case line.words, is_factory(line) {
    ["sup", ..], True -> start_factory(world, line, id, child_id, starter)
    ["sup", ..], False -> start_supervisor(world, line, id, child_id, starter)
    ["dsup", ..], _ -> start_dynamic(world, line, id, child_id, starter)
    _, _ -> by_pid(worker.start(world, line, id, child_id, starter))
  }
}

fn by_pid(outcome: Result(start.Started(data), start.StartError)) -> Outcome {
  case outcome {
    Ok(started) -> Ok(start.Started(pid: started.pid, data: started.pid))
    Error(error) -> Error(error)
  }
}

fn begins(
  world: world.World,
  line: scenario.Line,
  id: String,
  kind: recorder.Kind,
  child_id: String,
  starter: Result(process.Pid, Nil),
) -> Result(Nil, start.StartError) {
  let me = process.self()
  let behaviour =
    recorder.begins(
      world.recorder,
      recorder.Begun(
        id: id,
        kind: kind,
        pid: me,
        starter: starter,
        behaviours: text.split(scenario.option(of: line, named: "init", or: "ok"), on: ","),
        child_id: child_id,
        handle: recorder.None,
      ),
    )
  case behaviour {
    "ignore" -> Error(start.Ignored)
    _ -> {
      recorder.came_up(world.recorder, me)
      Ok(Nil)
    }
  }
}

fn start_supervisor(
  world: world.World,
  line: scenario.Line,
  id: String,
  child_id: String,
  starter: Result(process.Pid, Nil),
) -> Outcome {
  let initialise = fn() {
    case begins(world, line, id, recorder.Supervisor, child_id, starter), builder(world, line) {
      Error(error), _ -> Error(error)
      Ok(Nil), Ok(builder) -> Ok(builder)
      Ok(Nil), Error(Nil) -> Error(start.InitFailed("bad_spec"))
    }
  }
  let outcome = supervisor.start_with_initialiser(running: initialise, in: world.runtime)
  case outcome {
    Ok(started) -> recorder.has_handle(world.recorder, started.pid, recorder.Supervises(started.data))
    Error(_) -> Nil
  }
  by_pid(outcome)
}

fn is_factory(line: scenario.Line) -> Bool {
  scenario.option(of: line, named: "strategy", or: "") == "simple_one_for_one"
}

fn start_factory(
  world: world.World,
  line: scenario.Line,
  id: String,
  child_id: String,
  starter: Result(process.Pid, Nil),
) -> Outcome {
  let initialise = fn() {
    case begins(world, line, id, recorder.Dynamic, child_id, starter), factory_builder(world, line) {
      Error(error), _ -> Error(error)
      Ok(Nil), Ok(builder) -> Ok(builder)
      Ok(Nil), Error(Nil) -> Error(start.InitFailed("bad_spec"))
    }
  }
  let outcome = factory_supervisor.start_with_initialiser(running: initialise, in: world.runtime)
  case outcome {
    Ok(started) -> recorder.has_handle(world.recorder, started.pid, recorder.SupervisesAlike(started.data))
    Error(_) -> Nil
  }
  by_pid(outcome)
}

fn start_dynamic(
  world: world.World,
  line: scenario.Line,
  id: String,
  child_id: String,
  starter: Result(process.Pid, Nil),
) -> Outcome {
  let initialise = fn() {
    case begins(world, line, id, recorder.Dynamic, child_id, starter), dynamic_builder(line) {
      Error(error), _ -> Error(error)
      Ok(Nil), Ok(builder) -> Ok(builder)
      Ok(Nil), Error(Nil) -> Error(start.InitFailed("bad_spec"))
    }
  }
  let outcome = dynamic_supervisor.start_with_initialiser(running: initialise, in: world.runtime)
  case outcome {
    Ok(started) -> recorder.has_handle(world.recorder, started.pid, recorder.SupervisesMany(started.data))
    Error(_) -> Nil
  }
  by_pid(outcome)
}

// ---- specifications; `Error(Nil)`: a value that they cannot have ----

/// Whether what a line declares can be said at all, with all below it.
pub fn is_sayable(world: world.World, line: scenario.Line) -> Bool {
  case line.words, is_factory(line) {
    ["sup", ..], True -> factory_builder(world, line) != Error(Nil)
    ["sup", ..], False -> builder(world, line) != Error(Nil)
    ["dsup", ..], _ -> dynamic_builder(line) != Error(Nil)
    _, _ -> True
  }
}

fn builder(world: world.World, line: scenario.Line) -> Result(supervisor.Builder, Nil) {
  let assert [_, id, ..] = line.words
  use strategy <- try(strategy(scenario.option(of: line, named: "strategy", or: "one_for_one")))
  use ending <- try(auto_shutdown(scenario.option(of: line, named: "auto", or: "never")))
  use #(intensity, period) <- try(tolerance(line, or: "1"))
  use children <- try(
    scenario.children(in: world.scenario, of: id)
    |> lists.map(with: fn(below) { child(world, below, Fixed) })
    |> lists.all_ok,
  )
  supervisor.new(strategy)
  |> supervisor.restart_tolerance(intensity: intensity, period: period)
  |> supervisor.auto_shutdown(ending)
  |> lists.fold(children, from: _, with: supervisor.add)
  |> Ok
}

/// An instance behaves as the template declares, by its own id.
fn factory_builder(
  world: world.World,
  line: scenario.Line,
) -> Result(factory_supervisor.Builder(String, process.Pid), Nil) {
  let assert [_, id, ..] = line.words
  use template <- try(case scenario.children(in: world.scenario, of: id) {
    [template] -> Ok(template)
    _ -> Error(Nil)
  })
  use #(intensity, period) <- try(tolerance(line, or: "1"))
  use restart <- try(restart(scenario.option(of: template, named: "restart", or: "permanent")))
  use Nil <- try(case is_sayable(world, template) {
    True -> Ok(Nil)
    False -> Error(Nil)
  })
  let of_kind = fn(builder) {
    case template.words {
      ["worker", ..] -> builder
      _ -> factory_supervisor.supervising(builder)
    }
  }
  let plain =
    factory_supervisor.new(starting: fn(instance) { start(world, template, instance, instance) })
    |> of_kind
    |> factory_supervisor.restart(restart)
    |> factory_supervisor.restart_tolerance(intensity: intensity, period: period)
  case scenario.option(of: template, named: "shutdown", or: "") {
    "" -> Ok(plain)
    "brutal_kill" -> Ok(factory_supervisor.shutdown(plain, child.BrutalKill))
    "infinity" -> Ok(factory_supervisor.shutdown(plain, child.Infinity))
    word -> {
      use milliseconds <- try(text.to_int(word))
      Ok(factory_supervisor.shutdown(plain, child.Within(milliseconds)))
    }
  }
}

fn dynamic_builder(line: scenario.Line) -> Result(dynamic_supervisor.Builder, Nil) {
  use #(intensity, period) <- try(tolerance(line, or: "3"))
  let builder = dynamic_supervisor.new() |> dynamic_supervisor.restart_tolerance(intensity: intensity, period: period)
  case scenario.option(of: line, named: "max_children", or: "") {
    "" -> Ok(builder)
    word -> {
      use most <- try(text.to_int(word))
      Ok(dynamic_supervisor.max_children(builder, most))
    }
  }
}

/// A line as a child.
pub fn child(world: world.World, line: scenario.Line, under: Above) -> Result(child.Child(process.Pid), Nil) {
  let assert [kind, id, ..] = line.words
  let child_id = case under {
    Fixed -> id
    Many -> id <> "/" <> world.next_number(world)
  }
  let starting = fn() { start(world, line, id, child_id) }
  let made = case kind {
    "worker" -> child.worker(id: child_id, starting: starting)
    _ -> child.supervisor(id: child_id, starting: starting)
  }
  use restart <- try(restart(scenario.option(of: line, named: "restart", or: "permanent")))
  use ended <- try(shutdown(made, scenario.option(of: line, named: "shutdown", or: "")))
  use significant <- try(truth(scenario.option(of: line, named: "significant", or: "false")))
  use Nil <- try(case is_sayable(world, line) {
    True -> Ok(Nil)
    False -> Error(Nil)
  })
  ended
  |> child.restart(restart)
  |> child.significant(significant && under == Fixed)
  |> Ok
}

fn strategy(word: String) -> Result(supervisor.Strategy, Nil) {
  case word {
    "one_for_one" -> Ok(supervisor.OneForOne)
    "one_for_all" -> Ok(supervisor.OneForAll)
    "rest_for_one" -> Ok(supervisor.RestForOne)
    _ -> Error(Nil)
  }
}

fn auto_shutdown(word: String) -> Result(supervisor.AutoShutdown, Nil) {
  case word {
    "never" -> Ok(supervisor.Never)
    "any_significant" -> Ok(supervisor.AnySignificant)
    "all_significant" -> Ok(supervisor.AllSignificant)
    _ -> Error(Nil)
  }
}

fn tolerance(line: scenario.Line, or default: String) -> Result(#(Int, Int), Nil) {
  use intensity <- try(text.to_int(scenario.option(of: line, named: "intensity", or: default)))
  use period <- try(text.to_int(scenario.option(of: line, named: "period", or: "5")))
  Ok(#(intensity, period))
}

fn restart(word: String) -> Result(child.Restart, Nil) {
  case word {
    "permanent" -> Ok(child.Permanent)
    "transient" -> Ok(child.Transient)
    "temporary" -> Ok(child.Temporary)
    _ -> Error(Nil)
  }
}

/// A time below 0 is refused here: in Gleam it is 0.
fn shutdown(made: child.Child(data), word: String) -> Result(child.Child(data), Nil) {
  case word, text.to_int(word) {
    "", _ -> Ok(made)
    "brutal_kill", _ -> Ok(child.brutal_kill(made))
    "infinity", _ -> Ok(child.shutdown_without_limit(made))
    _, Ok(milliseconds) if milliseconds >= 0 -> Ok(child.shutdown(made, within: milliseconds))
    _, _ -> Error(Nil)
  }
}

fn truth(word: String) -> Result(Bool, Nil) {
  case word {
    "true" -> Ok(True)
    "false" -> Ok(False)
    _ -> Error(Nil)
  }
}

fn try(result: Result(a, Nil), then: fn(a) -> Result(b, Nil)) -> Result(b, Nil) {
  case result {
    Ok(value) -> then(value)
    Error(Nil) -> Error(Nil)
  }
}
