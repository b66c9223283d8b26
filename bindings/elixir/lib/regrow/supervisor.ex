defmodule Regrow.Supervisor do
  @moduledoc """
  Elixir's `Supervisor`, over a native one: the order, the limits and the restarts are regrow's; the functions, options,
  results, errors and exits are Elixir's.

      children = [
        {Regrow.Registry, keys: :unique, name: MyApp.Registry},
        {MyApp.Counter, 0}
      ]

      Regrow.Supervisor.start_link(children, strategy: :one_for_one)

  What `start_link/2,3` return is the supervisor's *shadow*, a process of the BEAM: its children's parent. It stands
  under any other supervisor, and takes what Elixir's `Supervisor` and OTP's `:supervisor` ask.

  Beside Elixir's:

    * `:runtime` names the runtime that the supervisor is in; see `Regrow.Runtime`.
    * A child may be native: a map with `:kind` and `:id`, as `:regrow.start/2` takes it.
    * A child specification may have `:backoff`, a map as `regrow.h` describes `regrow_backoff_spec`.
    * `native/1` gives the native supervisor, for `:regrow_supervisor.history/1` and `:regrow_supervisor.tree/1`.

  `:simple_one_for_one`, which Elixir has deprecated, has no automatic shutdown here.

  ## Examples

      iex> counter = %{id: :counter, start: {Agent, :start_link, [fn -> 0 end]}}
      iex> {:ok, supervisor} = Regrow.Supervisor.start_link([counter], strategy: :one_for_one)
      iex> [{:counter, pid, :worker, [Agent]}] = Regrow.Supervisor.which_children(supervisor)
      iex> Agent.get(pid, & &1)
      0
      iex> Regrow.Supervisor.count_children(supervisor)
      %{active: 1, specs: 1, supervisors: 0, workers: 1}
      iex> Regrow.Supervisor.stop(supervisor)
      :ok
  """

  @type supervisor :: Supervisor.supervisor()
  @type name :: Supervisor.name()
  @type child :: Supervisor.child()
  @type on_start :: Supervisor.on_start()
  @type on_start_child :: Supervisor.on_start_child()
  @type sup_flags :: Supervisor.sup_flags()
  @type strategy :: Supervisor.strategy()
  @type restart :: Supervisor.restart()
  @type shutdown :: Supervisor.shutdown()
  @type type :: Supervisor.type()
  @type option :: Supervisor.option() | {:runtime, Regrow.Runtime.t()}
  @type init_option :: Supervisor.init_option()
  @type child_spec :: Supervisor.child_spec() | :regrow.spec()

  @callback init(init_arg :: term) :: {:ok, {:supervisor.sup_flags(), [:supervisor.child_spec()]}} | :ignore

  @doc false
  defmacro __using__(options) do
    quote location: :keep, bind_quoted: [options: options] do
      @behaviour Regrow.Supervisor

      unless Module.has_attribute?(__MODULE__, :doc) do
        @doc "Returns a specification to start this module under a supervisor."
      end

      def child_spec(init_arg) do
        default = %{id: __MODULE__, start: {__MODULE__, :start_link, [init_arg]}, type: :supervisor}
        Regrow.Supervisor.child_spec(default, unquote(Macro.escape(options)))
      end

      defoverridable child_spec: 1
    end
  end

  defmodule Default do
    @moduledoc false
    # What start_link/2 was given is what init/1 returns.
    def init(answer), do: answer
  end

  @doc """
  Starts a supervisor with children, linked with the caller; or, given a module and an argument, as `start_link/3`.

  Options: `:strategy`, which must be given, `:max_restarts` (3), `:max_seconds` (5), `:name`, `:runtime`.
  """
  @spec start_link([child_spec | {module, term} | module], [option | init_option]) :: Supervisor.on_start()
  @spec start_link(module, term) :: Supervisor.on_start()
  def start_link(children, options) when is_list(children) do
    {init, options} = Keyword.split(options, [:strategy, :max_seconds, :max_restarts])
    start_link(Default, init(children, init), options)
  end

  def start_link(module, init_arg), do: start_link(module, init_arg, [])

  @doc """
  Starts a supervisor with what `init/1` of a module gives, linked with the caller. Options: `:name`, `:runtime`.

  Errors are those of Elixir: `{:error, {:already_started, pid}}`, `{:error, {:shutdown, reason}}` when a child does not
  start, `{:error, reason}`; `:ignore`.
  """
  @spec start_link(module, term, [option]) :: Supervisor.on_start()
  def start_link(module, init_arg, options) when is_list(options) do
    {root, options} = Regrow.Runtime.pop(options)

    case named(options) do
      nil -> :regrow_supervisor.start_link(root, module, init_arg)
      name -> :regrow_supervisor.start_link(root, name, module, init_arg)
    end
  end

  @doc false
  # The name that is among options, as OTP wants it.
  def named(options) do
    case Keyword.get(options, :name) do
      nil ->
        nil

      name when is_atom(name) ->
        {:local, name}

      {:global, _} = name ->
        name

      {:via, module, _} = name when is_atom(module) ->
        name

      other ->
        raise ArgumentError, """
        expected :name option to be one of the following:

          * nil
          * atom
          * {:global, term}
          * {:via, module, term}

        Got: #{inspect(other)}
        """
    end
  end

  @doc "What `init/1` of a module returns, of children and the options `:strategy`, `:max_restarts` and `:max_seconds`."
  @spec init([child_spec | {module, term} | module], [init_option]) :: {:ok, tuple}
  defdelegate init(children, options), to: Supervisor

  @doc "A child specification with some of its fields replaced."
  @spec child_spec(child_spec | {module, term} | module, keyword) :: child_spec
  defdelegate child_spec(module_or_map, overrides), to: Supervisor

  @doc "Starts one more child."
  @spec start_child(supervisor, child_spec | {module, term} | module) :: Supervisor.on_start_child()
  defdelegate start_child(supervisor, child_spec), to: Supervisor

  @doc "Ends a child, by its id; its specification stays."
  @spec terminate_child(supervisor, term) :: :ok | {:error, :not_found}
  defdelegate terminate_child(supervisor, child_id), to: Supervisor

  @doc "Deletes the specification of a child that has ended."
  @spec delete_child(supervisor, term) :: :ok | {:error, :not_found | :running | :restarting}
  defdelegate delete_child(supervisor, child_id), to: Supervisor

  @doc "Starts a child again that has ended."
  @spec restart_child(supervisor, term) :: Supervisor.on_start_child() | {:error, :not_found | :running | :restarting}
  defdelegate restart_child(supervisor, child_id), to: Supervisor

  @doc "The children, as `{id, pid | :undefined | :restarting, :worker | :supervisor, modules}`."
  @spec which_children(supervisor) :: [tuple]
  defdelegate which_children(supervisor), to: Supervisor

  @doc "How many children there are: `:specs`, `:active`, `:supervisors`, `:workers`."
  @spec count_children(supervisor) :: map
  defdelegate count_children(supervisor), to: Supervisor

  @doc "Ends a supervisor, and waits until it has ended."
  @spec stop(supervisor, term, timeout) :: :ok
  defdelegate stop(supervisor, reason \\ :normal, timeout \\ :infinity), to: Supervisor

  @doc "The native supervisor."
  @spec native(supervisor) :: pid
  def native(supervisor), do: GenServer.call(supervisor, :native, :infinity)
end
