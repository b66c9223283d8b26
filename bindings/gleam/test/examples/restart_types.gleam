//// Permanent, transient, temporary: who is started again after which end.

import regrow/child
import regrow/registry
import regrow/runtime
import regrow/supervisor
import support/counter
import support/say

pub fn main() -> Nil {
  let assert Ok(runtime) = runtime.start(runtime.new())
  let assert Ok(names) = registry.unique() |> registry.start(in: runtime)

  let permanent = counter.child(in: names, id: "critical") |> child.restart(child.Permanent)
  let temporary = counter.child(in: names, id: "temp") |> child.restart(child.Temporary)
  let transient = counter.child(in: names, id: "transient") |> child.restart(child.Transient)
  let assert Ok(tree) =
    supervisor.new(supervisor.OneForOne)
    |> supervisor.restart_tolerance(intensity: 10, period: 5)
    |> supervisor.add(permanent)
    |> supervisor.add(temporary)
    |> supervisor.add(transient)
    |> supervisor.start(in: runtime)

  say.line("critical ends normally: " <> after(tree.data, names, "critical", counter.End))
  say.line("critical crashes: " <> after(tree.data, names, "critical", counter.Crash))
  say.line("transient crashes: " <> after(tree.data, names, "transient", counter.Crash))
  say.line("transient ends normally: " <> after(tree.data, names, "transient", counter.End))
  say.line("temp crashes: " <> after(tree.data, names, "temp", counter.Crash))

  let assert Ok(Nil) = supervisor.stop(tree.data, within: 5000)
  let assert Ok(Nil) = runtime.shutdown(runtime, within: 5000)
  Nil
}

/// What has become of a child once its end has been dealt with.
fn after(tree: supervisor.Supervisor, names: counter.Counters, id: String, end: counter.Message) -> String {
  let old = counter.end(in: names, id: id, by: end)
  let status = fn() {
    case supervisor.status(in: tree, id: id) {
      Ok(supervisor.Running(pid)) if pid != old -> "started again"
      Ok(supervisor.Stopped) -> "stays ended"
      Error(supervisor.NotFound) -> "is forgotten"
      _ -> ""
    }
  }
  counter.until(fn() { status() != "" })
  status()
}
