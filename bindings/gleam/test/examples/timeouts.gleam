//// Times of one's own: to end in, to start in, to answer in.

import regrow/child
import regrow/process
import regrow/registry
import regrow/runtime
import regrow/server
import regrow/start
import regrow/supervisor
import support/say

pub type Message {
  Slow(reply: process.Subject(String))
}

pub fn main() -> Nil {
  let assert Ok(runtime) = runtime.start(runtime.new())
  let assert Ok(names) = registry.unique() |> registry.start(in: runtime)

  // 10 seconds to end in; another is killed where it would not end in 10 milliseconds.
  let patient = child.worker(id: "patient", starting: fn() { stubborn(names, "patient", 100) })
  let custom = patient |> child.shutdown(within: 10_000)
  let hurried =
    child.worker(id: "hurried", starting: fn() { stubborn(names, "hurried", 60_000) })
    |> child.shutdown(within: 10)
  let killed = child.worker(id: "killed", starting: fn() { stubborn(names, "killed", 60_000) }) |> child.brutal_kill
  let assert Ok(tree) =
    supervisor.new(supervisor.OneForOne)
    |> supervisor.add(custom)
    |> supervisor.add(hurried)
    |> supervisor.add(killed)
    |> supervisor.start(in: runtime)
  say.line("patient: " <> ended(tree.data, names, "patient"))
  say.line("hurried: " <> ended(tree.data, names, "hurried"))
  say.line("killed: " <> ended(tree.data, names, "killed"))

  // A time to start in.
  let slow_to_start =
    server.new_with_initialiser(within: 20, running: fn(_: process.Subject(Message)) {
      process.sleep(10_000)
      Ok(server.initialised(Nil))
    })
  let assert Error(start.InitTimeout) = server.start(slow_to_start)
  say.line("too slow to start")

  // A time to answer in; the answer that comes too late is nobody's.
  let assert Ok(answering) =
    server.new(Nil)
    |> server.on_message(fn(_, message) {
      let Slow(reply) = message
      process.sleep(1000)
      process.send(to: reply, message: "at last")
      server.Continue(Nil)
    })
    |> server.start
  let assert Error(process.Timeout) = process.call(answering.data, sending: Slow, within: 10)
  let assert Ok("at last") = process.call(answering.data, sending: Slow, within: 5000)
  say.line("at last")

  let assert Ok(Nil) = supervisor.stop(tree.data, within: 5000)
  process.unlink(from: answering.pid)
  process.kill(answering.pid)
  let assert Ok(Nil) = runtime.shutdown(runtime, within: 5000)
  Nil
}

/// One that takes so long to end when it is told to.
fn stubborn(
  names: registry.Registry(String, Nil),
  id: String,
  milliseconds: Int,
) -> Result(start.Started(Nil), start.StartError) {
  let ready = process.new_subject()
  let pid =
    process.spawn(running: fn() {
      process.trap_exits(True)
      let assert Ok(Nil) = registry.register(in: names, key: id, subject: process.new_subject())
      process.send(to: ready, message: Nil)
      let assert Ok(process.Down(_, reason)) = process.receive_exit(within: 60_000)
      process.sleep(milliseconds)
      process.exit(process.self(), with: reason)
    })
  case process.receive(from: ready, within: 20_000) {
    Ok(Nil) -> Ok(start.Started(pid: pid, data: Nil))
    Error(_) -> Error(start.InitTimeout)
  }
}

/// How a child ends that its supervisor is told to end.
fn ended(tree: supervisor.Supervisor, names: registry.Registry(String, Nil), id: String) -> String {
  let assert Ok(pid) = registry.whereis(in: names, key: id)
  let monitor = process.monitor(pid)
  let assert Ok(Nil) = supervisor.terminate_child(in: tree, id: id)
  case process.receive_down(from: monitor, within: 20_000) {
    Ok(process.Down(_, process.Killed)) -> "killed"
    Ok(process.Down(_, _)) -> "ended in its time"
    Error(_) -> "has not ended"
  }
}
