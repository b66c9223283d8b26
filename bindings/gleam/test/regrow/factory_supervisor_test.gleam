import regrow/child
import regrow/factory_supervisor
import regrow/process
import regrow/registry
import regrow/runtime
import regrow/server
import regrow/start
import regrow/supervisor
import support/counter

type Pool =
  factory_supervisor.FactorySupervisor(String, process.Subject(counter.Message))

fn with_pool(
  build: fn(factory_supervisor.Builder(String, process.Subject(counter.Message))) ->
    factory_supervisor.Builder(String, process.Subject(counter.Message)),
  body: fn(Pool, counter.Counters) -> a,
) -> Nil {
  let assert Ok(runtime) = runtime.new() |> runtime.log_level(runtime.Silent) |> runtime.start
  let assert Ok(counters) = registry.unique() |> registry.start(in: runtime)
  let assert Ok(pool) =
    factory_supervisor.new(starting: fn(id) { server.start(counter.builder(in: counters, id: id)) })
    |> factory_supervisor.restart_tolerance(intensity: 100, period: 5)
    |> build
    |> factory_supervisor.start(in: runtime)
  process.unlink(from: pool.pid)
  body(pool.data, counters)
  let assert Ok(Nil) = runtime.shutdown(runtime, within: 5000)
  Nil
}

pub fn children_are_made_from_their_arguments_test() {
  use pool, counters <- with_pool(fn(builder) { builder })
  let assert Ok(a) = factory_supervisor.start_child(in: pool, with: "a")
  let assert Ok(_) = factory_supervisor.start_child(in: pool, with: "b")
  let assert Ok(1) = process.call(a.data, sending: counter.Next, within: 20_000)
  let assert Ok(supervisor.Counts(1, 2, 0, 2)) = factory_supervisor.count_children(in: pool)
  // Started again, with its argument.
  let old = counter.end(in: counters, id: "a", by: counter.Crash)
  counter.until(fn() {
    case registry.whereis(in: counters, key: "a") {
      Ok(pid) -> pid != old
      Error(_) -> False
    }
  })
  let assert 1 = counter.next(in: counters, id: "a")
}

pub fn a_child_is_ended_by_its_process_test() {
  use pool, _ <- with_pool(fn(builder) { builder })
  let assert Ok(a) = factory_supervisor.start_child(in: pool, with: "a")
  let assert Ok([supervisor.ChildInfo(_, supervisor.Running(pid), supervisor.Worker)]) =
    factory_supervisor.which_children(in: pool)
  let assert True = pid == a.pid
  let assert Ok(Nil) = factory_supervisor.terminate_child(in: pool, pid: a.pid)
  let assert False = process.is_alive(a.pid)
  let assert Ok([]) = factory_supervisor.which_children(in: pool)
  let assert Error(supervisor.NotFound) = factory_supervisor.terminate_child(in: pool, pid: process.self())
}

pub fn a_child_that_does_not_start_is_an_error_test() {
  let assert Ok(runtime) = runtime.start(runtime.new())
  let refusing =
    factory_supervisor.new(starting: fn(error) -> Result(start.Started(Nil), start.StartError) { Error(error) })
  let assert Ok(pool) = factory_supervisor.start(refusing, in: runtime)
  let assert Error(start.Ignored) = factory_supervisor.start_child(in: pool.data, with: start.Ignored)
  let assert Error(start.InitFailed("no")) =
    factory_supervisor.start_child(in: pool.data, with: start.InitFailed("no"))
  let assert Ok(Nil) = factory_supervisor.stop(pool.data, within: 5000)
  let assert Error(start.RuntimeIsOver) = factory_supervisor.start_child(in: pool.data, with: start.Ignored)
  let assert Error(supervisor.DeadSupervisor) = factory_supervisor.which_children(in: pool.data)
  let started = fn(error) {
    factory_supervisor.start_with_initialiser(
      running: fn() -> Result(factory_supervisor.Builder(Int, Nil), start.StartError) { Error(error) },
      in: runtime,
    )
  }
  let assert Error(start.Ignored) = started(start.Ignored)
  let assert Error(start.InitFailed("no")) = started(start.InitFailed("no"))
  let assert Error(start.NotStarted(_)) =
    refusing
    |> factory_supervisor.restart_tolerance(intensity: -1, period: 0)
    |> factory_supervisor.start(in: runtime)
  let assert Ok(Nil) = runtime.shutdown(runtime, within: 5000)
}

pub fn restart_and_shutdown_are_those_of_all_children_test() {
  use pool, counters <- with_pool(fn(builder) {
    builder
    |> factory_supervisor.restart(child.Temporary)
    |> factory_supervisor.shutdown(child.BrutalKill)
  })
  let assert Ok(_) = factory_supervisor.start_child(in: pool, with: "a")
  let assert Ok(b) = factory_supervisor.start_child(in: pool, with: "b")
  counter.end(in: counters, id: "a", by: counter.Crash)
  counter.until(fn() { factory_supervisor.count_children(in: pool) == Ok(supervisor.Counts(1, 1, 0, 1)) })
  let monitor = process.monitor(b.pid)
  let assert Ok(Nil) = factory_supervisor.terminate_child(in: pool, pid: b.pid)
  let assert Ok(process.Down(_, process.Killed)) = process.receive_down(from: monitor, within: 20_000)
}
