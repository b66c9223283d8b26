//// The claims of the token servers in `support/tokens`: those of the C program, whose threads are processes here.

import regrow/process
import regrow/runtime
import regrow/table
import regrow/task
import support/drill
import support/items
import support/say
import support/tokens

/// A tree under names of its own, with a backend that is no more than a counter and a clock, and a storage that is no
/// more than a table.
type Trio {
  Trio(
    tokens: tokens.Tokens,
    settings: table.Table(Setting, Int),
    storage: table.Table(String, tokens.Row),
    answers: process.Subject(String),
  )
}

pub type Setting {
  Commands
  Starts
  CommandMs
  SaveMs
  NoSave
}

pub fn main() -> Nil {
  let runtime = drill.start()
  process.trap_exits(True)
  resolve_at_once(runtime, "one", 1, "64 threads resolve one app at once: one start, one pid, no error")
  resolve_at_once(runtime, "eight", 8, "64 threads resolve eight apps at once: eight starts, a pid for each")
  look_after_ends(runtime)
  who_falls_with_whom(runtime)
  side_by_side_and_together(runtime)
  new_tokens_for_old(runtime)
  several(runtime)
}

fn claim(id: String, holds: Bool, sentence: String) -> Nil {
  let outcome = case holds {
    True -> " ok "
    False -> " FAILED "
  }
  say.line(id <> outcome <> sentence)
}

// ---- a tree ----

fn start(runtime: runtime.Runtime, prefix: String) -> Trio {
  start_with(runtime, prefix, fn(tokens) { tokens })
}

fn start_with(
  runtime: runtime.Runtime,
  prefix: String,
  change: fn(tokens.Tokens) -> tokens.Tokens,
) -> Trio {
  let public = table.new() |> table.access(table.Public)
  let assert Ok(settings) = table.create(public, in: runtime)
  let assert Ok(storage) = table.create(public, in: runtime)
  let command = fn(app) {
    let assert Ok(number) = table.add(to: settings, key: Commands, number: 1, starting_at: 0)
    drill.sleep(setting(settings, CommandMs))
    app <> "-token-" <> say.number(number)
  }
  let load = fn(app) {
    case table.lookup(in: storage, key: app) {
      Ok(row) -> Ok(row)
      Error(_) -> Error(Nil)
    }
  }
  let save = fn(app, row) {
    drill.sleep(setting(settings, SaveMs))
    let assert 0 = setting(settings, NoSave)
    let assert Ok(Nil) = table.insert(into: storage, key: app, value: row)
    Nil
  }
  let started = fn() {
    let assert Ok(_) = table.add(to: settings, key: Starts, number: 1, starting_at: 0)
    Nil
  }
  let tokens =
    change(tokens.Tokens(
      runtime: runtime,
      prefix: prefix,
      max_restarts: 20,
      ttl: 3_600_000,
      early: 60_000,
      command: command,
      load: load,
      save: save,
      started: started,
    ))
  tokens.start(tokens)
  Trio(tokens, settings, storage, process.new_subject())
}

fn setting(settings: table.Table(Setting, Int), key: Setting) -> Int {
  case table.lookup(in: settings, key: key) {
    Ok(value) -> value
    Error(_) -> 0
  }
}

fn get(trio: Trio, key: Setting) -> Int {
  setting(trio.settings, key)
}

fn set(trio: Trio, key: Setting, value: Int) -> Nil {
  let assert Ok(Nil) = table.insert(into: trio.settings, key: key, value: value)
  Nil
}

fn size(trio: Trio) -> Int {
  let assert Ok(size) = table.size(of: tokens.rows(trio.tokens))
  size
}

fn is_stored(trio: Trio, app: String, token: String) -> Bool {
  case table.lookup(in: trio.storage, key: app) {
    Ok(row) -> row.token == token
    Error(_) -> False
  }
}

fn resolve(trio: Trio, app: String) -> process.Pid {
  process.owner(of: tokens.resolve(trio.tokens, app))
}

/// Who has the names of the tree's children, in their order.
fn members(trio: Trio) -> List(Result(process.Pid, Nil)) {
  drill.settle()
  items.map(
    of: ["Registry", "ETSOwner", "TaskSupervisor", "DynamicSupervisor"],
    with: fn(name) { runtime.whereis(trio.tokens.runtime, trio.tokens.prefix <> "." <> name) },
  )
}

/// Whether those behind the first `old` are new since `before`, and the others are not.
fn are_new_behind(trio: Trio, old: Int, before: List(Result(process.Pid, Nil))) -> Bool {
  let now = members(trio)
  let places = items.zip([0, 1, 2, 3], items.zip(before, now))
  items.all(
    of: places,
    are: fn(one) {
      let #(place, #(before, now)) = one
      case place < old {
        True -> before == now
        False -> before != now && now != Error(Nil)
      }
    },
  )
}

