//// Drill 6: who is started again after which end.

import regrow/child
import regrow/dynamic
import regrow/process
import regrow/server
import regrow/start
import regrow/supervisor
import support/drill
import support/items
import support/say

pub type Why {
  Done
}

pub fn main() -> Nil {
  let runtime = drill.start()
  let assert Ok(demo) = supervisor.new(supervisor.OneForOne) |> supervisor.start(in: runtime)
  let assert Ok(error) = dynamic.existing_atom("error")
  let shutdown_done = dynamic.tuple([dynamic.from(process.Shutdown), dynamic.from(Done)])

  print("ends with", ["permanent", "transient", "temporary"])
  items.each(
    of: [
      process.Normal,
      process.Shutdown,
      process.Abnormal(shutdown_done),
      process.Abnormal(error),
      process.Killed,
    ],
    do: fn(reason) {
      let outcomes =
        items.map(
          of: [child.Permanent, child.Transient, child.Temporary],
          with: fn(restart) { outcome(demo.data, restart, reason) },
        )
      print(drill.reason(reason), outcomes)
    },
  )
}

/// What becomes of a child of that type that ends with that reason. The message is the reason.
fn outcome(demo: supervisor.Supervisor, restart: child.Restart, reason: process.ExitReason) -> String {
  let worker = server.new(Nil) |> server.on_message(fn(_, reason) { server.StopWith(reason) })
  let spec = child.worker(id: "worker", starting: fn() { server.start(worker) }) |> child.restart(restart)
  let assert Ok(start.Started(before, subject)) = supervisor.start_child(in: demo, child: spec)
  case reason {
    // That comes from outside.
    process.Killed -> process.kill(before)
    _ -> process.send(to: subject, message: reason)
  }
  drill.settle()
  let outcome = case supervisor.status(in: demo, id: "worker") {
    Ok(supervisor.Running(pid)) if pid != before -> "restarted"
    Ok(supervisor.Stopped) -> "not restarted, kept"
    Error(supervisor.NotFound) -> "not restarted"
    _ -> "?"
  }
  let _ = supervisor.terminate_child(in: demo, id: "worker")
  let _ = supervisor.delete_child(in: demo, id: "worker")
  // So that restarts are not counted together.
  drill.advance(by: 10_000)
  outcome
}

fn print(first: String, columns: List(String)) -> Nil {
  let assert [permanent, transient, temporary] = columns
  say.line(
    drill.pad(first, to: 16)
    <> " "
    <> drill.pad(permanent, to: 12)
    <> " "
    <> drill.pad(transient, to: 21)
    <> " "
    <> temporary,
  )
}
