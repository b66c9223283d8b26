//// A worker written in Elixir (`test/workers/worker.ex`) under a supervisor of Gleam: asked and told in its own terms,
//// by atoms that are constructors here.

import regrow/child
import regrow/decode
import regrow/dynamic
import regrow/dynamic_supervisor
import regrow/gen_server
import regrow/process
import regrow/runtime
import support/say

/// What the worker knows: `:get_count` and `:increment`.
pub type Request {
  GetCount
  Increment
}

pub fn main() -> Nil {
  let assert Ok(runtime) = runtime.start(runtime.new())
  let assert Ok(workers) = dynamic_supervisor.new() |> dynamic_supervisor.start(in: runtime)

  let assert Ok(module) = gen_server.module(named: "Elixir.MyApp.Worker")
  let worker =
    child.module(
      id: "my_worker",
      module: module,
      function: "start_link",
      arguments: [dynamic.string("some_config")],
    )
  let assert Ok(worker) = dynamic_supervisor.start_child(in: workers.data, child: worker)

  let assert Ok(count) = gen_server.call(worker.pid, dynamic.from(GetCount), decode.int, within: 5000)
  say.line(say.number(count))
  let assert Ok(Nil) = gen_server.cast(worker.pid, dynamic.from(Increment))
  let assert Ok(count) = gen_server.call(worker.pid, dynamic.from(GetCount), decode.int, within: 5000)
  say.line(say.number(count))

  // What the worker does not know ends it, and is told.
  let assert Error(gen_server.Exited(process.Abnormal(_))) =
    gen_server.call(worker.pid, dynamic.string("nonsense"), decode.int, within: 5000)
  say.line("exited")
  process.unlink(from: workers.pid)
  let assert Ok(Nil) = runtime.shutdown(runtime, within: 5000)
  Nil
}
