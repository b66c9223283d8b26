# Exercise 2: a to-do list for each name, kept by a server that is started when it is first asked for.
#
#     TodoSystem           supervisor, one_for_one
#     |- Registry          which server has which list
#     `- TodoCache         dynamic supervisor
#        |- "Bob's list"   server, temporary
#        `- ...
Code.require_file("drill.exs", __DIR__)
alias Regrow.{DynamicSupervisor, Registry, Supervisor}

defmodule TodoSystem do
  use Supervisor

  def start_link, do: Supervisor.start_link(__MODULE__, nil, name: __MODULE__)

  @impl Supervisor
  def init(_) do
    children = [{Registry, keys: :unique, name: TodoSystem.Registry}, TodoCache]
    Supervisor.init(children, strategy: :one_for_one)
  end
end

defmodule TodoCache do
  use DynamicSupervisor

  def start_link(_), do: DynamicSupervisor.start_link(__MODULE__, nil, name: __MODULE__)

  @impl DynamicSupervisor
  def init(_), do: DynamicSupervisor.init(strategy: :one_for_one)

  # Of many who ask at once one starts the server; the others are told who that is.
  def server_process(list_name) do
    case DynamicSupervisor.start_child(__MODULE__, {TodoServer, list_name}) do
      {:ok, pid} -> pid
      {:error, {:already_started, pid}} -> pid
    end
  end
end

defmodule TodoServer do
  use GenServer, restart: :temporary

  def start_link(list_name), do: GenServer.start_link(__MODULE__, list_name, name: via_tuple(list_name))

  # To a server that is there for certain: a cast to whoever may have the name would be lost when nobody has.
  def add_entry(list_name, entry), do: list_name |> TodoCache.server_process() |> GenServer.cast({:add_entry, entry})
  def entries(list_name, date), do: list_name |> TodoCache.server_process() |> GenServer.call({:entries, date})

  # GenServer.cast/2 is :ok also when nobody has the name, so that is looked up here.
  def add_entry_if_there(list_name, entry) do
    case GenServer.whereis(via_tuple(list_name)) do
      nil -> {:error, :not_found}
      pid -> GenServer.cast(pid, {:add_entry, entry})
    end
  end

  defp via_tuple(list_name), do: {:via, Registry, {TodoSystem.Registry, {__MODULE__, list_name}}}

  ## Callbacks

  # The state is the entries, the last added first.
  @impl GenServer
  def init(list_name) do
    IO.puts("   starting a server for #{list_name}")
    Agent.update(Starts, &(&1 + 1))
    {:ok, []}
  end

  @impl GenServer
  def handle_cast({:add_entry, entry}, entries), do: {:noreply, [entry | entries]}

  @impl GenServer
  def handle_call({:entries, date}, _from, entries) do
    {:reply, entries |> Enum.filter(&(&1.date == date)) |> Enum.reverse(), entries}
  end
end

print_entries = fn list_name, date ->
  titles = for entry <- TodoServer.entries(list_name, date), do: " #{entry.title};"
  IO.puts("   #{list_name} on #{date}:#{if titles == [], do: " nothing", else: titles}")
end

{:ok, _} = Agent.start_link(fn -> 0 end, name: Starts)
{:ok, _} = TodoSystem.start_link()

IO.puts("1. Bob and Alice have lists of their own.")
bob_pid = TodoCache.server_process("Bob's list")
TodoServer.add_entry("Bob's list", %{date: ~D[2026-01-22], title: "Dentist"})
alice_pid = TodoCache.server_process("Alice's list")
TodoServer.add_entry("Alice's list", %{date: ~D[2026-01-22], title: "Meeting"})
TodoServer.add_entry("Alice's list", %{date: ~D[2026-01-23], title: "Train"})
TodoServer.add_entry("Alice's list", %{date: ~D[2026-01-22], title: "Dinner"})
IO.puts("   different processes: #{Drill.yes_or_no(bob_pid != alice_pid)}")
print_entries.("Bob's list", ~D[2026-01-22])
print_entries.("Alice's list", ~D[2026-01-22])

IO.puts("2. Bob's server is killed. Nobody starts it again ...")
:drill.kill(bob_pid)
:drill.settle()
lost = TodoServer.add_entry_if_there("Bob's list", %{date: ~D[2026-01-22], title: "lost"})

IO.puts(
  "   children: #{DynamicSupervisor.count_children(TodoCache).active}; a cast to his list's key: #{Drill.code(lost)}"
)

IO.puts("   Alice's is the same: #{Drill.yes_or_no(TodoCache.server_process("Alice's list") == alice_pid)}")
print_entries.("Alice's list", ~D[2026-01-22])

IO.puts("3. ... before it is asked for. His entries were in its memory.")
new_bob_pid = TodoCache.server_process("Bob's list")
IO.puts("   a new process: #{Drill.yes_or_no(new_bob_pid != bob_pid)}")
print_entries.("Bob's list", ~D[2026-01-22])
TodoServer.add_entry("Bob's list", %{date: ~D[2026-01-22], title: "Dentist, again"})
print_entries.("Bob's list", ~D[2026-01-22])

IO.puts("4. Many ask for a new list at once.")
before = Agent.get(Starts, & &1)

[first | others] =
  1..50 |> Enum.map(fn _ -> Task.async(fn -> TodoCache.server_process("x") end) end) |> Task.await_many(:infinity)

started = Agent.get(Starts, & &1) - before
IO.puts("   50 asked, #{started} started, #{Enum.count(others, &(&1 != first))} got another pid than the first")
