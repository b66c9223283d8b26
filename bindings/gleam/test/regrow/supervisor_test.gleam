import regrow/child
import regrow/decode
import regrow/dynamic
import regrow/gen_server
import regrow/process
import regrow/pubsub
import regrow/registry
import regrow/runtime
import regrow/server
import regrow/start
import regrow/supervisor
import support/counter

fn with_counters(body: fn(runtime.Runtime, counter.Counters) -> a) -> Nil {
  let assert Ok(runtime) = runtime.new() |> runtime.log_level(runtime.Silent) |> runtime.start
  let assert Ok(counters) = registry.unique() |> registry.start(in: runtime)
  body(runtime, counters)
  let assert Ok(Nil) = runtime.shutdown(runtime, within: 5000)
  Nil
}

fn three(strategy: supervisor.Strategy, counters: counter.Counters) -> supervisor.Builder {
  supervisor.new(strategy)
  |> supervisor.add(counter.child(in: counters, id: "a"))
  |> supervisor.add(counter.child(in: counters, id: "b"))
  |> supervisor.add(counter.child(in: counters, id: "c"))
}

fn ask_all(counters: counter.Counters) -> #(Int, Int, Int) {
  #(
    counter.next(in: counters, id: "a"),
    counter.next(in: counters, id: "b"),
    counter.next(in: counters, id: "c"),
  )
}

/// What the three count after the middle one has crashed, where each has counted once before.
fn after_crash(strategy: supervisor.Strategy) -> #(Int, Int, Int) {
  let answers = process.new_subject()
  with_counters(fn(runtime, counters) {
    let assert Ok(started) = supervisor.start(three(strategy, counters), in: runtime)
    let assert #(1, 1, 1) = ask_all(counters)
    let old = counter.end(in: counters, id: "b", by: counter.Crash)
    // The last to be restarted.
    let assert Ok(supervisor.Counts(3, _, 0, 3)) = supervisor.count_children(in: started.data)
    counter.until(fn() {
      case supervisor.count_children(in: started.data), supervisor.status(in: started.data, id: "b") {
        Ok(supervisor.Counts(3, 3, 0, 3)), Ok(supervisor.Running(pid)) -> pid != old
        _, _ -> False
      }
    })
    process.send(to: answers, message: ask_all(counters))
    let assert Ok(Nil) = supervisor.stop(started.data, within: 5000)
    counter.until(fn() { registry.count(in: counters) == Ok(0) })
  })
  let assert Ok(numbers) = process.receive(from: answers, within: 0)
  numbers
}

pub fn the_strategy_says_who_is_started_again_test() {
  let assert #(2, 1, 2) = after_crash(supervisor.OneForOne)
  let assert #(1, 1, 1) = after_crash(supervisor.OneForAll)
  let assert #(2, 1, 1) = after_crash(supervisor.RestForOne)
}

pub fn the_restart_type_says_when_test() {
  use runtime, counters <- with_counters
  let assert Ok(started) =
    supervisor.new(supervisor.OneForOne)
    |> supervisor.restart_tolerance(intensity: 10, period: 5)
    |> supervisor.add(counter.child(in: counters, id: "permanent"))
    |> supervisor.add(counter.child(in: counters, id: "transient") |> child.restart(child.Transient))
    |> supervisor.add(counter.child(in: counters, id: "temporary") |> child.restart(child.Temporary))
    |> supervisor.start(in: runtime)
  let status = fn(id) { supervisor.status(in: started.data, id: id) }
  let runs_again = fn(id, old) {
    counter.until(fn() {
      case status(id) {
        Ok(supervisor.Running(pid)) -> pid != old
        _ -> False
      }
    })
  }
  runs_again("permanent", counter.end(in: counters, id: "permanent", by: counter.End))
  runs_again("transient", counter.end(in: counters, id: "transient", by: counter.Crash))
  counter.end(in: counters, id: "transient", by: counter.End)
  counter.until(fn() { status("transient") == Ok(supervisor.Stopped) })
  counter.end(in: counters, id: "temporary", by: counter.Crash)
  counter.until(fn() { status("temporary") == Error(supervisor.NotFound) })
  let assert Ok(supervisor.Counts(2, 1, 0, 2)) = supervisor.count_children(in: started.data)
  let assert Ok(Nil) = supervisor.stop(started.data, within: 5000)
}

