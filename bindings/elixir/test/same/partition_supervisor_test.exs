defmodule Same.PartitionSupervisorTest do
  use ExUnit.Case, async: true
  alias Regrow.{DynamicSupervisor, PartitionSupervisor}

  defp agent(value \\ 0), do: %{id: :agent, start: {Agent, :start_link, [fn -> value end]}}
  defp via(name, key), do: {:via, PartitionSupervisor, {name, key}}

  defp eventually(holds) do
    unless holds.() do
      Process.sleep(1)
      eventually(holds)
    end
  end

  setup %{test: test} do
    Process.flag(:trap_exit, true)
    %{name: Module.concat(__MODULE__, test)}
  end

  test "there is a child for each partition", %{name: name} do
    {:ok, supervisor} = PartitionSupervisor.start_link(child_spec: agent(), name: name, partitions: 3)
    assert Process.whereis(name) == supervisor
    assert PartitionSupervisor.partitions(name) == 3
    assert [{2, _, :worker, [Agent]}, {1, one, _, _}, {0, _, _, _}] = PartitionSupervisor.which_children(name)
    assert PartitionSupervisor.count_children(name) == %{specs: 3, active: 3, supervisors: 0, workers: 3}
    assert GenServer.whereis(via(name, 1)) == one
    for key <- [-4, 4, 7], do: assert(GenServer.whereis(via(name, key)) == one)
    for key <- ["a", :b, {1, 2}], do: assert(is_pid(GenServer.whereis(via(name, key))))
    assert GenServer.whereis(via(name, "a")) == GenServer.whereis(via(name, :erlang.phash2("a", 3)))
    assert PartitionSupervisor.stop(name) == :ok
    refute Process.alive?(one)
    assert {:noproc, {PartitionSupervisor, :partitions, [^name]}} = catch_exit(PartitionSupervisor.partitions(name))
    assert {:noproc, {PartitionSupervisor, :partitions, [^name]}} = catch_exit(GenServer.whereis(via(name, 1)))
  end

  test "a child that is started again is found", %{name: name} do
    {:ok, _} = PartitionSupervisor.start_link(child_spec: agent(), name: name, partitions: 2)
    Agent.update(via(name, 0), fn _ -> :changed end)
    assert Agent.get(via(name, 0), & &1) == :changed
    pid = GenServer.whereis(via(name, 0))
    Process.exit(pid, :kill)
    eventually(fn -> GenServer.whereis(via(name, 0)) not in [pid, nil] end)
    assert Agent.get(via(name, 0), & &1) == 0
  end

  test "arguments are those of the partition", %{name: name} do
    with_arguments = fn [_], partition -> [fn -> {:partition, partition} end] end
    options = [child_spec: agent(), name: name, partitions: 3, with_arguments: with_arguments]
    {:ok, _} = PartitionSupervisor.start_link(options)
    for partition <- 0..2, do: assert(Agent.get(via(name, partition), & &1) == {:partition, partition})
  end

  test "dynamic supervisors are its children", %{name: name} do
    spec = %{
      id: name,
      start: {PartitionSupervisor, :start_link, [[child_spec: DynamicSupervisor, name: name]]},
      type: :supervisor
    }

    assert PartitionSupervisor.child_spec(child_spec: DynamicSupervisor, name: name) == spec
    start_supervised!({PartitionSupervisor, child_spec: DynamicSupervisor, name: name})
    assert PartitionSupervisor.partitions(name) == System.schedulers_online()
    assert {:ok, pid} = DynamicSupervisor.start_child(via(name, self()), agent(1))
    assert [{:undefined, ^pid, :worker, [Agent]}] = DynamicSupervisor.which_children(via(name, self()))
  end

  test "the name may be a via tuple", %{name: name} do
    start_supervised!({Registry, keys: :unique, name: name})
    via = {:via, Registry, {name, :partitioned}}
    {:ok, supervisor} = PartitionSupervisor.start_link(child_spec: agent(), name: via, partitions: 2)
    assert Registry.whereis_name({name, :partitioned}) == supervisor
    assert PartitionSupervisor.partitions(via) == 2
    assert Agent.get({:via, PartitionSupervisor, {via, 1}}, & &1) == 0
    assert length(PartitionSupervisor.which_children(via)) == 2
    assert {:noproc, _} = catch_exit(PartitionSupervisor.partitions({:via, Registry, {name, :none}}))
  end

  test "what is wrong", %{name: name} do
    good = [child_spec: agent(), name: name]

    for {wrong, text} <- [
          {[child_spec: agent()], "the :name option must be given to PartitionSupervisor"},
          {[name: name], "the :child_spec option must be given to PartitionSupervisor"},
          {[partitions: 0] ++ good, "the :partitions option must be a positive integer, got: 0"},
          {[with_arguments: :none] ++ good,
           "the :with_arguments option must be a function that receives two arguments, the current call arguments and the partition, got: :none"}
        ] do
      assert_raise ArgumentError, text, fn -> PartitionSupervisor.start_link(wrong) end
    end

    assert_raise RuntimeError, "the call to the function in :with_arguments must return a list, got: :none", fn ->
      PartitionSupervisor.start_link([with_arguments: fn _, _ -> :none end] ++ good)
    end

    assert {:error, {:shutdown, {:failed_to_start_child, 0, :oops}}} =
             PartitionSupervisor.start_link(
               child_spec: %{id: 1, start: {:erlang, :hd, [[{:error, :oops}]]}},
               name: name
             )

    assert {:error, {:supervisor_data, {:invalid_strategy, :bad}}} =
             PartitionSupervisor.start_link([strategy: :bad] ++ good)

    text = "{:via, PartitionSupervisor, _} cannot be given on registration"
    assert_raise RuntimeError, text, fn -> PartitionSupervisor.register_name({name, 1}, self()) end
  end
end
