import regrow/process
import regrow/registry
import regrow/runtime
import regrow/start

pub fn a_runtime_starts_and_ends_test() {
  let assert Ok(runtime) = runtime.new() |> runtime.log_level(runtime.Silent) |> runtime.start
  let assert Ok(Nil) = runtime.settle(runtime, within: 1000)
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

pub fn an_option_that_cannot_be_is_an_error_test() {
  let assert Error(runtime.BadOption) = runtime.new() |> runtime.workers(-1) |> runtime.start
}

pub fn only_a_manual_clock_is_moved_on_test() {
  let assert Ok(plain) = runtime.new() |> runtime.start
  let assert Error(runtime.NotManual) = runtime.advance(plain, by: 1000)
  let assert Ok(manual) = runtime.new() |> runtime.clock(runtime.Manual) |> runtime.start
  let assert Ok(Nil) = runtime.advance(manual, by: 1000)
  let assert Ok(Nil) = runtime.shutdown(plain, within: 1000)
  let assert Ok(Nil) = runtime.shutdown(manual, within: 1000)
}

pub fn a_name_goes_with_its_process_test() {
  let assert Ok(runtime) = runtime.new() |> runtime.start
  let other = process.spawn_unlinked(running: fn() { process.sleep(60_000) })
  let assert Ok(Nil) = runtime.register(runtime, pid: other, named: "other")
  let assert Error(runtime.NameTaken(by)) = runtime.register(runtime, pid: process.self(), named: "other")
  let assert True = by == other
  let monitor = process.monitor(other)
  process.kill(other)
  let assert Ok(process.Down(_, process.Killed)) = process.receive_down(from: monitor, within: 1000)
  let assert Error(Nil) = runtime.whereis(runtime, "other")
  let assert Ok(Nil) = runtime.register(runtime, pid: process.self(), named: "other")
  let assert Ok(Nil) = runtime.unregister(runtime, "other")
  let assert Ok(Nil) = runtime.shutdown(runtime, within: 1000)
}
