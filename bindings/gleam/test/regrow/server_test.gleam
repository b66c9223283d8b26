import regrow/decode
import regrow/dynamic
import regrow/gen_server
import regrow/process
import regrow/registry
import regrow/runtime
import regrow/server
import regrow/start
import support/counter
import support/say

pub type Message {
  Add(number: Int)
  Get(reply: process.Subject(Int))
  Fail
  End
  EndWith(text: String)
}

fn handle(count: Int, message: Message) -> server.Next(Int) {
  case message {
    Add(number) -> server.Continue(count + number)
    Get(reply) -> {
      process.send(to: reply, message: count)
      server.Continue(count)
    }
    Fail -> panic
    End -> server.Stop
    EndWith(text) -> server.StopWith(process.Abnormal(dynamic.string(text)))
  }
}

fn counter() -> server.Builder(Int, Message) {
  server.new(40) |> server.on_message(handle)
}

fn unlinked(builder: server.Builder(state, message)) -> process.Subject(message) {
  let assert Ok(started) = server.start(builder)
  process.unlink(from: started.pid)
  started.data
}

fn ended(subject: process.Subject(Message), by message: Message) -> process.ExitReason {
  let monitor = process.monitor(process.owner(of: subject))
  process.send(to: subject, message: message)
  let assert Ok(process.Down(_, reason)) = process.receive_down(from: monitor, within: 20_000)
  reason
}

pub fn a_server_keeps_a_state_test() {
  let counter = unlinked(counter())
  process.send(to: counter, message: Add(2))
  let assert Ok(42) = process.call(counter, sending: Get, within: 20_000)
  let assert Ok(Nil) = process.stop(process.owner(of: counter), within: 20_000)
  let assert Error(process.NoProcess) = process.call(counter, sending: Get, within: 20_000)
  let assert Error(process.NoProcess) = process.stop(process.owner(of: counter), within: 20_000)
}

pub fn a_server_ends_as_it_says_test() {
  let assert process.Normal = ended(unlinked(counter()), by: End)
  let assert process.Abnormal(reason) = ended(unlinked(counter()), by: EndWith("enough"))
  let assert Ok("enough") = decode.string(reason)
  let assert process.Abnormal(_) = ended(unlinked(counter()), by: Fail)
}

type Initialising =
  Result(server.Initialised(Int, Int), String)

pub fn a_server_that_does_not_start_is_an_error_and_ends_nobody_test() {
  let failing =
    server.new_with_initialiser(within: 20_000, running: fn(_) -> Initialising {
      Error("no database")
    })
  let assert Error(start.InitFailed("no database")) = server.start(failing)
  let panicking =
    server.new_with_initialiser(within: 20_000, running: fn(_) -> Initialising {
      panic
    })
  let assert Error(start.InitExited(process.Abnormal(_))) = server.start(panicking)
  let late =
    server.new_with_initialiser(within: 10, running: fn(_) -> Initialising {
      process.sleep(10_000)
      Ok(server.initialised(1))
    })
  let assert Error(start.InitTimeout) = server.start(late)
  // What a link would send would be on its way.
  process.sleep(20)
}

pub type Both {
  Own(number: Int)
  Other(text: String)
}

pub fn a_server_listens_to_other_subjects_of_its_own_test() {
  let told = process.new_subject()
  let builder =
    server.new_with_initialiser(within: 20_000, running: fn(_) {
      let texts = process.new_subject()
      process.send(to: told, message: Error(texts))
      Ok(server.initialised(Nil) |> server.listening(to: texts, wrapping: Other))
    })
    |> server.on_message(fn(_, message) {
      process.send(to: told, message: Ok(message))
      server.Continue(Nil)
    })
  let subject = unlinked(builder)
  let assert Ok(Error(texts)) = process.receive(from: told, within: 20_000)
  process.send(to: texts, message: "seven")
  process.send(to: subject, message: Own(7))
  let assert Ok(Ok(Other("seven"))) = process.receive(from: told, within: 20_000)
  let assert Ok(Ok(Own(7))) = process.receive(from: told, within: 20_000)
  process.kill(process.owner(of: subject))
}

pub type Telling {
  Ended(pid: process.Pid, reason: process.ExitReason)
  Enough
}

/// A server that traps exits and tells of its end.
fn teller(told: process.Subject(Telling)) -> process.Subject(Telling) {
  server.new_with_initialiser(within: 20_000, running: fn(_) {
    let assert False = process.trap_exits(True)
    Ok(server.initialised("state"))
  })
  |> server.on_message(fn(_, _) { server.StopWith(process.Abnormal(dynamic.string("enough"))) })
  |> server.on_terminate(fn(state, reason) {
    let assert "state" = state
    process.send(to: told, message: Ended(process.self(), reason))
  })
  |> unlinked
}

