//// Work that is done beside the caller.

import regrow/process
import regrow/task
import support/say

pub fn main() -> Nil {
  let slow =
    task.async(running: fn() {
      process.sleep(20)
      "slow"
    })
  let quick = task.async(running: fn() { "quick" })
  let assert Ok(first) = task.await(quick, within: 5000)
  say.line(first)
  let assert Ok(second) = task.await(slow, within: 5000)
  say.line(second)

  // A task that fails is an error, and not the end of who waits for it.
  let failing = task.async(running: fn() -> String { panic })
  case task.await(failing, within: 5000) {
    Error(task.Crashed(_)) -> say.line("crashed")
    _ -> say.line("a value")
  }

  // One that takes too long runs on, until it is told to end.
  let endless = task.async(running: fn() { process.sleep(60_000) })
  let assert Error(task.Timeout) = task.await(endless, within: 10)
  let assert Error(task.Exited(process.Shutdown)) = task.shutdown(endless, within: 5000)
  say.line("ended")
}
