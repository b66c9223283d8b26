//// tokens: one server for each app keeps a token for it, gets another before it expires, and comes back when it
//// crashes.
////
////     Supervisor              supervisor, rest_for_one
////     |- Registry             which app has which app server
////     |- ETSOwner             owns the table of tokens, and does nothing that could end it
////     |- TaskSupervisor       tokens are written to the storage in its children, each a process that does only that
////     `- DynamicSupervisor    20 restarts in 60 s
////        |- "my-app"          app servers, started when somebody asks for the app
////        `- ...
////
//// Without the registry everybody would be lost, so all begin anew. Without the table every app server would have to,
//// so they do; what they had is in the storage. An app server that ends ends alone. Every name begins as the user
//// says: several of these trees live in one program.

import regrow/child
import regrow/decode
import regrow/dynamic_supervisor
import regrow/process
import regrow/registry
import regrow/runtime
import regrow/server
import regrow/start
import regrow/supervisor
import regrow/table
import support/drill

/// How long a token is good, and how long before its end it is replaced; what gives tokens, and the storage: all three
/// may wait. `started` is called in each app server that starts.
pub type Tokens {
  Tokens(
    runtime: runtime.Runtime,
    prefix: String,
    max_restarts: Int,
    ttl: Int,
    early: Int,
    command: fn(String) -> String,
    load: fn(String) -> Result(Row, Nil),
    save: fn(String, Row) -> Nil,
    started: fn() -> Nil,
  )
}

pub type Row {
  Row(token: String, expires: Int)
}

pub type Message {
  Get(reply: process.Subject(String))
  Refresh(reply: process.Subject(String))
  SoftExpiry(timer: Int)
}

type App {
  App(tokens: Tokens, name: String, self: process.Subject(Message), timer: Int)
}

// ---- the tree ----

pub fn start(tokens: Tokens) -> supervisor.Supervisor {
  let names: child.Child(registry.Registry(String, Message)) =
    registry.child(registry.unique() |> registry.named(tokens.prefix <> ".Registry"), id: "Registry")
  let servers = dynamic_supervisor.new() |> dynamic_supervisor.restart_tolerance(tokens.max_restarts, 60)
  let assert Ok(tree) =
    supervisor.new(supervisor.RestForOne)
    |> supervisor.restart_tolerance(intensity: 3, period: 5)
    |> supervisor.add(names)
    |> supervisor.add(owner(tokens))
    |> supervisor.add(dynamic(tokens, "TaskSupervisor", dynamic_supervisor.new()))
    |> supervisor.add(dynamic(tokens, "DynamicSupervisor", servers))
    |> supervisor.start(in: tokens.runtime)
  tree.data
}

fn owner(tokens: Tokens) -> child.Child(process.Subject(Nil)) {
  let own = fn(_) {
    let named = table.new() |> table.access(table.Public) |> table.named(tokens.prefix <> ".tokens")
    let assert Ok(table) = table.create(named, in: tokens.runtime)
    Ok(server.initialised(Ok(table)))
  }
  let start = fn() {
    named(tokens, "ETSOwner", server.start(server.new_with_initialiser(within: 5000, running: own)))
  }
  child.worker(id: "ETSOwner", starting: start)
}

fn dynamic(
  tokens: Tokens,
  name: String,
  builder: dynamic_supervisor.Builder,
) -> child.Child(dynamic_supervisor.DynamicSupervisor) {
  let start = fn() { named(tokens, name, dynamic_supervisor.start(builder, in: tokens.runtime)) }
  child.supervisor(id: name, starting: start)
}

fn named(
  tokens: Tokens,
  name: String,
  outcome: Result(start.Started(data), start.StartError),
) -> Result(start.Started(data), start.StartError) {
  case outcome {
    Ok(started) -> {
      let assert Ok(Nil) = runtime.register(tokens.runtime, pid: started.pid, named: tokens.prefix <> "." <> name)
      Ok(started)
    }
    Error(error) -> Error(error)
  }
}

/// The dynamic supervisor of that name; while it is started again there is none.
fn find(tokens: Tokens, name: String) -> Result(dynamic_supervisor.DynamicSupervisor, Nil) {
  case runtime.whereis(tokens.runtime, tokens.prefix <> "." <> name) {
    Error(Nil) -> Error(Nil)
    Ok(pid) ->
      case dynamic_supervisor.at(pid: pid) {
        Ok(found) -> Ok(found)
        Error(_) -> Error(Nil)
      }
  }
}

// ---- from an app to its server ----

/// An entry is gone before anybody can see that its process is, so what is found was alive when it was found.
pub fn whereis(tokens: Tokens, app: String) -> Result(process.Subject(Message), Nil) {
  let names: Result(registry.Registry(String, Message), registry.RegistryError) =
    registry.find(in: tokens.runtime, named: tokens.prefix <> ".Registry")
  case names {
    Error(_) -> Error(Nil)
    Ok(names) ->
      case registry.lookup(in: names, key: app) {
        Ok(server) -> Ok(server)
        Error(_) -> Error(Nil)
      }
  }
}

/// Of all who find nobody one starts the server. The others are told that the app has a child: it is being started, or
/// started again after a crash. They look again, until it can be found.
pub fn resolve(tokens: Tokens, app: String) -> process.Subject(Message) {
  case whereis(tokens, app), find(tokens, "DynamicSupervisor") {
    Ok(server), _ -> server
    Error(Nil), Error(Nil) -> resolve_later(tokens, app)
    Error(Nil), Ok(servers) -> {
      let server = child.worker(id: app, starting: fn() { start_server(tokens, app) })
      case dynamic_supervisor.start_child(in: servers, child: server) {
        Ok(started) -> started.data
        Error(_) -> resolve_later(tokens, app)
      }
    }
  }
}

