import regrow/decode
import regrow/dynamic
import regrow/process
import regrow/registry
import regrow/runtime
import regrow/start

fn with_runtime(test_with: fn(runtime.Runtime) -> a) -> Nil {
  let assert Ok(runtime) = runtime.new() |> runtime.workers(2) |> runtime.start
  test_with(runtime)
  let assert Ok(Nil) = runtime.shutdown(runtime, within: 5000)
  Nil
}

/// A process that lives until it is killed, and its subject.
fn somebody() -> process.Subject(String) {
  let ready = process.new_subject()
  let _ =
    process.spawn_unlinked(running: fn() {
      process.send(to: ready, message: process.new_subject())
      process.sleep(60_000)
    })
  let assert Ok(subject) = process.receive(from: ready, within: 1000)
  subject
}

fn kill(pid: process.Pid) -> Nil {
  let monitor = process.monitor(pid)
  process.kill(pid)
  let assert Ok(_) = process.receive_down(from: monitor, within: 1000)
  Nil
}

pub fn a_subject_is_found_by_its_key_test() {
  use runtime <- with_runtime
  let assert Ok(users) = registry.unique() |> registry.start(in: runtime)
  let mine = process.new_subject()
  let assert Ok(Nil) = registry.register(in: users, key: "user_123", subject: mine)
  let assert Ok(found) = registry.lookup(in: users, key: "user_123")
  process.send(to: found, message: 7)
  let assert Ok(7) = process.receive(from: mine, within: 1000)
  let assert Ok(1) = registry.count(in: users)
  let assert Ok(["user_123"]) = registry.keys(in: users, of: process.self())
  let assert Error(registry.NotFound) = registry.lookup(in: users, key: "user_124")
  let assert Ok(Nil) = registry.unregister(in: users, key: "user_123")
  let assert Error(registry.NotFound) = registry.lookup(in: users, key: "user_123")
  let assert Error(registry.NotFound) = registry.unregister(in: users, key: "user_123")
}

// FEATURES 0.16: glixir registers the caller.
pub fn the_owner_of_a_subject_is_registered_and_not_the_caller_test() {
  use runtime <- with_runtime
  let assert Ok(users) = registry.unique() |> registry.start(in: runtime)
  let other = somebody()
  let assert Ok(Nil) = registry.register(in: users, key: 1, subject: other)
  let assert Ok(pid) = registry.whereis(in: users, key: 1)
  let assert True = pid == process.owner(of: other)
  let assert Ok([]) = registry.keys(in: users, of: process.self())
  kill(pid)
  let assert Error(registry.NotFound) = registry.lookup(in: users, key: 1)
  let assert Error(registry.DeadProcess) = registry.register(in: users, key: 1, subject: other)
}

pub fn a_unique_key_has_one_process_test() {
  use runtime <- with_runtime
  let assert Ok(users) = registry.unique() |> registry.start(in: runtime)
  let first = somebody()
  let assert Ok(Nil) = registry.register(in: users, key: "a", subject: first)
  let assert Error(registry.AlreadyRegistered(by)) = registry.register(in: users, key: "a", subject: somebody())
  let assert True = by == process.owner(of: first)
  process.kill(by)
  // At once, whether it has been noticed already or not.
  let _ = process.is_alive(by)
  kill(by)
  let assert Ok(Nil) = registry.register(in: users, key: "a", subject: somebody())
}

pub fn a_duplicate_key_has_many_and_all_get_the_message_test() {
  use runtime <- with_runtime
  let assert Ok(rooms) = registry.duplicate() |> registry.partitions(2) |> registry.start(in: runtime)
  let one = process.new_subject()
  let two = process.new_subject()
  let assert Ok(Nil) = registry.register(in: rooms, key: "room", subject: one)
  let assert Ok(Nil) = registry.register(in: rooms, key: "room", subject: two)
  let assert Ok([_, _]) = registry.lookup_all(in: rooms, key: "room")
  let assert Ok(2) = registry.dispatch(in: rooms, key: "room", message: "hello")
  let assert Ok("hello") = process.receive(from: one, within: 1000)
  let assert Ok("hello") = process.receive(from: two, within: 1000)
  let assert Ok(Nil) = registry.unregister_process(in: rooms, key: "room", pid: process.self())
  let assert Ok([]) = registry.lookup_all(in: rooms, key: "room")
  let assert Ok(0) = registry.dispatch(in: rooms, key: "room", message: "hello")
}

