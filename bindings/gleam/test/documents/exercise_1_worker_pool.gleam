//// Exercise 1: a pool of workers, and three ways to choose one.
////
////     WorkerPool           supervisor, one_for_one
////     |- Registry          where worker N is
////     `- PoolSupervisor    supervisor, one_for_one
////        `- 1, ... 5       servers
////
//// The exercise chooses by phash2(Task, 5) and calls that round robin, which it is not: all three ways are here.

import regrow/child
import regrow/process
import regrow/registry
import regrow/runtime
import regrow/server
import regrow/start
import regrow/supervisor
import regrow/task
import support/drill
import support/items
import support/say

pub type Key {
  Worker(number: Int)
}

/// `Process` is answered with the worker's number, `Count` with how many tasks it has processed.
pub type Message {
  Process(request: Int, milliseconds: Int, reply: process.Subject(Int))
  Count(reply: process.Subject(Int))
}

pub type Way {
  Hash
  RoundRobin
  LeastLoaded
}

/// The pool, as who asks it knows it.
type Pool {
  Pool(runtime: runtime.Runtime, begun: drill.Begun)
}

/// A task on its way: its number, who has it, and what waits for the answer.
type Call {
  Call(task: Int, worker: Int, outcome: task.Task(Result(Int, process.ExitReason)))
}

