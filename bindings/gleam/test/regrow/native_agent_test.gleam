import regrow/decode
import regrow/dynamic
import regrow/native_agent
import regrow/process
import regrow/pubsub
import regrow/runtime
import regrow/start
import regrow/supervisor

fn with_runtime(body: fn(runtime.Runtime) -> a) -> Nil {
  let assert Ok(runtime) = runtime.new() |> runtime.log_level(runtime.Silent) |> runtime.start
  body(runtime)
  let assert Ok(Nil) = runtime.shutdown(runtime, within: 5000)
  Nil
}

pub type Temperature {
  Celsius(degrees: Int)
}

/// What native code knows: a number.
fn to_native(temperature: Temperature) -> dynamic.Dynamic {
  dynamic.int(temperature.degrees)
}

fn from_native(value: dynamic.Dynamic) -> Result(Temperature, List(decode.DecodeError)) {
  decode.run(value, decode.map(decode.int, with: Celsius))
}

fn builder(degrees: Int) -> native_agent.Builder(Temperature) {
  native_agent.new(Celsius(degrees), encode: to_native, decode: from_native)
}

pub fn an_agent_keeps_what_is_encoded_test() {
  use runtime <- with_runtime
  let assert Ok(outside) = builder(20) |> native_agent.named("outside") |> native_agent.start(in: runtime)
  let assert True = process.is_native(native_agent.pid(of: outside))
  let assert Ok(Celsius(20)) = native_agent.get(outside, within: 20_000)
  let assert Ok(Nil) = native_agent.replace(outside, with: Celsius(21), within: 20_000)
  let warmer = fn(temperature: Temperature) { Celsius(temperature.degrees + 1) }
  let assert Ok(Nil) = native_agent.update(outside, with: warmer, within: 20_000)
  let assert Ok("was 22") =
    native_agent.get_and_update(
      outside,
      with: fn(temperature) {
        let assert Celsius(22) = temperature
        #("was 22", Celsius(0))
      },
      within: 20_000,
    )
  // Others see the number.
  let assert Ok(number) =
    native_agent.find(in: runtime, named: "outside", encode: dynamic.int, decode: decode.int)
  let assert Ok(0) = native_agent.get(number, within: 20_000)
  let assert Ok(Nil) = native_agent.stop(outside, within: 20_000)
  let assert Error(native_agent.NoProcess) = native_agent.get(outside, within: 20_000)
  let assert Error(native_agent.NoProcess) = native_agent.replace(outside, with: Celsius(1), within: 20_000)
  let assert Error(native_agent.NoProcess) =
    native_agent.find(in: runtime, named: "outside", encode: dynamic.int, decode: decode.int)
}

pub fn nobodys_change_is_lost_test() {
  use runtime <- with_runtime
  let assert Ok(sum) = native_agent.start(builder(0), in: runtime)
  let done = process.new_subject()
  times(4, fn() {
    let _ =
      process.spawn(running: fn() {
        times(100, fn() {
          let assert Ok(Nil) = native_agent.update(sum, with: fn(t) { Celsius(t.degrees + 1) }, within: 60_000)
          Nil
        })
        process.send(to: done, message: Nil)
      })
    Nil
  })
  times(4, fn() {
    let assert Ok(Nil) = process.receive(from: done, within: 60_000)
    Nil
  })
  let assert Ok(Celsius(400)) = native_agent.get(sum, within: 20_000)
}

fn times(count: Int, function: fn() -> Nil) -> Nil {
  case count {
    0 -> Nil
    _ -> {
      function()
      times(count - 1, function)
    }
  }
}

pub fn a_change_in_between_calls_the_function_again_test() {
  use runtime <- with_runtime
  let assert Ok(sum) = native_agent.start(builder(0), in: runtime)
  let assert Ok(seen) =
    native_agent.get_and_update(
      sum,
      with: fn(t) {
        case t {
          Celsius(0) -> {
            let assert Ok(Nil) = native_agent.replace(sum, with: Celsius(5), within: 20_000)
            #(t, Celsius(1))
          }
          _ -> #(t, Celsius(t.degrees + 1))
        }
      },
      within: 20_000,
    )
  let assert Celsius(5) = seen
  let assert Ok(Celsius(6)) = native_agent.get(sum, within: 20_000)
}

pub fn the_wrong_decoder_is_an_error_and_changes_nothing_test() {
  use runtime <- with_runtime
  let assert Ok(sum) = native_agent.start(builder(7), in: runtime)
  let text = native_agent.at(pid: native_agent.pid(of: sum), encode: dynamic.string, decode: decode.string)
  let assert Error(native_agent.Undecodable([decode.DecodeError("String", "Int", [])])) =
    native_agent.get(text, within: 20_000)
  let assert Error(native_agent.Undecodable(_)) = native_agent.update(text, with: fn(_) { "none" }, within: 20_000)
  let assert Ok(Celsius(7)) = native_agent.get(sum, within: 20_000)
  let assert Ok(Nil) = native_agent.replace(text, with: "seven", within: 20_000)
  let assert Error(native_agent.Undecodable(_)) = native_agent.get(sum, within: 20_000)
}

pub fn what_is_no_agent_is_an_error_test() {
  use runtime <- with_runtime
  let assert Ok(news) = pubsub.start(pubsub.new(), in: runtime)
  let native = native_agent.at(pid: pubsub.pid(of: news), encode: dynamic.int, decode: decode.int)
  let assert Error(native_agent.NoAgent) = native_agent.get(native, within: 20_000)
  let assert Error(native_agent.NoAgent) = native_agent.replace(native, with: 1, within: 20_000)
  let beam = native_agent.at(pid: process.self(), encode: dynamic.int, decode: decode.int)
  let assert Error(native_agent.NoAgent) = native_agent.get(beam, within: 20_000)
  let large = native_agent.new(Nil, encode: fn(_) { too_large() }, decode: decode.nil)
  let assert Error(start.NotStarted(_)) = native_agent.start(large, in: runtime)
  let assert Ok(agent) = native_agent.start(builder(1), in: runtime)
  let too_much = native_agent.at(pid: native_agent.pid(of: agent), encode: fn(_) { too_large() }, decode: decode.int)
  let assert Error(native_agent.CannotCross) = native_agent.replace(too_much, with: 1, within: 20_000)
  let assert Ok(1) = native_agent.get(too_much, within: 20_000)
}

pub fn an_agent_is_a_child_of_a_supervisor_test() {
  use runtime <- with_runtime
  let assert Ok(started) = supervisor.new(supervisor.OneForOne) |> supervisor.start(in: runtime)
  let assert Ok(start.Started(pid, agent)) =
    supervisor.start_child(in: started.data, child: native_agent.child(builder(3), id: "agent"))
  let assert True = pid == native_agent.pid(of: agent)
  let assert Ok(Celsius(3)) = native_agent.get(agent, within: 20_000)
  let assert Ok(Nil) = supervisor.stop(started.data, within: 5000)
  let assert Error(native_agent.NoProcess) = native_agent.get(agent, within: 20_000)
}

@external(erlang, "regrow_gleam_support", "too_large")
fn too_large() -> dynamic.Dynamic
