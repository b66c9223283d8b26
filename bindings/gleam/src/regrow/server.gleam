//// Servers written in Gleam: a state, and what becomes of it with each message.
////
//// ```gleam
//// pub type Message {
////   Add(number: Int)
////   Get(reply: process.Subject(Int))
//// }
////
//// let assert Ok(counter) =
////   server.new(0)
////   |> server.on_message(fn(count, message) {
////     case message {
////       Add(number) -> server.Continue(count + number)
////       Get(reply) -> {
////         process.send(to: reply, message: count)
////         server.Continue(count)
////       }
////     }
////   })
////   |> server.start
//// let assert Ok(0) = process.call(counter.data, sending: Get, within: 1000)
//// ```
////
//// A panic in a handler ends the server, with the panic as its reason; it is its supervisor's business to start
//// another.

import regrow/dynamic
import regrow/process
import regrow/registry
import regrow/selector
import regrow/start

/// What a server does after a message. `StopWith(process.Normal)` is `Stop`.
pub type Next(state) {
  Continue(state: state)
  Stop
  StopWith(reason: process.ExitReason)
}

/// What an initialiser gives: a state, and what else the server listens to.
pub opaque type Initialised(state, message) {
  Initialised(state: state, inputs: selector.Selector(message))
  Unwanted
}

/// What a server is to be, for `start`.
pub opaque type Builder(state, message) {
  Builder(
    initialise: fn(process.Subject(message)) -> Result(Initialised(state, message), String),
    on_message: fn(state, message) -> Next(state),
    on_request: Result(fn(state, dynamic.Dynamic) -> #(dynamic.Dynamic, state), Nil),
    on_terminate: fn(state, process.ExitReason) -> Nil,
    registrations: List(fn(process.Subject(message)) -> Result(Nil, start.StartError)),
    within: Int,
  )
}

/// A server with a state, which ignores all messages until `on_message` says otherwise.
pub fn new(state: state) -> Builder(state, message) {
  new_with_initialiser(within: 5000, running: fn(_) { Ok(initialised(state)) })
}

/// A server whose state is made by a function, which runs in the server and gets its subject. If that gives an error
/// the server does not start, and if it takes too long it is killed.
pub fn new_with_initialiser(
  within milliseconds: Int,
  running initialise: fn(process.Subject(message)) -> Result(Initialised(state, message), String),
) -> Builder(state, message) {
  Builder(
    initialise: initialise,
    on_message: fn(state, _) { Continue(state) },
    on_request: Error(Nil),
    on_terminate: fn(_, _) { Nil },
    registrations: [],
    within: milliseconds,
  )
}

/// The state that a server begins with.
pub fn initialised(state: state) -> Initialised(state, message) {
  Initialised(state: state, inputs: selector.new())
}

/// No server after all: `start` gives `Error(start.Ignored)`, and a supervisor goes on without this child, which it may
/// be told to start later.
pub fn ignored() -> Initialised(state, message) {
  Unwanted
}

/// Has a server take what comes to another subject of its own, made a message of.
pub fn listening(
  initialised: Initialised(state, message),
  to subject: process.Subject(other),
  wrapping wrap: fn(other) -> message,
) -> Initialised(state, message) {
  selecting(initialised, from: selector.add(selector.new(), subject: subject, wrapping: wrap))
}

/// Has a server take all that a selector waits for. With `selector.other` that is also what others cast to it.
pub fn selecting(
  initialised: Initialised(state, message),
  from inputs: selector.Selector(message),
) -> Initialised(state, message) {
  case initialised {
    Unwanted -> Unwanted
    Initialised(state, before) -> Initialised(state, selector.merge(before, with: inputs))
  }
}

/// What becomes of the state with each message.
pub fn on_message(
  builder: Builder(state, message),
  handler: fn(state, message) -> Next(state),
) -> Builder(state, message) {
  Builder(..builder, on_message: handler)
}

/// What is answered to a request of whoever knows no subject: native servers, and `gen_server:call` of Erlang and
/// Elixir. Without it they are answered `{error, not_supported}`.
pub fn on_request(
  builder: Builder(state, message),
  handler: fn(state, dynamic.Dynamic) -> #(dynamic.Dynamic, state),
) -> Builder(state, message) {
  Builder(..builder, on_request: Ok(handler))
}

/// What a server does before it ends: when it ends by itself or panics, is stopped, or is told to end by its parent and
/// traps exits. A server that is killed, or that ends by an exit signal which it does not trap, does nothing any more.
pub fn on_terminate(
  builder: Builder(state, message),
  handler: fn(state, process.ExitReason) -> Nil,
) -> Builder(state, message) {
  Builder(..builder, on_terminate: handler)
}

/// Registers the server's subject at each start, before anybody knows that it has started. If the key is taken the
/// server does not start, with `NameInUse`.
pub fn registered(
  builder: Builder(state, message),
  in registry: registry.Registry(key, message),
  under key: key,
) -> Builder(state, message) {
  let register = fn(subject) {
    case registry.register(in: registry, key: key, subject: subject) {
      Ok(Nil) -> Ok(Nil)
      Error(registry.AlreadyRegistered(by)) -> Error(start.NameInUse(by))
      Error(registry.DeadRegistry) -> Error(start.RuntimeIsOver)
      Error(other) -> Error(start.NotStarted(dynamic.from(other)))
    }
  }
  Builder(..builder, registrations: [register, ..builder.registrations])
}

/// Starts a server, linked with the caller. A server that does not start is an error, and never ends the caller.
pub fn start(builder: Builder(state, message)) -> Result(start.Started(process.Subject(message)), start.StartError) {
  do_start(
    builder.initialise,
    builder.on_message,
    builder.on_request,
    builder.on_terminate,
    builder.registrations,
    builder.within,
  )
}

@external(erlang, "regrow_gleam_server", "start")
fn do_start(
  initialise: fn(process.Subject(message)) -> Result(Initialised(state, message), String),
  on_message: fn(state, message) -> Next(state),
  on_request: Result(fn(state, dynamic.Dynamic) -> #(dynamic.Dynamic, state), Nil),
  on_terminate: fn(state, process.ExitReason) -> Nil,
  registrations: List(fn(process.Subject(message)) -> Result(Nil, start.StartError)),
  within: Int,
) -> Result(start.Started(process.Subject(message)), start.StartError)
