//// Jobs for a crew: who is in a group is seen, and each job goes to one of those who share a queue.

import regrow/group
import regrow/process
import regrow/pubsub
import regrow/runtime
import regrow/selector
import regrow/server
import support/counter
import support/say

type Job {
  Job(event: pubsub.Event(Int))
}

pub fn main() -> Nil {
  let assert Ok(runtime) = runtime.start(runtime.new())
  let assert Ok(crew) = group.new() |> group.start(in: runtime)
  let assert Ok(jobs) = pubsub.new() |> pubsub.start(in: runtime)
  let assert Ok(group.Monitored(monitor, [])) = group.monitor(crew, group: "workers")

  let done = process.new_subject()
  let first = start_worker(crew, jobs, done)
  let second = start_worker(crew, jobs, done)
  let assert Ok(group.Joined("workers", [_])) = group.receive_change(from: monitor, within: 20_000)
  let assert Ok(group.Joined("workers", [_])) = group.receive_change(from: monitor, within: 20_000)
  say.line("2 workers")

  // One of them gets each job.
  let assert Ok(Nil) = pubsub.broadcast(over: jobs, topic: "jobs.squares", message: 6)
  let assert Ok(Nil) = pubsub.broadcast(over: jobs, topic: "jobs.squares", message: 7)
  let assert Ok(#(one, a)) = process.receive(from: done, within: 20_000)
  let assert Ok(#(other, b)) = process.receive(from: done, within: 20_000)
  let assert True = one != other && a + b == 85
  say.line("36 and 49")

  // One is killed: the other gets them all.
  process.kill(first)
  let assert Ok(group.Left("workers", [left])) = group.receive_change(from: monitor, within: 20_000)
  let assert True = left == first
  // It has left the crew; its share of the jobs is another thing.
  counter.until(fn() { pubsub.subscriber_count(of: jobs, topic: "jobs.>") == Ok(1) })
  let assert Ok(Nil) = pubsub.broadcast(over: jobs, topic: "jobs.squares", message: 8)
  let assert Ok(#(by, 64)) = process.receive(from: done, within: 20_000)
  let assert True = by == second
  say.line("64 by the other one")

  process.kill(second)
  counter.until(fn() { group.members(crew, group: "workers") == Ok([]) })
  let assert Ok(Nil) = runtime.shutdown(runtime, within: 5000)
  Nil
}

fn start_worker(
  crew: group.Groups(String, Nil),
  jobs: pubsub.PubSub(Int),
  done: process.Subject(#(process.Pid, Int)),
) -> process.Pid {
  let assert Ok(started) =
    server.new_with_initialiser(within: 20_000, running: fn(_) {
      let shared = pubsub.subscription(to: "jobs.>") |> pubsub.queue("workers")
      case pubsub.subscribe_as(shared, to: jobs), group.join(crew, group: "workers") {
        Ok(events), Ok(_) ->
          Ok(
            server.initialised(process.self())
            |> server.selecting(from: selector.add(selector.new(), subject: events, wrapping: Job)),
          )
        _, _ -> Error("no work")
      }
    })
    |> server.on_message(fn(me, job) {
      let Job(pubsub.Event(_, number)) = job
      process.send(to: done, message: #(me, number * number))
      server.Continue(me)
    })
    |> server.start
  process.unlink(from: started.pid)
  started.pid
}
