# Drill 6: who is started again after which end.
Code.require_file("drill.exs", __DIR__)
alias Regrow.Supervisor

defmodule Worker do
  use GenServer

  def start_link(type), do: GenServer.start_link(__MODULE__, type)

  @impl GenServer
  def init(type), do: {:ok, type}

  # It ends as it is told.
  @impl GenServer
  def handle_cast(reason, state), do: {:stop, reason, state}
end

defmodule RestartTypeDemo do
  def start_link, do: Supervisor.start_link([], strategy: :one_for_one, name: __MODULE__)

  # What becomes of a child of that type that ends with that reason.
  def outcome(type, reason) do
    spec = %{id: :worker, start: {Worker, :start_link, [type]}, restart: type}
    {:ok, before} = Supervisor.start_child(__MODULE__, spec)
    # To be killed comes from outside.
    tell = if reason == :killed, do: &Process.exit(&1, :kill), else: &GenServer.cast(&1, reason)
    :drill.end_by(tell, before)
    :drill.settle()

    outcome =
      case Supervisor.which_children(__MODULE__) do
        [] -> "not restarted"
        [{:worker, :undefined, _, _}] -> "not restarted, kept"
        [{:worker, pid, _, _}] when pid != before -> "restarted"
      end

    with :ok <- Supervisor.terminate_child(__MODULE__, :worker), do: Supervisor.delete_child(__MODULE__, :worker)
    # So that restarts are not counted together.
    :drill.advance(10_000)
    outcome
  end
end

print = fn [first, second, third, fourth] ->
  [{first, 16}, {second, 12}, {third, 21}]
  |> Enum.map(fn {text, width} -> [String.pad_trailing(text, width), " "] end)
  |> then(&IO.puts([&1, fourth]))
end

types = [:permanent, :transient, :temporary]
{:ok, _} = RestartTypeDemo.start_link()
print.(["ends with" | Enum.map(types, &to_string/1)])

for reason <- [:normal, :shutdown, {:shutdown, :done}, :error, :killed] do
  print.([Drill.show(reason) | Enum.map(types, &RestartTypeDemo.outcome(&1, reason))])
end
