//// Registries.

import executor/lists
import executor/message
import executor/operation
import executor/recorder
import executor/scenario
import executor/text
import executor/words
import executor/world
import regrow/decode
import regrow/match
import regrow/process
import regrow/registry

const call_time = 1000

pub fn operations() -> List(operation.Operation) {
  [
    operation.Operation("reg_start", operation.Main, start),
    operation.Operation("reg_register", operation.Process, register),
    operation.Operation("reg_unregister", operation.Process, unregister),
    operation.Operation("reg_unregister_match", operation.Process, unregister_match),
    operation.Operation("reg_update", operation.Process, update),
    operation.Operation("reg_lookup", operation.Main, lookup),
    operation.Operation("reg_whereis", operation.Main, whereis),
    operation.Operation("reg_keys", operation.Main, keys),
    operation.Operation("reg_count", operation.Main, count),
    operation.Operation("reg_dispatch", operation.Main, dispatch),
    operation.Operation("reg_call", operation.Main, call),
  ]
}

fn start(world: world.World, words: List(String), _: scenario.Line) -> String {
  let assert [name, kind, ..] = words
  let builder = case kind {
    "unique" -> registry.unique()
    _ -> registry.duplicate()
  }
  case registry.start(builder, in: world.runtime) {
    Ok(started) -> {
      world.change(world, with: fn(store) {
        world.Store(..store, registries: [#(name, started), ..store.registries])
      })
      "ok"
    }
    Error(error) -> "error " <> operation.show_start_error(world, error)
  }
}

fn named(world: world.World, name: String) -> world.Registry {
  let assert Ok(registry) = lists.value(world.stored(world).registries, of: name)
  registry
}

fn done(world: world.World, outcome: Result(Nil, registry.RegistryError)) -> String {
  case outcome {
    Ok(Nil) -> "ok"
    Error(error) -> failed(world, error)
  }
}

fn failed(world: world.World, error: registry.RegistryError) -> String {
  case error {
    registry.AlreadyRegistered(by) -> "error already_registered " <> world.label(world, by)
    registry.NotFound -> "error not_found"
    registry.DeadProcess -> "error noproc"
    registry.DeadRegistry -> "error badarg"
    registry.Undecodable(_) -> "error undecodable"
    registry.Failed(reason) -> "error " <> world.show(world, reason)
  }
}

fn register(world: world.World, words: List(String), _: scenario.Line) -> String {
  let assert [name, key, value, ..] = words
  registry.register_value(
    in: named(world, name),
    key: words.term(key),
    pid: process.self(),
    value: words.term(value),
  )
  |> done(world, _)
}

fn unregister(world: world.World, words: List(String), _: scenario.Line) -> String {
  let assert [name, key, ..] = words
  done(world, registry.unregister_process(in: named(world, name), key: words.term(key), pid: process.self()))
}

fn unregister_match(world: world.World, words: List(String), _: scenario.Line) -> String {
  let assert [name, key, value, ..] = words
  registry.unregister_matching(in: named(world, name), key: words.term(key), where: fn(registered) {
    match.equal(registered, to: match.value(words.term(value)))
  })
  |> done(world, _)
}

fn update(world: world.World, words: List(String), _: scenario.Line) -> String {
  let assert [name, key, value, ..] = words
  let updated =
    registry.update_value(
      in: named(world, name),
      key: words.term(key),
      decoder: decode.dynamic,
      with: fn(_) { words.term(value) },
    )
  case updated {
    Ok(registry.Updated(old: old, ..)) -> "ok " <> world.show(world, old)
    Error(_) -> "error"
  }
}

fn lookup(world: world.World, words: List(String), _: scenario.Line) -> String {
  let assert [name, key, ..] = words
  case registry.values(in: named(world, name), key: words.term(key), decoder: decode.dynamic) {
    Error(error) -> failed(world, error)
    Ok(entries) -> {
      let shown = lists.map(entries, with: fn(entry) {
        world.label(world, entry.0) <> "/" <> world.show(world, entry.1)
      })
      text.join(["entries", ..lists.sort(shown)], with: " ")
    }
  }
}

fn whereis(world: world.World, words: List(String), _: scenario.Line) -> String {
  let assert [name, key, ..] = words
  case registry.whereis(in: named(world, name), key: words.term(key)) {
    Ok(pid) -> world.label(world, pid)
    Error(registry.NotFound) -> "undefined"
    Error(error) -> failed(world, error)
  }
}

fn keys(world: world.World, words: List(String), _: scenario.Line) -> String {
  let assert [name, whom, ..] = words
  use pid <- operation.with_pid(world, whom, or: "error noproc")
  case registry.keys(in: named(world, name), of: pid) {
    Ok(keys) -> {
      let shown = lists.map(keys, with: fn(key) { world.show(world, key) })
      text.join(["keys", ..lists.sort(shown)], with: " ")
    }
    Error(error) -> failed(world, error)
  }
}

fn count(world: world.World, words: List(String), _: scenario.Line) -> String {
  let assert [name, ..] = words
  case registry.count(in: named(world, name)) {
    Ok(count) -> text.from_int(count)
    Error(error) -> failed(world, error)
  }
}

/// The entries have values of the scenario, so it goes by their processes.
fn dispatch(world: world.World, words: List(String), _: scenario.Line) -> String {
  let assert [name, key, value, ..] = words
  case registry.values(in: named(world, name), key: words.term(key), decoder: decode.dynamic) {
    Error(error) -> failed(world, error)
    Ok(entries) -> {
      lists.map(entries, with: fn(entry) {
        case recorder.of_pid(world.recorder, entry.0) {
          Ok(recorder.Attempt(handle: recorder.Talks(subject), ..)) ->
            process.send(to: subject, message: message.Tell(words.term(value)))
          _ -> Nil
        }
      })
      "ok"
    }
  }
}

fn call(world: world.World, words: List(String), _: scenario.Line) -> String {
  let assert [name, key, request, ..] = words
  case registry.whereis(in: named(world, name), key: words.term(key)) {
    Ok(pid) ->
      case recorder.of_pid(world.recorder, pid) {
        Ok(recorder.Attempt(handle: recorder.Talks(subject), ..)) ->
          operation.call(world, subject, request, call_time)
        _ -> "error noproc"
      }
    Error(_) -> "error noproc"
  }
}
