//// When a step is over (FORMAT.md, section 4). `runtime.settle` knows of native processes and of what they have handed
//// to those of the BEAM; what these do among themselves only the BEAM knows.

import executor/lists
import executor/recorder
import executor/world
import regrow/clock
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

/// The BEAM does nothing from before the runtime is quiet until after that, with all at rest, and no timer to wait for.
/// Asking who there is has the recorder run, so it is done before and after.
fn is_quiet(world: world.World) -> Bool {
  !is_timer_pending(world) && all_rest(world) && nothing_happens(world) && all_rest(world)
}

fn nothing_happens(world: world.World) -> Bool {
  let before = look()
  let assert Ok(Nil) = runtime.settle(world.runtime, within: patience)
  before != Error(Nil) && before == look()
}

fn all_rest(world: world.World) -> Bool {
  recorder.attempts(world.recorder)
  |> lists.filter(where: fn(attempt: recorder.Attempt) {
    attempt.ended == Error(Nil) && attempt.begun.kind != recorder.Task
  })
  |> lists.all(where: fn(attempt: recorder.Attempt) { is_in_main_loop(attempt.begun.pid) })
}

fn is_timer_pending(world: world.World) -> Bool {
  world.stored(world).timers
  |> lists.any(where: fn(entry) {
    let #(_, #(timer, milliseconds)) = entry
    milliseconds <= short_timer && clock.time_left(timer) != Error(clock.NoTimer)
  })
}

@external(erlang, "regrow_gleam_conformance", "look")
fn look() -> Result(dynamic.Dynamic, Nil)

@external(erlang, "regrow_gleam_conformance", "is_in_main_loop")
fn is_in_main_loop(pid: process.Pid) -> Bool