/// Twenty tasks: those without an outcome, and who answered which task.
type Run {
  Run(calls: List(Call), answered: List(#(Int, Int)))
}

pub fn main() -> Nil {
  let runtime = drill.start()
  let pool = Pool(runtime, drill.begun(in: runtime))

  say.line("Five workers.")
  let assert Ok(_) = start_pool(pool)

  say.line("20 tasks of 100 ms at once, by the hash of the task, which is even only in the long run:")
  let run = run_at_once(pool, Hash, 0)
  let by_task = items.map(of: items.sort(run.answered), with: fn(answer: #(Int, Int)) { answer.1 })
  say.line("   by task:" <> drill.spaced(by_task))

  say.line("In turn, and to whoever has least to do, which is the same here:")
  run_at_once(pool, RoundRobin, 0)
  run_at_once(pool, LeastLoaded, 0)

  say.line("A task every 50 ms, while worker 1 is at one of 1000 ms:")
  run_beside_a_long_one(pool, RoundRobin)
  run_beside_a_long_one(pool, LeastLoaded)
  print_counters(pool)

  say.line("Worker 3 is killed after 150 ms. What it was at is lost; what waited for it goes to the next one:")
  run_at_once(pool, RoundRobin, 150)
  print_counters(pool)
}

// ---- WorkerPool ----

fn start_pool(pool: Pool) -> Result(start.Started(supervisor.Supervisor), start.StartError) {
  let workers =
    items.fold(
      over: items.range(1, 5),
      from: supervisor.new(supervisor.OneForOne),
      with: fn(workers, number) { supervisor.add(workers, worker(pool, number)) },
    )
  let names: child.Child(registry.Registry(Key, Message)) =
    registry.child(registry.unique() |> registry.named("Registry"), id: "Registry")
  supervisor.new(supervisor.OneForOne)
  |> supervisor.add(names)
  |> supervisor.add(child.supervisor(
    id: "PoolSupervisor",
    starting: fn() { supervisor.start(workers, in: pool.runtime) },
  ))
  |> supervisor.start(in: pool.runtime)
}

fn names(pool: Pool) -> registry.Registry(Key, Message) {
  let assert Ok(names) = registry.find(in: pool.runtime, named: "Registry")
  names
}

// ---- PoolWorker ----

fn worker(pool: Pool, number: Int) -> child.Child(process.Subject(Message)) {
  let start = fn() {
    server.new_with_initialiser(
      within: 5000,
      running: fn(_) {
        say.line("   worker " <> say.number(number) <> " started")
        Ok(server.initialised(0))
      },
    )
    |> server.on_message(fn(processed, message) {
      case message {
        Count(reply) -> {
          process.send(to: reply, message: processed)
          server.Continue(processed)
        }
        Process(request, milliseconds, reply) -> {
          drill.begin(pool.begun, request)
          drill.sleep(milliseconds)
          process.send(to: reply, message: number)
          server.Continue(processed + 1)
        }
      }
    })
    |> server.registered(in: names(pool), under: Worker(number))
    |> server.start
  }
  child.worker(id: "worker " <> say.number(number), starting: start)
}

// ---- choosing a worker ----

fn choose(way: Way, number: Int, busy: List(Call)) -> Int {
  case way {
    Hash -> drill.hash("task_" <> say.number(number), below: 5) + 1
    RoundRobin -> { number - 1 } % 5 + 1
    LeastLoaded ->
      items.fold(
        over: items.range(2, 5),
        from: 1,
        with: fn(least, worker) {
          case load(worker, busy) < load(least, busy) {
            True -> worker
            False -> least
          }
        },
      )
  }
}

fn load(worker: Int, busy: List(Call)) -> Int {
  items.count(of: busy, where: fn(call: Call) { call.worker == worker })
}

// ---- a run ----

/// The request is in the worker's mailbox when this returns, so that tasks come in the order in which they are
/// submitted.
fn call(pool: Pool, number: Int, worker: Int, milliseconds: Int) -> Call {
  let outcome =
    task.async(fn() {
      let make = fn(request, reply) { Process(request, milliseconds, reply) }
      drill.ask(in: names(pool), key: Worker(worker), begun: pool.begun, sending: make)
    })
  drill.settle()
  Call(number, worker, outcome)
}

fn submit(pool: Pool, run: Run, way: Way, number: Int) -> Run {
  let worker = choose(way, number, run.calls)
  Run(..run, calls: [call(pool, number, worker, 100), ..run.calls])
}

/// Takes the outcomes that are there.
fn collect(run: Run) -> Run {
  items.fold(
    over: items.reverse(run.calls),
    from: Run(..run, calls: []),
    with: fn(run: Run, call: Call) {
      case task.await(call.outcome, within: 0) {
        Error(_) -> Run(..run, calls: [call, ..run.calls])
        Ok(Ok(worker)) -> Run(..run, answered: [#(call.task, worker), ..run.answered])
        Ok(Error(reason)) -> {
          say.line("   task " <> say.number(call.task) <> " is lost: " <> drill.reason(reason))
          run
        }
      }
    },
  )
}

/// All tasks at once. At `kill_at` milliseconds worker 3 is killed; 0: nobody.
fn run_at_once(pool: Pool, way: Way, kill_at: Int) -> Run {
  let began = drill.now()
  let run =
    items.fold(
      over: items.range(1, 20),
      from: Run([], []),
      with: fn(run, number) { submit(pool, run, way, number) },
    )
  finish(pool, run, way, began, kill_at)
}

/// A task every 50 ms, while worker 1 is at one that takes a second.
fn run_beside_a_long_one(pool: Pool, way: Way) -> Run {
  let began = drill.now()
  let long = Run([call(pool, 0, 1, 1000)], [])
  let run =
    items.fold(
      over: items.range(1, 20),
      from: long,
      with: fn(run, number) {
        let run = submit(pool, run, way, number)
        drill.advance(by: 50)
        collect(run)
      },
    )
  finish(pool, run, way, began, 0)
}

fn finish(pool: Pool, run: Run, way: Way, began: Int, kill_at: Int) -> Run {
  case run.calls {
    [] -> {
      print_run(run, way, drill.now() - began)
      run
    }
    _ -> {
      drill.advance(by: 50)
      case drill.now() - began == kill_at {
        True -> {
          let assert Ok(pid) = registry.whereis(in: names(pool), key: Worker(3))
          drill.kill(pid)
          drill.settle()
        }
        False -> Nil
      }
      finish(pool, collect(run), way, began, kill_at)
    }
  }
}

fn print_run(run: Run, way: Way, took: Int) -> Nil {
  let name = case way {
    Hash -> "hash"
    RoundRobin -> "round robin"
    LeastLoaded -> "least loaded"
  }
  let tasks_of = fn(worker) {
    items.count(of: run.answered, where: fn(answer: #(Int, Int)) { answer.0 > 0 && answer.1 == worker })
  }
  say.line(
    "   "
    <> name
    <> ": "
    <> say.number(took)
    <> " ms; tasks answered by worker:"
    <> drill.spaced(items.map(of: items.range(1, 5), with: tasks_of)),
  )
}

fn print_counters(pool: Pool) -> Nil {
  let counts =
    items.map(
      of: items.range(1, 5),
      with: fn(number) {
        let assert Ok(worker) = registry.lookup(in: names(pool), key: Worker(number))
        let assert Ok(count) = process.call(worker, sending: Count, within: 5000)
        count
      },
    )
  say.line("   tasks processed, as the workers count:" <> drill.spaced(counts))
}
