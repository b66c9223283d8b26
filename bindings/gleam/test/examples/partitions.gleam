//// One counter would be too slow for all users: there are four, and a user's name leads to one of them. Many count at
//// once, in tasks with a limit.

import regrow/child
import regrow/partition_supervisor
import regrow/process
import regrow/runtime
import regrow/server
import regrow/task_supervisor
import support/say

pub type Message {
  Count(reply: process.Subject(Int))
}

type Counters =
  partition_supervisor.PartitionSupervisor(process.Subject(Message))

pub fn main() -> Nil {
  let assert Ok(runtime) = runtime.start(runtime.new())
  let assert Ok(counters) =
    partition_supervisor.new(of: counter)
    |> partition_supervisor.partitions(4)
    |> partition_supervisor.start(in: runtime)
  let assert Ok(tasks) =
    task_supervisor.new()
    |> task_supervisor.max_children(10)
    |> task_supervisor.start(in: runtime)

  let users = ["anna", "bert", "carl", "dora", "anna", "bert", "carl", "anna"]
  let assert Ok(_) =
    task_supervisor.each(
      in: tasks.data,
      of: users,
      running: fn(user) { count(counters.data, user) },
      at_once: 3,
      within: 5000,
    )
  // Each user was counted by the same one.
  let assert Ok(all) = partition_supervisor.to_list(counters.data)
  let assert 12 = sum(all, 0)
  say.line("8 counted, and 4 asked")

  process.unlink(from: counters.pid)
  process.unlink(from: tasks.pid)
  let assert Ok(Nil) = runtime.shutdown(runtime, within: 5000)
  Nil
}

fn counter(number: Int) -> child.Child(process.Subject(Message)) {
  child.worker(id: "counter_" <> say.number(number), starting: fn() {
    server.new(0)
    |> server.on_message(fn(count, message) {
      let Count(reply) = message
      process.send(to: reply, message: count + 1)
      server.Continue(count + 1)
    })
    |> server.start
  })
}

fn count(counters: Counters, user: String) -> Int {
  let assert Ok(counter) = partition_supervisor.lookup(in: counters, key: user)
  let assert Ok(number) = process.call(counter, sending: Count, within: 20_000)
  number
}

fn sum(counters: List(#(Int, process.Subject(Message))), so_far: Int) -> Int {
  case counters {
    [] -> so_far
    [#(_, counter), ..rest] -> {
      let assert Ok(number) = process.call(counter, sending: Count, within: 20_000)
      sum(rest, so_far + number)
    }
  }
}