pub fn too_many_restarts_end_a_supervisor_test() {
  use runtime, counters <- with_counters
  let assert Ok(started) =
    supervisor.new(supervisor.OneForOne)
    |> supervisor.restart_tolerance(intensity: 1, period: 5)
    |> supervisor.add(counter.child(in: counters, id: "a"))
    |> supervisor.start(in: runtime)
  process.unlink(from: started.pid)
  let monitor = process.monitor(started.pid)
  let old = counter.end(in: counters, id: "a", by: counter.Crash)
  counter.until(fn() {
    case supervisor.status(in: started.data, id: "a") {
      Ok(supervisor.Running(pid)) -> pid != old
      _ -> False
    }
  })
  counter.end(in: counters, id: "a", by: counter.Crash)
  let assert Ok(process.Down(_, process.Shutdown)) = process.receive_down(from: monitor, within: 20_000)
  let assert Error(supervisor.DeadSupervisor) = supervisor.count_children(in: started.data)
  let assert Error(supervisor.DeadSupervisor) = supervisor.terminate_child(in: started.data, id: "a")
  let assert Error(supervisor.DeadSupervisor) =
    supervisor.start_child(in: started.data, child: counter.child(in: counters, id: "b"))
}

pub fn children_are_ended_started_again_and_forgotten_by_their_ids_test() {
  use runtime, counters <- with_counters
  let assert Ok(started) = supervisor.start(three(supervisor.OneForOne, counters), in: runtime)
  let tree = started.data
  let assert Error(supervisor.StillRunning) = supervisor.delete_child(in: tree, id: "a")
  let assert Error(supervisor.StillRunning) = supervisor.restart_child(in: tree, id: "a")
  let assert Ok(Nil) = supervisor.terminate_child(in: tree, id: "a")
  let assert Ok(supervisor.Stopped) = supervisor.status(in: tree, id: "a")
  let assert Error(registry.NotFound) = registry.lookup(in: counters, key: "a")
  let assert Error(supervisor.AlreadyPresent) =
    supervisor.start_child(in: tree, child: counter.child(in: counters, id: "a"))
  let assert Ok(pid) = supervisor.restart_child(in: tree, id: "a")
  let assert True = registry.whereis(in: counters, key: "a") == Ok(pid)
  let assert Error(supervisor.NotStarted(start.NameInUse(by))) =
    supervisor.start_child(in: tree, child: counter.child(in: counters, id: "a"))
  let assert True = by == pid
  let assert Ok(Nil) = supervisor.terminate_child(in: tree, id: "a")
  let assert Ok(Nil) = supervisor.delete_child(in: tree, id: "a")
  let assert Error(supervisor.NotFound) = supervisor.terminate_child(in: tree, id: "a")
  let assert Error(supervisor.NotFound) = supervisor.restart_child(in: tree, id: "a")
  let assert Error(supervisor.NotFound) = supervisor.delete_child(in: tree, id: "a")
  // What a child gives when it starts is typed.
  let assert Ok(again) = supervisor.start_child(in: tree, child: counter.child(in: counters, id: "a"))
  let assert Ok(1) = process.call(again.data, sending: counter.Next, within: 20_000)
  let assert Ok([_, _, _]) = supervisor.which_children(in: tree)
  let assert Ok(Nil) = supervisor.stop(tree, within: 5000)
}

pub fn a_child_that_does_not_start_is_an_error_and_ends_nobody_test() {
  use runtime, counters <- with_counters
  let failing = child.worker(id: "failing", starting: fn() -> Result(start.Started(Nil), start.StartError) {
    Error(start.InitFailed("no database"))
  })
  let builder =
    supervisor.new(supervisor.OneForOne)
    |> supervisor.add(counter.child(in: counters, id: "before"))
    |> supervisor.add(failing)
  let assert Error(start.ChildFailed(id, start.InitFailed("no database"))) = supervisor.start(builder, in: runtime)
  let assert Ok("failing") = decode.string(id)
  counter.until(fn() { registry.count(in: counters) == Ok(0) })
  let assert Ok(started) = supervisor.new(supervisor.OneForOne) |> supervisor.start(in: runtime)
  let assert Error(supervisor.NotStarted(start.InitFailed("no database"))) =
    supervisor.start_child(in: started.data, child: failing)
  let panicking =
    child.worker(id: "panicking", starting: fn() -> Result(start.Started(Nil), start.StartError) { panic })
  let assert Error(supervisor.NotStarted(_)) = supervisor.start_child(in: started.data, child: panicking)
  let assert Ok(supervisor.Counts(0, 0, 0, 0)) = supervisor.count_children(in: started.data)
  process.sleep(20)
  let assert Ok(Nil) = supervisor.stop(started.data, within: 5000)
}

