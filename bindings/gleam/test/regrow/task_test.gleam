import regrow/process
import regrow/task

pub fn a_task_gives_its_value_test() {
  let answer = task.async(running: fn() { 6 * 7 })
  let assert Ok(42) = task.await(answer, within: 20_000)
}

pub fn tasks_run_side_by_side_test() {
  // Each waits for the other.
  let meeting = process.new_subject()
  let one =
    task.async(running: fn() {
      let mine = process.new_subject()
      process.send(to: meeting, message: mine)
      process.receive(from: mine, within: 20_000)
    })
  let assert Ok(its) = process.receive(from: meeting, within: 20_000)
  let two = task.async(running: fn() { process.send(to: its, message: 7) })
  let assert Ok(Ok(7)) = task.await(one, within: 20_000)
  let assert Ok(Nil) = task.await(two, within: 20_000)
}

pub fn a_panic_is_told_and_ends_nobody_test() {
  let failing = task.async(running: fn() -> Int { panic })
  let assert Error(task.Crashed(_)) = task.await(failing, within: 20_000)
  process.sleep(20)
}

pub fn a_task_can_be_waited_for_again_test() {
  let go = process.new_subject()
  let slow =
    task.async(running: fn() {
      let mine = process.new_subject()
      process.send(to: go, message: mine)
      let assert Ok(value) = process.receive(from: mine, within: 20_000)
      value
    })
  let assert Error(task.Timeout) = task.await(slow, within: 1)
  let assert Ok(its) = process.receive(from: go, within: 20_000)
  process.send(to: its, message: "late")
  let assert Ok("late") = task.await(slow, within: 20_000)
}

pub fn all_are_waited_for_within_one_time_test() {
  // The time of the last is what the first has, too.
  let tasks = [
    task.async(running: fn() { 1 }),
    task.async(running: fn() -> Int { panic }),
    task.async(running: fn() {
      process.sleep(60_000)
      3
    }),
  ]
  let assert [Ok(1), Error(task.Crashed(_)), Error(task.Timeout)] = task.await_all(tasks, within: 2000)
  let assert [_, _, slow] = tasks
  let assert Error(task.Exited(process.Shutdown)) = task.shutdown(slow, within: 20_000)
  let assert False = process.is_alive(task.pid(of: slow))
}

pub fn a_task_that_had_a_value_gives_it_when_it_is_ended_test() {
  let quick = task.async(running: fn() { 7 })
  let monitor = process.monitor(task.pid(of: quick))
  let assert Ok(_) = process.receive_down(from: monitor, within: 20_000)
  let assert Ok(7) = task.shutdown(quick, within: 20_000)
}

pub fn a_task_is_killed_even_if_it_traps_exits_test() {
  let ready = process.new_subject()
  let stubborn =
    task.async(running: fn() {
      process.trap_exits(True)
      process.send(to: ready, message: Nil)
      // Told to end, it would give a value.
      let assert Ok(_) = process.receive_exit(within: 60_000)
      Nil
    })
  let assert Ok(Nil) = process.receive(from: ready, within: 20_000)
  let assert Error(task.Exited(process.Killed)) = task.kill(stubborn)
  let quick = task.async(running: fn() { 7 })
  let monitor = process.monitor(task.pid(of: quick))
  let assert Ok(_) = process.receive_down(from: monitor, within: 20_000)
  let assert Ok(7) = task.kill(quick)
}

pub fn only_the_owner_waits_test() {
  let mine = task.async(running: fn() { 7 })
  let other = task.async(running: fn() { task.await(mine, within: 20_000) })
  let assert Ok(Error(task.NotTheOwner)) = task.await(other, within: 20_000)
  let assert Ok(7) = task.await(mine, within: 20_000)
}

pub fn a_task_ends_with_its_owner_test() {
  let told = process.new_subject()
  let owner =
    process.spawn_unlinked(running: fn() {
      let slow = task.async(running: fn() { process.sleep(60_000) })
      process.send(to: told, message: task.pid(of: slow))
      process.sleep(60_000)
    })
  let assert Ok(pid) = process.receive(from: told, within: 20_000)
  let monitor = process.monitor(pid)
  process.kill(owner)
  let assert Ok(process.Down(_, process.Killed)) = process.receive_down(from: monitor, within: 20_000)
}

pub fn a_task_that_is_killed_is_told_to_who_traps_test() {
  process.trap_exits(True)
  let slow = task.async(running: fn() { process.sleep(60_000) })
  process.kill(task.pid(of: slow))
  let assert Error(task.Exited(process.Killed)) = task.await(slow, within: 20_000)
  let assert Ok(process.Down(_, process.Killed)) = process.receive_exit(within: 20_000)
  process.trap_exits(False)
}
