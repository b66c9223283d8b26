//// Everything that may fail says so, and what it says is a type.

import regrow/child
import regrow/dynamic
import regrow/dynamic_supervisor
import regrow/gen_server
import regrow/process
import regrow/runtime
import regrow/start
import support/say

pub type StartFailure {
  NoSupervisor(error: start.StartError)
  NoModule(name: String)
  NoWorker(error: start.StartError)
}

pub fn main() -> Nil {
  let assert Ok(runtime) = runtime.start(runtime.new())
  tell(robust_worker_start(runtime, "my_app_worker", dynamic.int(0)))
  tell(robust_worker_start(runtime, "no_such_module", dynamic.int(0)))
  tell(robust_worker_start(runtime, "my_app_worker", dynamic.string("crash")))
  let assert Ok(Nil) = runtime.shutdown(runtime, within: 5000)
  tell(robust_worker_start(runtime, "my_app_worker", dynamic.int(0)))
}

fn robust_worker_start(
  runtime: runtime.Runtime,
  name: String,
  argument: dynamic.Dynamic,
) -> Result(#(dynamic_supervisor.DynamicSupervisor, process.Pid), StartFailure) {
  case dynamic_supervisor.new() |> dynamic_supervisor.start(in: runtime) {
    Error(error) -> Error(NoSupervisor(error))
    Ok(workers) -> {
      process.unlink(from: workers.pid)
      case gen_server.module(named: name) {
        Error(Nil) -> Error(NoModule(name))
        Ok(module) -> {
          let worker = child.worker(id: "worker", starting: fn() { start_worker(module, argument) })
          case dynamic_supervisor.start_child(in: workers.data, child: worker) {
            Ok(worker) -> Ok(#(workers.data, worker.pid))
            Error(error) -> Error(NoWorker(error))
          }
        }
      }
    }
  }
}

fn start_worker(
  module: gen_server.Module,
  argument: dynamic.Dynamic,
) -> Result(start.Started(Nil), start.StartError) {
  case gen_server.start(module, with: argument) {
    Ok(pid) -> Ok(start.Started(pid: pid, data: Nil))
    Error(error) -> Error(error)
  }
}

fn tell(outcome: Result(#(dynamic_supervisor.DynamicSupervisor, process.Pid), StartFailure)) -> Nil {
  say.line(case outcome {
    Ok(_) -> "worker started successfully"
    Error(NoSupervisor(start.RuntimeIsOver)) -> "no supervisor: the runtime is over"
    Error(NoSupervisor(_)) -> "failed to start supervisor"
    Error(NoModule(name)) -> "there is no module " <> name
    Error(NoWorker(start.InitExited(_))) -> "the worker crashed while it started"
    Error(NoWorker(_)) -> "failed to start worker"
  })
}