pub fn a_specification_that_cannot_be_is_an_error_test() {
  use runtime, counters <- with_counters
  let twice =
    supervisor.new(supervisor.OneForOne)
    |> supervisor.add(counter.child(in: counters, id: "a"))
    |> supervisor.add(counter.child(in: counters, id: "a"))
  let assert Error(start.NotStarted(_)) = supervisor.start(twice, in: runtime)
  let negative = supervisor.new(supervisor.OneForOne) |> supervisor.restart_tolerance(intensity: -1, period: 5)
  let assert Error(start.NotStarted(_)) = supervisor.start(negative, in: runtime)
  let never = supervisor.new(supervisor.OneForOne) |> supervisor.restart_tolerance(intensity: 1, period: 0)
  let assert Error(start.NotStarted(_)) = supervisor.start(never, in: runtime)
  let significant =
    supervisor.new(supervisor.OneForOne)
    |> supervisor.add(counter.child(in: counters, id: "a") |> child.significant(True))
  let assert Error(_) = supervisor.start(significant, in: runtime)
  process.sleep(20)
}

pub fn a_runtime_that_is_over_is_an_error_test() {
  let assert Ok(over) = runtime.start(runtime.new())
  let assert Ok(Nil) = runtime.shutdown(over, within: 5000)
  let assert Error(start.RuntimeIsOver) = supervisor.new(supervisor.OneForOne) |> supervisor.start(in: over)
}

pub fn children_of_all_kinds_stand_side_by_side_test() {
  use runtime, counters <- with_counters
  let assert Ok(Nil) = gen_server.load_plugin(from: counter_path())
  let assert Ok(module) = gen_server.module(named: "my_app_worker")
  let inner = supervisor.new(supervisor.OneForAll) |> supervisor.add(counter.child(in: counters, id: "inner"))
  let assert Ok(started) =
    supervisor.new(supervisor.OneForOne)
    |> supervisor.add(child.native(id: "native", behaviour: "counter", with: dynamic.int(40)))
    |> supervisor.add(child.module(id: "erlang", module: module, function: "start_link", arguments: [dynamic.int(7)]))
    |> supervisor.add(child.supervisor(id: "tree", starting: fn() { supervisor.start(inner, in: runtime) }))
    |> supervisor.start(in: runtime)
  let assert Ok(supervisor.Counts(3, 3, 1, 2)) = supervisor.count_children(in: started.data)
  let assert Ok(get) = dynamic.existing_atom("get")
  let assert Ok(supervisor.Running(native)) = supervisor.status(in: started.data, id: "native")
  let assert Ok(40) = gen_server.call(native, get, decode.int, within: 20_000)
  let assert Ok(supervisor.Running(erlang)) = supervisor.status(in: started.data, id: "erlang")
  let assert Ok(7) = gen_server.call(erlang, dynamic.string("get"), decode.int, within: 20_000)
  let assert 1 = counter.next(in: counters, id: "inner")
  let assert Ok(Nil) = supervisor.stop(started.data, within: 5000)
  let assert False = process.is_alive(native)
  let assert False = process.is_alive(erlang)
  counter.until(fn() { registry.count(in: counters) == Ok(0) })
}

