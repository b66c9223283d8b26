//// Exercise 2: a to-do list for each name, kept by a server that is started when it is first asked for.
////
////     TodoSystem           supervisor, one_for_one
////     |- Registry          which server has which list
////     `- TodoCache         dynamic supervisor
////        |- "Bob's list"   server, temporary
////        `- ...

import regrow/agent
import regrow/child
import regrow/dynamic_supervisor
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

pub type Entry {
  Entry(date: String, title: String)
}

pub type Message {
  AddEntry(entry: Entry)
  Entries(date: String, reply: process.Subject(List(Entry)))
}

/// `starts` counts the servers that were started.
type Todo {
  Todo(runtime: runtime.Runtime, starts: agent.Agent(Int))
}

pub fn main() -> Nil {
  let runtime = drill.start()
  let assert Ok(starts) = agent.start(fn() { 0 })
  let lists = Todo(runtime, starts.data)
  let assert Ok(_) = start_system(lists)

  say.line("1. Bob and Alice have lists of their own.")
  let bob = process.owner(of: server_process(lists, "Bob's list"))
  add_entry(lists, "Bob's list", Entry("2026-01-22", "Dentist"))
  let alice = process.owner(of: server_process(lists, "Alice's list"))
  add_entry(lists, "Alice's list", Entry("2026-01-22", "Meeting"))
  add_entry(lists, "Alice's list", Entry("2026-01-23", "Train"))
  add_entry(lists, "Alice's list", Entry("2026-01-22", "Dinner"))
  say.line("   different processes: " <> drill.yes_or_no(bob != alice))
  print_entries(lists, "Bob's list", "2026-01-22")
  print_entries(lists, "Alice's list", "2026-01-22")

  say.line("2. Bob's server is killed. Nobody starts it again ...")
  drill.kill(bob)
  drill.settle()
  let assert Ok(counts) = dynamic_supervisor.count_children(in: cache(lists))
  let lost = case registry.lookup(in: names(lists), key: "Bob's list") {
    Ok(server) -> {
      process.send(to: server, message: AddEntry(Entry("2026-01-22", "lost")))
      "sent"
    }
    Error(_) -> "REGROW_ERR_NOT_FOUND"
  }
  say.line("   children: " <> say.number(counts.active) <> "; a cast to his list's key: " <> lost)
  let same = process.owner(of: server_process(lists, "Alice's list")) == alice
  say.line("   Alice's is the same: " <> drill.yes_or_no(same))
  print_entries(lists, "Alice's list", "2026-01-22")

  say.line("3. ... before it is asked for. His entries were in its memory.")
  let new_bob = process.owner(of: server_process(lists, "Bob's list"))
  say.line("   a new process: " <> drill.yes_or_no(new_bob != bob))
  print_entries(lists, "Bob's list", "2026-01-22")
  add_entry(lists, "Bob's list", Entry("2026-01-22", "Dentist, again"))
  print_entries(lists, "Bob's list", "2026-01-22")

  say.line("4. Many ask for a new list at once.")
  let before = count_starts(lists)
  let visit = fn(_) { task.async(fn() { server_process(lists, "x") }) }
  let visits = task.await_all(items.map(of: items.range(1, 50), with: visit), within: 60_000)
  let assert [first, ..] = visits
  let different = items.count(of: visits, where: fn(visit) { visit != first })
  say.line(
    "   50 asked, "
    <> say.number(count_starts(lists) - before)
    <> " started, "
    <> say.number(different)
    <> " got another pid than the first",
  )
}

// ---- TodoSystem ----

/// Both children are found by their names: after a crash there are others.
fn start_system(lists: Todo) -> Result(start.Started(supervisor.Supervisor), start.StartError) {
  let names: child.Child(registry.Registry(String, Message)) =
    registry.child(registry.unique() |> registry.named("Registry"), id: "Registry")
  let start_cache = fn() {
    let assert Ok(started) = dynamic_supervisor.start(dynamic_supervisor.new(), in: lists.runtime)
    let assert Ok(Nil) = runtime.register(lists.runtime, pid: started.pid, named: "TodoCache")
    Ok(started)
  }
  supervisor.new(supervisor.OneForOne)
  |> supervisor.add(names)
  |> supervisor.add(child.supervisor(id: "TodoCache", starting: start_cache))
  |> supervisor.start(in: lists.runtime)
}

fn names(lists: Todo) -> registry.Registry(String, Message) {
  let assert Ok(names) = registry.find(in: lists.runtime, named: "Registry")
  names
}

fn cache(lists: Todo) -> dynamic_supervisor.DynamicSupervisor {
  let assert Ok(pid) = runtime.whereis(lists.runtime, "TodoCache")
  let assert Ok(cache) = dynamic_supervisor.at(pid: pid)
  cache
}

/// The server of that list. Of many who ask at once one starts it; the others find who that is.
fn server_process(lists: Todo, name: String) -> process.Subject(Message) {
  let server = child.worker(id: name, starting: fn() { start_server(lists, name) }) |> child.restart(child.Temporary)
  case dynamic_supervisor.start_child(in: cache(lists), child: server) {
    Ok(started) -> started.data
    Error(_) -> {
      let assert Ok(server) = registry.lookup(in: names(lists), key: name)
      server
    }
  }
}

// ---- TodoServer ----

/// The state is the entries, the last added first.
fn start_server(lists: Todo, name: String) -> Result(start.Started(process.Subject(Message)), start.StartError) {
  server.new_with_initialiser(
    within: 5000,
    running: fn(_) {
      say.line("   starting a server for " <> name)
      let assert Ok(Nil) = agent.update(lists.starts, fn(count) { count + 1 }, within: 5000)
      Ok(server.initialised([]))
    },
  )
  |> server.on_message(fn(entries: List(Entry), message) {
    case message {
      AddEntry(entry) -> server.Continue([entry, ..entries])
      Entries(date, reply) -> {
        let of_date = items.keep(of: entries, where: fn(entry: Entry) { entry.date == date })
        process.send(to: reply, message: items.reverse(of_date))
        server.Continue(entries)
      }
    }
  })
  |> server.registered(in: names(lists), under: name)
  |> server.start
}

/// To a server that is there for certain: what is sent to whoever may have the name would be lost when nobody has.
fn add_entry(lists: Todo, name: String, entry: Entry) -> Nil {
  process.send(to: server_process(lists, name), message: AddEntry(entry))
}

fn print_entries(lists: Todo, name: String, date: String) -> Nil {
  let question = fn(reply) { Entries(date, reply) }
  let assert Ok(entries) = process.call(server_process(lists, name), sending: question, within: 5000)
  let titles = items.fold(over: entries, from: "", with: fn(text, entry: Entry) { text <> " " <> entry.title <> ";" })
  let titles = case titles {
    "" -> " nothing"
    _ -> titles
  }
  say.line("   " <> name <> " on " <> date <> ":" <> titles)
}

fn count_starts(lists: Todo) -> Int {
  let assert Ok(count) = agent.get(lists.starts, fn(count) { count }, within: 5000)
  count
}
