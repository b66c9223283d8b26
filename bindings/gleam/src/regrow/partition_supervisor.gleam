//// Supervisors of the same child so many times: what one process would be too slow for is done by one of several,
//// which a key leads to.
////
//// ```gleam
//// let assert Ok(counters) =
////   partition_supervisor.new(of: fn(number) { child.worker(id: "counter", starting: counter(number)) })
////   |> partition_supervisor.partitions(8)
////   |> partition_supervisor.start(in: runtime)
//// let assert Ok(counter) = partition_supervisor.lookup(in: counters.data, key: "user_123")
//// ```
////
//// Who looks a partition up asks nobody. An integer leads to the partition of its remainder, any other key to that of
//// its hash (`erlang:phash2`), as in native code and in Elixir.

import regrow/child
import regrow/process
import regrow/runtime
import regrow/start
import regrow/supervisor

/// A supervisor that runs, whose children give data of one type when they start: a server's subject, for example.
pub type PartitionSupervisor(data)

/// Why a partition was not found. `NotRunning`: its child is not there at the moment.
pub type PartitionError {
  NotRunning
  DeadSupervisor
}

/// What a supervisor is to be, for `start`.
pub opaque type Builder(data) {
  Builder(
    make: fn(Int) -> child.Child(data),
    partitions: Int,
    strategy: supervisor.Strategy,
    intensity: Int,
    period: Int,
  )
}

/// A supervisor of as many partitions as there are schedulers, which ends when more than 3 restarts are needed in 5
/// seconds. The function makes the child of each partition, counted from 0; the child's id says nothing.
pub fn new(of make: fn(Int) -> child.Child(data)) -> Builder(data) {
  Builder(make: make, partitions: 0, strategy: supervisor.OneForOne, intensity: 3, period: 5)
}

/// How many partitions there are; 0: as many as there are schedulers.
pub fn partitions(builder: Builder(data), count: Int) -> Builder(data) {
  Builder(..builder, partitions: count)
}

/// Who is started again when a child fails; only that child, if this is not said.
pub fn strategy(builder: Builder(data), strategy: supervisor.Strategy) -> Builder(data) {
  Builder(..builder, strategy: strategy)
}

/// How many restarts there may be in how many seconds before the supervisor gives up.
pub fn restart_tolerance(builder: Builder(data), intensity intensity: Int, period seconds: Int) -> Builder(data) {
  Builder(..builder, intensity: intensity, period: seconds)
}

/// Starts a supervisor and its children, linked with the caller. If a child does not start the error is `ChildFailed`,
/// with the number of the partition.
@external(erlang, "regrow_gleam_partition_supervisor", "start")
pub fn start(
  builder: Builder(data),
  in runtime: runtime.Runtime,
) -> Result(start.Started(PartitionSupervisor(data)), start.StartError)

/// A supervisor as a child of another. One that is started again is another one, with other children.
pub fn child(
  builder: Builder(data),
  id id: String,
  in runtime: runtime.Runtime,
) -> child.Child(PartitionSupervisor(data)) {
  child.supervisor(id: id, starting: fn() { start(builder, in: runtime) })
}

/// What the child of a key's partition gave when it started the last time.
@external(erlang, "regrow_gleam_partition_supervisor", "lookup")
pub fn lookup(in supervisor: PartitionSupervisor(data), key key: key) -> Result(data, PartitionError)

/// What all the children that run gave, with the numbers of their partitions.
@external(erlang, "regrow_gleam_partition_supervisor", "to_list")
pub fn to_list(supervisor: PartitionSupervisor(data)) -> Result(List(#(Int, data)), PartitionError)

/// The number of a key's partition.
@external(erlang, "regrow_gleam_partition_supervisor", "partition")
pub fn partition(of supervisor: PartitionSupervisor(data), key key: key) -> Int

/// How many partitions there are.
@external(erlang, "regrow_gleam_partition_supervisor", "count")
pub fn count(of supervisor: PartitionSupervisor(data)) -> Int

/// Its process, which stands under another supervisor.
@external(erlang, "regrow_gleam_partition_supervisor", "pid")
pub fn pid(of supervisor: PartitionSupervisor(data)) -> process.Pid

/// Ends a supervisor and its children, last to first.
pub fn stop(supervisor: PartitionSupervisor(data), within milliseconds: Int) -> Result(Nil, process.CallError) {
  process.stop(pid(of: supervisor), within: milliseconds)
}
