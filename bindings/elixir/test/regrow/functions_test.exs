defmodule Regrow.FunctionsTest do
  # Whoever has an alias finds all that Elixir's own module has.
  use ExUnit.Case, async: true

  # What is left out: what Elixir's modules have for themselves, and show no user.
  @processes [code_change: 3, handle_call: 3, handle_cast: 2, handle_info: 2, terminate: 2, format_status: 2]
  @left_out %{
    # A dynamic supervisor's process is the shadow (`regrow_shadow`), which logs as native code does.
    DynamicSupervisor => [__struct__: 0, __struct__: 1, format_report: 1] ++ @processes,
    # Logger's, for the reports of the BEAM's servers, which are Elixir's here too.
    GenServer => [format_report: 1],
    # For a registry's partitions.
    Registry => [__unregister__: 3],
    # For its process, which is the shadow.
    Task.Supervisor => [init: 1]
  }
  @left_out_macros %{GenServer => [__before_compile__: 1]}

  @modules %{
    Agent => Regrow.Agent,
    DynamicSupervisor => Regrow.DynamicSupervisor,
    GenServer => Regrow.Server,
    PartitionSupervisor => Regrow.PartitionSupervisor,
    Registry => Regrow.Registry,
    Supervisor => Regrow.Supervisor,
    Task => Regrow.Task,
    Task.Supervisor => Regrow.Task.Supervisor
  }

  defp missing(what, elixirs, ours), do: what.(elixirs) -- what.(ours)

  defp callbacks(module) do
    if function_exported?(module, :behaviour_info, 1), do: Enum.sort(module.behaviour_info(:callbacks)), else: []
  end

  defp types(module) do
    {:ok, types} = Code.Typespec.fetch_types(module)
    for {kind, {name, _, arguments}} <- types, kind != :typep, do: {name, length(arguments)}
  end

  for {elixirs, ours} <- @modules do
    @elixirs elixirs
    @ours ours
    test "#{inspect(ours)} has what #{inspect(elixirs)} has" do
      for module <- [@elixirs, @ours], do: Code.ensure_loaded!(module)
      left_out = Map.get(@left_out, @elixirs, [])
      assert Enum.sort(missing(& &1.__info__(:functions), @elixirs, @ours)) == Enum.sort(left_out)
      assert missing(& &1.__info__(:macros), @elixirs, @ours) == Map.get(@left_out_macros, @elixirs, [])
      assert callbacks(@elixirs) == callbacks(@ours)
      assert missing(&types/1, @elixirs, @ours) == []
    end

    # Names of arguments included, which `h` shows; and no function is without a word.
    test "#{inspect(ours)} is documented" do
      {:docs_v1, _, :elixir, _, %{"en" => _}, _, docs} = Code.fetch_docs(@ours)
      documented = for {{:function, name, arity}, _, _, %{}, _} <- docs, do: {name, arity}
      {:docs_v1, _, _, _, _, _, originals} = Code.fetch_docs(@elixirs)

      for {{:function, name, arity}, _, _, %{}, metadata} <- originals do
        arities = Enum.to_list((arity - Map.get(metadata, :defaults, 0))..arity)
        assert Enum.any?(arities, &({name, &1} in documented)), "#{inspect(@ours)}.#{name}/#{arity} says nothing"
      end
    end
  end
end
