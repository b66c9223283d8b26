import regrow/process
import regrow/runtime
import regrow/timer

pub fn a_message_comes_when_the_clock_says_so_test() {
  let assert Ok(runtime) = runtime.new() |> runtime.clock(runtime.Manual) |> runtime.start
  let subject = process.new_subject()
  let assert Ok(first) = timer.send_after(in: runtime, to: subject, within: 1000, message: "first")
  let assert Ok(second) = timer.send_after(in: runtime, to: subject, within: 2000, message: "second")
  let assert Ok(Nil) = runtime.advance(runtime, by: 400)
  let assert Ok(600) = timer.left(of: first)
  let assert Error(process.NothingCame) = process.receive(from: subject, within: 0)
  let assert Ok(Nil) = runtime.advance(runtime, by: 600)
  let assert Ok("first") = process.receive(from: subject, within: 1000)
  let assert Error(Nil) = timer.left(of: first)
  let assert Error(Nil) = timer.cancel(first)
  let assert Ok(1000) = timer.cancel(second)
  let assert Error(Nil) = timer.cancel(second)
  let assert Ok(Nil) = runtime.advance(runtime, by: 5000)
  let assert Error(process.NothingCame) = process.receive(from: subject, within: 20)
  let assert Ok(_) = timer.send_after(in: runtime, to: subject, within: -1, message: "now")
  let assert Ok(Nil) = runtime.advance(runtime, by: 0)
  let assert Ok("now") = process.receive(from: subject, within: 1000)
  let assert Ok(Nil) = runtime.shutdown(runtime, within: 5000)
  let assert Error(timer.NobodyThere) = timer.send_after(in: runtime, to: subject, within: 1, message: "late")
  let assert Error(Nil) = timer.cancel(first)
}

pub fn who_is_dead_gets_no_message_test() {
  let assert Ok(runtime) = runtime.start(runtime.new())
  let told = process.new_subject()
  let pid = process.spawn_unlinked(running: fn() { process.send(to: told, message: process.new_subject()) })
  let monitor = process.monitor(pid)
  let assert Ok(dead) = process.receive(from: told, within: 1000)
  let assert Ok(_) = process.receive_down(from: monitor, within: 1000)
  let assert Error(timer.NobodyThere) = timer.send_after(in: runtime, to: dead, within: 1, message: Nil)
  let assert Error(timer.Failed(_)) =
    timer.send_after(in: runtime, to: process.new_subject(), within: 1, message: too_large())
  let assert Ok(Nil) = runtime.shutdown(runtime, within: 5000)
}

@external(erlang, "regrow_gleam_support", "too_large")
fn too_large() -> a
