//// Agents: processes that keep one value, which anybody looks at and changes by functions. The functions run in the
//// agent, one after the other.
////
//// ```gleam
//// let assert Ok(counter) = agent.start(fn() { 42 })
//// let assert Ok(42) = agent.get(counter.data, fn(n) { n }, within: 5000)
//// let assert Ok(Nil) = agent.update(counter.data, fn(n) { n + 10 }, within: 5000)
//// ```
////
//// A function that panics ends the agent, and who asked is told by `Error(process.Exited(_))`.

import regrow/decode
import regrow/dynamic
import regrow/process
import regrow/start

/// An agent that keeps a value of one type.
pub type Agent(state)

/// Why a process is not taken for an agent.
pub type AgentError {
  /// It does not answer as an agent does.
  NoAgent(error: process.CallError)
  /// What it keeps is something else.
  Undecodable(errors: List(decode.DecodeError))
}

/// Starts an agent whose first value a function makes, in the agent; linked with the caller. A function that panics is
/// an error, and never ends the caller.
@external(erlang, "regrow_gleam_agent", "start")
pub fn start(with make: fn() -> state) -> Result(start.Started(Agent(state)), start.StartError)

/// What a function makes of the value.
@external(erlang, "regrow_gleam_agent", "get")
pub fn get(agent: Agent(state), with function: fn(state) -> a, within milliseconds: Int) -> Result(a, process.CallError)

/// Gives the agent another value, and returns when it has it.
@external(erlang, "regrow_gleam_agent", "update")
pub fn update(
  agent: Agent(state),
  with function: fn(state) -> state,
  within milliseconds: Int,
) -> Result(Nil, process.CallError)

/// Both at once: the function gives what is returned, and the next value.
@external(erlang, "regrow_gleam_agent", "get_and_update")
pub fn get_and_update(
  agent: Agent(state),
  with function: fn(state) -> #(a, state),
  within milliseconds: Int,
) -> Result(a, process.CallError)

/// As `update`, without waiting. Whether the agent lives is not known.
@external(erlang, "regrow_gleam_agent", "cast")
pub fn cast(agent: Agent(state), with function: fn(state) -> state) -> Nil

/// Ends an agent, and waits until it has ended.
@external(erlang, "regrow_gleam_process", "stop")
pub fn stop(agent: Agent(state), within milliseconds: Int) -> Result(Nil, process.CallError)

/// The agent's process.
@external(erlang, "regrow_gleam_dynamic", "identity")
pub fn pid(of agent: Agent(state)) -> process.Pid

/// The agent that a process is: one that somebody else started, in Gleam or Erlang. What it keeps now is decoded, so
/// that a wrong type is an error here and no crash later.
pub fn at(
  pid pid: process.Pid,
  decoder decoder: decode.Decoder(state),
  within milliseconds: Int,
) -> Result(Agent(state), AgentError) {
  case get(untyped(pid), with: fn(state) { state }, within: milliseconds) {
    Error(error) -> Error(NoAgent(error))
    Ok(state) ->
      case decode.run(state, decoder) {
        Ok(_) -> Ok(typed(pid))
        Error(errors) -> Error(Undecodable(errors))
      }
  }
}

@external(erlang, "regrow_gleam_dynamic", "identity")
fn untyped(pid: process.Pid) -> Agent(dynamic.Dynamic)

@external(erlang, "regrow_gleam_dynamic", "identity")
fn typed(pid: process.Pid) -> Agent(state)
