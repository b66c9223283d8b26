import regrow/child
import regrow/process
import regrow/runtime
import regrow/start
import regrow/supervisor
import regrow/task
import regrow/task_supervisor
import support/counter

fn with_tasks(builder: task_supervisor.Builder, body: fn(task_supervisor.TaskSupervisor) -> a) -> Nil {
  let assert Ok(runtime) = runtime.new() |> runtime.log_level(runtime.Silent) |> runtime.start
  let assert Ok(started) = task_supervisor.start(builder, in: runtime)
  process.unlink(from: started.pid)
  body(started.data)
  let assert Ok(Nil) = runtime.shutdown(runtime, within: 5000)
  Nil
}

fn sleep() -> Nil {
  process.sleep(60_000)
}

pub fn a_value_is_waited_for_test() {
  use tasks <- with_tasks(task_supervisor.new())
  let assert Ok(answer) = task_supervisor.async(in: tasks, running: fn() { 6 * 7 })
  let assert Ok(42) = task.await(answer, within: 20_000)
  let assert Ok(linked) = task_supervisor.async_linked(in: tasks, running: fn() { 6 + 7 })
  let assert Ok(13) = task.await(linked, within: 20_000)
  counter.until(fn() { task_supervisor.children(in: tasks) == Ok([]) })
}

pub fn a_panic_is_told_and_ends_nobody_test() {
  use tasks <- with_tasks(task_supervisor.new())
  let assert Ok(failing) = task_supervisor.async(in: tasks, running: fn() -> Int { panic })
  let assert Error(task.Crashed(_)) = task.await(failing, within: 20_000)
  let assert Ok(linked) = task_supervisor.async_linked(in: tasks, running: fn() -> Int { panic })
  let assert Error(task.Crashed(_)) = task.await(linked, within: 20_000)
  let assert True = process.is_alive(task_supervisor.pid(of: tasks))
}

