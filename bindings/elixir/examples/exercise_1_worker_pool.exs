# Exercise 1: a pool of workers, and three ways to choose one.
#
#     WorkerPool           supervisor, one_for_one
#     |- Registry          where worker N is: {:worker, N}
#     `- PoolSupervisor    supervisor, one_for_one
#        `- 1, ... 5       servers
#
# The exercise chooses by phash2(task, 5) and calls that round robin, which it is not: all three ways are here.
Code.require_file("drill.exs", __DIR__)
alias Regrow.{Registry, Supervisor}

defmodule WorkerPool do
  use Supervisor

  @pool_size 5

  def start_link, do: Supervisor.start_link(__MODULE__, nil, name: __MODULE__)

  @impl Supervisor
  def init(_) do
    children = [{Registry, keys: :unique, name: WorkerPool.Registry}, PoolSupervisor]
    Supervisor.init(children, strategy: :one_for_one)
  end

  # Of the tasks on their way it is told who has them.
  def choose_worker(:hash, task, _), do: :erlang.phash2("task_#{task}", @pool_size) + 1
  def choose_worker(:round_robin, task, _), do: rem(task - 1, @pool_size) + 1
  def choose_worker(:least_loaded, _, busy), do: Enum.min_by(1..@pool_size, fn id -> Enum.count(busy, &(&1 == id)) end)
end

defmodule PoolSupervisor do
  use Supervisor

  def start_link(_), do: Supervisor.start_link(__MODULE__, nil, name: __MODULE__)

  @impl Supervisor
  def init(_) do
    children = for i <- 1..5, do: Supervisor.child_spec({PoolWorker, i}, id: {:worker, i})
    Supervisor.init(children, strategy: :one_for_one)
  end
end

defmodule PoolWorker do
  use GenServer

  def start_link(worker_id), do: GenServer.start_link(__MODULE__, worker_id, name: via_tuple(worker_id))
  def process(worker_id, ms), do: Drill.ask(via_tuple(worker_id), {:process, ms})
  def count(worker_id), do: GenServer.call(via_tuple(worker_id), :count)
  def via_tuple(worker_id), do: {:via, Registry, {WorkerPool.Registry, {:worker, worker_id}}}

  ## Callbacks

  @impl GenServer
  def init(worker_id) do
    IO.puts("   worker #{worker_id} started")
    {:ok, %{id: worker_id, tasks_processed: 0}}
  end

  @impl GenServer
  def handle_call({id, {:process, ms}}, _from, state) do
    Drill.begin(id)
    # Simulate work, by the clock of these programs.
    :drill.sleep(ms)
    {:reply, state.id, %{state | tasks_processed: state.tasks_processed + 1}}
  end

  def handle_call(:count, _from, state), do: {:reply, state.tasks_processed, state}
end

# A run of twenty tasks. `calls` are those without an outcome: %{task => {worker, call}}; `answered`: %{task => worker}.
defmodule Run do
  @tasks 20
  @step 50

  # All tasks at once. At `kill_at` milliseconds worker 3 is killed.
  def at_once(way, kill_at \\ nil) do
    began = :drill.now()
    1..@tasks |> Enum.reduce({%{}, %{}}, &submit(&2, way, &1)) |> finish(way, began, kill_at)
  end

  # A task every 50 ms, while worker 1 is at one that takes a second.
  def beside_a_long_one(way) do
    began = :drill.now()
    long = {%{long: {1, call(1, 1000)}}, %{}}

    1..@tasks
    |> Enum.reduce(long, fn task, run ->
      run = submit(run, way, task)
      :drill.advance(@step)
      collect(run)
    end)
    |> finish(way, began, nil)
  end

  defp submit({calls, answered}, way, task) do
    worker = WorkerPool.choose_worker(way, task, for({_, {worker, _}} <- calls, do: worker))
    {Map.put(calls, task, {worker, call(worker, 100)}), answered}
  end

  # The call is in the worker's queue when this returns, so that tasks come in the order in which they are submitted.
  defp call(worker, ms) do
    call = Task.async(fn -> PoolWorker.process(worker, ms) end)
    :drill.settle()
    call
  end

  defp collect({calls, answered}) do
    for {task, {worker, call}} <- Enum.sort(calls), reduce: {%{}, answered} do
      {left, answered} ->
        case Task.yield(call, 0) do
          nil ->
            {Map.put(left, task, {worker, call}), answered}

          {:ok, {:ok, ^worker}} ->
            {left, Map.put(answered, task, worker)}

          {:ok, {:error, reason}} ->
            IO.puts("   task #{task} is lost: #{reason}")
            {left, answered}
        end
    end
  end

  defp finish({calls, answered}, way, began, _) when calls == %{} do
    by_worker = for id <- 1..5, do: " #{Enum.count(1..@tasks, &(answered[&1] == id))}"
    name = String.replace(to_string(way), "_", " ")
    IO.puts("   #{name}: #{:drill.now() - began} ms; tasks answered by worker:#{by_worker}")
    for task <- 1..@tasks, do: answered[task]
  end

  defp finish(run, way, began, kill_at) do
    :drill.advance(@step)

    if :drill.now() - began == kill_at do
      :drill.kill(GenServer.whereis(PoolWorker.via_tuple(3)))
      :drill.settle()
    end

    run |> collect() |> finish(way, began, kill_at)
  end
end

print_counters = fn ->
  IO.puts("   tasks processed, as the workers count:#{for id <- 1..5, do: " #{PoolWorker.count(id)}"}")
end

IO.puts("Five workers.")
{:ok, _} = WorkerPool.start_link()

IO.puts("20 tasks of 100 ms at once, by the hash of the task, which is even only in the long run:")
IO.puts("   by task: #{Enum.join(Run.at_once(:hash), " ")}")

IO.puts("In turn, and to whoever has least to do, which is the same here:")
Run.at_once(:round_robin)
Run.at_once(:least_loaded)

IO.puts("A task every 50 ms, while worker 1 is at one of 1000 ms:")
Run.beside_a_long_one(:round_robin)
Run.beside_a_long_one(:least_loaded)
print_counters.()

IO.puts("Worker 3 is killed after 150 ms. What it was at is lost; what waited for it goes to the next one:")
Run.at_once(:round_robin, 150)
print_counters.()