pub fn a_server_is_told_before_it_ends_test() {
  let told = process.new_subject()
  // By itself, stopped with a reason, and by its parent's signal, which it traps.
  let first = teller(told)
  process.send(to: first, message: Enough)
  let assert Ok(Ended(dead, process.Abnormal(_))) = process.receive(from: told, within: 20_000)
  let assert True = dead == process.owner(of: first)
  let second = process.owner(of: teller(told))
  let assert Ok(Nil) = process.stop_with(second, reason: process.Shutdown, within: 20_000)
  let assert Ok(Ended(dead, process.Shutdown)) = process.receive(from: told, within: 20_000)
  let assert True = dead == second
  let third = process.owner(of: teller(told))
  process.exit(third, with: process.Shutdown)
  let assert Ok(Ended(dead, process.Shutdown)) = process.receive(from: told, within: 20_000)
  let assert True = dead == third
  // One that is killed is told nothing.
  process.kill(process.owner(of: teller(told)))
  let assert Error(process.NothingCame) = process.receive(from: told, within: 20)
}

pub fn a_server_that_is_not_wanted_does_not_start_test() {
  let unwanted: server.Builder(Int, Message) =
    server.new_with_initialiser(within: 20_000, running: fn(_) {
      Ok(server.ignored() |> server.listening(to: process.new_subject(), wrapping: fn(_: Int) { End }))
    })
  let assert Error(start.Ignored) = server.start(unwanted)
}

pub fn a_server_is_registered_as_soon_as_it_is_there_test() {
  let assert Ok(runtime) = runtime.start(runtime.new())
  let assert Ok(counters) = registry.unique() |> registry.start(in: runtime)
  let builder = counter() |> server.registered(in: counters, under: "a")
  let first = unlinked(builder)
  let assert Ok(found) = registry.lookup(in: counters, key: "a")
  let assert Ok(40) = process.call(found, sending: Get, within: 20_000)
  let assert Error(start.NameInUse(by)) = server.start(builder)
  let assert True = by == process.owner(of: first)
  let assert process.Normal = ended(first, by: End)
  let second = unlinked(builder)
  let assert process.Normal = ended(second, by: End)
  let assert Ok(Nil) = runtime.shutdown(runtime, within: 5000)
  let assert Error(start.RuntimeIsOver) = server.start(builder)
}

pub type Request {
  GetCount
  Crash
  Never
}

pub fn a_server_answers_who_knows_no_subject_test() {
  let plain = process.owner(of: unlinked(counter()))
  let any = decode.element(at: 0, of: decode.dynamic, then: decode.success)
  let assert Ok(_) = gen_server.call(plain, dynamic.from(GetCount), any, within: 20_000)
  let answering =
    counter()
    |> server.on_request(fn(count, request) {
      case decode.run(request, decode.exactly(GetCount)) {
        Ok(GetCount) -> #(dynamic.int(count), count)
        _ -> #(dynamic.nil(), count)
      }
    })
    |> unlinked
    |> process.owner
  let assert Ok(40) = gen_server.call(answering, dynamic.from(GetCount), decode.int, within: 20_000)
  let assert Ok(Nil) = gen_server.call(answering, dynamic.int(1), decode.nil, within: 20_000)
  let assert Ok(Nil) = gen_server.cast(answering, dynamic.string("nobody handles this"))
  let assert Ok(40) = gen_server.call(answering, dynamic.from(GetCount), decode.int, within: 20_000)
  process.kill(plain)
  process.kill(answering)
}

// ---- servers of other languages ----

fn worker(with argument: dynamic.Dynamic) -> process.Pid {
  let assert Ok(module) = gen_server.module(named: "my_app_worker")
  let assert Ok(worker) = gen_server.start(module, with: argument)
  process.unlink(from: worker)
  worker
}

pub fn a_module_of_erlang_is_called_and_its_reply_decoded_test() {
  let worker = worker(with: dynamic.int(0))
  let assert Ok(0) = gen_server.call(worker, dynamic.string("get"), decode.int, within: 20_000)
  let assert Ok(Nil) = gen_server.cast(worker, dynamic.string("increment"))
  let assert Ok(1) = gen_server.call(worker, dynamic.from(GetCount), decode.int, within: 20_000)
  let assert Error(gen_server.Undecodable([decode.DecodeError("String", "Int", [])])) =
    gen_server.call(worker, dynamic.from(GetCount), decode.string, within: 20_000)
  // The server is none the worse for it.
  let assert Ok(1) = gen_server.call(worker, dynamic.from(GetCount), decode.int, within: 20_000)
  process.kill(worker)
}