fn resolve_later(tokens: Tokens, app: String) -> process.Subject(Message) {
  process.sleep(1)
  resolve(tokens, app)
}

/// The token of an app. Nearly always the table has it, and no process is asked.
pub fn get(tokens: Tokens, app: String) -> String {
  case read(tokens, app) {
    Ok(row) -> row.token
    Error(Nil) -> ask(tokens, app, Get)
  }
}

/// A new token in any case, after which nobody is given the old one.
pub fn refresh(tokens: Tokens, app: String) -> String {
  ask(tokens, app, Refresh)
}

fn ask(tokens: Tokens, app: String, question: fn(process.Subject(String)) -> Message) -> String {
  let assert Ok(token) = process.call(resolve(tokens, app), sending: question, within: drill.forever)
  token
}

// ---- rows ----

/// The table, which anybody may write to: so what comes out is decoded.
pub fn rows(tokens: Tokens) -> table.Table(String, Row) {
  let row =
    decode.element(
      at: 1,
      of: decode.string,
      then: fn(token) {
        decode.element(at: 2, of: decode.int, then: fn(expires) { decode.success(Row(token, expires)) })
      },
    )
  let assert Ok(rows) =
    table.find(in: tokens.runtime, named: tokens.prefix <> ".tokens", key: decode.string, value: row)
  rows
}

/// The row of an app, if there is one that has not expired.
fn read(tokens: Tokens, app: String) -> Result(Row, Nil) {
  case table.lookup(in: rows(tokens), key: app) {
    Ok(row) -> good(row)
    Error(_) -> Error(Nil)
  }
}

fn good(row: Row) -> Result(Row, Nil) {
  case row.expires > drill.now() {
    True -> Ok(row)
    False -> Error(Nil)
  }
}

// ---- AppServer: gets tokens for one app, one at a time ----

/// Whoever asks while it is at it waits, and then finds what it got. One that is started again finds the token of the
/// one before in the table.
fn start_server(tokens: Tokens, name: String) -> Result(start.Started(process.Subject(Message)), start.StartError) {
  let assert Ok(names) = registry.find(in: tokens.runtime, named: tokens.prefix <> ".Registry")
  server.new_with_initialiser(
    within: 5000,
    running: fn(self) {
      tokens.started()
      let app = App(tokens, name, self, 0)
      case read(tokens, name) {
        Ok(row) -> Ok(server.initialised(start_timer(app, row)))
        Error(Nil) -> Ok(server.initialised(app))
      }
    },
  )
  |> server.on_message(handle)
  |> server.registered(in: names, under: name)
  |> server.start
}

fn handle(app: App, message: Message) -> server.Next(App) {
  let current_timer = app.timer
  case message {
    Get(reply) -> {
      let #(app, token) = current(app)
      process.send(to: reply, message: token)
      server.Continue(app)
    }
    // The old token is out of the table before the new one is asked for: who looks meanwhile asks this server.
    Refresh(reply) -> {
      let assert Ok(Nil) = table.delete(from: rows(app.tokens), key: app.name)
      let #(app, token) = acquire(app)
      process.send(to: reply, message: token)
      server.Continue(app)
    }
    // The token is still good, and stays in the table until there is another.
    SoftExpiry(timer) if timer == current_timer -> {
      let #(app, _) = acquire(app)
      server.Continue(app)
    }
    SoftExpiry(_) -> server.Continue(app)
  }
}

/// From the table, else from the storage, else a new one.
fn current(app: App) -> #(App, String) {
  case read(app.tokens, app.name) {
    Ok(row) -> #(app, row.token)
    Error(Nil) ->
      case app.tokens.load(app.name) {
        Error(Nil) -> acquire(app)
        Ok(row) ->
          case good(row) {
            Ok(row) -> #(write(app, row), row.token)
            Error(Nil) -> acquire(app)
          }
      }
  }
}

/// A new token, into the table and to the storage. The latter in a process of its own: a slow storage keeps nobody
/// waiting, and one that fails ends only that.
fn acquire(app: App) -> #(App, String) {
  let App(tokens, name, _, _) = app
  let token = tokens.command(name)
  let row = Row(token, drill.now() + tokens.ttl)
  let app = write(app, row)
  let start = fn() { Ok(start.Started(process.spawn(fn() { tokens.save(name, row) }), Nil)) }
  let assert Ok(supervisor) = find(tokens, "TaskSupervisor")
  let task = child.worker(id: token, starting: start) |> child.restart(child.Temporary)
  let assert Ok(_) = dynamic_supervisor.start_child(in: supervisor, child: task)
  #(app, token)
}

fn write(app: App, row: Row) -> App {
  let assert Ok(Nil) = table.insert(into: rows(app.tokens), key: app.name, value: row)
  start_timer(app, row)
}

/// Of the timers of before nobody takes notice any more.
fn start_timer(app: App, row: Row) -> App {
  let timer = app.timer + 1
  let early = row.expires - drill.now() - app.tokens.early
  let after = case early > 0 {
    True -> early
    False -> 0
  }
  drill.send_after(to: app.self, message: SoftExpiry(timer), after: after)
  App(..app, timer: timer)
}