pub fn values_are_decoded_and_the_wrong_decoder_is_an_error_test() {
  use runtime <- with_runtime
  let assert Ok(users) = registry.unique() |> registry.named("users") |> registry.start(in: runtime)
  let me = process.self()
  let assert Ok(Nil) = registry.register_value(in: users, key: "a", pid: me, value: dynamic.int(7))
  let assert Ok([#(pid, 7)]) = registry.values(in: users, key: "a", decoder: decode.int)
  let assert True = pid == me
  let assert Error(registry.Undecodable([decode.DecodeError("String", "Int", ["0", "1"])])) =
    registry.values(in: users, key: "a", decoder: decode.string)
  let assert Error(registry.Undecodable([decode.DecodeError("Subject", "Int", [])])) =
    registry.lookup(in: users, key: "a")
  let assert Error(registry.Undecodable(_)) = registry.dispatch(in: users, key: "a", message: Nil)
}

pub fn it_is_found_by_its_name_and_only_a_registry_is_test() {
  use runtime <- with_runtime
  let builder = registry.unique() |> registry.named("users")
  let assert Ok(users) = registry.start(builder, in: runtime)
  let assert Error(start.NameInUse(pid)) = registry.start(builder, in: runtime)
  let assert True = pid == registry.pid(of: users)
  let assert Ok(Nil) = registry.register(in: users, key: "a", subject: process.new_subject())
  let assert Ok(found) = registry.find(in: runtime, named: "users")
  let assert Ok(1) = registry.count(in: found)
  let assert Error(registry.NotFound) = registry.find(in: runtime, named: "nobody")
  let assert Ok(Nil) = runtime.register(runtime, pid: process.self(), named: "me")
  let assert Error(registry.NotFound) = registry.find(in: runtime, named: "me")
  let assert Error(start.NotStarted(_)) = registry.unique() |> registry.partitions(-1) |> registry.start(in: runtime)
}

pub fn a_key_that_cannot_cross_is_an_error_test() {
  use runtime <- with_runtime
  let assert Ok(users) = registry.unique() |> registry.start(in: runtime)
  let key = too_large()
  let assert Error(registry.Failed(_)) = registry.register(in: users, key: key, subject: process.new_subject())
  let assert Error(registry.Failed(_)) =
    registry.register_value(in: users, key: dynamic.int(1), pid: process.self(), value: key)
  let assert Error(registry.Failed(_)) = registry.lookup(in: users, key: key)
  let assert Error(registry.Failed(_)) = registry.lookup_all(in: users, key: key)
  let assert Error(registry.Failed(_)) = registry.whereis(in: users, key: key)
  let assert Error(registry.Failed(_)) = registry.unregister(in: users, key: key)
  let assert Error(registry.Failed(_)) = registry.unregister_process(in: users, key: key, pid: process.self())
  let assert Error(registry.Failed(_)) = registry.dispatch(in: users, key: key, message: Nil)
  let assert Ok(0) = registry.count(in: users)
}

@external(erlang, "regrow_gleam_support", "too_large")
fn too_large() -> dynamic.Dynamic

pub fn a_dead_registry_is_an_error_test() {
  use runtime <- with_runtime
  let assert Ok(users) = registry.unique() |> registry.start(in: runtime)
  kill(registry.pid(of: users))
  let assert Error(registry.DeadRegistry) = registry.register(in: users, key: 1, subject: process.new_subject())
  let assert Error(registry.DeadRegistry) = registry.lookup(in: users, key: 1)
  let assert Error(registry.DeadRegistry) = registry.unregister(in: users, key: 1)
  let assert Error(registry.DeadRegistry) = registry.count(in: users)
  let assert Error(registry.DeadRegistry) = registry.keys(in: users, of: process.self())
  let assert Error(registry.DeadRegistry) = registry.values(in: users, key: 1, decoder: decode.int)
  let assert Error(registry.DeadRegistry) = registry.dispatch(in: users, key: 1, message: Nil)
}