pub fn registries_and_topics_are_children_too_test() {
  let assert Ok(runtime) = runtime.new() |> runtime.log_level(runtime.Silent) |> runtime.start
  let assert Ok(started) = supervisor.new(supervisor.RestForOne) |> supervisor.start(in: runtime)
  let names = registry.unique() |> registry.named("names")
  let assert Ok(counters) = supervisor.start_child(in: started.data, child: registry.child(names, id: "names"))
  let counters = counters.data
  let assert Ok(news) = supervisor.start_child(in: started.data, child: pubsub.child(pubsub.new(), id: "news"))
  let assert Ok(subject) = pubsub.subscribe(to: news.data, topic: "a")
  let assert Ok(Nil) = pubsub.broadcast(over: news.data, topic: "a", message: 7)
  let assert Ok(pubsub.Event("a", 7)) = process.receive(from: subject, within: 20_000)
  let counter =
    child.worker(id: "a", starting: fn() {
      let assert Ok(counters) = registry.find(in: runtime, named: "names")
      server.start(counter.builder(in: counters, id: "a"))
    })
  let assert Ok(_) = supervisor.start_child(in: started.data, child: counter)
  let assert 1 = counter.next(in: counters, id: "a")
  // The registry fails, and who is registered there with it: both are there again.
  process.kill(registry.pid(of: counters))
  counter.until(fn() {
    case registry.find(in: runtime, named: "names") {
      Ok(again) -> again != counters && registry.count(in: again) == Ok(1)
      Error(_) -> False
    }
  })
  let assert Ok(again) = registry.find(in: runtime, named: "names")
  let assert 1 = counter.next(in: again, id: "a")
  let nonsense = child.native_kind(id: "x", spec: dynamic.int(1), giving: fn(_) { Nil })
  let assert Error(supervisor.NotStarted(_)) = supervisor.start_child(in: started.data, child: nonsense)
  let unknown = child.native_kind(id: "x", spec: dynamic.map([]), giving: fn(_) { Nil })
  let assert Error(supervisor.NotStarted(_)) = supervisor.start_child(in: started.data, child: unknown)
  let assert Ok(supervisor.Counts(3, 3, 0, 3)) = supervisor.count_children(in: started.data)
  let assert Ok(Nil) = supervisor.stop(started.data, within: 5000)
  let assert Ok(Nil) = runtime.shutdown(runtime, within: 5000)
}

pub fn a_function_that_is_not_there_is_an_error_and_no_atom_test() {
  use runtime, _ <- with_counters
  let assert Ok(module) = gen_server.module(named: "my_app_worker")
  let assert Ok(started) = supervisor.new(supervisor.OneForOne) |> supervisor.start(in: runtime)
  let missing = fn(name) { child.module(id: "x", module: module, function: name, arguments: []) }
  let assert Error(supervisor.NotStarted(start.NotStarted(_))) =
    supervisor.start_child(in: started.data, child: missing("start_link"))
  let before = atoms()
  let assert Error(supervisor.NotStarted(start.NotStarted(_))) =
    supervisor.start_child(in: started.data, child: missing("never heard " <> "of that"))
  let assert True = atoms() == before
  let assert Ok(Nil) = supervisor.stop(started.data, within: 5000)
}

pub fn significant_children_end_their_supervisor_test() {
  use runtime, counters <- with_counters
  let assert Ok(started) =
    supervisor.new(supervisor.OneForOne)
    |> supervisor.auto_shutdown(supervisor.AnySignificant)
    |> supervisor.add(counter.child(in: counters, id: "a"))
    |> supervisor.add(counter.child(in: counters, id: "b") |> child.restart(child.Transient) |> child.significant(True))
    |> supervisor.start(in: runtime)
  process.unlink(from: started.pid)
  let monitor = process.monitor(started.pid)
  counter.end(in: counters, id: "b", by: counter.End)
  let assert Ok(process.Down(_, process.Shutdown)) = process.receive_down(from: monitor, within: 20_000)
  counter.until(fn() { registry.count(in: counters) == Ok(0) })
}

pub fn a_child_waits_before_it_is_started_again_test() {
  use runtime, counters <- with_counters
  let assert Ok(started) =
    supervisor.new(supervisor.OneForOne)
    |> supervisor.add(counter.child(in: counters, id: "a") |> child.backoff(initial: 60_000, most: 60_000))
    |> supervisor.start(in: runtime)
  counter.end(in: counters, id: "a", by: counter.Crash)
  counter.until(fn() { supervisor.status(in: started.data, id: "a") == Ok(supervisor.Waiting) })
  // Were it started again at once, it would be by now.
  process.sleep(50)
  let assert Ok(supervisor.Waiting) = supervisor.status(in: started.data, id: "a")
  let assert Ok(Nil) = supervisor.terminate_child(in: started.data, id: "a")
  let assert Ok(supervisor.Stopped) = supervisor.status(in: started.data, id: "a")
  let assert Ok(Nil) = supervisor.stop(started.data, within: 5000)
}

