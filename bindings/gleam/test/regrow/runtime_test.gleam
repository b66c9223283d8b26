import regrow/process
import regrow/registry
import regrow/runtime
import regrow/start
import regrow/supervisor
import support/counter

pub fn a_runtime_starts_and_ends_test() {
  let assert Ok(runtime) = runtime.new() |> runtime.log_level(runtime.Silent) |> runtime.start
  let assert Ok(Nil) = runtime.settle(runtime, within: 20_000)
  let assert Ok(1) = runtime.process_count(runtime)
  let assert Ok(Nil) = runtime.shutdown(runtime, within: 5000)
  let assert Error(runtime.AlreadyOver) = runtime.shutdown(runtime, within: 5000)
  let assert Error(runtime.AlreadyOver) = runtime.process_count(runtime)
  let assert Error(runtime.AlreadyOver) = runtime.settle(runtime, within: 5000)
  let assert Error(start.RuntimeIsOver) = registry.unique() |> registry.start(in: runtime)
  let assert Error(Nil) = runtime.whereis(runtime, "anybody")
  let assert Error(Nil) = runtime.unregister(runtime, "anybody")
  let assert Error(runtime.DeadProcess) = runtime.register(runtime, pid: process.self(), named: "me")
}

pub fn a_runtime_and_its_tree_end_with_who_started_it_test() {
  let told = process.new_subject()
  let owner =
    process.spawn_unlinked(running: fn() {
      let assert Ok(runtime) = runtime.start(runtime.new())
      let assert Ok(counters) = registry.unique() |> registry.start(in: runtime)
      let assert Ok(started) =
        supervisor.new(supervisor.OneForOne)
        |> supervisor.add(counter.child(in: counters, id: "a"))
        |> supervisor.start(in: runtime)
      let assert Ok(counter) = registry.whereis(in: counters, key: "a")
      process.send(to: told, message: #(runtime, [registry.pid(of: counters), started.pid, counter]))
      process.sleep(60_000)
    })
  let assert Ok(#(runtime, [registry, supervisor, counter])) = process.receive(from: told, within: 20_000)
  let assert True = process.is_alive(registry) && process.is_alive(supervisor) && process.is_alive(counter)
  process.kill(owner)
  counter.until(fn() { !process.is_alive(registry) && !process.is_alive(supervisor) && !process.is_alive(counter) })
  counter.until(fn() { runtime.process_count(runtime) == Error(runtime.AlreadyOver) })
}

pub fn an_option_that_cannot_be_is_an_error_test() {
  let assert Error(runtime.BadOption) = runtime.new() |> runtime.workers(-1) |> runtime.start
}

pub fn only_a_manual_clock_is_moved_on_test() {
  let assert Ok(plain) = runtime.new() |> runtime.start
  let assert Error(runtime.NotManual) = runtime.advance(plain, by: 1000)
  let assert Ok(manual) = runtime.new() |> runtime.clock(runtime.Manual) |> runtime.start
  let assert Ok(Nil) = runtime.advance(manual, by: 1000)
  let assert Ok(Nil) = runtime.shutdown(plain, within: 20_000)
  let assert Ok(Nil) = runtime.shutdown(manual, within: 20_000)
}

pub fn a_name_goes_with_its_process_test() {
  let assert Ok(runtime) = runtime.new() |> runtime.start
  let other = process.spawn_unlinked(running: fn() { process.sleep(60_000) })
  let assert Ok(Nil) = runtime.register(runtime, pid: other, named: "other")
  let assert Error(runtime.NameTaken(by)) = runtime.register(runtime, pid: process.self(), named: "other")
  let assert True = by == other
  let monitor = process.monitor(other)
  process.kill(other)
  let assert Ok(process.Down(_, process.Killed)) = process.receive_down(from: monitor, within: 20_000)
  let assert Error(Nil) = runtime.whereis(runtime, "other")
  let assert Ok(Nil) = runtime.register(runtime, pid: process.self(), named: "other")
  let assert Ok(Nil) = runtime.unregister(runtime, "other")
  let assert Ok(Nil) = runtime.shutdown(runtime, within: 20_000)
}

/// Its handle is not used any more, here: the compiler lets go of it.
fn names_of_a_runtime() -> registry.Registry(String, Int) {
  let assert Ok(runtime) = runtime.start(runtime.new())
  let assert Ok(names) = registry.unique() |> registry.start(in: runtime)
  names
}

pub fn a_runtime_stays_while_who_started_it_lives_test() {
  let names = names_of_a_runtime()
  stays(names, rounds: 200)
}

/// That something does not happen can only be looked at for a while.
fn stays(names: registry.Registry(String, Int), rounds rounds: Int) -> Nil {
  collect()
  process.sleep(1)
  let assert True = process.is_alive(registry.pid(of: names))
  let assert Error(registry.NotFound) = registry.lookup(in: names, key: "nobody")
  case rounds {
    0 -> Nil
    _ -> stays(names, rounds: rounds - 1)
  }
}

@external(erlang, "regrow_gleam_support", "collect")
fn collect() -> Nil
