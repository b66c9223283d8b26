import regrow/child
import regrow/dynamic
import regrow/dynamic_supervisor
import regrow/gen_server
import regrow/process
import regrow/registry
import regrow/runtime
import regrow/start
import regrow/supervisor
import support/counter

fn with_users(
  builder: dynamic_supervisor.Builder,
  body: fn(dynamic_supervisor.DynamicSupervisor, counter.Counters) -> a,
) -> Nil {
  let assert Ok(runtime) = runtime.new() |> runtime.log_level(runtime.Silent) |> runtime.start
  let assert Ok(counters) = registry.unique() |> registry.start(in: runtime)
  let assert Ok(started) = dynamic_supervisor.start(builder, in: runtime)
  process.unlink(from: started.pid)
  body(started.data, counters)
  let assert Ok(Nil) = runtime.shutdown(runtime, within: 5000)
  Nil
}

fn tolerant() -> dynamic_supervisor.Builder {
  dynamic_supervisor.new() |> dynamic_supervisor.restart_tolerance(intensity: 1000, period: 5)
}

pub fn its_children_are_listed_and_one_that_is_not_wanted_is_none_test() {
  use users, counters <- with_users(tolerant())
  let assert Ok(user) = dynamic_supervisor.start_child(in: users, child: counter.child(in: counters, id: "a"))
  let unwanted =
    child.worker(id: "b", starting: fn() -> Result(start.Started(Nil), start.StartError) { Error(start.Ignored) })
  let assert Error(start.Ignored) = dynamic_supervisor.start_child(in: users, child: unwanted)
  let assert Ok([supervisor.ChildInfo(_, supervisor.Running(pid), supervisor.Worker)]) =
    dynamic_supervisor.which_children(in: users)
  let assert True = pid == user.pid
}

pub fn it_remembers_who_failed_and_shows_who_is_there_test() {
  use users, counters <- with_users(tolerant())
  let assert Ok(_) = dynamic_supervisor.start_child(in: users, child: counter.child(in: counters, id: "a"))
  let _ = counter.end(in: counters, id: "a", by: counter.Crash)
  counter.until(fn() { result_length(dynamic_supervisor.history(in: users)) == 1 })
  let assert Ok([supervisor.Failure(id, _, process.Abnormal(_), 1, _, _, supervisor.Restarts(after: 0))]) =
    dynamic_supervisor.history(in: users)
  let assert True = id == dynamic.string("a")
  // It is remembered before it is started again.
  counter.until(fn() {
    case dynamic_supervisor.tree(of: users) {
      Ok(supervisor.Node(_, _, "dynamic_supervisor", _, _, _, [supervisor.Node(of_child, Ok(_), _, _, _, 1, [])])) ->
        of_child == id
      _ -> False
    }
  })
}

fn result_length(outcome: Result(List(a), b)) -> Int {
  case outcome {
    Ok([]) -> 0
    Ok([_]) -> 1
    _ -> 2
  }
}

pub fn a_supervisor_may_not_be_wanted_test() {
  let assert Ok(runtime) = runtime.start(runtime.new())
  let started = fn(initialise) { dynamic_supervisor.start_with_initialiser(running: initialise, in: runtime) }
  let assert Error(start.Ignored) = started(fn() { Error(start.Ignored) })
  let assert Error(start.InitFailed("no")) = started(fn() { Error(start.InitFailed("no")) })
  let assert Ok(users) = started(fn() { Ok(dynamic_supervisor.new() |> dynamic_supervisor.max_children(0)) })
  process.unlink(from: users.pid)
  let assert Ok(Nil) = runtime.shutdown(runtime, within: 5000)
}

// FEATURES 0.16: glixir's terminate_child wants a pid where its document passes the id.
pub fn a_child_is_ended_by_its_id_test() {
  use users, counters <- with_users(tolerant())
  let assert Ok(user) = dynamic_supervisor.start_child(in: users, child: counter.child(in: counters, id: "user_123"))
  let assert Ok(1) = process.call(user.data, sending: counter.Next, within: 20_000)
  let assert Ok(["user_123"]) = dynamic_supervisor.ids(in: users)
  let assert True = dynamic_supervisor.pids(in: users) == Ok([user.pid])
  let assert Ok(supervisor.Counts(1, 1, 0, 1)) = dynamic_supervisor.count_children(in: users)
  let assert Ok(Nil) = dynamic_supervisor.terminate_child(in: users, id: "user_123")
  let assert False = process.is_alive(user.pid)
  let assert Error(registry.NotFound) = registry.lookup(in: counters, key: "user_123")
  let assert Ok(supervisor.Counts(0, 0, 0, 0)) = dynamic_supervisor.count_children(in: users)
  let assert Error(supervisor.NotFound) = dynamic_supervisor.terminate_child(in: users, id: "user_123")
}

pub fn a_supervisor_is_found_again_by_its_process_test() {
  use users, counters <- with_users(tolerant())
  let assert Ok(same) = dynamic_supervisor.at(pid: dynamic_supervisor.pid(of: users))
  let assert Ok(_) = dynamic_supervisor.start_child(in: same, child: counter.child(in: counters, id: "a"))
  let assert Ok(["a"]) = dynamic_supervisor.ids(in: users)
  let assert Ok(counter) = registry.lookup(in: counters, key: "a")
  let assert Error(supervisor.NotFound) = dynamic_supervisor.at(pid: process.owner(of: counter))
}

pub fn an_id_has_one_child_test() {
  use users, counters <- with_users(tolerant())
  let assert Ok(first) = dynamic_supervisor.start_child(in: users, child: counter.child(in: counters, id: "a"))
  let assert Error(start.NameInUse(by)) =
    dynamic_supervisor.start_child(in: users, child: counter.child(in: counters, id: "a"))
  let assert True = by == first.pid
  let assert Ok(_) = dynamic_supervisor.start_child(in: users, child: counter.child(in: counters, id: "b"))
  let assert Ok([_, _]) = dynamic_supervisor.pids(in: users)
}

