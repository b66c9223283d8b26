//// Services that must be there, and one that need not be: what becomes of each when it fails.

import regrow/child
import regrow/registry
import regrow/runtime
import regrow/supervisor
import support/counter
import support/say

pub fn main() -> Nil {
  let assert Ok(runtime) = runtime.start(runtime.new())
  let assert Ok(services) = registry.unique() |> registry.start(in: runtime)
  let assert Ok(app) = start_resilient_service(runtime, services)

  // Critical ones are there again.
  fail(app, services, "cache")
  fail(app, services, "database")
  let assert 1 = counter.next(in: services, id: "cache")
  let assert 1 = counter.next(in: services, id: "database")
  say.line("cache and database were started again")

  // The optional one is not.
  counter.end(in: services, id: "metrics", by: counter.Crash)
  counter.until(fn() { supervisor.status(in: app, id: "metrics") == Error(supervisor.NotFound) })
  let assert Ok(supervisor.Counts(2, 2, 0, 2)) = supervisor.count_children(in: app)
  say.line("metrics were not")

  let assert Ok(Nil) = supervisor.stop(app, within: 5000)
  let assert Ok(Nil) = runtime.shutdown(runtime, within: 5000)
  Nil
}

fn start_resilient_service(
  runtime: runtime.Runtime,
  services: counter.Counters,
) -> Result(supervisor.Supervisor, Nil) {
  let started =
    supervisor.new(supervisor.OneForOne)
    |> supervisor.restart_tolerance(intensity: 5, period: 5)
    |> supervisor.add(counter.child(in: services, id: "cache"))
    |> supervisor.add(counter.child(in: services, id: "database"))
    |> supervisor.add(counter.child(in: services, id: "metrics") |> child.restart(child.Temporary))
    |> supervisor.start(in: runtime)
  case started {
    Ok(started) -> Ok(started.data)
    Error(_) -> Error(Nil)
  }
}

/// Has a service crash, and waits until there is another.
fn fail(app: supervisor.Supervisor, services: counter.Counters, id: String) -> Nil {
  let old = counter.end(in: services, id: id, by: counter.Crash)
  counter.until(fn() {
    case supervisor.status(in: app, id: id) {
      Ok(supervisor.Running(pid)) -> pid != old
      _ -> False
    }
  })
}
