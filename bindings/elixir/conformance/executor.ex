defmodule Regrow.Conformance do
  @moduledoc """
  The system (`:reference_system`) that the Elixir binding is: what the reference does through Elixir's modules and
  OTP's is done through those of `Regrow`, in a runtime of each scenario's own.

  What Elixir itself has in `Process` and `Kernel` (signals, links, monitors, names, timers) has no module here, and
  goes through Erlang's `:regrow`, as it does in any program in Elixir.
  """
  @behaviour :reference_system

  @supervisors ~w(start start_child terminate_child restart_child delete_child which_children count_children
                  get_childspec)c
  @tables ~w(ets_insert ets_insert_new ets_delete ets_delete_object ets_clear ets_drop ets_member ets_update ets_lookup
             ets_take ets_lookup_element ets_list ets_counter ets_first ets_last ets_next ets_prev ets_size ets_owner
             ets_give ets_setopts)c

  @impl true
  def operations(:main) do
    [
      {:reference_supervisors, @supervisors},
      {:reference_processes, ~w(spawn stop call cast sleep)c},
      {:executor_processes, ~w(exit send alive register unregister whereis)c},
      {:reference_registries, ~w(reg_start reg_lookup reg_whereis reg_keys reg_count reg_dispatch reg_call)c},
      {:reference_tables, @tables},
      {Regrow.Conformance.Groups, ~w(members publish)c},
      {:reference_agents, ~w(agent_start agent_get agent_add agent_cast_add agent_fetch_add agent_crash agent_stop)c}
    ]
  end

  def operations(:process) do
    [
      {:reference_processes, ~w(call trap)c},
      {:executor_processes, ~w(link unlink monitor demonitor exit register unregister send timer cancel read_timer)c},
      {:reference_registries, ~w(reg_register reg_unregister reg_unregister_match reg_update)c},
      {:reference_tables, ['ets_new' | @tables]},
      {Regrow.Conformance.Groups, ~w(join leave)c},
      {:reference_tasks, ~w(task_await task_yield task_shutdown task_kill task_nolink)c}
    ]
  end

  @impl true
  def module(:worker), do: :reference_worker
  def module(:dynamic), do: Regrow.Conformance.Dynamic
  def module(_), do: Regrow.Conformance.Static

  @impl true
  def api(:server), do: Regrow.Server
  def api(:supervisor), do: Regrow.Supervisor
  # Elixir's Supervisor does not tell specifications; OTP's does, of any.
  def api(:childspecs), do: :supervisor
  def api(:dynamic_supervisor), do: Regrow.DynamicSupervisor
  def api(:agent), do: Regrow.Agent
  def api(:task), do: Regrow.Task
  def api(:task_supervisor), do: Regrow.Task.Supervisor
  def api(:registry), do: Regrow.Registry
  def api(:table), do: Regrow.Table

  @impl true
  def table_ref(table), do: Regrow.Table.ref(table)

  @impl true
  def named(name), do: :executor_runtime.named(name)

  @impl true
  def refuses(_), do: :none

  @impl true
  def begins do
    {:ok, _} = :application.ensure_all_started(:elixir)
    workers = if number = System.get_env("REGROW_WORKERS"), do: [workers: String.to_integer(number)], else: []
    {:ok, _} = Regrow.Runtime.start_link([name: Regrow.Runtime, log_level: :silent] ++ workers)
    {:ok, _} = Regrow.PubSub.start_link(name: Regrow.Conformance.Groups)
    :executor_runtime.use(Regrow.Runtime.root(Regrow.Runtime))
  end

  @impl true
  def ends, do: GenServer.stop(Regrow.Runtime)

  @impl true
  def stamp, do: :executor_runtime.stamp()
end

defmodule Regrow.Conformance.Static do
  @moduledoc "Supervisors of the declarations `sup`."
  use Regrow.Supervisor

  def start_link(declared, id), do: Regrow.Supervisor.start_link(__MODULE__, {declared, id, self()})

  @impl true
  defdelegate init(given), to: :reference_supervisor
end

defmodule Regrow.Conformance.Dynamic do
  @moduledoc "Supervisors of the declarations `dsup`."
  use Regrow.DynamicSupervisor

  def start_link(declared, id), do: Regrow.DynamicSupervisor.start_link(__MODULE__, {declared, id, self()})

  @impl true
  defdelegate init(given), to: :reference_dynamic
end

defmodule Regrow.Conformance.Groups do
  @moduledoc "Operations on groups, through `Regrow.PubSub`."

  def perform('join', [group], _), do: __MODULE__ |> Regrow.PubSub.join(group, self()) |> Atom.to_charlist()
  def perform('leave', [group], _), do: __MODULE__ |> Regrow.PubSub.leave(group, self()) |> Atom.to_charlist()

  def perform('members', [group], _) do
    members = Regrow.PubSub.members(__MODULE__, group)
    ['members', :reference_words.sorted(Enum.map(members, &:reference_recorder.label/1))]
  end

  def perform('publish', [group, x], _) do
    __MODULE__ |> Regrow.PubSub.send(group, :reference_words.term(x)) |> Integer.to_charlist()
  end
end
