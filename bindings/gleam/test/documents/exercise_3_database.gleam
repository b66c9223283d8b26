//// Exercise 3: a pool of database connections, each in the hands of a worker that may crash.
////
////     DatabaseSystem       supervisor, one_for_one
////     |- Registry          where worker N is
////     `- DatabasePool      supervisor, one_for_one: a query leads to the worker phash2(Query, 3) + 1
////        `- 1, 2, 3        servers
////
//// A query asks for whoever is there now, and waits while that is nobody: a restart is none of its business.

import regrow/child
import regrow/dynamic
import regrow/process
import regrow/registry
import regrow/runtime
import regrow/server
import regrow/start
import regrow/supervisor
import regrow/table
import regrow/task
import support/drill
import support/items
import support/say

pub type Key {
  DbWorker(number: Int)
}

pub type Message {
  Query(request: Int, sql: String, reply: process.Subject(Answer))
}

/// With who answered, over which of its connections, and how many queries it has answered.
pub type Answer {
  Answer(text: String, worker: Int, connection: Int, query: Int)
}

pub type Reason {
  SyntaxError
}

/// `connections` counts those that each worker has had, over all its lives.
type Database {
  Database(runtime: runtime.Runtime, begun: drill.Begun, connections: table.Table(Int, Int))
}

type Outcome =
  Result(Answer, process.ExitReason)

pub fn main() -> Nil {
  let runtime = drill.start()
  let assert Ok(connections) = table.new() |> table.access(table.Public) |> table.create(in: runtime)
  let db = Database(runtime, drill.begun(in: runtime), connections)
  let users = "SELECT * FROM users"
  let posts = "SELECT * FROM posts"

  say.line("1. Three workers, each with its connection.")
  let assert Ok(system) = start_system(db)
  query(db, users)
  query(db, posts)

  say.line("2. {db_worker, 2} is killed. Queries go on, also the next one to it, over a fresh connection.")
  kill_worker(db, 2)
  query(db, users)
  query(db, posts)

  say.line("3. A query that fails is its worker's end, and nobody else's.")
  query(db, "DROP EVERYTHING")
  query(db, users)
  query(db, posts)

  say.line("4. What a worker was at when it was killed is lost; it may have had its effect. What waited is not.")
  // The restarts until now do not count any more.
  drill.advance(by: 10_000)
  let first = send_query(db, users)
  let second = send_query(db, users)
  drill.advance(by: 25)
  kill_worker(db, 2)
  drill.settle()
  print_outcome(users, finish(first))
  print_outcome(users, finish(second))

  say.line("5. Four kills within five seconds are the pool's end too, and the system starts another.")
  drill.advance(by: 10_000)
  let before = supervisor.status(in: system.data, id: "DatabasePool")
  let outcomes =
    items.map(
      of: items.range(1, 4),
      with: fn(_) {
        kill_worker(db, 2)
        finish(send_query(db, users))
      },
    )
  let answered =
    items.count(
      of: outcomes,
      where: fn(outcome) {
        case outcome {
          Ok(_) -> True
          Error(_) -> False
        }
      },
    )
  say.line(
    "   a new pool: "
    <> drill.yes_or_no(supervisor.status(in: system.data, id: "DatabasePool") != before)
    <> "; queries: "
    <> say.number(answered)
    <> " answered, "
    <> say.number(4 - answered)
    <> " errors",
  )
}

// ---- DatabaseSystem ----

fn start_system(db: Database) -> Result(start.Started(supervisor.Supervisor), start.StartError) {
  let pool =
    supervisor.new(supervisor.OneForOne)
    |> supervisor.restart_tolerance(intensity: 3, period: 5)
    |> supervisor.add(worker(db, 1))
    |> supervisor.add(worker(db, 2))
    |> supervisor.add(worker(db, 3))
  let names: child.Child(registry.Registry(Key, Message)) =
    registry.child(registry.unique() |> registry.named("Registry"), id: "Registry")
  supervisor.new(supervisor.OneForOne)
  |> supervisor.add(names)
  |> supervisor.add(child.supervisor(id: "DatabasePool", starting: fn() { supervisor.start(pool, in: db.runtime) }))
  |> supervisor.start(in: db.runtime)
}

fn names(db: Database) -> registry.Registry(Key, Message) {
  let assert Ok(names) = registry.find(in: db.runtime, named: "Registry")
  names
}

// ---- DatabaseWorker ----

fn worker(db: Database, number: Int) -> child.Child(process.Subject(Message)) {
  let start = fn() {
    server.new_with_initialiser(
      within: 5000,
      running: fn(_) {
        say.line("   db worker " <> say.number(number) <> " is connecting")
        let assert Ok(connection) = table.add(to: db.connections, key: number, number: 1, starting_at: 0)
        Ok(server.initialised(Answer("", number, connection, 0)))
      },
    )
    |> server.on_message(fn(last, message) { answer(db, last, message) })
    |> server.registered(in: names(db), under: DbWorker(number))
    |> server.start
  }
  child.worker(id: "db worker " <> say.number(number), starting: start)
}

/// The state is the last answer. A query that fails is the end of the worker.
fn answer(db: Database, last: Answer, message: Message) -> server.Next(Answer) {
  let Query(request, sql, reply) = message
  drill.begin(db.begun, request)
  drill.sleep(50)
  case sql {
    "SELECT " <> _ -> {
      let answer = Answer(..last, text: "Result for: " <> sql, query: last.query + 1)
      process.send(to: reply, message: answer)
      server.Continue(answer)
    }
    _ -> server.StopWith(process.Abnormal(dynamic.from(SyntaxError)))
  }
}

// ---- DatabasePool ----

/// A query goes on by itself while this process moves the clock.
fn send_query(db: Database, sql: String) -> task.Task(Outcome) {
  let worker = DbWorker(drill.hash(sql, below: 3) + 1)
  let make = fn(request, reply) { Query(request, sql, reply) }
  let query = task.async(fn() { drill.ask(in: names(db), key: worker, begun: db.begun, sending: make) })
  drill.settle()
  query
}

/// Lets time go on until there is an outcome.
fn finish(query: task.Task(Outcome)) -> Outcome {
  case task.await(query, within: 0) {
    Ok(outcome) -> outcome
    Error(_) -> {
      drill.advance(by: 50)
      finish(query)
    }
  }
}

fn query(db: Database, sql: String) -> Nil {
  print_outcome(sql, finish(send_query(db, sql)))
}

fn print_outcome(sql: String, outcome: Outcome) -> Nil {
  case outcome {
    Ok(Answer(text, worker, connection, query)) ->
      say.line(
        "   "
        <> text
        <> " (worker "
        <> say.number(worker)
        <> ", its connection "
        <> say.number(connection)
        <> ", query "
        <> say.number(query)
        <> ")",
      )
    Error(reason) -> say.line("   " <> sql <> ": the worker ended, " <> drill.reason(reason))
  }
}

fn kill_worker(db: Database, number: Int) -> Nil {
  let assert Ok(pid) = registry.whereis(in: names(db), key: DbWorker(number))
  drill.kill(pid)
}
