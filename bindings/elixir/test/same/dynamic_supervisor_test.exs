defmodule Same.DynamicSupervisorTest do
  use ExUnit.Case, async: true
  alias Regrow.DynamicSupervisor

  defmodule Tree do
    use DynamicSupervisor, restart: :temporary
    def start_link(answer), do: DynamicSupervisor.start_link(__MODULE__, answer)
    @impl true
    def init({:flags, options}), do: DynamicSupervisor.init(options)
    def init({:tell, to}), do: with({:init, _} <- send(to, {:init, self()}), do: {:ok, %{}})
    def init(:raise), do: raise("oops")
    def init(answer), do: answer
  end

  defmodule Start do
    def any({:ok, pid}), do: {:ok, pid}
    def any(function) when is_function(function), do: function.()
    def any(answer), do: answer
    def any(extra, answer), do: {:error, {extra, answer}}
    def agent(value \\ 0), do: Agent.start_link(fn -> value end)

    # One that does trap exits when it is told to end.
    def stubborn do
      starter = self()

      pid =
        spawn_link(fn ->
          Process.flag(:trap_exit, true)
          send(starter, {:traps, self()})
          Process.sleep(:infinity)
        end)

      receive do: ({:traps, ^pid} -> {:ok, pid})
    end
  end

  defp child(arguments, more \\ %{}), do: Map.merge(%{id: 1, start: {Start, :any, arguments}}, more)
  defp agent(more \\ %{}), do: Map.merge(%{id: 1, start: {Start, :agent, []}}, more)

  defp eventually(holds) do
    unless holds.() do
      Process.sleep(1)
      eventually(holds)
    end
  end

  defp kill(pid) do
    monitor = Process.monitor(pid)
    Process.exit(pid, :kill)
    assert_receive {:DOWN, ^monitor, _, _, :killed}
  end

  defp pids(supervisor), do: for({_, pid, _, _} <- DynamicSupervisor.which_children(supervisor), do: pid)

  setup do
    Process.flag(:trap_exit, true)
    {:ok, supervisor} = DynamicSupervisor.start_link(strategy: :one_for_one)
    %{supervisor: supervisor}
  end

  test "children come and go", %{supervisor: supervisor} do
    assert DynamicSupervisor.which_children(supervisor) == []
    {:ok, pid} = DynamicSupervisor.start_child(supervisor, agent())
    {:ok, other} = DynamicSupervisor.start_child(supervisor, agent())
    assert {:undefined, pid, :worker, [Start]} in DynamicSupervisor.which_children(supervisor)
    assert DynamicSupervisor.count_children(supervisor) == %{specs: 2, active: 2, supervisors: 0, workers: 2}
    assert DynamicSupervisor.terminate_child(supervisor, pid) == :ok
    refute Process.alive?(pid)
    assert DynamicSupervisor.terminate_child(supervisor, pid) == {:error, :not_found}
    assert DynamicSupervisor.terminate_child(supervisor, self()) == {:error, :not_found}
    assert pids(supervisor) == [other]
    assert DynamicSupervisor.stop(supervisor) == :ok
    refute Process.alive?(other)
    assert_receive {:EXIT, ^supervisor, :normal}
    assert {:noproc, {GenServer, :call, _}} = catch_exit(DynamicSupervisor.which_children(supervisor))
  end

  test "what a start function returns", %{supervisor: supervisor} do
    pid = spawn_link(fn -> Process.sleep(:infinity) end)
    start = &DynamicSupervisor.start_child(supervisor, child([&1]))
    assert start.({:ok, pid, :info}) == {:ok, pid, :info}
    assert start.(:ignore) == :ignore
    assert start.({:error, :oops}) == {:error, :oops}
    assert start.(:nonsense) == {:error, :nonsense}
    assert start.({:ok, :no_pid}) == {:error, {:ok, :no_pid}}
    assert {:error, {%RuntimeError{message: "oops"}, [_ | _]}} = start.(fn -> raise "oops" end)
    assert start.(fn -> exit(:oops) end) == {:error, :oops}
    assert {:error, {{:nocatch, :oops}, [_ | _]}} = start.(fn -> throw(:oops) end)

    assert {:error, {:undef, [_ | _]}} =
             DynamicSupervisor.start_child(supervisor, %{id: 1, start: {NoSuchModule, :f, []}})

    assert pids(supervisor) == [pid]
  end

  test "what a child's restart says", %{supervisor: supervisor} do
    for restart <- [:permanent, :transient, :temporary], reason <- [:normal, :kill] do
      {:ok, pid} = DynamicSupervisor.start_child(supervisor, agent(%{restart: restart}))
      if reason == :kill, do: kill(pid), else: Agent.stop(pid)
      restarted = restart == :permanent or (restart == :transient and reason == :kill)

      if restarted do
        eventually(fn -> match?([next] when is_pid(next) and next != pid, pids(supervisor)) end)
        :ok = DynamicSupervisor.terminate_child(supervisor, hd(pids(supervisor)))
      end

      eventually(fn -> pids(supervisor) == [] end)
    end
  end

  test "who has seen a child end finds it started again, or gone" do
    {:ok, supervisor} = DynamicSupervisor.start_link(strategy: :one_for_one, max_restarts: 1000, max_children: 1)

    for _ <- 1..20 do
      {:ok, pid} = DynamicSupervisor.start_child(supervisor, agent(%{restart: :transient}))
      kill(pid)
      assert [{:undefined, next, :worker, [Start]}] = DynamicSupervisor.which_children(supervisor)
      assert is_pid(next) and next != pid
      kill(next)
      assert DynamicSupervisor.count_children(supervisor) == %{specs: 1, active: 1, supervisors: 0, workers: 1}
      assert DynamicSupervisor.start_child(supervisor, agent()) == {:error, :max_children}
      [last] = pids(supervisor)
      Agent.stop(last)
      assert DynamicSupervisor.which_children(supervisor) == []
      {:ok, pid} = DynamicSupervisor.start_child(supervisor, agent(%{restart: :temporary}))
      kill(pid)
      assert DynamicSupervisor.terminate_child(supervisor, pid) == {:error, :not_found}
      assert DynamicSupervisor.count_children(supervisor).specs == 0
    end
  end

  test "one that does not start again is restarting, and still to be ended" do
    {:ok, supervisor} = DynamicSupervisor.start_link(strategy: :one_for_one, max_restarts: 1_000_000, max_children: 1)
    {:ok, starts} = Agent.start_link(fn -> 0 end)

    start = fn ->
      if Agent.get_and_update(starts, &{&1, &1 + 1}) == 0, do: Start.agent(), else: {:error, :not_again}
    end

    {:ok, pid} = DynamicSupervisor.start_child(supervisor, child([start]))
    kill(pid)
    assert DynamicSupervisor.which_children(supervisor) == [{:undefined, :restarting, :worker, [Start]}]
    assert DynamicSupervisor.count_children(supervisor) == %{specs: 1, active: 0, supervisors: 0, workers: 1}
    assert DynamicSupervisor.start_child(supervisor, agent()) == {:error, :max_children}
    assert DynamicSupervisor.terminate_child(supervisor, pid) == :ok
    assert DynamicSupervisor.terminate_child(supervisor, pid) == {:error, :not_found}
    assert DynamicSupervisor.which_children(supervisor) == []
    assert {:ok, _} = DynamicSupervisor.start_child(supervisor, agent())
    # And one that does not want to.
    {:ok, supervisor} = DynamicSupervisor.start_link(strategy: :one_for_one)
    {:ok, once} = Agent.start_link(fn -> 0 end)
    start = fn -> if Agent.get_and_update(once, &{&1, &1 + 1}) == 0, do: Start.agent(), else: :ignore end
    {:ok, pid} = DynamicSupervisor.start_child(supervisor, child([start]))
    kill(pid)
    assert DynamicSupervisor.which_children(supervisor) == []
  end

  test "tools know it for a supervisor", %{supervisor: supervisor} do
    assert :supervisor.get_callback_module(supervisor) |> Module.split() |> List.last() == "Default"

    {:ok, supervisor} = Tree.start_link({:flags, []})
    assert :supervisor.get_callback_module(supervisor) == Tree
    assert :proc_lib.translate_initial_call(supervisor) == {:supervisor, Tree, 1}
  end

  test "it gives up when too many have crashed" do
    {:ok, supervisor} = DynamicSupervisor.start_link(strategy: :one_for_one, max_restarts: 1, max_seconds: 60)
    {:ok, other} = DynamicSupervisor.start_child(supervisor, agent())
    {:ok, pid} = DynamicSupervisor.start_child(supervisor, agent())
    kill(pid)
    eventually(fn -> match?([next] when is_pid(next) and next != pid, pids(supervisor) -- [other]) end)
    kill(hd(pids(supervisor) -- [other]))
    assert_receive {:EXIT, ^supervisor, :shutdown}
    refute Process.alive?(other)
  end

  test "limits and arguments of all children" do
    {:ok, supervisor} = DynamicSupervisor.start_link(strategy: :one_for_one, max_children: 1, extra_arguments: [:extra])
    assert {:error, {:extra, :given}} = DynamicSupervisor.start_child(supervisor, child([:given]))
    {:ok, pid} = DynamicSupervisor.start_child(supervisor, agent())
    assert Agent.get(pid, & &1) == :extra
    assert DynamicSupervisor.start_child(supervisor, agent()) == {:error, :max_children}
    kill(pid)
    eventually(fn -> match?([next] when is_pid(next) and next != pid, pids(supervisor)) end)
    assert Agent.get(hd(pids(supervisor)), & &1) == :extra
    :ok = DynamicSupervisor.terminate_child(supervisor, hd(pids(supervisor)))
    assert {:ok, _} = DynamicSupervisor.start_child(supervisor, agent())
    {:ok, supervisor} = DynamicSupervisor.start_link(strategy: :one_for_one, max_children: 0)
    assert DynamicSupervisor.start_child(supervisor, agent()) == {:error, :max_children}
  end

  test "a child that does not end is killed", %{supervisor: supervisor} do
    for shutdown <- [10 | List.duplicate(:brutal_kill, 50)] do
      {:ok, pid} =
        DynamicSupervisor.start_child(supervisor, %{id: 1, start: {Start, :stubborn, []}, shutdown: shutdown})

      assert DynamicSupervisor.terminate_child(supervisor, pid) == :ok
      refute Process.alive?(pid)
    end
  end

  test "a module has an init, and a child_spec" do
    assert Tree.child_spec(1) == %{id: Tree, start: {Tree, :start_link, [1]}, type: :supervisor, restart: :temporary}
    {:ok, supervisor} = Tree.start_link({:flags, max_children: 1})
    {:ok, _} = DynamicSupervisor.start_child(supervisor, agent())
    assert {:error, :max_children} = DynamicSupervisor.start_child(supervisor, agent())
    {:ok, supervisor} = Tree.start_link({:tell, self()})
    assert_received {:init, ^supervisor}
    assert Tree.start_link(:ignore) == :ignore
    assert Tree.start_link(:nonsense) == {:error, {:bad_return, {Tree, :init, :nonsense}}}
    assert {:error, {%RuntimeError{message: "oops"}, _}} = Tree.start_link(:raise)
  end

  test "options that are wrong" do
    for {wrong, reason} <- [
          {[strategy: :one_for_all], {:invalid_strategy, :one_for_all}},
          {[max_restarts: -1, max_seconds: 0], {:invalid_intensity, -1}},
          {[max_seconds: 0, max_children: -1], {:invalid_period, 0}},
          {[max_children: -1], {:invalid_max_children, -1}},
          {[extra_arguments: :none], {:invalid_extra_arguments, :none}}
        ] do
      assert DynamicSupervisor.start_link(wrong) == {:error, {:supervisor_data, reason}}
    end

    assert_raise ArgumentError, fn -> DynamicSupervisor.start_link(name: "text") end
  end

  test "specifications that are wrong", %{supervisor: supervisor} do
    for {wrong, reason} <- [
          {%{id: 1}, {:invalid_child_spec, %{id: 1}}},
          {%{id: 1, start: {1, 2, 3}}, {:invalid_mfa, {1, 2, 3}}},
          {agent(%{restart: :often}), {:invalid_restart_type, :often}},
          {agent(%{shutdown: -1}), {:invalid_shutdown, -1}},
          {agent(%{modules: 17}), {:invalid_modules, 17}}
        ] do
      assert DynamicSupervisor.start_child(supervisor, wrong) == {:error, reason}
    end

    assert_raise ArgumentError, fn -> DynamicSupervisor.start_child(supervisor, "text") end
    assert_raise FunctionClauseError, fn -> DynamicSupervisor.terminate_child(supervisor, :a) end
    assert DynamicSupervisor.count_children(supervisor).specs == 0
  end

  test "it has a name, and stands under another" do
    name = Module.concat(__MODULE__, Named)
    options = [name: name, strategy: :one_for_one]
    spec = %{id: name, start: {DynamicSupervisor, :start_link, [options]}, type: :supervisor}
    assert DynamicSupervisor.child_spec(options) == spec
    assert DynamicSupervisor.child_spec([]).id == DynamicSupervisor
    assert DynamicSupervisor.child_spec(name: {:global, :a}).id == :a
    {:ok, outer} = Supervisor.start_link([{DynamicSupervisor, options}], strategy: :one_for_one)
    {:ok, pid} = DynamicSupervisor.start_child(name, agent())
    supervisor = Process.whereis(name)
    assert {:error, {:already_started, ^supervisor}} = DynamicSupervisor.start_link(options)
    kill(supervisor)
    eventually(fn -> not Process.alive?(pid) and Process.whereis(name) not in [nil, supervisor] end)
    assert DynamicSupervisor.which_children(name) == []
    :ok = Supervisor.stop(outer)
    assert Process.whereis(name) == nil
  end
end
