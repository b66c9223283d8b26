defmodule Regrow.AgentTest do
  use ExUnit.Case, async: true
  doctest Regrow.Agent

  alias Regrow.{Agent, Registry, Runtime, Supervisor}

  def add(state, number), do: state + number
  def pair(state, number), do: {state, state + number}

  setup do
    {:ok, agent} = :regrow.start(Runtime.root(Runtime), %{kind: :agent, initial: 40})
    %{agent: agent}
  end

  test "a native agent is read and written", %{agent: agent} do
    assert Agent.get(agent, & &1) == 40
    assert Agent.get(agent, __MODULE__, :add, [1]) == 41
    assert Agent.update(agent, &(&1 + 1)) == :ok
    assert Agent.update(agent, __MODULE__, :add, [1], :infinity) == :ok
    assert Agent.get_and_update(agent, &{&1, &1 + 1}, 30_000) == 42
    assert Agent.get_and_update(agent, __MODULE__, :pair, [1]) == 43
    assert Agent.cast(agent, &(&1 + 1)) == :ok
    assert Agent.cast(agent, __MODULE__, :add, [1]) == :ok
    assert Agent.get(agent, & &1, 30_000) == 46
    assert :regrow.get_state(agent) == {:ok, 46}
    assert Agent.stop(agent) == :ok
    refute :regrow.is_alive(agent)
  end

  test "one that has stopped is in no registry" do
    registry = Module.concat(__MODULE__, Registry)
    start_supervised!({Registry, keys: :unique, name: registry})

    for _ <- 1..100 do
      via = {:via, Registry, {registry, "agent"}}
      {:ok, _} = Agent.start_link(fn -> 1 end, name: via)
      assert Agent.stop(via) == :ok
      assert Registry.lookup(registry, "agent") == []
    end
  end

  test "no update is lost", %{agent: agent} do
    1..8
    |> Enum.map(fn n ->
      Task.async(fn ->
        for _ <- 1..50 do
          case rem(n, 3) do
            0 -> :ok = Agent.update(agent, &(&1 + 1))
            1 -> true = is_integer(Agent.get_and_update(agent, &{&1, &1 + 1}))
            2 -> :ok = Agent.cast(agent, &(&1 + 1))
          end
        end
      end)
    end)
    |> Task.await_many(30_000)

    assert Agent.get(agent, & &1) == 440
  end

  test "a function is called again when the term is another by then", %{agent: agent} do
    me = self()

    Agent.update(agent, fn state ->
      send(me, {:called, state})
      if state == 40, do: :regrow.replace_state(agent, 50)
      state + 1
    end)

    assert_received {:called, 40}
    assert_received {:called, 50}
    assert Agent.get(agent, & &1) == 51
    # 1 and 1.0 are two terms.
    :ok = :regrow.replace_state(agent, 1)

    Agent.update(agent, fn state ->
      if is_integer(state), do: :regrow.replace_state(agent, 1.0)
      [state]
    end)

    assert Agent.get(agent, & &1) === [1.0]
  end

  test "a function fails in the caller", %{agent: agent} do
    assert_raise RuntimeError, "oops", fn -> Agent.get(agent, fn _ -> raise "oops" end) end
    assert catch_exit(Agent.update(agent, fn _ -> exit(:oops) end)) == :oops
    assert catch_throw(Agent.cast(agent, fn _ -> throw(:oops) end)) == :oops

    assert {{:bad_return_value, :oops}, {GenServer, :call, [^agent, {:get_and_update, _}, 5000]}} =
             catch_exit(Agent.get_and_update(agent, fn _ -> :oops end))

    assert Agent.get(agent, & &1) == 40
  end

  test "exits are those of Elixir's agents", %{agent: agent} do
    :ok = Agent.stop(agent, :shutdown)
    assert {:noproc, {GenServer, :call, [^agent, {:get, _}, 5000]}} = catch_exit(Agent.get(agent, & &1))
    assert {:noproc, {GenServer, :call, [^agent, {:update, _}, 1]}} = catch_exit(Agent.update(agent, & &1, 1))
    mfa = {__MODULE__, :pair, [1]}

    assert {:noproc, {GenServer, :call, [^agent, {:get_and_update, ^mfa}, 5000]}} =
             catch_exit(Agent.get_and_update(agent, __MODULE__, :pair, [1]))

    assert Agent.cast(agent, & &1) == :ok
    assert {:noproc, {GenServer, :stop, [^agent, :normal, :infinity]}} = catch_exit(Agent.stop(agent))
  end

  test "what is no agent, and times that are none", %{agent: agent} do
    {:ok, pubsub} = :regrow.start(Runtime.root(Runtime), %{kind: :pubsub})
    assert {:wrong_kind, {GenServer, :call, [^pubsub, {:get, _}, 5000]}} = catch_exit(Agent.get(pubsub, & &1))
    assert {:wrong_kind, {GenServer, :call, _}} = catch_exit(Agent.update(pubsub, & &1))
    assert Agent.cast(pubsub, & &1) == :ok
    assert_raise FunctionClauseError, fn -> Agent.get(agent, & &1, :soon) end
    assert_raise FunctionClauseError, fn -> Agent.update(agent, & &1, -1) end
    assert_raise FunctionClauseError, fn -> Agent.get(agent, fn -> 1 end) end
    assert_raise FunctionClauseError, fn -> Agent.cast(agent, :function) end
    assert Agent.get(agent, & &1) == 40
  end

  test "a name leads to agents of both kinds", %{agent: agent} do
    registry = __MODULE__.Registry
    start_supervised!({Registry, keys: :unique, name: registry})
    native = {:via, Registry, {registry, :native}}
    :ok = :regrow_registry.register(Registry.native(registry), :native, agent, :value)
    assert Agent.update(native, &(&1 + 2)) == :ok
    assert Agent.get(native, & &1) == 42
    assert Agent.stop(native) == :ok
    assert {:noproc, {GenServer, :call, [^native, {:get, _}, 5000]}} = catch_exit(Agent.get(native, & &1))
    assert Agent.cast(native, & &1) == :ok
    assert {:noproc, {GenServer, :stop, [^native, :normal, :infinity]}} = catch_exit(Agent.stop(native))
  end

  test "agents of both kinds under one supervisor" do
    children = [{Agent, fn -> 1 end}, %{id: :native, kind: :agent, initial: 2}]
    {:ok, supervisor} = Supervisor.start_link(children, strategy: :one_for_one)
    pids = for {_, pid, _, _} <- Supervisor.which_children(supervisor), do: pid
    for pid <- pids, do: :ok = Agent.update(pid, &(&1 * 10))
    assert pids |> Enum.map(&Agent.get(&1, fn state -> state end)) |> Enum.sort() == [10, 20]
    :ok = Supervisor.stop(supervisor)
  end
end
