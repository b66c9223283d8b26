defmodule Same.AgentTest do
  use ExUnit.Case, async: true
  alias Regrow.Agent
  alias Regrow.Registry
  alias Regrow.Supervisor

  defmodule Counter do
    use Agent, restart: :transient, shutdown: 10
    def start_link(first), do: Agent.start_link(fn -> first end)
  end

  defmodule Plain do
    use Agent
  end

  def identity(state), do: state
  def pair(state, value), do: {value, state}
  def add(state, number), do: state + number
  def fail(_), do: raise("oops")
  def wait(_), do: Process.sleep(:infinity)

  defp start(state \\ 0) do
    {:ok, agent} = Agent.start(fn -> state end)
    agent
  end

  setup do
    Process.flag(:trap_exit, true)
    :ok
  end

  test "functions read and write what an agent keeps" do
    {:ok, agent} = Agent.start_link(&Map.new/0)
    assert agent in elem(Process.info(self(), :links), 1)
    assert Agent.update(agent, &Map.put(&1, :hello, :world)) == :ok
    assert Agent.get(agent, &Map.get(&1, :hello), 30_000) == :world
    assert Agent.get(agent, fn _ -> self() end) == agent
    assert Agent.get_and_update(agent, &Map.pop(&1, :hello), :infinity) == :world
    assert Agent.update(agent, &Map.put(&1, :a, 1), 30_000) == :ok
    assert Agent.cast(agent, &Map.put(&1, :b, 2)) == :ok
    assert Agent.get(agent, & &1) == %{a: 1, b: 2}
    assert Agent.stop(agent) == :ok
    refute Process.alive?(agent)
    assert_receive {:EXIT, ^agent, :normal}
  end

  test "so do functions of a module" do
    {:ok, agent} = Agent.start(Map, :new, [])
    refute agent in elem(Process.info(self(), :links), 1)
    assert Agent.cast(agent, Map, :put, [:hello, :world]) == :ok
    assert Agent.get(agent, Map, :get, [:hello]) == :world
    assert Agent.get(agent, Map, :get, [:hello], 30_000) == :world
    assert Agent.get_and_update(agent, Map, :pop, [:hello]) == :world
    assert Agent.get_and_update(agent, __MODULE__, :pair, [1], 30_000) == 1
    assert Agent.update(agent, Map, :put, [:a, 1]) == :ok
    assert Agent.update(agent, Map, :delete, [:a], :infinity) == :ok
    assert Agent.get(agent, __MODULE__, :identity, []) == %{}
    {:ok, agent} = Agent.start_link(__MODULE__, :identity, [7], [])
    assert agent in elem(Process.info(self(), :links), 1)
    assert Agent.get(agent, & &1) == 7
  end

  test "names" do
    name = Module.concat(__MODULE__, Name)
    {:ok, agent} = Agent.start_link(fn -> 1 end, name: name)
    assert Process.info(agent, :registered_name) == {:registered_name, name}
    assert Agent.get(name, & &1) == 1
    assert Agent.get({name, node()}, & &1) == 1
    assert Agent.start_link(fn -> 2 end, name: name) == {:error, {:already_started, agent}}
    assert Agent.start(__MODULE__, :identity, [2], name: name) == {:error, {:already_started, agent}}
    assert Agent.stop(name) == :ok
    registry = Module.concat(__MODULE__, Registry)
    start_supervised!({Registry, keys: :unique, name: registry})
    via = {:via, Registry, {registry, "agent"}}
    {:ok, agent} = Agent.start_link(fn -> 1 end, name: via)
    assert Agent.update(via, &(&1 + 1)) == :ok
    assert Agent.cast(via, &(&1 + 1)) == :ok
    assert Agent.get_and_update(via, &{&1, &1 + 1}) == 3
    assert Agent.get(via, & &1) == 4
    assert Agent.start_link(fn -> 2 end, name: via) == {:error, {:already_started, agent}}
    assert Agent.stop(via) == :ok
    # Elixir's own may show it for a moment yet; regrow's not, as test/regrow/agent_test.exs says.
    Watch.until(fn -> Registry.lookup(registry, "agent") == [] end)

    assert_raise ArgumentError, ~r/^expected :name option to be one of/, fn ->
      Agent.start(fn -> 1 end, name: "text")
    end
  end

  test "what does not start" do
    assert {:error, {%RuntimeError{message: "oops"}, [_ | _]}} = Agent.start_link(fn -> raise "oops" end)
    assert_receive {:EXIT, _, {%RuntimeError{}, _}}
    assert {:error, {%RuntimeError{}, _}} = Agent.start(__MODULE__, :fail, [1])
    assert Agent.start(fn -> exit(:oops) end) == {:error, :oops}
    assert {:error, {:undef, [{NoSuchModule, :f, [], _} | _]}} = Agent.start(NoSuchModule, :f, [])
    assert Agent.start(fn -> Process.sleep(:infinity) end, timeout: 1) == {:error, :timeout}
  end

  test "a function that fails ends the agent" do
    agent = start()

    assert {{%RuntimeError{message: "oops"}, [_ | _]}, {GenServer, :call, [^agent, {:get, function}, 5000]}} =
             catch_exit(Agent.get(agent, fn _ -> raise "oops" end))

    assert is_function(function, 1)
    refute Process.alive?(agent)
    agent = start()
    mfa = {__MODULE__, :fail, []}

    assert {{%RuntimeError{}, _}, {GenServer, :call, [^agent, {:update, ^mfa}, 30_000]}} =
             catch_exit(Agent.update(agent, __MODULE__, :fail, [], 30_000))

    agent = start()
    assert {:oops, {GenServer, :call, _}} = catch_exit(Agent.get_and_update(agent, fn _ -> exit(:oops) end))
    {:ok, agent} = Agent.start_link(fn -> 0 end)
    assert Agent.cast(agent, fn _ -> exit(:oops) end) == :ok
    assert_receive {:EXIT, ^agent, :oops}
  end

  test "get_and_update/3 takes pairs only" do
    for wrong <- [:oops, {1, 2, 3}, []] do
      agent = start()
      reason = {:bad_return_value, wrong}

      {found, {GenServer, :call, [^agent, {:get_and_update, _}, 5000]}} =
        catch_exit(Agent.get_and_update(agent, fn _ -> wrong end))

      assert found == reason
      refute Process.alive?(agent)
    end
  end

  test "time limits" do
    for {call, request} <- [
          {&Agent.get(&1, fn s -> wait(s) end, 1), :get},
          {&Agent.update(&1, __MODULE__, :wait, [], 1), :update},
          {&Agent.get_and_update(&1, fn s -> wait(s) end, 1), :get_and_update}
        ] do
      agent = start()
      assert {:timeout, {GenServer, :call, [^agent, {^request, _}, 1]}} = catch_exit(call.(agent))
      assert Process.alive?(agent)
      assert {:timeout, {GenServer, :stop, [^agent, :normal, 1]}} = catch_exit(Agent.stop(agent, :normal, 1))
      Process.exit(agent, :kill)
    end
  end

  test "an agent that is not there" do
    agent = start()
    assert Agent.stop(agent, :shutdown, 30_000) == :ok
    assert {:noproc, {GenServer, :call, [^agent, {:get, _}, 5000]}} = catch_exit(Agent.get(agent, & &1))
    assert {:noproc, {GenServer, :call, _}} = catch_exit(Agent.update(:nobody, & &1))
    assert {:noproc, {GenServer, :call, _}} = catch_exit(Agent.get_and_update({:global, :nobody}, & &1))
    assert {:noproc, {GenServer, :stop, [^agent, :normal, :infinity]}} = catch_exit(Agent.stop(agent))
    assert Agent.cast(agent, & &1) == :ok
    assert Agent.cast(:nobody, Map, :new, []) == :ok
    assert Agent.cast({:via, NoSuchModule, :nobody}, & &1) == :ok
    assert_raise UndefinedFunctionError, fn -> Agent.get({:via, NoSuchModule, :nobody}, & &1) end
    {:ok, agent} = Agent.start_link(fn -> 0 end)
    assert Agent.stop(agent, :oops) == :ok
    assert_receive {:EXIT, ^agent, :oops}
  end

  test "arguments of wrong types" do
    agent = start()

    for wrong <- [
          fn -> Agent.start_link(& &1) end,
          fn -> Agent.start(:function) end,
          fn -> Agent.get(agent, fn -> 1 end) end,
          fn -> Agent.update(agent, :function) end,
          fn -> Agent.get_and_update(agent, fn _, _ -> 1 end) end,
          fn -> Agent.cast(agent, "function") end,
          fn -> Agent.get(agent, & &1, :soon) end,
          fn -> Agent.get(agent, & &1, -1) end
        ] do
      assert_raise FunctionClauseError, wrong
    end

    assert Agent.get(agent, & &1) == 0
  end

  test "an agent does not mind other messages, and hibernates" do
    {:ok, agent} = Agent.start(fn -> 0 end, hibernate_after: 1, spawn_opt: [priority: :high])
    assert Process.info(agent, :priority) == {:priority, :high}
    send(agent, :other)
    assert Agent.get(agent, & &1) == 0
  end

  test "specifications, and agents under a supervisor" do
    assert Agent.child_spec(:given) == %{id: Agent, start: {Agent, :start_link, [:given]}}
    assert Plain.child_spec(1) == %{id: Plain, start: {Plain, :start_link, [1]}}

    assert Counter.child_spec(1) ==
             %{id: Counter, start: {Counter, :start_link, [1]}, restart: :transient, shutdown: 10}

    {:ok, supervisor} = Supervisor.start_link([{Agent, fn -> 5 end}, {Counter, 7}], strategy: :one_for_one)
    [{Counter, counter, :worker, [Counter]}, {Agent, agent, :worker, [Agent]}] = Supervisor.which_children(supervisor)
    assert Agent.get(agent, & &1) == 5
    assert Agent.get(counter, __MODULE__, :add, [1]) == 8
    assert Supervisor.stop(supervisor) == :ok
    refute Process.alive?(agent)
  end
end