// FEATURES 0.16: glixir's stop always is an error.
pub fn stop_ends_a_server_and_says_so_test() {
  let worker = worker(with: dynamic.int(0))
  let assert Ok(Nil) = gen_server.stop(worker, within: 20_000)
  let assert False = process.is_alive(worker)
  let assert Error(gen_server.NoProcess) = gen_server.stop(worker, within: 20_000)
  let assert Error(gen_server.NoProcess) = gen_server.cast(worker, dynamic.string("increment"))
}

pub fn each_way_a_call_fails_is_an_error_test() {
  let one = worker(with: dynamic.int(0))
  let assert Error(gen_server.Timeout) = gen_server.call(one, dynamic.from(Never), decode.int, within: 1)
  let assert Error(gen_server.Exited(process.Abnormal(_))) =
    gen_server.call(one, dynamic.from(Crash), decode.int, within: 20_000)
  let assert Error(gen_server.NoProcess) = gen_server.call(one, dynamic.from(GetCount), decode.int, within: 20_000)
  let assert Error(gen_server.CallingSelf) =
    gen_server.call(process.self(), dynamic.from(GetCount), decode.int, within: 20_000)
}

pub type Argument {
  Refuse
}

pub fn a_module_that_does_not_start_is_an_error_and_ends_nobody_test() {
  let assert Ok(module) = gen_server.module(named: "my_app_worker")
  let assert Error(start.NotStarted(_)) = gen_server.start(module, with: dynamic.from(Refuse))
  let assert Error(start.InitExited(process.Abnormal(_))) = gen_server.start(module, with: dynamic.string("crash"))
  let assert Error(start.InitExited(process.Normal)) = gen_server.start(module, with: dynamic.string("exit"))
  let assert Error(start.NotStarted(_)) = gen_server.start(module, with: dynamic.string("throw"))
  let assert Error(start.Ignored) = gen_server.start(module, with: dynamic.string("ignore"))
  process.sleep(20)
  let continued = worker(with: dynamic.string("continue"))
  let assert Ok(41) = gen_server.call(continued, dynamic.from(GetCount), decode.int, within: 20_000)
  process.kill(continued)
}

// FEATURES 0.16: glixir makes an atom of every string.
pub fn a_module_that_is_not_there_is_an_error_and_no_atom_test() {
  let assert Error(Nil) = gen_server.module(named: "no such " <> "module 0")
  let before = atoms()
  name_many(50)
  let assert True = atoms() == before
  let assert Error(Nil) = gen_server.module(named: "../escape")
  let assert Error(Nil) = gen_server.module(named: "")
}

fn name_many(count: Int) -> Nil {
  case count {
    0 -> Nil
    _ -> {
      let assert Error(Nil) = gen_server.module(named: "no such " <> "module " <> say.number(count))
      name_many(count - 1)
    }
  }
}

pub fn a_native_server_is_called_the_same_way_test() {
  let assert Ok(runtime) = runtime.start(runtime.new())
  let assert Ok(Nil) = gen_server.load_plugin(from: counter_path())
  let assert Ok(Nil) = gen_server.load_plugin(from: counter_path())
  let assert Error(_) = gen_server.load_plugin(from: "/no/such/plugin.so")
  let assert Error(_) = gen_server.load_plugin(from: zero())
  let assert Ok(counter) = gen_server.start_native(in: runtime, behaviour: "counter", with: dynamic.int(40))
  let assert True = process.is_native(counter)
  let add = dynamic.tuple([dynamic.from(Increase), dynamic.int(2)])
  let assert Error(gen_server.Exited(_)) = gen_server.call(counter, add, decode.int, within: 20_000)
  let assert Ok(other) = gen_server.start_native(in: runtime, behaviour: "counter", with: dynamic.int(40))
  let assert Ok(add) = dynamic.existing_atom("add")
  let assert Ok(42) = gen_server.call(other, dynamic.tuple([add, dynamic.int(2)]), decode.int, within: 20_000)
  let assert Error(gen_server.Undecodable(_)) =
    gen_server.call(other, dynamic.tuple([add, dynamic.int(2)]), decode.list(of: decode.int), within: 20_000)
  let assert Error(gen_server.CannotCross) = gen_server.call(other, too_large(), decode.int, within: 20_000)
  let assert Error(gen_server.CannotCross) = gen_server.cast(other, too_large())
  let assert Error(gen_server.CannotCross) = gen_server.send(other, too_large())
  let assert Ok(Nil) = gen_server.stop(other, within: 20_000)
  let assert Error(gen_server.NoProcess) = gen_server.call(other, add, decode.int, within: 20_000)
  let assert Error(start.NotStarted(_)) =
    gen_server.start_native(in: runtime, behaviour: "nobody", with: dynamic.nil())
  let assert Error(_) = gen_server.start_native(in: runtime, behaviour: "counter", with: dynamic.string("no number"))
  let assert Ok(Nil) = runtime.shutdown(runtime, within: 5000)
}

