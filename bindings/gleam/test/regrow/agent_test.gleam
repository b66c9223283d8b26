import regrow/agent
import regrow/decode
import regrow/process
import regrow/start

fn unlinked(make: fn() -> state) -> agent.Agent(state) {
  let assert Ok(started) = agent.start(make)
  process.unlink(from: started.pid)
  started.data
}

fn same(n: a) -> a {
  n
}

// FEATURES AG1
pub fn an_agent_keeps_a_value_test() {
  let counter = unlinked(fn() { 42 })
  let assert Ok(42) = agent.get(counter, with: same, within: 20_000)
  let assert Ok(Nil) = agent.update(counter, with: fn(n) { n + 10 }, within: 20_000)
  let assert Ok(52) = agent.get_and_update(counter, with: fn(n) { #(n, n * 2) }, within: 20_000)
  let assert Ok(104) = agent.get(counter, with: same, within: 20_000)
  agent.cast(counter, with: fn(n) { n + 1 })
  let assert Ok("105") = agent.get(counter, with: to_string, within: 20_000)
  let assert Ok(Nil) = agent.stop(counter, within: 20_000)
  let assert Error(process.NoProcess) = agent.get(counter, with: same, within: 20_000)
  let assert Error(process.NoProcess) = agent.update(counter, with: same, within: 20_000)
  let assert Error(process.NoProcess) = agent.stop(counter, within: 20_000)
  agent.cast(counter, with: same)
}

// FEATURES AG2
pub fn a_function_that_panics_ends_the_agent_and_is_told_test() {
  let counter = unlinked(fn() { 42 })
  let assert Error(process.Exited(process.Abnormal(_))) = agent.get(counter, with: fn(_) { panic }, within: 20_000)
  let assert False = process.is_alive(agent.pid(of: counter))
  let assert Error(start.InitExited(process.Abnormal(_))) = agent.start(fn() -> Int { panic })
  process.sleep(20)
}

pub fn a_call_that_is_late_leaves_the_agent_alive_test() {
  let counter = unlinked(fn() { 42 })
  let told = process.new_subject()
  let slow = fn(n) {
    let mine = process.new_subject()
    process.send(to: told, message: mine)
    let assert Ok(Nil) = process.receive(from: mine, within: 60_000)
    n
  }
  let assert Error(process.Timeout) = agent.get(counter, with: slow, within: 1)
  let assert Ok(its) = process.receive(from: told, within: 20_000)
  process.send(to: its, message: Nil)
  let assert Ok(42) = agent.get(counter, with: same, within: 20_000)
  let assert Error(process.CallingSelf) = from_inside(counter)
  process.kill(agent.pid(of: counter))
}

fn from_inside(counter: agent.Agent(Int)) -> Result(Int, process.CallError) {
  let assert Ok(answer) =
    agent.get(counter, with: fn(_) { agent.get(counter, with: same, within: 20_000) }, within: 20_000)
  answer
}

pub fn eight_processes_change_it_one_after_the_other_test() {
  let counter = unlinked(fn() { 0 })
  let done = process.new_subject()
  repeat(8, fn() {
    let _ =
      process.spawn(running: fn() {
        repeat(500, fn() { agent.update(counter, with: fn(n) { n + 1 }, within: 60_000) })
        process.send(to: done, message: Nil)
      })
    Nil
  })
  repeat(8, fn() {
    let assert Ok(Nil) = process.receive(from: done, within: 20_000)
    Nil
  })
  let assert Ok(4000) = agent.get(counter, with: same, within: 20_000)
  process.kill(agent.pid(of: counter))
}

fn repeat(times: Int, function: fn() -> a) -> Nil {
  case times {
    0 -> Nil
    _ -> {
      function()
      repeat(times - 1, function)
    }
  }
}

pub fn the_wrong_decoder_is_an_error_and_no_crash_test() {
  let counter = unlinked(fn() { 42 })
  let pid = agent.pid(of: counter)
  let assert Ok(same_agent) = agent.at(pid: pid, decoder: decode.int, within: 20_000)
  let assert Ok(Nil) = agent.update(same_agent, with: fn(n) { n + 1 }, within: 20_000)
  let assert Error(agent.Undecodable([decode.DecodeError("String", "Int", [])])) =
    agent.at(pid: pid, decoder: decode.string, within: 20_000)
  let assert Ok(43) = agent.get(counter, with: same, within: 20_000)
  let assert Ok(Nil) = agent.stop(counter, within: 20_000)
  let assert Error(agent.NoAgent(process.NoProcess)) = agent.at(pid: pid, decoder: decode.int, within: 20_000)
}

@external(erlang, "erlang", "integer_to_binary")
fn to_string(number: Int) -> String