pub fn an_initialiser_runs_at_each_start_in_the_supervisor_test() {
  use runtime, counters <- with_counters
  let told = process.new_subject()
  let inner = fn() {
    supervisor.start_with_initialiser(
      running: fn() {
        process.send(to: told, message: process.self())
        Ok(supervisor.new(supervisor.OneForOne) |> supervisor.add(counter.child(in: counters, id: "a")))
      },
      in: runtime,
    )
  }
  let assert Ok(outer) =
    supervisor.new(supervisor.OneForOne)
    |> supervisor.add(child.supervisor(id: "inner", starting: inner))
    |> supervisor.start(in: runtime)
  let assert Ok(first) = process.receive(from: told, within: 20_000)
  let assert Ok(supervisor.Running(running)) = supervisor.status(in: outer.data, id: "inner")
  let assert True = first == running
  process.kill(first)
  let assert Ok(second) = process.receive(from: told, within: 20_000)
  let assert False = first == second
  let assert Ok(Nil) = supervisor.stop(outer.data, within: 5000)
}

pub fn a_supervisor_that_is_not_wanted_does_not_start_test() {
  use runtime, _ <- with_counters
  let assert Error(start.Ignored) =
    supervisor.start_with_initialiser(running: fn() { Error(start.Ignored) }, in: runtime)
  let assert Error(start.InitFailed("no")) =
    supervisor.start_with_initialiser(running: fn() { Error(start.InitFailed("no")) }, in: runtime)
  let unwanted =
    child.supervisor(id: "unwanted", starting: fn() {
      supervisor.start_with_initialiser(running: fn() { Error(start.Ignored) }, in: runtime)
    })
  let assert Ok(outer) =
    supervisor.new(supervisor.OneForOne)
    |> supervisor.add(unwanted)
    |> supervisor.start(in: runtime)
  let assert Ok(supervisor.Stopped) = supervisor.status(in: outer.data, id: "unwanted")
  let assert Error(supervisor.NotStarted(start.Ignored)) = supervisor.restart_child(in: outer.data, id: "unwanted")
  let assert Ok(Nil) = supervisor.delete_child(in: outer.data, id: "unwanted")
  let assert Error(supervisor.NotStarted(start.Ignored)) = supervisor.start_child(in: outer.data, child: unwanted)
  let assert Ok(supervisor.Stopped) = supervisor.status(in: outer.data, id: "unwanted")
  let assert Ok(Nil) = supervisor.stop(outer.data, within: 5000)
}

