defmodule Regrow.DynamicSupervisor do
  @moduledoc """
  Elixir's `DynamicSupervisor`, over a native one: the same functions, options, results, errors and exits.

      children = [{Regrow.DynamicSupervisor, name: MyApp.Workers, strategy: :one_for_one}]

  The pid is that of the supervisor's shadow, as with `Regrow.Supervisor`; `:runtime` names the runtime that it is in.
  ## Examples

      iex> {:ok, supervisor} = Regrow.DynamicSupervisor.start_link(strategy: :one_for_one, max_children: 1)
      iex> {:ok, agent} = Regrow.DynamicSupervisor.start_child(supervisor, {Agent, fn -> 0 end})
      iex> Regrow.DynamicSupervisor.start_child(supervisor, {Agent, fn -> 0 end})
      {:error, :max_children}
      iex> Regrow.DynamicSupervisor.terminate_child(supervisor, agent)
      :ok
      iex> Regrow.DynamicSupervisor.count_children(supervisor)
      %{active: 0, specs: 0, supervisors: 0, workers: 0}
  """

  @type option :: GenServer.option() | {:runtime, Regrow.Runtime.t()}
  @type init_option :: DynamicSupervisor.init_option()
  @type on_start_child :: DynamicSupervisor.on_start_child()
  @type strategy :: DynamicSupervisor.strategy()
  @type sup_flags :: DynamicSupervisor.sup_flags()

  @callback init(init_arg :: term) :: {:ok, DynamicSupervisor.sup_flags()} | :ignore

  @doc false
  defmacro __using__(options) do
    quote location: :keep, bind_quoted: [options: options] do
      @behaviour Regrow.DynamicSupervisor

      unless Module.has_attribute?(__MODULE__, :doc) do
        @doc "Returns a specification to start this module under a supervisor."
      end

      def child_spec(arg) do
        default = %{id: __MODULE__, start: {__MODULE__, :start_link, [arg]}, type: :supervisor}
        Supervisor.child_spec(default, unquote(Macro.escape(options)))
      end

      defoverridable child_spec: 1
    end
  end

  @doc "A specification to start one under a supervisor; its id is its name, if there is one."
  @spec child_spec([option | init_option]) :: Supervisor.child_spec()
  def child_spec(options) when is_list(options) do
    id =
      case Keyword.get(options, :name, Regrow.DynamicSupervisor) do
        name when is_atom(name) -> name
        {:global, name} -> name
        {:via, _, name} -> name
      end

    %{id: id, start: {Regrow.DynamicSupervisor, :start_link, [options]}, type: :supervisor}
  end

  @doc """
  Starts a supervisor without children, linked with the caller.

  Options: `:strategy` (`:one_for_one`), `:max_restarts` (3), `:max_seconds` (5), `:max_children` (`:infinity`),
  `:extra_arguments` (`[]`), `:name`, `:runtime`. `{:error, {:supervisor_data, reason}}`: one of them is wrong.
  """
  @spec start_link([option | init_option]) :: Supervisor.on_start()
  def start_link(options) when is_list(options) do
    {init, options} = Keyword.split(options, [:extra_arguments, :max_children, :max_seconds, :max_restarts, :strategy])

    start_link(Regrow.Supervisor.Default, init(init), options)
  end

  @doc "Starts a supervisor with what `init/1` of a module gives. Options: `:name`, `:runtime`."
  @spec start_link(module, term, [option]) :: Supervisor.on_start()
  def start_link(module, init_arg, options \\ []) do
    {root, options} = Regrow.Runtime.pop(options)
    GenServer.start_link(:regrow_shadow, {:dynamic, root, module, fn -> read(module, init_arg) end}, options)
  end

  # In the shadow: what the native supervisor is to be, and what goes before the arguments of its children.
  defp read(module, init_arg) do
    case module.init(init_arg) do
      {:ok, flags} when is_map(flags) ->
        case wrong(flags) do
          nil -> {:ok, to_native(flags), Map.get(flags, :extra_arguments, [])}
          reason -> {:stop, {:supervisor_data, reason}}
        end

      :ignore ->
        :ignore

      other ->
        {:stop, {:bad_return, {module, :init, other}}}
    end
  end

  # What a flag must be, in the order in which Elixir looks at them.
  @flags [
    strategy: {:one_for_one, :invalid_strategy},
    intensity: {1, :invalid_intensity},
    period: {5, :invalid_period},
    max_children: {:infinity, :invalid_max_children},
    extra_arguments: {[], :invalid_extra_arguments}
  ]

  defp wrong(flags) do
    Enum.find_value(@flags, fn {flag, {default, reason}} ->
      given = Map.get(flags, flag, default)
      if not valid?(flag, given), do: {reason, given}
    end)
  end

  # Native numbers have 32 bits, and the highest two say something else.
  @most 0xFFFFFFFD

  defp valid?(:strategy, strategy), do: strategy == :one_for_one
  defp valid?(:intensity, restarts), do: restarts in 0..@most
  defp valid?(:period, seconds), do: seconds in 1..div(@most, 1000)
  defp valid?(:max_children, :infinity), do: true
  defp valid?(:max_children, count), do: count in 0..@most
  defp valid?(:extra_arguments, arguments), do: is_list(arguments)

  defp to_native(flags) do
    %{
      max_restarts: Map.get(flags, :intensity, 1),
      period_ms: Map.get(flags, :period, 5) * 1000,
      max_children: Map.get(flags, :max_children, :infinity)
    }
  end

  @doc "What `init/1` of a module returns, of the options of `start_link/1`."
  @spec init([init_option]) :: {:ok, map}
  def init(options) when is_list(options), do: DynamicSupervisor.init(options)

  @doc """
  Starts a child. `{:error, :max_children}`, `{:error, reason}`; `:ignore`, and then there is no child.
  """
  @spec start_child(Supervisor.supervisor(), Supervisor.child_spec() | {module, term} | module) ::
          DynamicSupervisor.on_start_child()
  defdelegate start_child(supervisor, child_spec), to: DynamicSupervisor

  @doc "Ends a child, by its pid."
  @spec terminate_child(Supervisor.supervisor(), pid) :: :ok | {:error, :not_found}
  defdelegate terminate_child(supervisor, pid), to: DynamicSupervisor

  @doc "The children, as `{:undefined, pid | :restarting, :worker | :supervisor, modules}`."
  @spec which_children(Supervisor.supervisor()) :: [tuple]
  defdelegate which_children(supervisor), to: DynamicSupervisor

  @doc "How many children there are: `:specs`, `:active`, `:supervisors`, `:workers`."
  @spec count_children(Supervisor.supervisor()) :: map
  defdelegate count_children(supervisor), to: DynamicSupervisor

  @doc "Ends a supervisor, and waits until it has ended."
  @spec stop(Supervisor.supervisor(), term, timeout) :: :ok
  defdelegate stop(supervisor, reason \\ :normal, timeout \\ :infinity), to: DynamicSupervisor

  @doc "The native supervisor."
  @spec native(Supervisor.supervisor()) :: pid
  def native(supervisor), do: Regrow.Supervisor.native(supervisor)
end