pub fn a_server_is_called_by_its_name_test() {
  let assert Ok(runtime) = runtime.start(runtime.new())
  let assert Ok(Nil) = gen_server.load_plugin(from: counter_path())
  let assert Ok(add) = dynamic.existing_atom("add")
  let ask = fn(name, decoder, up_to) {
    gen_server.call_named(
      in: runtime,
      name: name,
      request: dynamic.tuple([add, dynamic.int(2)]),
      decoder: decoder,
      waiting: up_to,
      within: 20_000,
    )
  }
  let assert Error(gen_server.NoProcess) = ask("counter", decode.int, 0)
  let assert Error(gen_server.NoProcess) = ask("counter", decode.int, 10)
  let told = process.new_subject()
  let asking =
    process.spawn(running: fn() { process.send(to: told, message: ask("counter", decode.int, 60_000)) })
  counter.until(fn() { is_waiting(asking) })
  let assert Ok(native) = gen_server.start_native(in: runtime, behaviour: "counter", with: dynamic.int(40))
  let assert Ok(Nil) = runtime.register(runtime, pid: native, named: "counter")
  let assert Ok(Ok(42)) = process.receive(from: told, within: 20_000)
  let assert Error(gen_server.Undecodable(_)) =
    gen_server.call_named(
      in: runtime,
      name: "counter",
      request: dynamic.tuple([add, dynamic.int(2)]),
      decoder: decode.string,
      waiting: 0,
      within: 20_000,
    )
  let assert Error(gen_server.CannotCross) =
    gen_server.call_named(
      in: runtime,
      name: "counter",
      request: too_large(),
      decoder: decode.int,
      waiting: 0,
      within: 20_000,
    )
  let assert Ok(Nil) = runtime.shutdown(runtime, within: 5000)
  let assert Error(gen_server.NoProcess) = ask("counter", decode.int, 1000)
}

@external(erlang, "regrow_gleam_support", "is_waiting")
fn is_waiting(pid: process.Pid) -> Bool

pub type Unknown {
  Increase
}

pub type Told {
  Call(pid: process.Pid, request: Request, milliseconds: Int)
}

pub type Answer {
  Answer(number: Int)
}

pub fn a_native_server_calls_a_server_in_gleam_test() {
  let assert Ok(runtime) = runtime.start(runtime.new())
  let assert Ok(Nil) = gen_server.load_plugin(from: actor_path())
  let assert Ok(actor) = gen_server.start_native(in: runtime, behaviour: "actor", with: dynamic.from(process.self()))
  let counter =
    counter()
    |> server.on_request(fn(count, _) { #(dynamic.from(Answer(count)), count + 1) })
    |> unlinked
    |> process.owner
  // It is told to call the counter, and answers what that answered.
  let answer = {
    use number <- decode.element(at: 1, of: decode.element(at: 1, of: decode.int, then: decode.success))
    decode.success(number)
  }
  let told = dynamic.from(Call(counter, GetCount, 20_000))
  let assert Ok(40) = gen_server.call(actor, told, answer, within: 20_000)
  let assert Ok(41) = gen_server.call(actor, told, answer, within: 20_000)
  process.kill(counter)
  let assert Ok(Nil) = runtime.shutdown(runtime, within: 5000)
}

@external(erlang, "regrow_gleam_support", "actor_path")
fn actor_path() -> String

@external(erlang, "regrow_gleam_support", "zero")
fn zero() -> String

@external(erlang, "regrow_gleam_support", "too_large")
fn too_large() -> dynamic.Dynamic

@external(erlang, "regrow_gleam_support", "atom_count")
fn atoms() -> Int

@external(erlang, "regrow_gleam_support", "counter_path")
fn counter_path() -> String
