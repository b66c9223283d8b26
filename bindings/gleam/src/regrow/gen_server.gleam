//// Servers that are written in another language: modules of Erlang and Elixir with gen_server's callbacks, and native
//// servers of a plug-in. Requests are encoded, replies decoded.
////
//// ```gleam
//// let assert Ok(module) = gen_server.module(named: "Elixir.MyApp.Counter")
//// let assert Ok(counter) = gen_server.start(module, with: dynamic.int(0))
//// let assert Ok(0) = gen_server.call(counter, dynamic.from(Get), decode.int, within: 5000)
//// ```

import regrow/decode
import regrow/dynamic
import regrow/process
import regrow/runtime
import regrow/start

/// A module that is there.
pub type Module

/// Why a call has no answer that could be used. `Undecodable`: there was one, but not what the decoder wants.
pub type CallError {
  NoProcess
  Timeout
  CallingSelf
  Exited(reason: process.ExitReason)
  Undecodable(errors: List(decode.DecodeError))
  /// The request cannot go to a native process: an integer in it has more than 128 KiB.
  CannotCross
}

/// The module of that name, which is loaded if it is on the code path; one of Elixir has "Elixir." in front.
/// `Error(Nil)`: there is none, and no atom of that name is made.
@external(erlang, "regrow_gleam_gen_server", "module")
pub fn module(named name: String) -> Result(Module, Nil)

/// Starts a server of a module with gen_server's callbacks, linked with the caller; its `init` gets the argument. One
/// that does not start is an error, and never ends the caller.
@external(erlang, "regrow_gleam_gen_server", "start")
pub fn start(module: Module, with argument: dynamic.Dynamic) -> Result(process.Pid, start.StartError)

/// Loads a plug-in: a shared library that registers native servers by name. It stays for good; loading one once more
/// changes nothing.
@external(erlang, "regrow_gleam_gen_server", "load_plugin")
pub fn load_plugin(from path: String) -> Result(Nil, dynamic.Dynamic)

/// Starts a native server of a plug-in, which ends with its runtime.
@external(erlang, "regrow_gleam_gen_server", "start_native")
pub fn start_native(
  in runtime: runtime.Runtime,
  behaviour name: String,
  with argument: dynamic.Dynamic,
) -> Result(process.Pid, start.StartError)

/// Asks a server of either kind, and decodes what it answers.
pub fn call(
  server: process.Pid,
  request: dynamic.Dynamic,
  decoder: decode.Decoder(reply),
  within milliseconds: Int,
) -> Result(reply, CallError) {
  decoded(do_call(server, request, milliseconds), decoder)
}

/// As `call`, whoever has a name in a runtime (`runtime.register`, `pubsub.named` and so on): `Error(NoProcess)` if
/// nobody has it, or comes to have it in the time that the call waits for that, by the runtime's clock. The time of the
/// call itself begins then; a server that ends before it takes the call up is waited for again.
pub fn call_named(
  in runtime: runtime.Runtime,
  name name: String,
  request request: dynamic.Dynamic,
  decoder decoder: decode.Decoder(reply),
  waiting up_to: Int,
  within milliseconds: Int,
) -> Result(reply, CallError) {
  decoded(do_call_named(runtime, name, up_to, request, milliseconds), decoder)
}

/// Tells a server something, and does not wait. `Error(NoProcess)`: it is known to be dead.
@external(erlang, "regrow_gleam_gen_server", "cast")
pub fn cast(server: process.Pid, message: dynamic.Dynamic) -> Result(Nil, CallError)

/// Sends a plain message, which comes to handle_info.
@external(erlang, "regrow_gleam_gen_server", "send")
pub fn send(server: process.Pid, message: dynamic.Dynamic) -> Result(Nil, CallError)

/// Asks a server to end normally, and waits until it has.
@external(erlang, "regrow_gleam_process", "stop")
pub fn stop(server: process.Pid, within milliseconds: Int) -> Result(Nil, CallError)

@external(erlang, "regrow_gleam_gen_server", "call")
fn do_call(
  server: process.Pid,
  request: dynamic.Dynamic,
  milliseconds: Int,
) -> Result(dynamic.Dynamic, CallError)

@external(erlang, "regrow_gleam_gen_server", "call_named")
fn do_call_named(
  runtime: runtime.Runtime,
  name: String,
  up_to: Int,
  request: dynamic.Dynamic,
  milliseconds: Int,
) -> Result(dynamic.Dynamic, CallError)

fn decoded(outcome: Result(dynamic.Dynamic, CallError), decoder: decode.Decoder(reply)) -> Result(reply, CallError) {
  case outcome {
    Ok(reply) ->
      case decode.run(reply, decoder) {
        Ok(decoded) -> Ok(decoded)
        Error(errors) -> Error(Undecodable(errors))
      }
    Error(error) -> Error(error)
  }
}
