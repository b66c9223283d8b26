import regrow/clock
import regrow/dynamic
import regrow/process
import regrow/runtime
import regrow/server

const hour = 3_600_000

fn with_manual(body: fn(runtime.Runtime) -> a) -> Nil {
  let assert Ok(runtime) = runtime.new() |> runtime.clock(runtime.Manual) |> runtime.start
  body(runtime)
  let assert Ok(Nil) = runtime.shutdown(runtime, within: 5000)
  Nil
}

pub fn a_timer_sends_its_message_when_its_time_is_over_test() {
  use runtime <- with_manual
  let mine = process.new_subject()
  let assert Ok(0) = clock.now(of: runtime)
  let assert Ok(clock.Quiet) = clock.settle(runtime, within: 20_000)
  let assert Ok(timer) = clock.send_after(in: runtime, to: mine, within: hour, message: "over")
  let assert Ok(clock.Waits(3_600_000, clock.Timers)) = clock.settle(runtime, within: 20_000)
  let assert Ok(3_600_000) = clock.time_left(timer)
  let assert Ok(Nil) = runtime.advance(runtime, by: hour - 1)
  let assert Ok(1) = clock.time_left(timer)
  let assert Error(process.NothingCame) = process.receive(from: mine, within: 0)
  let assert Ok(Nil) = runtime.advance(runtime, by: 1)
  let assert Ok("over") = process.receive(from: mine, within: 20_000)
  let assert Error(clock.NoTimer) = clock.time_left(timer)
  let assert Error(clock.NoTimer) = clock.cancel(timer)
  let assert Ok(3_600_000) = clock.now(of: runtime)
}

pub fn a_timer_is_cancelled_test() {
  use runtime <- with_manual
  let mine = process.new_subject()
  let assert Ok(timer) = clock.send_after(in: runtime, to: mine, within: hour, message: "over")
  let assert Ok(3_600_000) = clock.cancel(timer)
  let assert Error(clock.NoTimer) = clock.cancel(timer)
  let assert Ok(Nil) = runtime.advance(runtime, by: hour)
  let assert Error(process.NothingCame) = process.receive(from: mine, within: 20)
}

pub type Message {
  Ask(reply: process.Subject(String))
  Ping(reply: process.Subject(Nil))
}

pub fn an_answer_comes_by_a_timer_and_is_dropped_when_it_is_late_test() {
  use runtime <- with_manual
  let assert Ok(started) =
    server.new(Nil)
    |> server.on_message(fn(_, message) {
      case message {
        Ask(reply) -> {
          let assert Ok(_) = clock.send_after(in: runtime, to: reply, within: hour, message: "late")
          Nil
        }
        Ping(reply) -> process.send(to: reply, message: Nil)
      }
      server.Continue(Nil)
    })
    |> server.start
  let answer = process.new_subject()
  let _ =
    process.spawn(running: fn() {
      process.send(to: answer, message: process.call(started.data, sending: Ask, within: 60_000))
    })
  await_timer(runtime)
  let assert Ok(Nil) = runtime.advance(runtime, by: hour)
  let assert Ok(Ok("late")) = process.receive(from: answer, within: 20_000)
  let before = mailbox()
  let assert Error(process.Timeout) = process.call(started.data, sending: Ask, within: 0)
  let assert Ok(Nil) = process.call(started.data, sending: Ping, within: 20_000)
  let assert Ok(Nil) = runtime.advance(runtime, by: hour)
  let assert True = mailbox() == before
  process.unlink(from: started.pid)
  process.kill(started.pid)
}

fn await_timer(runtime: runtime.Runtime) -> Nil {
  case clock.settle(runtime, within: 20_000) {
    Ok(clock.Waits(_, clock.Timers)) -> Nil
    _ -> {
      process.sleep(1)
      await_timer(runtime)
    }
  }
}

pub fn a_message_that_cannot_cross_is_an_error_test() {
  use runtime <- with_manual
  let mine = process.new_subject()
  let assert Error(clock.Failed(_)) = clock.send_after(in: runtime, to: mine, within: hour, message: too_large())
  let assert Ok(clock.Quiet) = clock.settle(runtime, within: 20_000)
}

pub fn what_is_dead_gets_no_timer_test() {
  let mine = process.new_subject()
  let assert Ok(over) = runtime.start(runtime.new())
  let assert Ok(timer) = clock.send_after(in: over, to: mine, within: hour, message: Nil)
  let dead = process.new_subject()
  let pid = process.spawn_unlinked(running: fn() { process.send(to: dead, message: process.new_subject()) })
  let monitor = process.monitor(pid)
  let assert Ok(_) = process.receive_down(from: monitor, within: 20_000)
  let assert Ok(its) = process.receive(from: dead, within: 20_000)
  let assert Error(clock.DeadProcess) = clock.send_after(in: over, to: its, within: hour, message: Nil)
  let assert Ok(Nil) = runtime.shutdown(over, within: 5000)
  let assert Error(clock.RuntimeIsOver) = clock.send_after(in: over, to: mine, within: hour, message: Nil)
  let assert Error(clock.RuntimeIsOver) = clock.time_left(timer)
  let assert Error(clock.RuntimeIsOver) = clock.cancel(timer)
  let assert Error(runtime.AlreadyOver) = clock.now(of: over)
  let assert Error(runtime.AlreadyOver) = clock.settle(over, within: 20_000)
}

@external(erlang, "regrow_gleam_support", "too_large")
fn too_large() -> dynamic.Dynamic

@external(erlang, "regrow_gleam_support", "mailbox")
fn mailbox() -> Int
