//// A value that many look at and change.

import regrow/agent
import regrow/decode
import regrow/process
import support/say

pub fn main() -> Nil {
  let assert Ok(counter) = agent.start(fn() { 42 })

  let assert Ok(value) = agent.get(counter.data, with: fn(n) { n }, within: 5000)
  say.line(say.number(value))

  let assert Ok(Nil) = agent.update(counter.data, with: fn(n) { n + 10 }, within: 5000)

  let assert Ok(old_value) = agent.get_and_update(counter.data, with: fn(n) { #(n, n * 2) }, within: 5000)
  say.line(say.number(old_value))

  // Who has only the pid says what he takes the value for: the wrong type is an error.
  let assert Ok(again) = agent.at(pid: counter.pid, decoder: decode.int, within: 5000)
  let assert Ok(value) = agent.get(again, with: fn(n) { n }, within: 5000)
  say.line(say.number(value))
  let assert Error(agent.Undecodable(_)) = agent.at(pid: counter.pid, decoder: decode.string, within: 5000)

  let assert Ok(Nil) = agent.stop(counter.data, within: 5000)
  let assert Error(process.NoProcess) = agent.get(counter.data, with: fn(n) { n }, within: 5000)
  say.line("stopped")
}
