//// Drill 2: workers are reached by a registry and a key, whichever process that is at the moment.

import regrow/child
import regrow/process
import regrow/registry
import regrow/runtime
import regrow/server
import regrow/start
import regrow/supervisor
import support/drill
import support/items
import support/say

pub type Key {
  TaskWorker(id: Int)
}

pub type Status {
  Status(id: Int, tasks_completed: Int, current_task: String)
}

pub type Message {
  GetStatus(reply: process.Subject(Status))
  Perform(task: String)
}

pub fn main() -> Nil {
  let runtime = drill.start()

  say.line("1. The registry, and three workers.")
  let workers = registry.unique() |> registry.named("WorkerRegistry")
  let assert Ok(system) =
    supervisor.new(supervisor.OneForOne)
    |> supervisor.add(registry.child(workers, id: "WorkerRegistry"))
    |> supervisor.add(worker(runtime, "worker 1", 1))
    |> supervisor.add(worker(runtime, "worker 2", 2))
    |> supervisor.add(worker(runtime, "worker 3", 3))
    |> supervisor.start(in: runtime)

  say.line("2. Tasks go to ids.")
  process_task(runtime, 1, "read")
  process_task(runtime, 2, "write")
  process_task(runtime, 2, "sum up")
  process_task(runtime, 3, "tidy")

  say.line("3. So do questions.")
  items.each(of: [1, 2, 3], do: fn(id) { print_status(runtime, id) })

  say.line("4. Worker 2 is killed, and its supervisor starts another.")
  let before = process.owner(of: find(runtime, 2))
  drill.kill(before)
  // While there is no worker 2, it is not found.
  drill.settle()
  say.line("   the same id, a new pid: " <> drill.yes_or_no(process.owner(of: find(runtime, 2)) != before))
  print_status(runtime, 2)
  process_task(runtime, 2, "write again")
  print_status(runtime, 2)

  say.line("5. A second worker 1.")
  case supervisor.start_child(in: system.data, child: worker(runtime, "another worker 1", 1)) {
    Error(supervisor.NotStarted(start.NameInUse(other))) ->
      say.line(
        "   REGROW_ERR_EXISTS, {already_started, Pid}: yes; Pid is the first: "
        <> drill.yes_or_no(other == process.owner(of: find(runtime, 1))),
      )
    _ -> say.line("   it is not refused")
  }
  print_status(runtime, 1)
}

// ---- WorkerRegistry: where worker N is ----

fn names(runtime: runtime.Runtime) -> registry.Registry(Key, Message) {
  let assert Ok(names) = registry.find(in: runtime, named: "WorkerRegistry")
  names
}

fn find(runtime: runtime.Runtime, id: Int) -> process.Subject(Message) {
  let assert Ok(worker) = registry.lookup(in: names(runtime), key: TaskWorker(id))
  worker
}

// ---- TaskWorker: the server, and its functions, which take an id ----

fn worker(runtime: runtime.Runtime, child_id: String, id: Int) -> child.Child(process.Subject(Message)) {
  let start = fn() {
    server.new(Status(id, 0, ""))
    |> server.on_message(handle)
    |> server.registered(in: names(runtime), under: TaskWorker(id))
    |> server.start
  }
  child.worker(id: child_id, starting: start)
}

fn handle(status: Status, message: Message) -> server.Next(Status) {
  case message {
    GetStatus(reply) -> {
      process.send(to: reply, message: status)
      server.Continue(status)
    }
    Perform(task) -> {
      say.line("   worker " <> say.number(status.id) <> " is processing: " <> task)
      server.Continue(Status(status.id, status.tasks_completed + 1, task))
    }
  }
}

fn process_task(runtime: runtime.Runtime, id: Int, task: String) -> Nil {
  process.send(to: find(runtime, id), message: Perform(task))
  // So that the lines of several workers come in order.
  drill.settle()
}

fn print_status(runtime: runtime.Runtime, id: Int) -> Nil {
  let assert Ok(Status(id, completed, current)) = process.call(find(runtime, id), sending: GetStatus, within: 5000)
  say.line(
    "   worker "
    <> say.number(id)
    <> ": "
    <> say.number(completed)
    <> " tasks completed, at \""
    <> current
    <> "\"",
  )
}