pub fn a_supervisor_that_does_not_start_ends_with_the_reason_of_its_child_test() {
  use runtime, counters <- with_counters
  let told = process.new_subject()
  let failing =
    child.worker(id: "failing", starting: fn() -> Result(start.Started(Nil), start.StartError) {
      Error(start.InitFailed("no"))
    })
  let assert Error(start.ChildFailed(_, start.InitFailed("no"))) =
    supervisor.start_with_initialiser(
      running: fn() {
        let supervisor = process.self()
        let watched = process.new_subject()
        process.spawn_unlinked(running: fn() {
          let monitor = process.monitor(supervisor)
          process.send(to: watched, message: Nil)
          let assert Ok(down) = process.receive_down(from: monitor, within: 20_000)
          process.send(to: told, message: down.reason)
        })
        let assert Ok(Nil) = process.receive(from: watched, within: 20_000)
        Ok(
          supervisor.new(supervisor.OneForOne)
          |> supervisor.add(counter.child(in: counters, id: "a"))
          |> supervisor.add(failing),
        )
      },
      in: runtime,
    )
  let assert Ok(process.Abnormal(reason)) = process.receive(from: told, within: 20_000)
  let assert Ok(#(Shutdown, #(FailedToStartChild, "failing"))) =
    decode.run(
      reason,
      decode.pair(
        of: decode.exactly(Shutdown),
        and: decode.pair(of: decode.exactly(FailedToStartChild), and: decode.string),
      ),
    )
}

pub type Reason {
  Shutdown
  FailedToStartChild
}

pub fn what_is_known_of_a_child_is_told_test() {
  use runtime, counters <- with_counters
  let assert Ok(started) =
    supervisor.new(supervisor.OneForOne)
    |> supervisor.auto_shutdown(supervisor.AnySignificant)
    |> supervisor.add(counter.child(in: counters, id: "a"))
    |> supervisor.add(
      counter.child(in: counters, id: "b")
      |> child.restart(child.Transient)
      |> child.brutal_kill
      |> child.significant(True),
    )
    |> supervisor.add(registry.child(registry.unique(), id: "registry"))
    |> supervisor.add(
      child.supervisor(id: "inner", starting: fn() {
        supervisor.start(supervisor.new(supervisor.OneForAll), in: runtime)
      })
      |> child.restart(child.Temporary),
    )
    |> supervisor.start(in: runtime)
  let spec = fn(id) { supervisor.child_spec(in: started.data, id: id) }
  let assert Ok(supervisor.ChildSpec(id, child.Permanent, child.Within(5000), supervisor.Worker, False)) = spec("a")
  let assert Ok("a") = decode.string(id)
  let assert Ok(supervisor.ChildSpec(_, child.Transient, child.BrutalKill, supervisor.Worker, True)) = spec("b")
  let assert Ok(supervisor.ChildSpec(_, child.Permanent, child.Within(5000), supervisor.Worker, False)) =
    spec("registry")
  let assert Ok(supervisor.ChildSpec(_, child.Temporary, child.Infinity, supervisor.Supervising, False)) = spec("inner")
  let assert Error(supervisor.NotFound) = spec("nobody")
  let assert Ok(Nil) = supervisor.stop(started.data, within: 5000)
  let assert Error(supervisor.DeadSupervisor) = spec("a")
}

@external(erlang, "regrow_gleam_support", "counter_path")
fn counter_path() -> String

@external(erlang, "regrow_gleam_support", "atom_count")
fn atoms() -> Int

pub fn a_supervisor_remembers_who_failed_test() {
  use runtime, counters <- with_counters
  let assert Ok(started) = supervisor.start(three(supervisor.OneForOne, counters), in: runtime)
  let assert Ok([]) = supervisor.history(in: started.data)
  let _ = counter.end(in: counters, id: "b", by: counter.End)
  counter.until(fn() {
    case supervisor.history(in: started.data) {
      Ok([_]) -> True
      _ -> False
    }
  })
  let assert Ok([failure]) = supervisor.history(in: started.data)
  let assert supervisor.Failure(_, Ok(_), process.Normal, 1, _, _, supervisor.Restarts(after: 0)) = failure
  let assert True = failure.id == dynamic.string("b")
  let assert Ok(Nil) = supervisor.stop(started.data, within: 5000)
  let assert Error(supervisor.DeadSupervisor) = supervisor.history(in: started.data)
}

pub fn a_tree_shows_who_is_there_test() {
  use runtime, counters <- with_counters
  let below = supervisor.new(supervisor.OneForAll) |> supervisor.add(counter.child(in: counters, id: "low"))
  let assert Ok(started) =
    supervisor.new(supervisor.OneForOne)
    |> supervisor.add(child.supervisor(id: "below", starting: fn() { supervisor.start(below, in: runtime) }))
    |> supervisor.add(pubsub.child(pubsub.new(), id: "news"))
    |> supervisor.start(in: runtime)
  let assert Ok(supervisor.Node(_, Ok(_), "supervisor", _, _, 0, [beam, native])) = supervisor.tree(of: started.data)
  let assert True = beam.id == dynamic.string("below") && native.id == dynamic.string("news")
  let assert supervisor.Node(_, Ok(pid), "pubsub", _, 0, 0, []) = native
  let assert True = process.is_native(pid)
  let assert Ok(Nil) = supervisor.terminate_child(in: started.data, id: "news")
  let assert Ok(supervisor.Node(_, _, _, _, _, _, [_, stopped])) = supervisor.tree(of: started.data)
  let assert supervisor.Node(_, Error(Nil), "pubsub", "stopped", 0, 0, []) = stopped
  let assert Ok(Nil) = supervisor.stop(started.data, within: 5000)
  let assert Error(supervisor.DeadSupervisor) = supervisor.tree(of: started.data)
}
