import regrow/dynamic
import regrow/gen_server
import regrow/process
import regrow/selector
import regrow/server
import support/counter

pub type Heard {
  Number(number: Int)
  Text(text: String)
  Ended(down: process.Down)
  Other(value: dynamic.Dynamic)
}

pub fn messages_of_several_subjects_come_in_their_order_test() {
  let numbers = process.new_subject()
  let texts = process.new_subject()
  let both =
    selector.new()
    |> selector.add(subject: numbers, wrapping: Number)
    |> selector.merge(with: selector.new() |> selector.add(subject: texts, wrapping: Text))
  let assert Error(process.NothingCame) = selector.receive(from: both, within: 0)
  let unselected = process.new_subject()
  process.send(to: unselected, message: 0)
  process.send(to: texts, message: "a")
  process.send(to: numbers, message: 1)
  let assert Ok(Text("a")) = selector.receive(from: both, within: 20_000)
  let assert Ok(#("heard", Number(1))) =
    both
    |> selector.map(with: fn(heard) { #("heard", heard) })
    |> selector.receive(within: 20_000)
  let assert Ok(0) = process.receive(from: unselected, within: 0)
}

pub fn the_end_of_a_process_comes_as_a_message_test() {
  let numbers = process.new_subject()
  let child = process.spawn_unlinked(running: fn() { process.send(to: numbers, message: 1) })
  let all =
    selector.new()
    |> selector.add(subject: numbers, wrapping: Number)
    |> selector.down(of: process.monitor(child), wrapping: Ended)
  // One that was dead already tells another reason.
  let assert Ok(Number(1)) = selector.receive(from: all, within: 20_000)
  let assert Ok(Ended(process.Down(pid, _))) = selector.receive(from: all, within: 20_000)
  let assert True = pid == child
}

pub fn a_server_hears_of_monitors_that_it_makes_later_test() {
  let told = process.new_subject()
  let assert Ok(started) =
    server.new_with_initialiser(within: 20_000, running: fn(_) {
      Ok(server.initialised(Nil) |> server.selecting(from: selector.new() |> selector.monitors(wrapping: Told)))
    })
    |> server.on_message(fn(_, heard) {
      case heard {
        Watch(pid, reply) -> process.send(to: reply, message: process.monitor(pid))
        _ -> process.send(to: told, message: heard)
      }
      server.Continue(Nil)
    })
    |> server.start
  let child = process.spawn_unlinked(running: fn() { process.sleep(60_000) })
  let assert Ok(monitor) = process.call(started.data, sending: fn(reply) { Watch(child, reply) }, within: 20_000)
  process.kill(child)
  let assert Ok(Told(by, process.Down(pid, process.Killed))) = process.receive(from: told, within: 20_000)
  let assert True = by == monitor && pid == child
  process.unlink(from: started.pid)
  process.kill(started.pid)
}

pub type Watching {
  Watch(pid: process.Pid, reply: process.Subject(process.Monitor))
  Told(by: process.Monitor, down: process.Down)
}

pub fn a_selector_takes_what_any_monitor_tells_test() {
  let child = process.spawn_unlinked(running: fn() { process.sleep(60_000) })
  let one = process.monitor(child)
  let other = process.monitor(child)
  process.kill(child)
  let all =
    selector.new()
    |> selector.monitors(wrapping: fn(by, _) { by == other })
    |> selector.down(of: one, wrapping: fn(_) { True })
  let assert Ok(True) = selector.receive(from: all, within: 20_000)
  let assert Ok(True) = selector.receive(from: all, within: 20_000)
  // What is told once is told again to nobody.
  let assert Error(process.NothingCame) = selector.receive(from: all, within: 0)
  let assert False = process.demonitor(child, one)
}

pub fn a_monitor_that_is_taken_away_tells_whether_it_was_there_test() {
  let child = process.spawn_unlinked(running: fn() { process.sleep(60_000) })
  let assert True = process.demonitor(child, process.monitor(child))
  let monitor = process.monitor(child)
  let before = mailbox()
  process.kill(child)
  counter.until(fn() { mailbox() > before })
  let assert False = process.demonitor(child, monitor)
}

pub fn an_exit_signal_comes_to_who_traps_it_test() {
  process.trap_exits(True)
  let child = process.spawn(running: fn() { process.sleep(60_000) })
  process.exit(child, with: process.Shutdown)
  let assert Ok(Ended(process.Down(pid, process.Shutdown))) =
    selector.new()
    |> selector.exits(wrapping: Ended)
    |> selector.receive(within: 20_000)
  let assert True = pid == child
  process.trap_exits(False)
}

pub fn what_has_no_subject_is_other_test() {
  // In a process of its own: nothing else lies in that one's mailbox.
  let done = process.new_subject()
  let _ =
    process.spawn(running: fn() {
      hear_others()
      process.send(to: done, message: Nil)
    })
  let assert Ok(Nil) = process.receive(from: done, within: 20_000)
}

fn hear_others() -> Nil {
  let numbers = process.new_subject()
  let all =
    selector.new()
    |> selector.add(subject: numbers, wrapping: Number)
    |> selector.other(wrapping: Other)
  let assert Ok(Nil) = gen_server.send(process.self(), dynamic.string("plain"))
  process.send(to: numbers, message: 1)
  let assert Ok(Other(plain)) = selector.receive(from: all, within: 20_000)
  let assert True = plain == dynamic.string("plain")
  let assert Ok(Number(1)) = selector.receive(from: all, within: 20_000)
  Nil
}

pub fn a_subject_of_another_process_is_an_error_test() {
  let mine = process.new_subject()
  let told = process.new_subject()
  let _ =
    process.spawn(running: fn() {
      let hers = selector.new() |> selector.add(subject: mine, wrapping: Number)
      process.send(to: told, message: selector.receive(from: hers, within: 0))
    })
  let assert Ok(Error(process.NotTheOwner)) = process.receive(from: told, within: 20_000)
}

pub fn a_server_hears_what_its_selector_says_test() {
  let told = process.new_subject()
  let child = process.spawn_unlinked(running: fn() { process.sleep(60_000) })
  let assert Ok(started) =
    server.new_with_initialiser(within: 20_000, running: fn(_) {
      let inputs =
        selector.new()
        |> selector.down(of: process.monitor(child), wrapping: Ended)
        |> selector.other(wrapping: Other)
      Ok(server.initialised(Nil) |> server.selecting(from: inputs))
    })
    |> server.on_message(fn(_, heard) {
      process.send(to: told, message: heard)
      server.Continue(Nil)
    })
    |> server.start
  process.send(to: started.data, message: Number(1))
  let assert Ok(Number(1)) = process.receive(from: told, within: 20_000)
  let assert Ok(Nil) = gen_server.cast(started.pid, dynamic.int(2))
  let assert Ok(Other(two)) = process.receive(from: told, within: 20_000)
  let assert True = two == dynamic.int(2)
  process.kill(child)
  let assert Ok(Ended(process.Down(_, process.Killed))) = process.receive(from: told, within: 20_000)
  process.unlink(from: started.pid)
  process.kill(started.pid)
  counter.until(fn() { !process.is_alive(started.pid) })
}

@external(erlang, "regrow_gleam_support", "mailbox")
fn mailbox() -> Int
