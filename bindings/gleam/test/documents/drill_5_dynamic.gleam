//// Drill 5: jobs are children that come when they are asked for, and go when they are done.

import regrow/child
import regrow/dynamic_supervisor
import regrow/process
import regrow/server
import regrow/start
import regrow/supervisor
import support/drill
import support/items
import support/say

pub type Message {
  WorkDone
}

pub fn main() -> Nil {
  let runtime = drill.start()

  say.line("1. A supervisor without children.")
  let assert Ok(started) = dynamic_supervisor.new() |> dynamic_supervisor.start(in: runtime)
  let jobs = started.data
  print_count(jobs)

  say.line("2. Five jobs, a second apart.")
  items.each(
    of: [
      #(1, "process_data"),
      #(2, "send_email"),
      #(3, "resize_image"),
      #(4, "write_report"),
      #(5, "clean_up"),
    ],
    do: fn(each: #(Int, String)) {
      case each.0 {
        1 -> Nil
        _ -> drill.advance(by: 1000)
      }
      start_job(jobs, each.0, each.1)
    },
  )

  say.line("3. How many there are. A child is a spec: as in Elixir there are as many.")
  print_count(jobs)

  say.line("4. Job 2 is stopped.")
  let assert Ok(Nil) = dynamic_supervisor.terminate_child(in: jobs, id: "job 2")
  print_count(jobs)

  say.line("5. The others complete; after five seconds there is none.")
  drill.advance(by: 5000)
  print_count(jobs)

  say.line("6. Temporary: a job that is killed is not started again.")
  drill.kill(start_job(jobs, 6, "crash_test"))
  drill.settle()
  print_count(jobs)
}

/// Temporary: a job that crashed halfway is not done again behind the back of whoever asked for it.
fn start_job(jobs: dynamic_supervisor.DynamicSupervisor, number: Int, data: String) -> process.Pid {
  let name = "job " <> say.number(number)
  let job =
    server.new_with_initialiser(
      within: 5000,
      running: fn(self) {
        say.line("   " <> name <> " started with " <> data)
        drill.send_after(to: self, message: WorkDone, after: 5000)
        Ok(server.initialised(Nil))
      },
    )
    |> server.on_message(fn(_, message) {
      case message {
        WorkDone -> {
          say.line("   " <> name <> " completed")
          server.Stop
        }
      }
    })
  let child = child.worker(id: name, starting: fn() { server.start(job) }) |> child.restart(child.Temporary)
  let assert Ok(start.Started(pid, _)) = dynamic_supervisor.start_child(in: jobs, child: child)
  pid
}

fn print_count(jobs: dynamic_supervisor.DynamicSupervisor) -> Nil {
  let assert Ok(supervisor.Counts(specs, active, supervisors, workers)) = dynamic_supervisor.count_children(in: jobs)
  say.line(
    "   active "
    <> say.number(active)
    <> ", specs "
    <> say.number(specs)
    <> ", supervisors "
    <> say.number(supervisors)
    <> ", workers "
    <> say.number(workers),
  )
}
