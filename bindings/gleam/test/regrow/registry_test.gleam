import regrow/decode
import regrow/dynamic
import regrow/match
import regrow/process
import regrow/registry
import regrow/runtime
import regrow/selector
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
  let assert Ok(subject) = process.receive(from: ready, within: 20_000)
  subject
}

fn kill(pid: process.Pid) -> Nil {
  let monitor = process.monitor(pid)
  process.kill(pid)
  let assert Ok(_) = process.receive_down(from: monitor, within: 20_000)
  Nil
}

pub fn a_subject_is_found_by_its_key_test() {
  use runtime <- with_runtime
  let assert Ok(users) = registry.unique() |> registry.start(in: runtime)
  let mine = process.new_subject()
  let assert Ok(Nil) = registry.register(in: users, key: "user_123", subject: mine)
  let assert Ok(found) = registry.lookup(in: users, key: "user_123")
  process.send(to: found, message: 7)
  let assert Ok(7) = process.receive(from: mine, within: 20_000)
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
  let assert Ok("hello") = process.receive(from: one, within: 20_000)
  let assert Ok("hello") = process.receive(from: two, within: 20_000)
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

/// Three entries of this process with numbers and one of another with a text.
fn with_scores(
  body: fn(registry.Registry(String, Nil), process.Pid) -> a,
) -> Nil {
  use runtime <- with_runtime
  let assert Ok(scores) = registry.unique() |> registry.start(in: runtime)
  let me = process.self()
  let assert Ok(Nil) = registry.register_value(in: scores, key: "anna", pid: me, value: dynamic.int(7))
  let assert Ok(Nil) = registry.register_value(in: scores, key: "bert", pid: me, value: dynamic.int(3))
  let assert Ok(Nil) = registry.register_value(in: scores, key: "carl", pid: me, value: dynamic.int(9))
  let other = process.owner(of: somebody())
  let assert Ok(Nil) = registry.register_value(in: scores, key: "dora", pid: other, value: dynamic.string("ten"))
  body(scores, other)
  process.kill(other)
}

pub fn entries_are_searched_by_what_they_are_test() {
  use scores, other <- with_scores
  let points = fn(entry: registry.Entry(String)) { match.decoded(entry.value, decoder: decode.int) }
  // A text is greater than any number.
  let assert Ok(3) =
    registry.select_count(in: scores, where: fn(entry) { match.greater(points(entry), than: match.value(5)) })
  let assert Ok(["bert"]) =
    registry.select(
      in: scores,
      where: fn(entry) { match.less(points(entry), than: match.value(5)) },
      giving: fn(entry) { entry.key },
    )
  let assert Ok([#("dora", pid)]) =
    registry.select(
      in: scores,
      where: fn(entry) { match.equal(entry.pid, to: match.value(other)) },
      giving: fn(entry) { match.pair(entry.key, and: entry.pid) },
    )
  let assert True = pid == other
  let assert Ok(4) = registry.select_count(in: scores, where: fn(_) { match.always() })
  // What is given is decoded, and what is not given is not.
  let assert Error(registry.Undecodable([decode.DecodeError("Int", "String", [_])])) =
    registry.select(in: scores, where: fn(_) { match.always() }, giving: points)
  let assert Ok([7]) =
    registry.select(
      in: scores,
      where: fn(entry) { match.equal(entry.key, to: match.value("anna")) },
      giving: points,
    )
  let assert Error(registry.Failed(_)) =
    registry.select_count(in: scores, where: fn(entry) {
      match.equal(match.decoded(entry.key, decoder: decode.dynamic), to: match.value(too_large()))
    })
}

pub fn entries_of_a_key_are_searched_by_their_values_test() {
  use runtime <- with_runtime
  let assert Ok(rooms) = registry.duplicate() |> registry.start(in: runtime)
  let me = process.self()
  let other = process.owner(of: somebody())
  let enter = fn(pid, level) {
    let assert Ok(Nil) = registry.register_value(in: rooms, key: "room", pid: pid, value: dynamic.int(level))
    Nil
  }
  enter(me, 1)
  enter(me, 2)
  enter(other, 3)
  let from_two = fn(level) { match.at_least(level, least: match.value(2)) }
  let assert Ok([#(first, 2), #(second, 3)]) =
    registry.matching(in: rooms, key: "room", where: from_two, decoder: decode.int)
  let assert True = first == me && second == other
  let any_from_two = fn(level) { from_two(match.decoded(level, decoder: decode.int)) }
  let assert Ok(2) = registry.matching_count(in: rooms, key: "room", where: any_from_two)
  let assert Error(registry.Undecodable(_)) =
    registry.matching(in: rooms, key: "room", where: fn(_) { match.always() }, decoder: decode.string)
  let assert Ok([1, 2]) = registry.values_of(in: rooms, key: "room", pid: me, decoder: decode.int)
  // The caller's own alone.
  let assert Ok(Nil) = registry.unregister_matching(in: rooms, key: "room", where: any_from_two)
  let assert Ok([#(_, 1), #(_, 3)]) = registry.values(in: rooms, key: "room", decoder: decode.int)
  let assert Ok([]) = registry.values_of(in: rooms, key: "hall", pid: me, decoder: decode.int)
  let assert Error(registry.Undecodable(_)) =
    registry.values_of(in: rooms, key: "room", pid: other, decoder: decode.string)
  process.kill(other)
}

pub fn a_value_is_made_another_by_its_owner_test() {
  use scores, _ <- with_scores
  let double = fn(n) { n * 2 }
  let assert Ok(registry.Updated(14, 7)) =
    registry.update_value(in: scores, key: "anna", decoder: decode.int, with: double)
  let assert Ok([#(_, 14)]) = registry.values(in: scores, key: "anna", decoder: decode.int)
  let assert Error(registry.Undecodable([decode.DecodeError("String", "Int", [])])) =
    registry.update_value(in: scores, key: "anna", decoder: decode.string, with: fn(_) { "none" })
  let assert Ok([#(_, 14)]) = registry.values(in: scores, key: "anna", decoder: decode.int)
  // What the decoder makes of a value is what was there.
  let assert Ok(registry.Updated("new", "old")) =
    registry.update_value(in: scores, key: "bert", decoder: decode.map(decode.int, with: fn(_) { "old" }), with: fn(_) {
      "new"
    })
  let assert Error(registry.NotFound) =
    registry.update_value(in: scores, key: "dora", decoder: decode.int, with: double)
  let assert Error(registry.NotFound) =
    registry.update_value(in: scores, key: "nobody", decoder: decode.int, with: double)
}

pub fn a_registry_keeps_values_beside_its_entries_test() {
  use runtime <- with_runtime
  let assert Ok(users) =
    registry.unique()
    |> registry.with_meta(key: "limit", value: 10)
    |> registry.with_meta(key: "limit", value: 20)
    |> registry.start(in: runtime)
  let assert Ok(20) = registry.meta(in: users, key: "limit", decoder: decode.int)
  let assert Ok(Nil) = registry.put_meta(in: users, key: "limit", value: "none")
  let assert Error(registry.Undecodable([_])) = registry.meta(in: users, key: "limit", decoder: decode.int)
  let assert Ok("none") = registry.meta(in: users, key: "limit", decoder: decode.string)
  let assert Ok(Nil) = registry.delete_meta(in: users, key: "limit")
  let assert Error(registry.NotFound) = registry.meta(in: users, key: "limit", decoder: decode.string)
  let assert Ok(Nil) = registry.delete_meta(in: users, key: "limit")
  let assert Error(registry.Failed(_)) = registry.put_meta(in: users, key: 1, value: too_large())
  let assert Ok(Nil) = registry.register(in: users, key: "a", subject: process.new_subject())
}

pub fn a_listener_is_told_who_comes_and_goes_test() {
  use runtime <- with_runtime
  let builder = registry.unique() |> registry.listener(named: "listener") |> registry.listener(named: "nobody")
  let assert Ok(Nil) = runtime.register(runtime, pid: process.self(), named: "listener")
  let assert Ok(plain) = registry.start(builder, in: runtime)
  let assert Ok(named) = builder |> registry.named("users") |> registry.start(in: runtime)
  let assert Ok(of_plain) = registry.listen(to: plain)
  let assert Ok(of_named) = registry.listen(to: named)
  let other = somebody()
  let pid = process.owner(of: other)
  let assert Ok(Nil) = registry.register(in: plain, key: 1, subject: other)
  let assert Ok(Nil) = registry.register_value(in: named, key: "a", pid: pid, value: dynamic.int(7))
  // Of each registry alone, whatever came before.
  let assert Ok(registry.Registered("a", who, seven)) = registry.receive_change(from: of_named, within: 20_000)
  let assert True = who == pid && seven == dynamic.int(7)
  let assert Ok(registry.Registered(1, _, _)) = registry.receive_change(from: of_plain, within: 20_000)
  process.kill(pid)
  let gone =
    selector.new()
    |> registry.changes(of: of_plain, wrapping: fn(change) { #("plain", change) })
  let assert Ok(#("plain", registry.Unregistered(1, who))) = selector.receive(from: gone, within: 20_000)
  let assert True = who == pid
  let assert Ok(registry.Unregistered("a", _)) = registry.receive_change(from: of_named, within: 20_000)
  let assert Error(process.NothingCame) = registry.receive_change(from: of_plain, within: 0)
}

pub fn a_dead_registry_is_searched_in_vain_test() {
  use scores, _ <- with_scores
  kill_unlinked(registry.pid(of: scores))
  let everything = fn(_) { match.always() }
  let assert Error(registry.DeadRegistry) = registry.select_count(in: scores, where: everything)
  let assert Error(registry.DeadRegistry) =
    registry.select(in: scores, where: everything, giving: fn(entry) { entry.key })
  let assert Error(registry.DeadRegistry) =
    registry.matching(in: scores, key: "anna", where: fn(_) { match.always() }, decoder: decode.int)
  let assert Error(registry.DeadRegistry) =
    registry.matching_count(in: scores, key: "anna", where: fn(_) { match.always() })
  let assert Error(registry.DeadRegistry) =
    registry.unregister_matching(in: scores, key: "anna", where: fn(_) { match.always() })
  let assert Error(registry.DeadRegistry) =
    registry.values_of(in: scores, key: "anna", pid: process.self(), decoder: decode.int)
  let assert Error(registry.DeadRegistry) =
    registry.update_value(in: scores, key: "anna", decoder: decode.int, with: fn(n) { n })
  let assert Error(registry.DeadRegistry) = registry.meta(in: scores, key: "limit", decoder: decode.int)
  let assert Error(registry.DeadRegistry) = registry.put_meta(in: scores, key: "limit", value: 1)
  let assert Error(registry.DeadRegistry) = registry.delete_meta(in: scores, key: "limit")
  let assert Error(registry.DeadRegistry) = registry.listen(to: scores)
}

/// Ends a registry in which this process is registered, and with which it is linked thereby.
fn kill_unlinked(registry: process.Pid) -> Nil {
  process.trap_exits(True)
  kill(registry)
  let assert Ok(_) = process.receive_exit(within: 20_000)
  let _ = process.trap_exits(False)
  Nil
}
