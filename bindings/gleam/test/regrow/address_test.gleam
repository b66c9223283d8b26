import regrow/address
import regrow/child
import regrow/dynamic
import regrow/process
import regrow/registry
import regrow/runtime
import regrow/server
import regrow/supervisor
import support/counter

fn with_counters(body: fn(runtime.Runtime, counter.Counters) -> a) -> Nil {
  let assert Ok(runtime) = runtime.new() |> runtime.log_level(runtime.Silent) |> runtime.start
  let assert Ok(counters) = registry.unique() |> registry.start(in: runtime)
  body(runtime, counters)
  let assert Ok(Nil) = runtime.shutdown(runtime, within: 5000)
  Nil
}

pub fn who_is_there_is_reached_test() {
  use _, counters <- with_counters
  let a = address.of_key(in: counters, key: "a")
  let assert Error(address.NobodyThere) = address.find(a)
  let assert Error(address.NobodyThere) = address.call(a, sending: counter.Next, within: 20_000)
  let assert Error(address.NobodyThere) = address.send(to: a, message: counter.End)
  let assert Ok(started) = server.start(counter.builder(in: counters, id: "a"))
  let assert Ok(1) = address.call(a, sending: counter.Next, within: 20_000)
  let assert Ok(subject) = address.find(a)
  let assert True = process.owner(of: subject) == started.pid
  let monitor = process.monitor(started.pid)
  let assert Ok(Nil) = address.send(to: a, message: counter.End)
  let assert Ok(process.Down(_, process.Normal)) = process.receive_down(from: monitor, within: 20_000)
  let assert Error(address.NobodyThere) = address.find(a)
}

pub fn a_call_waits_for_who_is_not_there_yet_test() {
  use _, counters <- with_counters
  let a = address.of_key(in: counters, key: "a") |> address.waiting(up_to: 60_000)
  let told = process.new_subject()
  let asking =
    process.spawn(running: fn() {
      process.send(to: told, message: address.call(a, sending: counter.Next, within: 20_000))
    })
  counter.until(fn() { is_waiting(asking) })
  let assert Ok(started) = server.start(counter.builder(in: counters, id: "a"))
  let assert Ok(Ok(1)) = process.receive(from: told, within: 20_000)
  process.unlink(from: started.pid)
  process.kill(started.pid)
}

/// The clock stands still between the end of one and its restart: who does not wait finds nobody.
pub fn a_call_goes_on_through_a_restart_test() {
  let assert Ok(runtime) =
    runtime.new() |> runtime.clock(runtime.Manual) |> runtime.log_level(runtime.Silent) |> runtime.start
  let assert Ok(counters) = registry.unique() |> registry.start(in: runtime)
  let child = counter.child(in: counters, id: "a") |> child.backoff(initial: 50, most: 50)
  let assert Ok(started) =
    supervisor.new(supervisor.OneForOne) |> supervisor.add(child) |> supervisor.start(in: runtime)
  let a = address.of_key(in: counters, key: "a")
  let assert Ok(1) = address.call(a, sending: counter.Next, within: 20_000)
  let _ = counter.end(in: counters, id: "a", by: counter.Crash)
  let assert Error(address.NobodyThere) = address.call(a, sending: counter.Next, within: 20_000)
  let told = process.new_subject()
  let asking =
    process.spawn(running: fn() {
      let answer = a |> address.waiting(up_to: 60_000) |> address.call(sending: counter.Next, within: 20_000)
      process.send(to: told, message: answer)
    })
  counter.until(fn() { is_waiting(asking) })
  counter.until(fn() { supervisor.status(in: started.data, id: "a") == Ok(supervisor.Waiting) })
  let assert Ok(Nil) = runtime.advance(runtime, by: 50)
  let assert Ok(Ok(1)) = process.receive(from: told, within: 20_000)
  let assert Ok(Nil) = supervisor.stop(started.data, within: 5000)
  let assert Ok(Nil) = runtime.shutdown(runtime, within: 5000)
}

pub fn waiting_ends_test() {
  use runtime, counters <- with_counters
  let a = address.of_key(in: counters, key: "a") |> address.waiting(up_to: 20)
  let assert Error(address.NobodyThere) = address.find(a)
  let forever = address.of_key(in: counters, key: "a") |> address.waiting(up_to: 1_000_000)
  let told = process.new_subject()
  let asking = process.spawn(running: fn() { process.send(to: told, message: address.find(forever)) })
  counter.until(fn() { is_waiting(asking) })
  process.kill(registry.pid(of: counters))
  let assert Ok(Error(address.NobodyThere)) = process.receive(from: told, within: 20_000)
  let assert Error(address.NobodyThere) = address.find(forever)
  let assert Ok(others) = registry.duplicate() |> registry.start(in: runtime)
  let assert Error(address.Failed(_)) = address.find(address.of_key(in: others, key: "a"))
  let assert Ok(any) = registry.unique() |> registry.start(in: runtime)
  let assert Error(address.Failed(_)) = address.find(address.of_key(in: any, key: too_large()))
  let assert Ok(Nil) =
    registry.register_value(in: any, key: dynamic.int(1), pid: process.self(), value: dynamic.int(7))
  let assert Error(address.Undecodable(_)) = address.find(address.of_key(in: any, key: dynamic.int(1)))
}

pub fn each_way_a_call_fails_is_an_error_test() {
  use _, counters <- with_counters
  let mine = process.new_subject()
  let assert Ok(Nil) = registry.register(in: counters, key: "me", subject: mine)
  let me = address.of_key(in: counters, key: "me")
  let assert Error(address.CallingSelf) = address.call(me, sending: counter.Next, within: 20_000)
  let assert Ok(started) = server.start(counter.builder(in: counters, id: "a"))
  process.unlink(from: started.pid)
  let a = address.of_key(in: counters, key: "a") |> address.waiting(up_to: 5000)
  let assert Error(address.Exited(process.Abnormal(_))) =
    address.call(a, sending: fn(_: process.Subject(Int)) { counter.Crash }, within: 20_000)
  let silent = process.spawn_unlinked(running: fn() { process.sleep(60_000) })
  let assert Ok(Nil) =
    registry.register(in: counters, key: "silent", subject: of_process(mine, silent))
  let assert Error(address.Timeout) =
    address.call(address.of_key(in: counters, key: "silent"), sending: counter.Next, within: 10)
  process.kill(silent)
}

@external(erlang, "regrow_gleam_support", "of_process")
fn of_process(subject: process.Subject(a), pid: process.Pid) -> process.Subject(a)

@external(erlang, "regrow_gleam_support", "is_waiting")
fn is_waiting(pid: process.Pid) -> Bool

@external(erlang, "regrow_gleam_support", "too_large")
fn too_large() -> dynamic.Dynamic
