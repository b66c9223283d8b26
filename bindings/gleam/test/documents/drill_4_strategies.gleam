//// Drill 4: which siblings are stopped (T) and started (S) again, and in which order, when a worker crashes.
////
//// A server in Gleam has no function that is called when it ends; so the workers are plain processes, which trap exits
//// and note what comes.

import regrow/agent
import regrow/child
import regrow/decode
import regrow/dynamic
import regrow/process
import regrow/runtime
import regrow/server
import regrow/start
import regrow/supervisor
import support/drill
import support/items
import support/say

pub type Reason {
  Crash
}

pub type Message {
  EndAs(reason: process.ExitReason, reply: process.Subject(Nil))
}

type Log =
  agent.Agent(String)

pub fn main() -> Nil {
  let runtime = drill.start()
  // What is linked with a supervisor that is stopped would end as that does.
  process.trap_exits(True)
  let assert Ok(log) = agent.start(fn() { "" })
  let log = log.data

  // A new tree for each crash: the log of one.
  crash(runtime, log, "one_for_one", supervisor.OneForOne, 2)
  crash(runtime, log, "one_for_all", supervisor.OneForAll, 1)
  crash(runtime, log, "one_for_all", supervisor.OneForAll, 2)
  crash(runtime, log, "one_for_all", supervisor.OneForAll, 3)
  crash(runtime, log, "rest_for_one", supervisor.RestForOne, 1)
  crash(runtime, log, "rest_for_one", supervisor.RestForOne, 2)
  crash(runtime, log, "rest_for_one", supervisor.RestForOne, 3)

  let permanent = [child.Permanent, child.Permanent, child.Permanent]
  let demo = start(runtime, log, supervisor.OneForAll, permanent)
  end(demo, 2, process.Abnormal(dynamic.from(Crash)))
  drill.settle()
  let assert Ok(children) = supervisor.which_children(in: demo)
  let ids =
    items.fold(
      over: children,
      from: "",
      with: fn(ids, child: supervisor.ChildInfo) {
        let assert Ok(id) = decode.run(child.id, decode.string)
        ids <> " " <> id
      },
    )
  say.line(drill.pad("which_children, after any of these", to: 52) <> ids)
  take(log)
  stop(demo)
  print(log, "the supervisor stops")

  let demo = start(runtime, log, supervisor.OneForAll, [child.Permanent, child.Temporary, child.Transient])
  end(demo, 1, process.Abnormal(dynamic.from(Crash)))
  print(log, "one_for_all, 2 temporary, 3 transient, 1 crashes")
  end(demo, 3, process.Normal)
  print(log, "one_for_all, 3 transient, 3 ends as it should")
  stop(demo)

  let assert Ok(server) = server.start(server.new(Nil) |> server.on_message(end_as_told))
  let crash = process.Abnormal(dynamic.from(Crash))
  case process.call(server.data, sending: fn(reply) { EndAs(crash, reply) }, within: 5000) {
    Error(process.Exited(reason)) -> say.line("the caller of the crash: REGROW_ERR_EXITED, " <> drill.reason(reason))
    _ -> say.line("the caller is not told")
  }
}

fn end_as_told(_: Nil, message: Message) -> server.Next(Nil) {
  server.StopWith(message.reason)
}

// ---- DemoWorker ----

/// It ends as it is told, by its supervisor or by whoever has it crash.
fn worker(log: Log, number: Int) -> child.Child(Nil) {
  let body = fn() {
    process.trap_exits(True)
    let assert Ok(process.Down(_, reason)) = process.receive_exit(within: drill.forever)
    note(log, "T", number)
    process.trap_exits(False)
    process.exit(process.self(), with: reason)
  }
  let start = fn() {
    note(log, "S", number)
    Ok(start.Started(process.spawn(body), Nil))
  }
  child.worker(id: say.number(number), starting: start)
}

fn end(demo: supervisor.Supervisor, number: Int, reason: process.ExitReason) -> Nil {
  let assert Ok(supervisor.Running(pid)) = supervisor.status(in: demo, id: say.number(number))
  process.exit(pid, with: reason)
}

// ---- RestartStrategyDemo ----

/// Forgets what was noted of the start.
fn start(
  runtime: runtime.Runtime,
  log: Log,
  strategy: supervisor.Strategy,
  restarts: List(child.Restart),
) -> supervisor.Supervisor {
  let demo =
    items.fold(
      over: items.zip([1, 2, 3], restarts),
      from: supervisor.new(strategy),
      with: fn(demo, one: #(Int, child.Restart)) {
        supervisor.add(demo, child.restart(worker(log, one.0), one.1))
      },
    )
  let assert Ok(started) = supervisor.start(demo, in: runtime)
  // A worker traps exits from its first moment on, and that may not be over yet.
  drill.settle()
  take(log)
  started.data
}

fn stop(demo: supervisor.Supervisor) -> Nil {
  let assert Ok(Nil) = supervisor.stop(demo, within: drill.forever)
  Nil
}

fn crash(runtime: runtime.Runtime, log: Log, name: String, strategy: supervisor.Strategy, number: Int) -> Nil {
  let demo = start(runtime, log, strategy, [child.Permanent, child.Permanent, child.Permanent])
  end(demo, number, process.Abnormal(dynamic.from(Crash)))
  print(log, name <> ", " <> say.number(number) <> " crashes")
  stop(demo)
  take(log)
  Nil
}

// ---- the log ----

fn note(log: Log, what: String, number: Int) -> Nil {
  let assert Ok(Nil) = agent.update(log, fn(text) { text <> " " <> what <> say.number(number) }, within: 5000)
  Nil
}

fn take(log: Log) -> String {
  let assert Ok(text) = agent.get_and_update(log, fn(text) { #(text, "") }, within: 5000)
  text
}

fn print(log: Log, what: String) -> Nil {
  drill.settle()
  say.line(drill.pad(what, to: 52) <> take(log))
}
