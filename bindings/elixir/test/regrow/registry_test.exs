defmodule Regrow.RegistryTest do
  use ExUnit.Case, async: true
  doctest Regrow.Registry

  alias Regrow.{Registry, Runtime}

  @rounds 2000 * String.to_integer(System.get_env("REGROW_ROUNDS", "1"))

  defp start(context, options) do
    name = Module.concat(__MODULE__, context.test)
    {:ok, server} = start_supervised({Registry, [name: name] ++ options})
    {name, server}
  end

  test "nothing that is asked tells of the dead", context do
    {registry, _} = start(context, keys: :duplicate)
    me = self()

    for round <- 1..@rounds do
      {other, monitor} =
        spawn_monitor(fn ->
          {:ok, _} = Registry.register(registry, :key, round)
          send(me, :registered)
          receive do: (:end -> :ok)
        end)

      assert_receive :registered
      assert Registry.lookup(registry, :key) == [{other, round}]
      send(other, :end)
      assert_receive {:DOWN, ^monitor, _, _, :normal}
      assert Registry.lookup(registry, :key) == []
      assert Registry.match(registry, :key, :_) == []
      assert Registry.count_match(registry, :key, :_) == 0
      assert Registry.keys(registry, other) == []
      assert Registry.values(registry, :key, other) == []
      assert Registry.dispatch(registry, :key, fn _ -> raise "called" end) == :ok
    end
  end

  test "a key is free as soon as its process is dead", context do
    {registry, _} = start(context, keys: :unique, partitions: 4)

    for round <- 1..@rounds do
      {_, monitor} = spawn_monitor(fn -> {:ok, _} = Registry.register(registry, :key, round) end)
      assert_receive {:DOWN, ^monitor, _, _, :normal}
      assert Registry.whereis_name({registry, :key}) == :undefined
      assert Registry.update_value(registry, :key, fn _ -> raise "called" end) == :error
    end
  end

  test "native processes are entries", context do
    {registry, _} = start(context, keys: :unique)
    native = Registry.native(registry)
    {:ok, agent} = :regrow.start(native, %{kind: :agent, initial: 1})
    :ok = :regrow_registry.register(native, "native", agent, :value)
    assert Registry.lookup(registry, "native") == [{agent, :value}]
    assert Registry.whereis_name({registry, "native"}) == agent
    assert {:error, {:already_registered, ^agent}} = Registry.register(registry, "native", 1)
    :ok = :regrow.stop(agent)
    assert Registry.lookup(registry, "native") == []

    {:ok, _} = Registry.register(registry, "mine", 2)
    assert :regrow_registry.lookup(native, "mine") == {:ok, [{self(), 2}]}
    assert :regrow_registry.meta(native, :a) == {:error, :not_found}
    :ok = Registry.put_meta(registry, :a, 1)
    assert :regrow_registry.meta(native, :a) == {:ok, 1}
  end

  test "the order of a key is that of registration", context do
    {registry, _} = start(context, keys: :duplicate, partitions: 8)
    tasks = for n <- 1..20, do: Task.async(fn -> wait_and_register(registry, n) end)
    for task <- tasks, do: send(task.pid, self()) && assert_receive(:registered)
    assert for({_, n} <- Registry.lookup(registry, :key), do: n) == Enum.to_list(1..20)
    for task <- tasks, do: Task.shutdown(task)
  end

  defp wait_and_register(registry, n) do
    receive do: (from -> {Registry.register(registry, :key, n), send(from, :registered)})
    Process.sleep(:infinity)
  end

  test "it and its native registry end together", context do
    Process.flag(:trap_exit, true)
    name = Module.concat(__MODULE__, context.test)
    {:ok, server} = Registry.start_link(keys: :unique, name: name)
    native = Registry.native(name)
    {:ok, _} = Registry.register(name, 1, 1)
    monitor = :regrow.monitor(native)
    :regrow.exit(native, :kill)
    assert_receive {:DOWN, ^monitor, _, _, :killed}
    assert_receive {:EXIT, ^server, :killed}
    assert_raise ArgumentError, "unknown registry: #{inspect(name)}", fn -> Registry.lookup(name, 1) end

    {:ok, server} = Registry.start_link(keys: :unique, name: name)
    native = Registry.native(name)
    monitor = :regrow.monitor(native)
    :ok = GenServer.stop(server, :shutdown)
    refute :regrow.is_alive(native)
    assert_receive {:DOWN, ^monitor, _, _, :shutdown}

    {:ok, server} = Registry.start_link(keys: :unique, name: name)
    monitor = :regrow.monitor(Registry.native(name))
    Process.exit(server, :kill)
    assert_receive {:DOWN, ^monitor, _, _, _}
  end

  test "it ends with its partitions", context do
    Process.flag(:trap_exit, true)
    {:ok, server} = Registry.start_link(keys: :unique, name: Module.concat(__MODULE__, context.test), partitions: 2)
    [{_, partition, _, _} | _] = Supervisor.which_children(server)
    Process.exit(partition, :kill)
    assert_receive {:EXIT, ^server, :killed}
  end

  test "it is in the runtime that it is told, and ends with it", context do
    Process.flag(:trap_exit, true)
    {:ok, runtime} = Runtime.start_link(workers: 1)
    name = Module.concat(__MODULE__, context.test)
    {:ok, registry} = Registry.start_link(keys: :unique, name: name, runtime: runtime)
    :ok = :regrow.register(Registry.native(name), :here, Registry.native(name))
    assert :regrow.whereis(Runtime.root(runtime), :here) == {:ok, Registry.native(name)}
    assert :regrow.whereis(Runtime.root(Runtime), :here) == {:error, :not_found}
    :ok = GenServer.stop(runtime)
    assert_receive {:EXIT, ^registry, reason} when reason in [:shutdown, :killed]
    assert_raise ArgumentError, fn -> Registry.lookup(name, 1) end

    text = ~r/^no runtime: #PID<.*>. Is the application :regrow started\?$/
    assert_raise ArgumentError, text, fn -> Registry.start_link(keys: :unique, name: name, runtime: runtime) end
    assert_raise ArgumentError, fn -> Registry.start_link(keys: :unique, name: name, runtime: 17) end
    assert_raise ArgumentError, fn -> Registry.start_link(keys: :unique, name: name, runtime: NoSuchRuntime) end
  end

  test "what cannot go to native code is refused, and nothing is left", context do
    {registry, _} = start(context, keys: :unique)
    too_large = Bitwise.bsl(1, 8 * 1024 * 200)
    assert_raise ArgumentError, fn -> Registry.register(registry, too_large, 1) end
    assert_raise ArgumentError, fn -> Registry.register(registry, 1, too_large) end
    assert Registry.count(registry) == 0
    assert {:error, {:badarg, _}} = start_with_table_in_the_way()
  end

  # A name of a table that is there: as Elixir's, which makes one of that name too.
  defp start_with_table_in_the_way do
    Process.flag(:trap_exit, true)
    :ets.new(:in_the_way, [:named_table])
    Registry.start_link(keys: :unique, name: :in_the_way)
  end
end
