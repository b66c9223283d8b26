# The first lines of Pooly as they are typed at the console, and what they give.
#
# Two things are not as in the exercise. A supervisor of workers that come and go is a DynamicSupervisor: Elixir has
# deprecated :simple_one_for_one. So each child is a spec of its own (`specs`), and which_children/1 tells its module.
# And a table is what new/2 gives; its name leads to it.
Code.require_file("drill.exs", __DIR__)
alias Regrow.{DynamicSupervisor, Table}

defmodule SampleWorker do
  use GenServer

  def start_link(args), do: GenServer.start_link(__MODULE__, args)
  def stop(pid), do: GenServer.call(pid, :stop)

  @impl GenServer
  def init(args), do: {:ok, args}

  @impl GenServer
  def handle_call(:stop, _from, state), do: {:stop, :normal, :ok, state}
end

defmodule Console do
  # Shows a line and what it gives. Pids are numbered as they are first seen, so that two runs print the same.
  def show(line, given) do
    IO.puts(line)

    IO.puts([
      "  ",
      given |> number() |> inspect(width: :infinity) |> String.replace(~s("#), "#") |> String.replace(~s(>"), ">")
    ])

    given
  end

  defp number(pid) when is_pid(pid) do
    seen = Process.get(:seen, [])
    at = Enum.find_index(seen, &(&1 == pid)) || length(seen)
    if at == length(seen), do: Process.put(:seen, seen ++ [pid])
    "#PID<#{at + 1}>"
  end

  defp number(list) when is_list(list), do: Enum.map(list, &number/1)
  defp number(tuple) when is_tuple(tuple), do: tuple |> Tuple.to_list() |> number() |> List.to_tuple()
  defp number(other), do: other

  # Waits for it: the stopped one answers before it ends.
  def down do
    receive do: ({:DOWN, _ref, :process, _pid, reason} -> IO.puts("  {:DOWN, ref, :process, pid, #{inspect(reason)}}"))
  end

  def no_message do
    receive do
      message -> exit({:too_early, message})
    after
      0 -> :ok
    end
  end

  def count(line, count) do
    text =
      "active: #{count.active}, specs: #{count.specs}, supervisors: #{count.supervisors}, workers: #{count.workers}"

    IO.puts([line, "\n  ", text])
  end
end

IO.puts("-- a worker supervisor")
IO.puts("{:ok, worker_sup} = DynamicSupervisor.start_link(strategy: :one_for_one, max_restarts: 5, max_seconds: 5)")
{:ok, worker_sup} = DynamicSupervisor.start_link(strategy: :one_for_one, max_restarts: 5, max_seconds: 5)
start = fn -> DynamicSupervisor.start_child(worker_sup, {SampleWorker, []}) end
which = fn -> worker_sup |> DynamicSupervisor.which_children() |> Enum.sort_by(&elem(&1, 1)) end

Console.show("DynamicSupervisor.start_child(worker_sup, {SampleWorker, []})", start.())
Console.show("DynamicSupervisor.which_children(worker_sup)", which.())
Console.count("DynamicSupervisor.count_children(worker_sup)", DynamicSupervisor.count_children(worker_sup))
{:ok, worker_pid} = Console.show("DynamicSupervisor.start_child(worker_sup, {SampleWorker, []})", start.())
Process.monitor(worker_pid)
Console.show("SampleWorker.stop(worker_pid)", SampleWorker.stop(worker_pid))
Console.down()
:drill.settle()
# The stopped one is permanent: another is there in its place.
Console.show("DynamicSupervisor.which_children(worker_sup)", which.())
Console.count("DynamicSupervisor.count_children(worker_sup)", DynamicSupervisor.count_children(worker_sup))

IO.puts("-- a table")

new = fn options ->
  table = Table.new(:mum_faves, options)
  name = if :named_table in options, do: ":mum_faves", else: "#Reference"
  IO.puts(":ets.new(:mum_faves, #{inspect(options)})\n  #{name}")
  table
end

new.([])
new.([:set])
# for process ownership
new.([:set, :private])
new.([:set, :private, :named_table])
mum_faves = Table.whereis(:mum_faves)

for {name, genre} <- [
      {"Bodyslam", "Rock"},
      {"Oat Pramote", "Pop"},
      {"GOT7", "Pop"},
      {"Silly fool", "Rock"},
      {"Potato", "Rock"}
    ] do
  Console.show(
    ~s(:ets.insert(:mum_faves, {"#{name}", 2025, "#{genre}"}\)),
    Table.insert(mum_faves, {name, 2025, genre})
  )
end

# A set has no order that one may rely on, so its objects are shown sorted.
Console.show(":ets.tab2list(:mum_faves)", Enum.sort(Table.tab2list(mum_faves)))
Console.show(~s(:ets.delete(:mum_faves, "GOT7"\)), Table.delete(mum_faves, "GOT7"))
Console.show(~s(:ets.lookup(:mum_faves, "Bodyslam"\)), Table.lookup(mum_faves, "Bodyslam"))

for pattern <- [{:"$1", 2025, :"$2"}, {:"$2", 2025, :"$1"}, {:"$1", 2025, :_}] do
  Console.show(":ets.match(:mum_faves, #{inspect(pattern)})", Enum.sort(Table.match(mum_faves, pattern)))
end

IO.puts("the same lookup by another process, since the table is private")

Task.async(fn ->
  try do
    Table.lookup(Table.whereis(:mum_faves), "Bodyslam")
  rescue
    error in ArgumentError -> IO.puts("  #{Exception.message(error)}")
  end
end)
|> Task.await()

IO.puts("-- a monitor")

pid =
  spawn(fn ->
    # As :timer.sleep/1, by the clock of these programs.
    :drill.sleep(2000)
    exit(:boom)
  end)

Process.monitor(pid)
IO.puts("pid = spawn(fn -> :timer.sleep(2000); exit(:boom) end)\nref = Process.monitor(pid)")
:drill.advance(1999)
IO.puts("flush() after 1999 ms")
:ok = Console.no_message()
:drill.advance(1)
IO.puts("flush() after 2000 ms")
Console.down()
