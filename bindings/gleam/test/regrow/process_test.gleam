import regrow/dynamic
import regrow/process

pub type Request {
  Double(number: Int, reply: process.Subject(Int))
  Silence(reply: process.Subject(Int))
  Later(reply: process.Subject(Int))
  Now
  Crash
}

fn echo_server() -> process.Subject(Request) {
  let ready = process.new_subject()
  let _ =
    process.spawn_unlinked(running: fn() {
      let requests = process.new_subject()
      process.send(to: ready, message: requests)
      serve(requests)
    })
  let assert Ok(requests) = process.receive(from: ready, within: 20_000)
  requests
}

fn serve(requests: process.Subject(Request)) -> Nil {
  case process.receive(from: requests, within: 60_000) {
    Ok(Double(number, reply)) -> {
      process.send(to: reply, message: number * 2)
      serve(requests)
    }
    Ok(Silence(_)) -> serve(requests)
    Ok(Later(reply)) -> {
      let assert Ok(Now) = process.receive(from: requests, within: 60_000)
      process.send(to: reply, message: 1)
      serve(requests)
    }
    _ -> process.exit(process.self(), with: process.Abnormal(dynamic.string("crash")))
  }
}

pub fn a_call_has_its_answer_test() {
  let server = echo_server()
  let assert Ok(42) = process.call(server, sending: fn(reply) { Double(21, reply) }, within: 20_000)
  process.kill(process.owner(of: server))
}

pub fn a_call_that_is_late_leaves_nothing_behind_test() {
  let server = echo_server()
  let before = mailbox()
  let assert Error(process.Timeout) = process.call(server, sending: Later, within: 1)
  process.send(to: server, message: Now)
  let assert Ok(4) = process.call(server, sending: fn(reply) { Double(2, reply) }, within: 20_000)
  let assert Error(process.Timeout) = process.call(server, sending: Silence, within: -1)
  let assert True = mailbox() == before
  process.kill(process.owner(of: server))
}

pub fn a_call_to_the_dead_and_to_oneself_is_an_error_test() {
  let server = echo_server()
  let monitor = process.monitor(process.owner(of: server))
  let assert Error(process.Exited(process.Abnormal(_))) = process.call(server, sending: fn(_) { Crash }, within: 20_000)
  let assert Ok(process.Down(_, process.Abnormal(_))) = process.receive_down(from: monitor, within: 20_000)
  let assert Error(process.NoProcess) = process.call(server, sending: Silence, within: 20_000)
  let assert Error(process.CallingSelf) = process.call(process.new_subject(), sending: Silence, within: 20_000)
}

pub fn only_the_owner_receives_test() {
  let assert Error(process.NotTheOwner) = process.receive(from: echo_server(), within: 20_000)
  let mine = process.new_subject()
  let assert Error(process.NothingCame) = process.receive(from: mine, within: 0)
  let other = process.new_subject()
  process.send(to: other, message: "other")
  process.send(to: mine, message: "mine")
  let assert Ok("mine") = process.receive(from: mine, within: 20_000)
  let assert Ok("other") = process.receive(from: other, within: 20_000)
}

pub fn the_end_of_linked_ones_is_told_to_who_traps_test() {
  process.trap_exits(True)
  let child = process.spawn(running: fn() { process.sleep(60_000) })
  process.kill(child)
  let assert Ok(process.Down(pid, process.Killed)) = process.receive_exit(within: 20_000)
  let assert True = pid == child
  process.trap_exits(False)
  let assert Error(Nil) = process.link(with: child)
}

pub fn a_timer_sends_its_message_unless_it_is_cancelled_test() {
  let mine = process.new_subject()
  let soon = process.send_after(to: mine, within: -1, message: "soon")
  let late = process.send_after(to: mine, within: 3_600_000, message: "late")
  let assert Ok("soon") = process.receive(from: mine, within: 20_000)
  let assert Error(Nil) = process.time_left(soon)
  let assert Error(Nil) = process.cancel_timer(soon)
  let assert Ok(left) = process.time_left(late)
  let assert True = left > 3_000_000 && left <= 3_600_000
  let assert Ok(_) = process.cancel_timer(late)
  let assert Error(Nil) = process.time_left(late)
  let assert Error(process.NothingCame) = process.receive(from: mine, within: 0)
}

pub fn a_late_answer_by_a_timer_goes_to_who_waits_test() {
  let server = echo_server()
  let assert Ok(2) =
    process.call(
      server,
      sending: fn(reply) {
        process.send_after(to: reply, within: 1, message: 2)
        Double(0, process.new_subject())
      },
      within: 20_000,
    )
  process.kill(process.owner(of: server))
}

@external(erlang, "regrow_gleam_support", "mailbox")
fn mailbox() -> Int
