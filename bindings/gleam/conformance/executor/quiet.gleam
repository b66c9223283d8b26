//// When a step is over (FORMAT.md, section 4). `runtime.settle` knows of native processes and of what they have handed
//// to those of the BEAM; what these do among themselves only the BEAM knows.

import executor/lists
import executor/recorder
import executor/world
import regrow/dynamic
import regrow/process
import regrow/runtime

const patience = 20_000

const short_timer = 100

pub fn wait(world: world.World) -> Nil {
  case is_quiet(world) {
    True -> Nil
    False -> {
      process.sleep(1)
      wait(world)
    }
  }
}

/// The BEAM did nothing from before the runtime was quiet until after that, and all rest.
fn is_quiet(world: world.World) -> Bool {
  let before = look()
  let assert Ok(Nil) = runtime.settle(world.runtime, within: patience)
  case before, look() {
    Ok(first), Ok(second) -> first == second && all_rest(world)
    _, _ -> False
  }
}

fn all_rest(world: world.World) -> Bool {
  let rest =
    recorder.attempts(world.recorder)
    |> lists.filter(where: fn(attempt: recorder.Attempt) {
      attempt.ended == Error(Nil) && attempt.begun.kind != recorder.Task
    })
    |> lists.all(where: fn(attempt: recorder.Attempt) { is_in_main_loop(attempt.begun.pid) })
  let timers =
    world.stored(world).timers
    |> lists.any(where: fn(entry) {
      let #(_, #(timer, milliseconds)) = entry
      milliseconds <= short_timer && process.time_left(timer) != Error(Nil)
    })
  rest && !timers
}

@external(erlang, "regrow_gleam_conformance", "look")
fn look() -> Result(dynamic.Dynamic, Nil)

@external(erlang, "regrow_gleam_conformance", "is_in_main_loop")
fn is_in_main_loop(pid: process.Pid) -> Bool