fn kill(pid: process.Pid) -> Nil {
  drill.kill(pid)
  drill.settle()
}

fn kill_member(trio: Trio, name: String) -> Nil {
  let assert Ok(pid) = runtime.whereis(trio.tokens.runtime, trio.tokens.prefix <> "." <> name)
  kill(pid)
}

// ---- clients: processes that ask for a token and tell what they got ----

/// Until it waits for something.
fn client(trio: Trio, app: String, ask: fn(tokens.Tokens, String) -> String) -> Nil {
  process.spawn_unlinked(fn() { process.send(to: trio.answers, message: ask(trio.tokens, app)) })
  drill.settle()
}

/// The answers that there are since they were last looked at.
fn answers(trio: Trio) -> List(String) {
  case process.receive(from: trio.answers, within: 0) {
    Ok(answer) -> [answer, ..answers(trio)]
    Error(_) -> []
  }
}

fn gets(trio: Trio, app: String, token: String) -> Bool {
  client(trio, app, tokens.get)
  answers(trio) == [token]
}

fn all_are(answers: List(String), count: Int, token: String) -> Bool {
  items.length(answers) == count && items.unique(answers) == [token]
}

fn at_once(function: fn(Int) -> a) -> List(a) {
  let tasks = items.map(of: items.range(0, 63), with: fn(n) { task.async(fn() { function(n) }) })
  items.map(
    of: task.await_all(tasks, within: 60_000),
    with: fn(outcome) {
      let assert Ok(value) = outcome
      value
    },
  )
}

// ---- TS1, TS2 ----

