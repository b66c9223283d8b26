//// The first lines of Pooly at the console, in Gleam, and what they give, as Erlang writes it.
////
//// Three things are not as in the exercise. A supervisor of workers that come and go is a dynamic supervisor, whose
//// children have ids. A table has keys of one type and values of another, so an object is a key and its value; the
//// name alone leads nobody to it, since who finds it there decodes what comes out. And patterns (ets:match) there are
//// none.

import regrow/child
import regrow/decode
import regrow/dynamic
import regrow/dynamic_supervisor
import regrow/process
import regrow/runtime
import regrow/server
import regrow/start
import regrow/supervisor
import regrow/table
import regrow/task
import support/drill
import support/items
import support/say

pub type Message {
  Stop(reply: process.Subject(String))
}

pub type Reason {
  Boom
}

type Year =
  #(Int, String)

pub fn main() -> Nil {
  let runtime = drill.start()
  say.line("-- a worker supervisor")
  workers(runtime)
  say.line("-- a table")
  let assert Ok(Nil) = task.await(task.async(fn() { tables(runtime) }), within: drill.forever)
  say.line("-- a monitor")
  monitor()
}

// ---- a worker supervisor ----

fn workers(runtime: runtime.Runtime) -> Nil {
  let assert Ok(started) =
    dynamic_supervisor.new()
    |> dynamic_supervisor.restart_tolerance(intensity: 5, period: 5)
    |> dynamic_supervisor.start(in: runtime)
  let workers = started.data
  say.line("dynamic_supervisor.start_child(in: workers, child: sample_worker(\"first\"))")
  let _ = start_worker(workers, "first")
  print_children(workers)
  say.line("dynamic_supervisor.start_child(in: workers, child: sample_worker(\"second\"))")
  let second = start_worker(workers, "second")

  let pid = process.owner(of: second)
  let monitor = process.monitor(pid)
  let assert Ok(answer) = process.call(second, sending: Stop, within: drill.forever)
  say.line("stop(second)")
  say.line("  " <> answer)
  drill.settle()
  let assert Ok(process.Down(_, reason)) = process.receive_down(from: monitor, within: 0)
  say.line("process.receive_down(from: monitor, within: 0)")
  say.line("  {ok,{down,Pid," <> drill.show(reason) <> "}}")
  // It is permanent: another is there in its place.
  print_children(workers)
  let assert Ok(pids) = dynamic_supervisor.pids(in: workers)
  let others = items.all(of: pids, are: fn(one) { one != pid })
  say.line("  the one that was stopped is not among them: " <> drill.yes_or_no(others))
  process.unlink(from: started.pid)
}

fn start_worker(workers: dynamic_supervisor.DynamicSupervisor, id: String) -> process.Subject(Message) {
  let worker =
    server.new(Nil)
    |> server.on_message(fn(_, message) {
      let Stop(reply) = message
      process.send(to: reply, message: "ok")
      server.Stop
    })
  let child = child.worker(id: id, starting: fn() { server.start(worker) })
  let assert Ok(start.Started(_, subject)) = dynamic_supervisor.start_child(in: workers, child: child)
  subject
}

fn print_children(workers: dynamic_supervisor.DynamicSupervisor) -> Nil {
  let assert Ok(ids) = dynamic_supervisor.ids(in: workers)
  say.line("dynamic_supervisor.ids(in: workers)")
  say.line("  " <> drill.show(items.sort(ids)))
  let assert Ok(supervisor.Counts(specs, active, supervisors, workers)) =
    dynamic_supervisor.count_children(in: workers)
  say.line("dynamic_supervisor.count_children(in: workers)")
  say.line(
    "  active: "
    <> say.number(active)
    <> ", specs: "
    <> say.number(specs)
    <> ", supervisors: "
    <> say.number(supervisors)
    <> ", workers: "
    <> say.number(workers),
  )
}

// ---- a table ----

/// In a process of its own, which owns them.
fn tables(runtime: runtime.Runtime) -> Nil {
  let private = table.new() |> table.access(table.Private) |> table.named("mum_faves")
  let assert Ok(mum_faves) = table.create(private, in: runtime)
  insert(mum_faves, "Bodyslam", "Rock")
  insert(mum_faves, "Oat Pramote", "Pop")
  insert(mum_faves, "GOT7", "Pop")
  insert(mum_faves, "Silly fool", "Rock")
  insert(mum_faves, "Potato", "Rock")
  // A set has no order that one may rely on, so its objects are shown sorted.
  let assert Ok(objects) = table.to_list(mum_faves)
  say.line("table.to_list(mum_faves)")
  say.line("  " <> drill.show(items.sort(objects)))
  let assert Ok(Nil) = table.delete(from: mum_faves, key: "GOT7")
  say.line("table.delete(from: mum_faves, key: \"GOT7\")")
  say.line("table.lookup(in: mum_faves, key: \"GOT7\")")
  say.line("  " <> drill.show(table.lookup(in: mum_faves, key: "GOT7")))
  say.line("table.lookup(in: mum_faves, key: \"Bodyslam\")")
  say.line("  " <> drill.show(table.lookup(in: mum_faves, key: "Bodyslam")))

  say.line("the same lookup by another process, since the table is private")
  let stranger = fn() {
    let year = decode.pair(of: decode.int, and: decode.string)
    let assert Ok(found) = table.find(in: runtime, named: "mum_faves", key: decode.string, value: year)
    table.lookup(in: found, key: "Bodyslam")
  }
  let assert Ok(outcome) = task.await(task.async(stranger), within: 5000)
  say.line("  " <> drill.show(outcome))
}

fn insert(mum_faves: table.Table(String, Year), name: String, genre: String) -> Nil {
  let inserted = table.insert(into: mum_faves, key: name, value: #(2025, genre))
  say.line("table.insert(into: mum_faves, key: \"" <> name <> "\", value: #(2025, \"" <> genre <> "\"))")
  say.line("  " <> drill.show(inserted))
}

// ---- a monitor ----

fn monitor() -> Nil {
  let body = fn() {
    drill.sleep(2000)
    process.exit(process.self(), with: process.Abnormal(dynamic.from(Boom)))
  }
  let monitor = process.monitor(process.spawn_unlinked(body))
  say.line("let monitor = process.monitor(process.spawn_unlinked(fn() { sleep(2000) exit(Boom) }))")
  drill.advance(by: 1999)
  say.line("process.receive_down(from: monitor, within: 0) after 1999 ms")
  say.line("  " <> drill.show(process.receive_down(from: monitor, within: 0)))
  drill.advance(by: 1)
  let assert Ok(process.Down(_, reason)) = process.receive_down(from: monitor, within: 0)
  say.line("process.receive_down(from: monitor, within: 0) after 2000 ms")
  say.line("  {ok,{down,Pid," <> drill.show(reason) <> "}}")
}
