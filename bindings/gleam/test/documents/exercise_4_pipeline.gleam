//// Exercise 4: a pipeline whose stages depend on the ones before, so rest_for_one: whoever crashes takes along what
//// comes after it.
////
////     Pipeline             supervisor, rest_for_one
////     |- input             5 becomes Validated(5)
////     |- process           Validated(5) becomes Processed(10)
////     `- output            prints it

import regrow/child
import regrow/decode
import regrow/dynamic
import regrow/process
import regrow/registry
import regrow/runtime
import regrow/server
import regrow/start
import regrow/supervisor
import support/drill
import support/items
import support/say

pub type Data {
  Raw(number: Int)
  Validated(number: Int)
  Processed(number: Int)
}

type Stages =
  registry.Registry(String, Data)

pub fn main() -> Nil {
  let runtime = drill.start()
  let assert Ok(stages) = registry.unique() |> registry.start(in: runtime)

  say.line("Three stages of one id are refused.")
  let assert Error(start.NotStarted(reason)) = start_pipeline(runtime, stages, ["Stage", "Stage", "Stage"])
  say.line("   REGROW_ERR_START: " <> show_refusal(reason))

  say.line("Each has an id of its own.")
  let assert Ok(_) = start_pipeline(runtime, stages, ["input", "process", "output"])
  submit(stages, 5)
  kill(stages, "process")
  kill(stages, "output")
  kill(stages, "input")
  submit(stages, 21)
}

/// `ids` are what the stages go by under their supervisor.
fn start_pipeline(
  runtime: runtime.Runtime,
  stages: Stages,
  ids: List(String),
) -> Result(start.Started(supervisor.Supervisor), start.StartError) {
  let assert [input, process, output] = ids
  // If upstream crashes, downstream is started again.
  supervisor.new(supervisor.RestForOne)
  |> supervisor.restart_tolerance(intensity: 3, period: 5)
  |> supervisor.add(stage(stages, input, "input", "none", "process"))
  |> supervisor.add(stage(stages, process, "process", "input", "output"))
  |> supervisor.add(stage(stages, output, "output", "process", "none"))
  |> supervisor.start(in: runtime)
}

// ---- Stage: the server ----

fn stage(
  stages: Stages,
  id: String,
  name: String,
  upstream: String,
  downstream: String,
) -> child.Child(process.Subject(Data)) {
  let stage =
    server.new_with_initialiser(
      within: 5000,
      running: fn(_) {
        say.line("   stage " <> name <> " started (upstream: " <> upstream <> ")")
        Ok(server.initialised(0))
      },
    )
    |> server.on_message(fn(processed, data) {
      say.line("   " <> name <> " is processing: " <> show_data(data))
      case transform(data) {
        Ok(next) -> pass_on(stages, downstream, next)
        Error(Nil) -> Nil
      }
      server.Continue(processed + 1)
    })
    |> server.registered(in: stages, under: name)
  child.worker(id: id, starting: fn() { server.start(stage) })
}

/// What goes to the next stage, if anything does.
fn transform(data: Data) -> Result(Data, Nil) {
  case data {
    Raw(number) -> Ok(Validated(number))
    Validated(number) -> Ok(Processed(number * 2))
    Processed(number) -> {
      say.line("   Output: " <> say.number(number))
      Error(Nil)
    }
  }
}

/// A stage that cannot hand on crashes: the supervisor knows what to do about it.
fn pass_on(stages: Stages, name: String, data: Data) -> Nil {
  let assert Ok(stage) = registry.lookup(in: stages, key: name)
  process.send(to: stage, message: data)
}

// ---- what is done with it ----

fn submit(stages: Stages, number: Int) -> Nil {
  say.line(say.number(number) <> " is submitted.")
  pass_on(stages, "input", Raw(number))
  drill.settle()
}

fn kill(stages: Stages, victim: String) -> Nil {
  let names = ["input", "process", "output"]
  let look = fn() { items.map(of: names, with: fn(name) { registry.whereis(in: stages, key: name) }) }
  let before = look()
  say.line(victim <> " is killed.")
  let assert Ok(pid) = registry.whereis(in: stages, key: victim)
  drill.kill(pid)
  drill.settle()
  items.each(
    of: items.zip(names, items.zip(before, look())),
    do: fn(one) {
      let #(name, #(old, now)) = one
      let change = case old == now {
        True -> "as before"
        False -> "new"
      }
      say.line("   " <> name <> ": " <> change)
    },
  )
}

fn show_data(data: Data) -> String {
  case data {
    Raw(number) -> say.number(number)
    other -> drill.show(other)
  }
}

/// {start_spec, {duplicate_child_name, Id}}, of which the id is a string here.
fn show_refusal(reason: dynamic.Dynamic) -> String {
  let id =
    decode.element(
      at: 1,
      of: decode.element(at: 1, of: decode.string, then: decode.success),
      then: decode.success,
    )
  case decode.run(reason, id) {
    Ok(id) -> "{start_spec,{duplicate_child_name,'" <> id <> "'}}"
    Error(_) -> drill.show(reason)
  }
}
