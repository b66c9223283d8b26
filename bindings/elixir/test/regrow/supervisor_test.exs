defmodule Regrow.SupervisorTest do
  use ExUnit.Case, async: true
  doctest Regrow.Supervisor
  doctest Regrow.DynamicSupervisor
  doctest Regrow.PartitionSupervisor
  doctest Regrow.Task.Supervisor

  alias Regrow.{DynamicSupervisor, PartitionSupervisor, Registry, Runtime, Supervisor}

  defp agent(id), do: %{id: id, start: {Agent, :start_link, [fn -> 0 end]}}
  defp pid_of(supervisor, id), do: supervisor |> Supervisor.which_children() |> List.keyfind(id, 0) |> elem(1)

  setup do
    Process.flag(:trap_exit, true)
    :ok
  end

  test "native children are beside those of the BEAM" do
    {:ok, supervisor} =
      Supervisor.start_link([agent(:beam), %{kind: :agent, id: :native, initial: 1}], strategy: :one_for_all)

    assert [{:native, native, :worker, _}, {:beam, pid, :worker, [Agent]}] = Supervisor.which_children(supervisor)
    assert :regrow.is_native(native)
    assert :regrow.get_state(native) == {:ok, 1}
    monitor = Watch.monitor(pid)
    :regrow.exit(native, :kill)
    assert_receive {:DOWN, ^monitor, _, _, :shutdown}
    assert {:ok, other} = Supervisor.start_child(supervisor, %{kind: :agent, id: :more, initial: 2})
    assert :regrow.get_state(other) == {:ok, 2}
    :ok = Supervisor.stop(supervisor)
    refute :regrow.is_alive(other)
  end

  test "a child that is being started again has no pid of its own" do
    {:ok, supervisor} = DynamicSupervisor.start_link(max_restarts: 1000)
    {:ok, static} = Supervisor.start_link([agent(:a)], strategy: :one_for_one, max_restarts: 1000)
    {:ok, _} = DynamicSupervisor.start_child(supervisor, agent(:a))

    for _ <- 1..200, supervisor <- [supervisor, static] do
      [{_, pid, _, _}] = Supervisor.which_children(supervisor)
      assert pid == :restarting or not :regrow.is_native(pid)
      if is_pid(pid), do: Process.exit(pid, :kill)
      [{_, next, _, _}] = Supervisor.which_children(supervisor)
      assert next == :restarting or not :regrow.is_native(next)
    end
  end

  test "only a supervisor of tasks takes tasks" do
    {:ok, supervisor} = DynamicSupervisor.start_link([])
    assert Regrow.Task.Supervisor.start_child(supervisor, fn -> :ok end) == {:error, :not_supported}
    {:ok, static} = Supervisor.start_link([], strategy: :one_for_one)
    assert Regrow.Task.Supervisor.start_child(static, fn -> :ok end) == {:error, :not_supported}
    assert DynamicSupervisor.count_children(supervisor).active == 0
  end

  test "what has happened can be asked natively" do
    {:ok, supervisor} = Supervisor.start_link([agent(:a)], strategy: :one_for_one)
    native = Supervisor.native(supervisor)
    pid = pid_of(supervisor, :a)
    monitor = Process.monitor(pid)
    Process.exit(pid, :boom)
    assert_receive {:DOWN, ^monitor, _, _, :boom}
    # The answer waits until the native supervisor knows; settle/1 does not know that it is about to be told.
    assert pid_of(supervisor, :a) != pid
    {:ok, _} = :regrow.settle(native)
    assert {:ok, [%{reason: :boom}]} = :regrow_supervisor.history(native)
    assert {:ok, %{}} = :regrow_supervisor.tree(supervisor)
  end

  test "the end of its native supervisor is its own" do
    for start <- [
          fn -> Supervisor.start_link([agent(:a)], strategy: :one_for_one) end,
          fn ->
            {:ok, supervisor} = DynamicSupervisor.start_link([])
            {:ok, _} = DynamicSupervisor.start_child(supervisor, agent(:a))
            {:ok, supervisor}
          end
        ] do
      {:ok, supervisor} = start.()
      [{_, pid, _, _}] = Supervisor.which_children(supervisor)
      :regrow.exit(DynamicSupervisor.native(supervisor), :kill)
      assert_receive {:EXIT, ^supervisor, :killed}
      refute Process.alive?(pid)

      {:ok, supervisor} = start.()
      [{_, pid, _, _}] = Supervisor.which_children(supervisor)
      monitor = :regrow.monitor(DynamicSupervisor.native(supervisor))
      child = Process.monitor(pid)
      Process.exit(supervisor, :kill)
      assert_receive {:DOWN, ^monitor, _, _, _}
      assert_receive {:DOWN, ^child, _, _, _}
    end
  end

  test "they are in the runtime that they are told" do
    {:ok, runtime} = Runtime.start_link(workers: 1)
    name = Regrow.SupervisorTest.Partitioned
    {:ok, static} = Supervisor.start_link([agent(:a)], strategy: :one_for_one, runtime: runtime)
    {:ok, dynamic} = DynamicSupervisor.start_link(runtime: runtime)
    {:ok, partitioned} = PartitionSupervisor.start_link(child_spec: agent(:a), name: name, runtime: runtime)
    {:ok, elsewhere} = Supervisor.start_link([agent(:a)], strategy: :one_for_one)
    {:ok, child} = DynamicSupervisor.start_child(dynamic, agent(:a))
    :ok = GenServer.stop(runtime)
    for pid <- [static, dynamic, partitioned], do: assert_receive({:EXIT, ^pid, _})
    refute Process.alive?(child)
    assert Supervisor.count_children(elsewhere).active == 1

    for start <- [&Supervisor.start_link([], [strategy: :one_for_one] ++ &1), &DynamicSupervisor.start_link/1] do
      assert_raise ArgumentError, ~r/^no runtime: /, fn -> start.(runtime: runtime) end
    end
  end

  test "a reason that is too large for native code ends its child only" do
    {:ok, supervisor} = DynamicSupervisor.start_link(strategy: :one_for_one)
    {:ok, tree} = Supervisor.start_link([agent(1)], strategy: :one_for_one)
    {:ok, pid} = DynamicSupervisor.start_child(supervisor, agent(1))

    for child <- [pid, pid_of(tree, 1)] do
      monitor = Process.monitor(child)
      # Shifted, for to multiply would hold a scheduler, and all who are on it, for seconds.
      Process.exit(child, Bitwise.bsl(1, 3_000_000))
      assert_receive {:DOWN, ^monitor, _, _, _}
    end

    assert [{:undefined, next, _, _}] = DynamicSupervisor.which_children(supervisor)
    assert is_pid(next) and next != pid
    assert is_pid(pid_of(tree, 1))
  end

  test "a tree of all of them regrows" do
    registry = Regrow.SupervisorTest.Registry
    workers = Regrow.SupervisorTest.Workers

    children = [
      {Registry, keys: :unique, name: registry},
      {DynamicSupervisor, name: workers},
      %{id: :agent, start: {Agent, :start_link, [fn -> 0 end, [name: {:via, Registry, {registry, :agent}}]]}}
    ]

    # The agent may have been tried again before the end of its registry, which ended it, is known.
    {:ok, tree} = Supervisor.start_link(children, strategy: :rest_for_one, max_restarts: 100_000)
    name = {:via, Registry, {registry, :agent}}

    for victim <- [registry, workers, name] do
      before = GenServer.whereis(name)
      assert Agent.get_and_update(name, &{&1, &1 + 1}) == 0
      killed = GenServer.whereis(victim)
      monitors = for pid <- [before, killed], do: Process.monitor(pid)
      Process.exit(killed, :kill)
      for monitor <- monitors, do: assert_receive({:DOWN, ^monitor, _, _, _})
      # The answer waits until the native supervisor knows; settle/1 does not know that it is about to be told.
      assert length(Supervisor.which_children(tree)) == 3
      assert {:ok, _} = :regrow.settle(Supervisor.native(tree))
      assert Supervisor.count_children(tree).active == 3
      assert GenServer.whereis(name) != before
    end
  end
end