fn resolve_at_once(runtime: runtime.Runtime, prefix: String, apps: Int, sentence: String) -> Nil {
  let trio = start(runtime, prefix)
  let found = at_once(fn(n) { #(n % apps, resolve(trio, "app-" <> say.number(n % apps))) })
  let pids = items.unique(items.map(of: found, with: fn(one: #(Int, process.Pid)) { one.1 }))
  claim(
    "TS1",
    get(trio, Starts) == apps && items.length(items.unique(found)) == apps && items.length(pids) == apps,
    sentence,
  )
}

fn look_after_ends(runtime: runtime.Runtime) -> Nil {
  let trio = start_with(runtime, "ends", fn(tokens) { tokens.Tokens(..tokens, max_restarts: 6400) })
  let nobody = tokens.whereis(trio.tokens, "app-0") == Error(Nil) && get(trio, Starts) == 0
  let fine = at_once(fn(n) { end_and_look(trio, "app-" <> say.number(n), 50) })
  claim("TS2", nobody, "whereis finds nobody, and starts nobody")
  claim(
    "TS2",
    items.all(of: fine, are: fn(fine) { fine }),
    "64 threads x 50 ends: nobody who had heard of an end was given the one that had ended",
  )
}

/// Whoever has heard of an end finds nobody, or the next one.
fn end_and_look(trio: Trio, app: String, times: Int) -> Bool {
  case times {
    0 -> True
    _ -> {
      let ended = resolve(trio, app)
      drill.kill(ended)
      let fresh = fn(pid) { pid != ended && process.is_alive(pid) }
      let found = case tokens.whereis(trio.tokens, app) {
        Ok(server) -> fresh(process.owner(of: server))
        Error(Nil) -> True
      }
      found && fresh(resolve(trio, app)) && end_and_look(trio, app, times - 1)
    }
  }
}

// ---- TS3: who falls with whom ----

fn who_falls_with_whom(runtime: runtime.Runtime) -> Nil {
  let trio = start(runtime, "falls")
  let held = gets(trio, "my-app", "my-app-token-1") && size(trio) == 1
  let before = members(trio)
  kill_member(trio, "Registry")
  claim(
    "TS3",
    held && are_new_behind(trio, 0, before) && size(trio) == 0 && tokens.whereis(trio.tokens, "my-app") == Error(Nil),
    "the registry is killed: all four are new, the table is empty, no app server is there",
  )

  let held = gets(trio, "my-app", "my-app-token-1") && size(trio) == 1
  let before = members(trio)
  kill_member(trio, "ETSOwner")
  claim(
    "TS3",
    held && are_new_behind(trio, 1, before) && size(trio) == 0,
    "the owner of the table is killed: it and those behind it are new, the registry is not, the table is empty",
  )
  claim(
    "TS3",
    gets(trio, "my-app", "my-app-token-1") && get(trio, Commands) == 1,
    "the first to ask then has the token from the storage, not from a command",
  )

  let before = members(trio)
  let app = resolve(trio, "my-app")
  let other = resolve(trio, "other-app")
  kill(app)
  let only = resolve(trio, "my-app") != app && resolve(trio, "other-app") == other
  claim(
    "TS3",
    only && are_new_behind(trio, 4, before) && size(trio) == 1,
    "an app server is killed: only it is new, the table is as it was",
  )

  // That one does not count any more.
  drill.advance(by: 60_001)
  items.each(of: items.range(1, 20), do: fn(_) { kill(resolve(trio, "my-app")) })
  claim("TS3", are_new_behind(trio, 4, before), "20 app servers are killed within 60 s: nobody else is new")
  kill(resolve(trio, "my-app"))
  claim("TS3", are_new_behind(trio, 3, before), "the 21st: the dynamic supervisor is new, and nobody else")
  claim("TS3", gets(trio, "my-app", "my-app-token-1"), "the token outlived all of it")
}

// ---- TS4: side by side, and together ----

fn side_by_side_and_together(runtime: runtime.Runtime) -> Nil {
  let trio = start(runtime, "slow")
  set(trio, CommandMs, 100)
  client(trio, "one", tokens.get)
  client(trio, "two", tokens.get)
  drill.advance(by: 99)
  let early = answers(trio)
  drill.advance(by: 1)
  claim(
    "TS4",
    early == [] && items.length(answers(trio)) == 2 && size(trio) == 2,
    "two apps whose commands take 100 ms each have their tokens after 100 ms",
  )

  items.each(of: items.range(1, 10), do: fn(_) { client(trio, "same", tokens.get) })
  drill.advance(by: 100)
  claim(
    "TS4",
    all_are(answers(trio), 10, "same-token-3") && get(trio, Commands) == 3,
    "ten ask for one token at once: one command, and all have it after 100 ms",
  )
}

// ---- TS5: new tokens for old ----

fn new_tokens_for_old(runtime: runtime.Runtime) -> Nil {
  let trio = start_with(runtime, "fresh", fn(tokens) { tokens.Tokens(..tokens, ttl: 1000, early: 200) })
  let first = gets(trio, "app", "app-token-1")
  set(trio, CommandMs, 100)
  client(trio, "app", tokens.refresh)
  items.each(of: items.range(1, 5), do: fn(_) { client(trio, "app", tokens.get) })
  let early = answers(trio)
  drill.advance(by: 100)
  claim(
    "TS5",
    first && early == [] && all_are(answers(trio), 6, "app-token-2") && get(trio, Commands) == 2,
    "a refresh, and five who ask meanwhile: all have the new token, by one command",
  )

  // That token came at this moment, and is good for 1,000 ms.
  set(trio, CommandMs, 0)
  drill.advance(by: 799)
  let before = gets(trio, "app", "app-token-2") && get(trio, Commands) == 2
  drill.advance(by: 1)
  claim(
    "TS5",
    before && get(trio, Commands) == 3 && gets(trio, "app", "app-token-3"),
    "200 ms before its end a token is replaced, though nobody asks",
  )

  set(trio, SaveMs, 500)
  client(trio, "app", tokens.refresh)
  let at_once = answers(trio) == ["app-token-4"] && is_stored(trio, "app", "app-token-3")
  drill.advance(by: 500)
  claim(
    "TS5",
    at_once && is_stored(trio, "app", "app-token-4"),
    "a storage that takes 500 ms delays nobody, and has the token then",
  )

  set(trio, SaveMs, 0)
  set(trio, NoSave, 1)
  let server = resolve(trio, "app")
  client(trio, "app", tokens.refresh)
  let answered = answers(trio) == ["app-token-5"]
  claim(
    "TS5",
    answered && is_stored(trio, "app", "app-token-4") && resolve(trio, "app") == server,
    "a storage that fails costs nobody the token, and ends nobody but its task",
  )
}

// ---- TS6: several of it ----

fn several(runtime: runtime.Runtime) -> Nil {
  let trios = items.map(of: [0, 1, 2, 3], with: fn(n) { start(runtime, "trio-" <> say.number(n)) })
  let got = items.all(of: trios, are: fn(trio) { gets(trio, "my-app", "my-app-token-1") })
  let pids = items.map(of: trios, with: fn(trio) { resolve(trio, "my-app") })
  let own = items.all(of: trios, are: fn(trio) { get(trio, Commands) == 1 && size(trio) == 1 })
  claim(
    "TS6",
    got && own && items.length(items.unique(pids)) == 4,
    "four trees: the same app has a server, a table and a token of its own in each",
  )

  let before = items.map(of: trios, with: members)
  let assert [_, _, third, _] = trios
  kill_member(third, "Registry")
  let others = fn(one: #(Trio, #(process.Pid, List(Result(process.Pid, Nil))))) {
    let #(trio, #(pid, before)) = one
    case trio.tokens.prefix {
      "trio-2" -> are_new_behind(trio, 0, before) && size(trio) == 0
      _ -> are_new_behind(trio, 4, before) && size(trio) == 1 && resolve(trio, "my-app") == pid
    }
  }
  claim(
    "TS6",
    items.all(of: items.zip(trios, items.zip(pids, before)), are: others),
    "the registry of one is killed: the other three do not notice",
  )
}
