//// What a supervisor has to know of a child: how it is started, when it is started again, how it is ended.
////
//// ```gleam
//// child.worker(id: "cache", starting: fn() { server.start(cache()) })
//// |> child.restart(child.Transient)
//// |> child.shutdown(within: 10_000)
//// ```

import regrow/dynamic
import regrow/gen_server
import regrow/process
import regrow/start

/// When a child is started again: `Permanent`: always; `Transient`: when it ended other than normally or as it was
/// told; `Temporary`: never.
pub type Restart {
  Permanent
  Transient
  Temporary
}

type Kind {
  Worker
  Supervisor
}

type Start(data) {
  OnBeam(run: fn() -> Result(start.Started(data), start.StartError))
  Native(spec: dynamic.Dynamic, data: fn(process.Pid) -> data)
}

/// How a child is ended: killed at once, told to end and killed after a time, or told to end.
pub type Shutdown {
  BrutalKill
  Within(milliseconds: Int)
  Infinity
}

type Backoff {
  AtOnce
  Waiting(initial: Int, most: Int)
}

/// A child that gives data when it starts: a server's subject, for example.
pub opaque type Child(data) {
  Child(
    id: String,
    start: Start(data),
    restart: Restart,
    shutdown: Shutdown,
    significant: Bool,
    kind: Kind,
    backoff: Backoff,
  )
}

/// A permanent child with 5 seconds to end. The function runs in the supervisor, at each start, and must link what it
/// starts: `server.start` and all other functions of that name here do.
pub fn worker(
  id id: String,
  starting run: fn() -> Result(start.Started(data), start.StartError),
) -> Child(data) {
  Child(
    id: id,
    start: OnBeam(run),
    restart: Permanent,
    shutdown: Within(5000),
    significant: False,
    kind: Worker,
    backoff: AtOnce,
  )
}

/// A permanent child that is a supervisor, with all the time it takes to end.
pub fn supervisor(
  id id: String,
  starting run: fn() -> Result(start.Started(data), start.StartError),
) -> Child(data) {
  Child(..worker(id: id, starting: run), shutdown: Infinity, kind: Supervisor)
}

/// A module of Erlang or Elixir, by the function that starts it, as `start_link`, and its arguments. If there is no
/// such function the child does not start: no atom is made of its name.
pub fn module(
  id id: String,
  module module: gen_server.Module,
  function function: String,
  arguments arguments: List(dynamic.Dynamic),
) -> Child(Nil) {
  worker(id: id, starting: fn() { do_apply(module, function, arguments) })
}

/// A native server of a plug-in, by the name of its behaviour.
pub fn native(id id: String, behaviour name: String, with argument: dynamic.Dynamic) -> Child(Nil) {
  native_kind(id: id, spec: do_behaviour(name, argument), giving: fn(_) { Nil })
}

/// Any native child: a spec as `regrow:start/2` of the Erlang binding takes it, a map with `kind`, and what is made of
/// its process. For `registry.child` and its like; a spec that cannot be is an error when it is started.
pub fn native_kind(
  id id: String,
  spec spec: dynamic.Dynamic,
  giving data: fn(process.Pid) -> data,
) -> Child(data) {
  Child(
    id: id,
    start: Native(spec, data),
    restart: Permanent,
    shutdown: Within(5000),
    significant: False,
    kind: Worker,
    backoff: AtOnce,
  )
}

/// When a child is started again.
pub fn restart(child: Child(data), restart: Restart) -> Child(data) {
  Child(..child, restart: restart)
}

/// How long a child has to end when its supervisor tells it to; then it is killed.
pub fn shutdown(child: Child(data), within milliseconds: Int) -> Child(data) {
  Child(..child, shutdown: Within(milliseconds))
}

/// Gives a child all the time it takes to end.
pub fn shutdown_without_limit(child: Child(data)) -> Child(data) {
  Child(..child, shutdown: Infinity)
}

/// Has a child killed where others are told to end.
pub fn brutal_kill(child: Child(data)) -> Child(data) {
  Child(..child, shutdown: BrutalKill)
}

/// Its own end may end its supervisor: see `supervisor.auto_shutdown`. It must be transient or temporary.
pub fn significant(child: Child(data), significant: Bool) -> Child(data) {
  Child(..child, significant: significant)
}

/// Has a child that fails wait before it is started again, twice as long each time, from the first time up to the most.
pub fn backoff(child: Child(data), initial initial: Int, most most: Int) -> Child(data) {
  Child(..child, backoff: Waiting(initial, most))
}

@external(erlang, "regrow_gleam_child", "apply")
fn do_apply(
  module: gen_server.Module,
  function: String,
  arguments: List(dynamic.Dynamic),
) -> Result(start.Started(Nil), start.StartError)

@external(erlang, "regrow_gleam_child", "behaviour")
fn do_behaviour(name: String, argument: dynamic.Dynamic) -> dynamic.Dynamic
