//// A pool: workers that are found under one key, each asked in turn.

import regrow/child
import regrow/dynamic_supervisor
import regrow/process
import regrow/registry
import regrow/runtime
import regrow/server
import regrow/supervisor
import support/counter
import support/say

pub type Job {
  Square(number: Int, reply: process.Subject(#(Int, Int)))
}

type Pool =
  registry.Registry(String, Job)

pub fn main() -> Nil {
  let assert Ok(runtime) = runtime.start(runtime.new())
  let assert Ok(pool) = registry.duplicate() |> registry.start(in: runtime)
  let assert Ok(workers) = dynamic_supervisor.new() |> dynamic_supervisor.start(in: runtime)

  let started = start_worker_pool(workers.data, pool, 4)
  let assert True = started
  let assert Ok(supervisor.Counts(4, 4, 0, 4)) = dynamic_supervisor.count_children(in: workers.data)
  say.line("4 workers")

  // Each worker squares one number, and says which it is.
  let assert Ok(all) = registry.lookup_all(in: pool, key: "worker")
  say.line(squares(all, 1))

  // One is killed: the pool is whole again.
  let assert [first, ..] = all
  process.kill(process.owner(of: first))
  counter.until(fn() {
    case registry.lookup_all(in: pool, key: "worker") {
      Ok([_, _, _, _] as now) -> now != all
      _ -> False
    }
  })
  let assert Ok(again) = registry.lookup_all(in: pool, key: "worker")
  say.line(squares(again, 1))
  process.unlink(from: workers.pid)
  let assert Ok(Nil) = runtime.shutdown(runtime, within: 5000)
  Nil
}

/// Whether all have started.
fn start_worker_pool(workers: dynamic_supervisor.DynamicSupervisor, pool: Pool, size: Int) -> Bool {
  case size {
    0 -> True
    _ ->
      case dynamic_supervisor.start_child(in: workers, child: worker(pool, size)) {
        Ok(_) -> start_worker_pool(workers, pool, size - 1)
        Error(_) -> False
      }
  }
}

fn worker(pool: Pool, number: Int) -> child.Child(process.Subject(Job)) {
  let builder =
    server.new(number)
    |> server.on_message(fn(number, job) {
      let Square(of, reply) = job
      process.send(to: reply, message: #(number, of * of))
      server.Continue(number)
    })
    |> server.registered(in: pool, under: "worker")
  child.worker(id: "worker_" <> say.number(number), starting: fn() { server.start(builder) })
}

fn squares(workers: List(process.Subject(Job)), number: Int) -> String {
  case workers {
    [] -> ""
    [worker, ..rest] -> {
      let assert Ok(#(_, square)) =
        process.call(worker, sending: fn(reply) { Square(number, reply) }, within: 5000)
      say.number(square) <> " " <> squares(rest, number + 1)
    }
  }
}
