import regrow/agent
import regrow/decode
import regrow/dynamic
import regrow/native_agent
import regrow/process
import regrow/runtime
import regrow/sys
import support/counter

pub fn a_suspended_process_handles_nothing_test() {
  let assert Ok(runtime) = runtime.start(runtime.new())
  let assert Ok(native) =
    native_agent.new(1, encode: dynamic.int, decode: decode.int) |> native_agent.start(in: runtime)
  let assert Ok(Nil) = sys.suspend(native_agent.pid(of: native), within: 20_000)
  let assert Error(native_agent.Timeout) = native_agent.get(native, within: 20)
  let assert Ok(Nil) = sys.resume(native_agent.pid(of: native), within: 20_000)
  let assert Ok(1) = native_agent.get(native, within: 20_000)

  let assert Ok(beam) = agent.start(fn() { 1 })
  let assert Ok(Nil) = sys.suspend(beam.pid, within: 20_000)
  let assert Error(process.Timeout) = agent.get(beam.data, with: fn(n) { n }, within: 20)
  let assert Ok(Nil) = sys.resume(beam.pid, within: 20_000)
  let assert Ok(1) = agent.get(beam.data, with: fn(n) { n }, within: 20_000)
  let assert Ok(Nil) = agent.stop(beam.data, within: 20_000)
  let assert Ok(Nil) = runtime.shutdown(runtime, within: 5000)
}

type Key {
  State
}

pub fn a_process_says_what_it_is_test() {
  let assert Ok(runtime) = runtime.new() |> runtime.log_level(runtime.Silent) |> runtime.start
  let assert Ok(native) =
    native_agent.new(7, encode: dynamic.int, decode: decode.int) |> native_agent.start(in: runtime)
  let assert Ok(status) = sys.status(native_agent.pid(of: native), within: 20_000)
  let state = decode.field(named: State, of: decode.int, then: decode.success)
  let assert Ok(7) = decode.run(status, state)
  let assert Ok(Nil) = sys.trace(native_agent.pid(of: native), True, within: 20_000)
  let assert Ok(Nil) = sys.trace(native_agent.pid(of: native), False, within: 20_000)
  let assert Ok(Nil) = runtime.shutdown(runtime, within: 5000)
}

pub fn what_cannot_be_looked_into_is_an_error_test() {
  let assert Ok(runtime) = runtime.start(runtime.new())
  let assert Ok(native) =
    native_agent.new(1, encode: dynamic.int, decode: decode.int) |> native_agent.start(in: runtime)
  let pid = native_agent.pid(of: native)
  let assert Ok(Nil) = native_agent.stop(native, within: 20_000)
  let assert Error(sys.NoProcess) = sys.suspend(pid, within: 20_000)
  let assert Error(sys.NoProcess) = sys.resume(pid, within: 20_000)
  let assert Error(sys.NoProcess) = sys.trace(pid, True, within: 20_000)
  let assert Error(sys.NoProcess) = sys.status(pid, within: 20_000)
  let plain = process.spawn_unlinked(running: fn() { process.sleep(60_000) })
  let assert Error(sys.Timeout) = sys.suspend(plain, within: 20)
  process.kill(plain)
  counter.until(fn() { !process.is_alive(plain) })
  let assert Error(sys.NoProcess) = sys.suspend(plain, within: 20)
  let assert Ok(Nil) = runtime.shutdown(runtime, within: 5000)
}
