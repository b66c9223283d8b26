import regrow/child
import regrow/decode
import regrow/dynamic
import regrow/native_agent
import regrow/partition_supervisor
import regrow/process
import regrow/runtime
import regrow/server
import regrow/start
import regrow/supervisor
import support/counter

pub type Message {
  Number(reply: process.Subject(Int))
}

/// A server that knows the number of its partition.
fn numbered(number: Int) -> child.Child(process.Subject(Message)) {
  child.worker(id: "numbered", starting: fn() {
    server.new(number)
    |> server.on_message(fn(number, message) {
      let Number(reply) = message
      process.send(to: reply, message: number)
      server.Continue(number)
    })
    |> server.start
  })
}

fn with_runtime(body: fn(runtime.Runtime) -> a) -> Nil {
  let assert Ok(runtime) = runtime.new() |> runtime.log_level(runtime.Silent) |> runtime.start
  body(runtime)
  let assert Ok(Nil) = runtime.shutdown(runtime, within: 5000)
  Nil
}

fn start_four(runtime: runtime.Runtime) -> partition_supervisor.PartitionSupervisor(process.Subject(Message)) {
  let assert Ok(started) =
    partition_supervisor.new(of: numbered)
    |> partition_supervisor.partitions(4)
    |> partition_supervisor.start(in: runtime)
  process.unlink(from: started.pid)
  started.data
}

fn number_of(
  four: partition_supervisor.PartitionSupervisor(process.Subject(Message)),
  key: key,
) -> Result(Int, partition_supervisor.PartitionError) {
  case partition_supervisor.lookup(in: four, key: key) {
    Ok(subject) -> {
      let assert Ok(number) = process.call(subject, sending: Number, within: 20_000)
      Ok(number)
    }
    Error(error) -> Error(error)
  }
}