pub fn a_task_outlives_who_began_it_unless_it_is_linked_test() {
  use tasks <- with_tasks(task_supervisor.new())
  let told = process.new_subject()
  let owner =
    process.spawn_unlinked(running: fn() {
      let assert Ok(loose) = task_supervisor.async(in: tasks, running: sleep)
      let assert Ok(linked) = task_supervisor.async_linked(in: tasks, running: sleep)
      process.send(to: told, message: #(task.pid(of: loose), task.pid(of: linked)))
      sleep()
    })
  let assert Ok(#(loose, linked)) = process.receive(from: told, within: 20_000)
  // Monitored before it ends, it tells of that when its supervisor has heard it.
  let monitor = process.monitor(linked)
  process.kill(owner)
  let assert Ok(_) = process.receive_down(from: monitor, within: 20_000)
  let assert True = process.is_alive(loose)
  let assert Ok([left]) = task_supervisor.children(in: tasks)
  let assert True = left == loose
  let assert Ok(Nil) = task_supervisor.terminate_child(in: tasks, pid: loose)
  let assert False = process.is_alive(loose)
  let assert Error(supervisor.NotFound) = task_supervisor.terminate_child(in: tasks, pid: loose)
}

pub fn there_are_no_more_than_there_may_be_test() {
  use tasks <- with_tasks(task_supervisor.max_children(task_supervisor.new(), 1))
  let assert Ok(pid) = task_supervisor.start_child(in: tasks, restart: child.Temporary, running: sleep)
  let assert Error(start.MaxChildren) =
    task_supervisor.start_child(in: tasks, restart: child.Temporary, running: sleep)
  let assert Error(start.MaxChildren) = task_supervisor.async(in: tasks, running: sleep)
  let assert Error(start.MaxChildren) = task_supervisor.async_linked(in: tasks, running: sleep)
  let assert Error(start.MaxChildren) =
    task_supervisor.each(in: tasks, of: [1], running: fn(n) { n }, at_once: 2, within: 5000)
  let assert Ok([only]) = task_supervisor.children(in: tasks)
  let assert True = only == pid
}

pub fn a_task_that_failed_is_started_again_where_its_restart_says_so_test() {
  use tasks <- with_tasks(task_supervisor.new())
  let runs = process.new_subject()
  let count = fn() {
    let mine = process.new_subject()
    process.send(to: runs, message: mine)
    // The first one fails.
    let assert Ok(Nil) = process.receive(from: mine, within: 20_000)
    let assert Ok(True) = process.receive(from: coerce(mine), within: 20_000)
    Nil
  }
  let assert Ok(first) = task_supervisor.start_child(in: tasks, restart: child.Transient, running: count)
  let assert Ok(of_first) = process.receive(from: runs, within: 20_000)
  let assert True = process.owner(of: of_first) == first
  process.send(to: of_first, message: Nil)
  process.send(to: coerce(of_first), message: False)
  let assert Ok(of_second) = process.receive(from: runs, within: 20_000)
  process.send(to: of_second, message: Nil)
  process.send(to: coerce(of_second), message: True)
  counter.until(fn() { task_supervisor.children(in: tasks) == Ok([]) })
  let assert Error(process.NothingCame) = process.receive(from: runs, within: 0)
}

pub fn each_item_is_worked_on_in_a_task_test() {
  use tasks <- with_tasks(task_supervisor.new())
  // The time of the third is what the others have, too.
  let work = fn(n) {
    case n {
      2 -> panic
      3 -> {
        sleep()
        3
      }
      _ -> n * 10
    }
  }
  let assert Ok([Ok(10), Error(task.Crashed(_)), Error(task.Timeout), Ok(40)]) =
    task_supervisor.each(in: tasks, of: [1, 2, 3, 4], running: work, at_once: 2, within: 2000)
  let assert Ok([]) = task_supervisor.each(in: tasks, of: [], running: work, at_once: 2, within: 100)
  let assert Error(start.NotStarted(_)) =
    task_supervisor.each(in: tasks, of: [1], running: work, at_once: 0, within: 100)
}

pub fn it_is_a_child_of_a_supervisor_test() {
  let assert Ok(runtime) = runtime.new() |> runtime.log_level(runtime.Silent) |> runtime.start
  let assert Ok(top) = supervisor.new(supervisor.OneForOne) |> supervisor.start(in: runtime)
  let assert Ok(start.Started(pid, tasks)) =
    supervisor.start_child(in: top.data, child: task_supervisor.child(task_supervisor.new(), id: "tasks", in: runtime))
  let assert True = pid == task_supervisor.pid(of: tasks)
  let assert Ok(running) = task_supervisor.start_child(in: tasks, restart: child.Temporary, running: sleep)
  let assert Ok(Nil) = supervisor.stop(top.data, within: 5000)
  let assert False = process.is_alive(running)
  let assert Error(start.RuntimeIsOver) =
    task_supervisor.start_child(in: tasks, restart: child.Temporary, running: sleep)
  let assert Error(start.RuntimeIsOver) = task_supervisor.async(in: tasks, running: sleep)
  let assert Error(start.RuntimeIsOver) =
    task_supervisor.each(in: tasks, of: [1], running: fn(n) { n }, at_once: 1, within: 100)
  let assert Error(supervisor.DeadSupervisor) = task_supervisor.children(in: tasks)
  let assert Error(supervisor.DeadSupervisor) = task_supervisor.terminate_child(in: tasks, pid: running)
  let assert Ok(Nil) = runtime.shutdown(runtime, within: 5000)
  let assert Error(start.RuntimeIsOver) = task_supervisor.start(task_supervisor.new(), in: runtime)
}

pub fn what_cannot_be_is_an_error_test() {
  let assert Ok(runtime) = runtime.start(runtime.new())
  let assert Error(start.NotStarted(_)) =
    task_supervisor.new() |> task_supervisor.max_children(-1) |> task_supervisor.start(in: runtime)
  let assert Error(start.NotStarted(_)) =
    task_supervisor.new()
    |> task_supervisor.restart_tolerance(intensity: 1, period: 0)
    |> task_supervisor.start(in: runtime)
  let assert Ok(started) = task_supervisor.start(task_supervisor.new(), in: runtime)
  let assert Ok(Nil) = task_supervisor.stop(started.data, within: 5000)
  let assert Ok(Nil) = runtime.shutdown(runtime, within: 5000)
}

@external(erlang, "regrow_gleam_dynamic", "identity")
fn coerce(subject: process.Subject(a)) -> process.Subject(b)
