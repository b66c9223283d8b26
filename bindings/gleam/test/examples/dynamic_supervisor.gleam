//// Children on demand, of a module of another language: started, listed, counted, ended by their ids.

import regrow/child
import regrow/dynamic
import regrow/dynamic_supervisor
import regrow/gen_server
import regrow/process
import regrow/runtime
import regrow/supervisor
import support/say

pub fn main() -> Nil {
  let assert Ok(runtime) = runtime.start(runtime.new())
  let assert Ok(workers) = dynamic_supervisor.new() |> dynamic_supervisor.start(in: runtime)
  let assert Ok(module) = gen_server.module(named: "my_app_worker")

  let worker =
    child.module(id: "worker_1", module: module, function: "start_link", arguments: [dynamic.string("config")])
  case dynamic_supervisor.start_child(in: workers.data, child: worker) {
    Ok(_) -> say.line("worker started")
    Error(_) -> say.line("failed to start worker")
  }

  let assert Ok([pid]) = dynamic_supervisor.pids(in: workers.data)
  let assert Ok(["worker_1"]) = dynamic_supervisor.ids(in: workers.data)
  let assert Ok(supervisor.Counts(specs: 1, active: 1, supervisors: 0, workers: 1)) =
    dynamic_supervisor.count_children(in: workers.data)

  let assert Ok(Nil) = dynamic_supervisor.terminate_child(in: workers.data, id: "worker_1")
  let assert False = process.is_alive(pid)
  let assert Ok(supervisor.Counts(0, 0, 0, 0)) = dynamic_supervisor.count_children(in: workers.data)
  say.line("worker ended")

  process.unlink(from: workers.pid)
  let assert Ok(Nil) = runtime.shutdown(runtime, within: 5000)
  Nil
}