pub fn a_key_leads_to_its_partition_test() {
  use runtime <- with_runtime
  let four = start_four(runtime)
  let assert 4 = partition_supervisor.count(of: four)
  let assert Ok(0) = number_of(four, 0)
  let assert Ok(3) = number_of(four, 7)
  let assert Ok(3) = number_of(four, -7)
  let number = partition_supervisor.partition(of: four, key: "user_123")
  let assert True = number == phash2("user_123", 4)
  let assert True = number_of(four, "user_123") == Ok(number)
  let assert Ok([#(0, _), #(1, _), #(2, _), #(3, last)]) = partition_supervisor.to_list(four)
  let assert Ok(3) = process.call(last, sending: Number, within: 20_000)
}

pub fn a_child_that_is_started_again_is_found_test() {
  use runtime <- with_runtime
  let four = start_four(runtime)
  let assert Ok(old) = partition_supervisor.lookup(in: four, key: 2)
  process.kill(process.owner(of: old))
  counter.until(fn() {
    case partition_supervisor.lookup(in: four, key: 2) {
      Ok(new) -> new != old
      Error(error) -> error != partition_supervisor.NotRunning
    }
  })
  let assert Ok(2) = number_of(four, 2)
}

pub fn a_partition_that_does_not_run_is_an_error_test() {
  use runtime <- with_runtime
  let temporary = fn(number) { numbered(number) |> child.restart(child.Temporary) }
  let assert Ok(started) =
    partition_supervisor.new(of: temporary)
    |> partition_supervisor.partitions(2)
    |> partition_supervisor.start(in: runtime)
  let assert Ok(subject) = partition_supervisor.lookup(in: started.data, key: 1)
  let pid = process.owner(of: subject)
  let monitor = process.monitor(pid)
  process.kill(pid)
  let assert Ok(_) = process.receive_down(from: monitor, within: 20_000)
  let assert Error(partition_supervisor.NotRunning) = partition_supervisor.lookup(in: started.data, key: 1)
  let assert Ok([#(0, _)]) = partition_supervisor.to_list(started.data)
  let assert Ok(Nil) = partition_supervisor.stop(started.data, within: 5000)
  let assert Error(partition_supervisor.DeadSupervisor) = partition_supervisor.lookup(in: started.data, key: 0)
  let assert Error(partition_supervisor.DeadSupervisor) = partition_supervisor.to_list(started.data)
}

pub fn native_children_are_partitions_too_test() {
  use runtime <- with_runtime
  let agent = fn(number) {
    native_agent.new(number, encode: dynamic.int, decode: decode.int)
    |> native_agent.child(id: "agent")
  }
  let assert Ok(started) =
    partition_supervisor.new(of: agent)
    |> partition_supervisor.partitions(3)
    |> partition_supervisor.start(in: runtime)
  let assert Ok(second) = partition_supervisor.lookup(in: started.data, key: 1)
  let assert Ok(1) = native_agent.get(second, within: 20_000)
  let old = native_agent.pid(of: second)
  process.kill(old)
  counter.until(fn() {
    case partition_supervisor.lookup(in: started.data, key: 1) {
      Ok(new) -> native_agent.pid(of: new) != old
      Error(_) -> False
    }
  })
  let assert Ok(Nil) = partition_supervisor.stop(started.data, within: 5000)
  let assert Error(partition_supervisor.DeadSupervisor) = partition_supervisor.lookup(in: started.data, key: 1)
}

pub fn it_is_a_child_of_a_supervisor_test() {
  use runtime <- with_runtime
  let builder = partition_supervisor.new(of: numbered) |> partition_supervisor.strategy(supervisor.OneForAll)
  let assert Ok(top) = supervisor.new(supervisor.OneForOne) |> supervisor.start(in: runtime)
  let assert Ok(start.Started(pid, partitions)) =
    supervisor.start_child(in: top.data, child: partition_supervisor.child(builder, id: "numbers", in: runtime))
  let assert True = pid == partition_supervisor.pid(of: partitions)
  // As many as there are schedulers.
  let assert True = partition_supervisor.count(of: partitions) == schedulers()
  let assert Ok(0) = number_of(partitions, 0)
  let assert Ok(Nil) = supervisor.stop(top.data, within: 5000)
  let assert Error(partition_supervisor.DeadSupervisor) = partition_supervisor.lookup(in: partitions, key: 0)
}

pub fn one_that_does_not_start_ends_the_others_and_nobody_else_test() {
  use runtime <- with_runtime
  let told = process.new_subject()
  let failing = fn(number) {
    child.worker(id: "failing", starting: fn() {
      case number {
        0 -> {
          let started = server.start(server.new(0))
          process.send(to: told, message: started)
          started
        }
        _ -> Error(start.InitFailed("no"))
      }
    })
  }
  let assert Error(start.ChildFailed(id, start.InitFailed("no"))) =
    partition_supervisor.new(of: failing)
    |> partition_supervisor.partitions(2)
    |> partition_supervisor.start(in: runtime)
  let assert True = id == dynamic.int(1)
  let assert Ok(Ok(start.Started(first, _))) = process.receive(from: told, within: 0)
  let assert False = process.is_alive(first)
  let negative: Result(
    start.Started(partition_supervisor.PartitionSupervisor(process.Subject(Message))),
    start.StartError,
  ) =
    partition_supervisor.new(of: numbered)
    |> partition_supervisor.partitions(-1)
    |> partition_supervisor.start(in: runtime)
  let assert Error(start.NotStarted(_)) = negative
}

pub fn too_many_restarts_end_it_test() {
  use runtime <- with_runtime
  let assert Ok(started) =
    partition_supervisor.new(of: numbered)
    |> partition_supervisor.partitions(2)
    |> partition_supervisor.restart_tolerance(intensity: 0, period: 5)
    |> partition_supervisor.start(in: runtime)
  process.unlink(from: started.pid)
  let monitor = process.monitor(started.pid)
  let assert Ok(subject) = partition_supervisor.lookup(in: started.data, key: 1)
  process.kill(process.owner(of: subject))
  let assert Ok(process.Down(_, process.Shutdown)) = process.receive_down(from: monitor, within: 20_000)
}

@external(erlang, "erlang", "phash2")
fn phash2(key: String, count: Int) -> Int

@external(erlang, "regrow_gleam_support", "schedulers")
fn schedulers() -> Int
