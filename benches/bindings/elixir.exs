# What Elixir's binding costs, beside what it stands for: nanoseconds for one operation, the median of five runs.
#
#   make && make -C bindings/erlang all build/test/counter.so
#   cd bindings/elixir && MIX_ENV=prod mix run ../../benches/bindings/elixir.exs
defmodule Bench do
  @runs 5

  def row(name, count, functions) do
    cells = for {what, function} <- functions, do: "#{what} #{time(count, function)}"
    IO.puts(String.pad_trailing(name, 34) <> Enum.join(cells, ", "))
  end

  defp time(count, function) do
    loop(div(count, 10), function)
    times = for _ <- 1..@runs, do: elem(:timer.tc(fn -> loop(count, function) end), 0)
    round(Enum.at(Enum.sort(times), div(@runs, 2)) * 1000 / count)
  end

  defp loop(0, _), do: :ok

  defp loop(count, function) do
    function.()
    loop(count - 1, function)
  end
end

defmodule Counter do
  use GenServer
  def init(count), do: {:ok, count}
  def handle_call({:add, more}, _, count), do: {:reply, count + more, count + more}
  def handle_cast({:add, more}, count), do: {:noreply, count + more}
end

names = for module <- [Registry, Regrow.Registry], do: {module, Module.concat(module, Bench)}
for {module, name} <- names, do: {:ok, _} = module.start_link(keys: :unique, name: name)
for {module, name} <- names, key <- 1..1000, do: {:ok, _} = module.register(name, key, :value)

each = fn function -> for {module, name} <- names, do: {inspect(module), fn -> function.(module, name) end} end

Bench.row("lookup, of 1,000 keys", 100_000, each.(& &1.lookup(&2, 500)))
Bench.row("whereis_name", 100_000, each.(& &1.whereis_name({&2, 500})))

for {module, name} <- names, do: for(key <- 2..1000, do: :ok = module.unregister(name, key))

Bench.row(
  "register and unregister",
  20_000,
  each.(fn module, name ->
    {:ok, _} = module.register(name, :key, :value)
    :ok = module.unregister(name, :key)
  end)
)

plugin = Path.expand("../../bindings/erlang/build/test/counter.so", __DIR__)
:ok = :regrow.load_plugin(plugin)
spec = %{kind: :behaviour, behaviour: "counter", arg: 0}
{:ok, native} = :regrow.start(Regrow.Runtime.root(Regrow.Runtime), spec)
{:ok, quick} = :regrow.start(Regrow.Runtime.root(Regrow.Runtime), %{spec | behaviour: "quick_counter"})
{:ok, beam} = GenServer.start_link(Counter, 0)

Bench.row("a call", 50_000, [
  {"GenServer", fn -> GenServer.call(beam, {:add, 1}) end},
  {"native", fn -> {:ok, _} = :regrow.call(native, {:add, 1}) end},
  {"one that never waits", fn -> {:ok, _} = :regrow.call(quick, {:add, 1}) end}
])

adds = List.duplicate({:add, 1}, 100)

Bench.row("100 calls on their way at once", 1_000, [
  {"GenServer",
   fn ->
     ids = for add <- adds, do: :gen_server.send_request(beam, add)
     for id <- ids, do: {:reply, _} = :gen_server.receive_response(id, 5000)
   end},
  {"native", fn -> for {:ok, _} <- :regrow.call_all(native, adds), do: :ok end},
  {"one that never waits", fn -> for {:ok, _} <- :regrow.call_all(quick, adds), do: :ok end}
])

{:ok, kept} = :regrow.start(Regrow.Runtime.root(Regrow.Runtime), %{kind: :agent, initial: 0})
{:ok, agent} = Agent.start_link(fn -> 0 end)

Bench.row("the state of an agent", 50_000, [
  {"Agent", fn -> 0 = Agent.get(agent, & &1) end},
  {"native", fn -> {:ok, 0} = :regrow.get_state(kept) end}
])

{:ok, theirs} = DynamicSupervisor.start_link([])
{:ok, ours} = Regrow.DynamicSupervisor.start_link([])
agent = %{id: :agent, start: {Agent, :start_link, [fn -> 0 end]}}

Bench.row(
  "start_child and terminate_child",
  2_000,
  for {module, supervisor} <- [{DynamicSupervisor, theirs}, {Regrow.DynamicSupervisor, ours}] do
    {inspect(module),
     fn ->
       {:ok, pid} = module.start_child(supervisor, agent)
       :ok = module.terminate_child(supervisor, pid)
     end}
  end
)