pub fn a_child_that_fails_is_started_again_and_still_goes_by_its_id_test() {
  use users, counters <- with_users(tolerant())
  let assert Ok(_) = dynamic_supervisor.start_child(in: users, child: counter.child(in: counters, id: "a"))
  let assert 1 = counter.next(in: counters, id: "a")
  let old = counter.end(in: counters, id: "a", by: counter.Crash)
  counter.until(fn() {
    case registry.whereis(in: counters, key: "a") {
      Ok(pid) -> pid != old
      Error(_) -> False
    }
  })
  let assert 1 = counter.next(in: counters, id: "a")
  let assert Ok(Nil) = dynamic_supervisor.terminate_child(in: users, id: "a")
  let assert Ok([]) = dynamic_supervisor.ids(in: users)
}

pub fn a_child_that_waits_for_its_next_start_is_ended_by_its_id_test() {
  use users, counters <- with_users(tolerant())
  let patient = counter.child(in: counters, id: "a") |> child.backoff(initial: 60_000, most: 60_000)
  let assert Ok(_) = dynamic_supervisor.start_child(in: users, child: patient)
  counter.end(in: counters, id: "a", by: counter.Crash)
  counter.until(fn() { dynamic_supervisor.pids(in: users) == Ok([]) })
  let assert Ok(["a"]) = dynamic_supervisor.ids(in: users)
  let assert Ok(Nil) = dynamic_supervisor.terminate_child(in: users, id: "a")
  let assert Ok([]) = dynamic_supervisor.ids(in: users)
}

pub fn who_has_ended_is_forgotten_test() {
  use users, counters <- with_users(tolerant())
  let temporary = counter.child(in: counters, id: "a") |> child.restart(child.Temporary)
  let assert Ok(_) = dynamic_supervisor.start_child(in: users, child: temporary)
  counter.end(in: counters, id: "a", by: counter.Crash)
  counter.until(fn() { dynamic_supervisor.ids(in: users) == Ok([]) })
  let assert Ok(_) = dynamic_supervisor.start_child(in: users, child: temporary)
}

pub fn there_are_as_many_as_there_may_be_test() {
  use users, counters <- with_users(tolerant() |> dynamic_supervisor.max_children(1))
  let assert Ok(_) = dynamic_supervisor.start_child(in: users, child: counter.child(in: counters, id: "a"))
  let assert Error(start.MaxChildren) =
    dynamic_supervisor.start_child(in: users, child: counter.child(in: counters, id: "b"))
  let assert Ok(Nil) = dynamic_supervisor.terminate_child(in: users, id: "a")
  let assert Ok(_) = dynamic_supervisor.start_child(in: users, child: counter.child(in: counters, id: "b"))
}

pub fn what_cannot_be_is_an_error_test() {
  let assert Ok(over) = runtime.start(runtime.new())
  let attempt = fn(builder) { dynamic_supervisor.start(builder, in: over) }
  let assert Error(start.NotStarted(_)) = attempt(dynamic_supervisor.new() |> dynamic_supervisor.max_children(-1))
  let assert Error(start.NotStarted(_)) =
    attempt(dynamic_supervisor.new() |> dynamic_supervisor.restart_tolerance(intensity: 1, period: 0))
  let assert Ok(Nil) = runtime.shutdown(over, within: 5000)
  let assert Error(start.RuntimeIsOver) = attempt(dynamic_supervisor.new())
}

pub fn a_dead_supervisor_is_an_error_test() {
  use users, counters <- with_users(tolerant())
  let assert Ok(_) = dynamic_supervisor.start_child(in: users, child: counter.child(in: counters, id: "a"))
  let assert Ok(Nil) = dynamic_supervisor.stop(users, within: 5000)
  counter.until(fn() { registry.count(in: counters) == Ok(0) })
  let assert Error(start.RuntimeIsOver) =
    dynamic_supervisor.start_child(in: users, child: counter.child(in: counters, id: "a"))
  let assert Error(supervisor.DeadSupervisor) = dynamic_supervisor.terminate_child(in: users, id: "a")
  let assert Error(supervisor.DeadSupervisor) = dynamic_supervisor.ids(in: users)
  let assert Error(supervisor.DeadSupervisor) = dynamic_supervisor.at(pid: dynamic_supervisor.pid(of: users))
  let assert Error(supervisor.DeadSupervisor) = dynamic_supervisor.pids(in: users)
  let assert Error(supervisor.DeadSupervisor) = dynamic_supervisor.count_children(in: users)
}

pub fn a_child_that_does_not_start_is_an_error_test() {
  use users, _ <- with_users(tolerant())
  let failing =
    child.worker(id: "a", starting: fn() -> Result(start.Started(Nil), start.StartError) {
      Error(start.InitFailed("no database"))
    })
  let assert Error(start.InitFailed("no database")) = dynamic_supervisor.start_child(in: users, child: failing)
  let assert Ok(Nil) = gen_server.load_plugin(from: counter_path())
  let native = fn(id, argument) { child.native(id: id, behaviour: "counter", with: argument) }
  let assert Ok(started) = dynamic_supervisor.start_child(in: users, child: native("n", dynamic.int(1)))
  let assert True = process.is_native(started.pid)
  let assert Error(_) = dynamic_supervisor.start_child(in: users, child: native("m", dynamic.string("no number")))
  let assert Ok(["n"]) = dynamic_supervisor.ids(in: users)
}

@external(erlang, "regrow_gleam_support", "counter_path")
fn counter_path() -> String
