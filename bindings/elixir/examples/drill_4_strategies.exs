# Drill 4: which siblings are stopped (T) and started (S) again, and in which order, when a worker crashes.
Code.require_file("drill.exs", __DIR__)
alias Regrow.Supervisor

defmodule Log do
  def start_link, do: Agent.start_link(fn -> [] end, name: __MODULE__)
  def note(what, id), do: Agent.update(__MODULE__, &[" #{what}#{id}" | &1])
  def take, do: Agent.get_and_update(__MODULE__, &{Enum.reverse(&1), []})

  def print(what) do
    :drill.settle()
    IO.puts([String.pad_trailing(what, 52), take()])
  end
end

defmodule DemoWorker do
  use GenServer

  def start_link(id), do: GenServer.start_link(__MODULE__, id, name: name(id))

  # The caller's call ends as the worker does: who does not want to end as well catches that.
  def end_with(id, reason) do
    GenServer.call(name(id), {:end_with, reason})
  catch
    :exit, {reason, _call} -> {:exit, reason}
  end

  defp name(id), do: :"worker_#{id}"

  # It traps exits, so that it is heard of when it is stopped too.
  @impl GenServer
  def init(id) do
    Process.flag(:trap_exit, true)
    Log.note("S", id)
    {:ok, id}
  end

  @impl GenServer
  def handle_call({:end_with, reason}, _from, id), do: {:stop, reason, id}

  @impl GenServer
  def terminate(_reason, id), do: Log.note("T", id)
end

defmodule RestartStrategyDemo do
  use Supervisor

  # Forgets what was noted of the start.
  def start_link(strategy, restarts \\ [:permanent, :permanent, :permanent]) do
    {:ok, _} = Supervisor.start_link(__MODULE__, {strategy, restarts}, name: __MODULE__)
    Log.take()
  end

  def stop do
    Supervisor.stop(__MODULE__, :shutdown)
    Log.take()
  end

  @impl Supervisor
  def init({strategy, restarts}) do
    children = for {restart, id} <- Enum.with_index(restarts, 1), do: worker_spec(id, restart)
    Supervisor.init(children, strategy: strategy)
  end

  defp worker_spec(id, restart), do: %{id: id, start: {DemoWorker, :start_link, [id]}, restart: restart}
end

# What is linked with a supervisor that is stopped would end as that does.
Process.flag(:trap_exit, true)
{:ok, _} = Log.start_link()

# A new tree for each crash: the log of one.
for {strategy, id} <- [
      one_for_one: 2,
      one_for_all: 1,
      one_for_all: 2,
      one_for_all: 3,
      rest_for_one: 1,
      rest_for_one: 2,
      rest_for_one: 3
    ] do
  RestartStrategyDemo.start_link(strategy)
  DemoWorker.end_with(id, :crash)
  Log.print("#{strategy}, #{id} crashes")
  RestartStrategyDemo.stop()
end

RestartStrategyDemo.start_link(:one_for_all)
DemoWorker.end_with(2, :crash)
:drill.settle()
ids = for {id, _, _, _} <- Supervisor.which_children(RestartStrategyDemo), do: " #{id}"
IO.puts([String.pad_trailing("which_children, after any of these", 52), ids])
Log.take()
Supervisor.stop(RestartStrategyDemo, :shutdown)
Log.print("the supervisor stops")

RestartStrategyDemo.start_link(:one_for_all, [:permanent, :temporary, :transient])
DemoWorker.end_with(1, :crash)
Log.print("one_for_all, 2 temporary, 3 transient, 1 crashes")
DemoWorker.end_with(3, :normal)
Log.print("one_for_all, 3 transient, 3 ends as it should")
RestartStrategyDemo.stop()

RestartStrategyDemo.start_link(:one_for_one)
{:exit, reason} = outcome = DemoWorker.end_with(2, :crash)
IO.puts("the caller of the crash: #{Drill.code(outcome)}, #{reason}")
