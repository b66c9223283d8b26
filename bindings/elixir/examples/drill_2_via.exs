# Drill 2: workers are reached by a registry and a key, whichever process that is at the moment.
Code.require_file("drill.exs", __DIR__)
alias Regrow.{Registry, Supervisor}

defmodule WorkerRegistry do
  def child_spec(_), do: Supervisor.child_spec({Registry, keys: :unique, name: __MODULE__}, [])

  def via_tuple(key), do: {:via, Registry, {__MODULE__, key}}
end

defmodule TaskWorker do
  use GenServer

  def start_link(worker_id), do: GenServer.start_link(__MODULE__, worker_id, name: via(worker_id))
  def get_status(worker_id), do: GenServer.call(via(worker_id), :status)

  def process_task(worker_id, task) do
    GenServer.cast(via(worker_id), {:task, task})
    # So that the lines of several workers come in order.
    :drill.settle()
  end

  def whereis(worker_id), do: GenServer.whereis(via(worker_id))
  defp via(worker_id), do: WorkerRegistry.via_tuple({__MODULE__, worker_id})

  ## Callbacks

  @impl GenServer
  def init(worker_id), do: {:ok, %{id: worker_id, tasks_completed: 0, current_task: nil}}

  @impl GenServer
  def handle_call(:status, _from, state), do: {:reply, state, state}

  @impl GenServer
  def handle_cast({:task, task}, state) do
    IO.puts("   worker #{state.id} is processing: #{task}")
    {:noreply, %{state | tasks_completed: state.tasks_completed + 1, current_task: task}}
  end
end

print_status = fn worker_id ->
  status = TaskWorker.get_status(worker_id)
  IO.puts(~s(   worker #{status.id}: #{status.tasks_completed} tasks completed, at "#{status.current_task}"))
end

worker = fn child_id, worker_id -> Supervisor.child_spec({TaskWorker, worker_id}, id: child_id) end

IO.puts("1. The registry, and three workers.")
children = [WorkerRegistry | for(id <- 1..3, do: worker.({:worker, id}, id))]
{:ok, system} = Supervisor.start_link(children, strategy: :one_for_one)

IO.puts("2. Tasks go to ids.")
TaskWorker.process_task(1, "read")
TaskWorker.process_task(2, "write")
TaskWorker.process_task(2, "sum up")
TaskWorker.process_task(3, "tidy")

IO.puts("3. So do questions.")
Enum.each(1..3, print_status)

IO.puts("4. Worker 2 is killed, and its supervisor starts another.")
before = TaskWorker.whereis(2)
:drill.kill(before)
# While there is no worker 2, a call to it would exit with :noproc.
:drill.settle()
IO.puts("   the same id, a new pid: #{Drill.yes_or_no(TaskWorker.whereis(2) not in [nil, before])}")
print_status.(2)
TaskWorker.process_task(2, "write again")
print_status.(2)

IO.puts("5. A second worker 1.")
# A supervisor wraps the reason of a child that did not start, but not this one.
{:error, {already, other}} = error = Supervisor.start_child(system, worker.(:another, 1))

IO.puts(
  "   #{Drill.code(error)}, {already_started, Pid}: #{Drill.yes_or_no(already == :already_started)}; " <>
    "Pid is the first: #{Drill.yes_or_no(other == TaskWorker.whereis(1))}"
)

print_status.(1)
