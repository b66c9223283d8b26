//// Agents of native code: processes of a runtime that keep one term, which native code and all languages look at and
//// change. What goes there is encoded, what comes from there decoded.
////
//// ```gleam
//// let assert Ok(limit) =
////   native_agent.new(10, encode: dynamic.int, decode: decode.int)
////   |> native_agent.named("limit")
////   |> native_agent.start(in: runtime)
//// let assert Ok(Nil) = native_agent.update(limit, with: fn(n) { n + 1 }, within: 5000)
//// let assert Ok(11) = native_agent.get(limit, within: 5000)
//// ```
////
//// An agent in Gleam is `regrow/agent`: that runs its functions, while here they run in the caller.

import regrow/child
import regrow/decode
import regrow/dynamic
import regrow/process
import regrow/runtime
import regrow/start

/// An agent whose value is of one type here.
pub opaque type NativeAgent(state) {
  NativeAgent(pid: process.Pid, encode: fn(state) -> dynamic.Dynamic, decode: decode.Decoder(state))
}

/// Why there is no value, or none was kept.
pub type NativeAgentError {
  NoProcess
  /// It is a process of another kind.
  NoAgent
  Timeout
  /// It ended before it answered.
  Exited(reason: process.ExitReason)
  /// What it keeps is something else.
  Undecodable(errors: List(decode.DecodeError))
  /// The value cannot go to a native process: an integer in it has more than 128 KiB.
  CannotCross
}

/// What an agent is to be, for `start` and `child`.
pub opaque type Builder(state) {
  Builder(
    initial: state,
    name: Result(String, Nil),
    encode: fn(state) -> dynamic.Dynamic,
    decode: decode.Decoder(state),
  )
}

/// An agent that keeps a value from each start on.
pub fn new(
  initial: state,
  encode encode: fn(state) -> dynamic.Dynamic,
  decode decode: decode.Decoder(state),
) -> Builder(state) {
  Builder(initial: initial, name: Error(Nil), encode: encode, decode: decode)
}

/// Has a name in its runtime, by which `find` and native code find it.
pub fn named(builder: Builder(state), name: String) -> Builder(state) {
  Builder(..builder, name: Ok(name))
}

/// Starts an agent, which ends with its runtime.
pub fn start(builder: Builder(state), in runtime: runtime.Runtime) -> Result(NativeAgent(state), start.StartError) {
  case do_start(runtime, spec(builder)) {
    Ok(pid) -> Ok(at(pid: pid, encode: builder.encode, decode: builder.decode))
    Error(error) -> Error(error)
  }
}

/// An agent as a child of a supervisor. One that is started again has the first value again.
pub fn child(builder: Builder(state), id id: String) -> child.Child(NativeAgent(state)) {
  child.native_kind(id: id, spec: spec(builder), giving: fn(pid) {
    at(pid: pid, encode: builder.encode, decode: builder.decode)
  })
}

/// The agent that a process is. Whether it is one, and what it keeps, is seen when it is asked.
pub fn at(
  pid pid: process.Pid,
  encode encode: fn(state) -> dynamic.Dynamic,
  decode decode: decode.Decoder(state),
) -> NativeAgent(state) {
  NativeAgent(pid: pid, encode: encode, decode: decode)
}

/// The agent of that name, as `at`. `Error(NoProcess)`: nobody has it.
pub fn find(
  in runtime: runtime.Runtime,
  named name: String,
  encode encode: fn(state) -> dynamic.Dynamic,
  decode decode: decode.Decoder(state),
) -> Result(NativeAgent(state), NativeAgentError) {
  case runtime.whereis(runtime, name) {
    Ok(pid) -> Ok(at(pid: pid, encode: encode, decode: decode))
    Error(Nil) -> Error(NoProcess)
  }
}

/// The value.
pub fn get(agent: NativeAgent(state), within milliseconds: Int) -> Result(state, NativeAgentError) {
  case do_get(agent.pid, milliseconds) {
    Ok(value) -> decoded(value, agent.decode)
    Error(error) -> Error(error)
  }
}

/// Gives the agent another value, whatever it had.
pub fn replace(
  agent: NativeAgent(state),
  with state: state,
  within milliseconds: Int,
) -> Result(Nil, NativeAgentError) {
  do_get_and_update(agent.pid, fn(_) { Ok(#(Nil, agent.encode(state))) }, milliseconds)
}

/// Gives the agent a value that is made from the old one. Nobody's change in between is lost: then the function is
/// called again, with what there is now.
pub fn update(
  agent: NativeAgent(state),
  with function: fn(state) -> state,
  within milliseconds: Int,
) -> Result(Nil, NativeAgentError) {
  get_and_update(agent, with: fn(state) { #(Nil, function(state)) }, within: milliseconds)
}

/// As `update`: the function gives what is returned, and the next value. A value that is none for the decoder stays.
pub fn get_and_update(
  agent: NativeAgent(state),
  with function: fn(state) -> #(a, state),
  within milliseconds: Int,
) -> Result(a, NativeAgentError) {
  do_get_and_update(
    agent.pid,
    fn(value) {
      case decoded(value, agent.decode) {
        Ok(state) -> {
          let #(given, next) = function(state)
          Ok(#(given, agent.encode(next)))
        }
        Error(error) -> Error(error)
      }
    },
    milliseconds,
  )
}

/// The agent's process.
pub fn pid(of agent: NativeAgent(state)) -> process.Pid {
  agent.pid
}

/// Ends an agent, and waits until it has ended.
pub fn stop(agent: NativeAgent(state), within milliseconds: Int) -> Result(Nil, process.CallError) {
  process.stop(agent.pid, within: milliseconds)
}

fn spec(builder: Builder(state)) -> dynamic.Dynamic {
  do_spec(builder.encode(builder.initial), builder.name)
}

fn decoded(value: dynamic.Dynamic, decoder: decode.Decoder(state)) -> Result(state, NativeAgentError) {
  case decode.run(value, decoder) {
    Ok(state) -> Ok(state)
    Error(errors) -> Error(Undecodable(errors))
  }
}

@external(erlang, "regrow_gleam_native_agent", "spec")
fn do_spec(initial: dynamic.Dynamic, name: Result(String, Nil)) -> dynamic.Dynamic

@external(erlang, "regrow_gleam_runtime", "start_native")
fn do_start(runtime: runtime.Runtime, spec: dynamic.Dynamic) -> Result(process.Pid, start.StartError)

@external(erlang, "regrow_gleam_native_agent", "get")
fn do_get(agent: process.Pid, milliseconds: Int) -> Result(dynamic.Dynamic, NativeAgentError)

@external(erlang, "regrow_gleam_native_agent", "get_and_update")
fn do_get_and_update(
  agent: process.Pid,
  function: fn(dynamic.Dynamic) -> Result(#(a, dynamic.Dynamic), NativeAgentError),
  milliseconds: Int,
) -> Result(a, NativeAgentError)
