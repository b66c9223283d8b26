defmodule Regrow.PartitionSupervisor do
  @moduledoc """
  Elixir's `PartitionSupervisor`, over a native supervisor: the same functions, options, results and errors.

      children = [{Regrow.PartitionSupervisor, child_spec: Regrow.DynamicSupervisor, name: MyApp.Workers}]

      Regrow.DynamicSupervisor.start_child({:via, Regrow.PartitionSupervisor, {MyApp.Workers, self()}}, {Agent, fn -> 0 end})

  A key that is an integer leads to its partition by remainder, any other by its hash. A partition whose child is not
  there is found by no key. `:runtime` names the runtime that the supervisor is in; see `Regrow.Runtime`.

  ## Examples

      iex> agent = %{id: :agent, start: {Agent, :start_link, [fn -> 0 end]}}
      iex> name = Regrow.PartitionSupervisor.Example
      iex> {:ok, _} = Regrow.PartitionSupervisor.start_link(child_spec: agent, name: name, partitions: 4)
      iex> Agent.update({:via, Regrow.PartitionSupervisor, {name, 5}}, &(&1 + 1))
      iex> for key <- 0..3, do: Agent.get({:via, Regrow.PartitionSupervisor, {name, key}}, & &1)
      [0, 1, 0, 0]
      iex> Regrow.PartitionSupervisor.partitions(name)
      4
  """

  alias Regrow.PartitionSupervisor.Registry

  @behaviour Regrow.Supervisor

  @type name :: atom | {:via, module, term}
  @type option ::
          {:child_spec, Supervisor.child_spec() | {module, term} | module}
          | {:name, name}
          | {:partitions, pos_integer}
          | {:with_arguments, ([term], non_neg_integer -> [term])}
          | {:runtime, Regrow.Runtime.t()}
          | Regrow.Supervisor.init_option()

  @doc "A specification to start one under a supervisor; its id is its name."
  @spec child_spec([option]) :: Supervisor.child_spec()
  def child_spec(options) when is_list(options) do
    id =
      case Keyword.get(options, :name, Regrow.PartitionSupervisor) do
        name when is_atom(name) -> name
        {:via, _, name} -> name
      end

    %{id: id, start: {Regrow.PartitionSupervisor, :start_link, [options]}, type: :supervisor}
  end

  @doc """
  Starts a supervisor with a child for each partition, linked with the caller.

  Options: `:child_spec` and `:name`, which must be given; `:partitions` (as many as there are schedulers), `:strategy`
  (`:one_for_one`), `:max_restarts` (3), `:max_seconds` (5), `:runtime`; `:with_arguments`, a function that makes of the
  arguments of the start function, and the number of a partition, those of that partition.

  Raises `ArgumentError` for a wrong option.
  """
  @spec start_link([option]) :: Supervisor.on_start()
  def start_link(options) when is_list(options) do
    name = options[:name] || raise ArgumentError, "the :name option must be given to PartitionSupervisor"
    {given, options} = Keyword.pop(options, :child_spec)
    given || raise ArgumentError, "the :child_spec option must be given to PartitionSupervisor"
    {partitions, options} = Keyword.pop(options, :partitions, System.schedulers_online())

    unless is_integer(partitions) and partitions >= 1 do
      raise ArgumentError, "the :partitions option must be a positive integer, got: #{inspect(partitions)}"
    end

    {with_arguments, options} = Keyword.pop(options, :with_arguments, fn arguments, _ -> arguments end)

    unless is_function(with_arguments, 2) do
      raise ArgumentError,
            "the :with_arguments option must be a function that receives two arguments, " <>
              "the current call arguments and the partition, got: #{inspect(with_arguments)}"
    end

    spec = Supervisor.child_spec(given, [])
    children = for partition <- 0..(partitions - 1), do: child(spec, partition, name, with_arguments)
    {init, options} = Keyword.split(options, [:strategy, :max_seconds, :max_restarts])
    Regrow.Supervisor.start_link(__MODULE__, {name, partitions, children, init}, options)
  end

  defp child(%{start: {module, function, arguments}} = spec, partition, name, with_arguments) do
    arguments = with_arguments.(arguments, partition)

    unless is_list(arguments) do
      raise "the call to the function in :with_arguments must return a list, got: #{inspect(arguments)}"
    end

    start = {__MODULE__, :start_child, [module, function, arguments, name, partition]}
    Map.merge(%{modules: [module]}, %{spec | id: partition, start: start})
  end

  # ---- in the supervisor: a table tells which process a partition has ----

  @impl true
  @doc false
  def init({name, partitions, children, options}) do
    named = if is_atom(name), do: [:named_table], else: []
    table = :ets.new(if(is_atom(name), do: name, else: __MODULE__), [:protected, read_concurrency: true] ++ named)
    :ets.insert(table, {:partitions, partitions})
    unless is_atom(name), do: {:ok, _} = Regrow.Registry.register(Registry, self(), table)
    Regrow.Supervisor.init(children, Keyword.put_new(options, :strategy, :one_for_one))
  end

  @doc false
  def start_child(module, function, arguments, name, partition) do
    case apply(module, function, arguments) do
      {:ok, pid} = started when is_pid(pid) -> began(started, pid, name, partition)
      {:ok, pid, _} = started when is_pid(pid) -> began(started, pid, name, partition)
      other -> other
    end
  end

  defp began(started, pid, name, partition) do
    :ets.insert(table(name, self()), {partition, pid})
    started
  end

  defp table(name, _) when is_atom(name), do: name

  defp table(_, supervisor) do
    case Regrow.Registry.lookup(Registry, supervisor) do
      [{^supervisor, table}] -> table
      [] -> nil
    end
  end

  # ---- what anybody may ask ----

  @doc "How many partitions a supervisor has. Exits with `:noproc` when there is none of that name."
  @spec partitions(name) :: pos_integer
  def partitions(name), do: elem(found!(name), 1)

  defp found!(name) do
    table = table(name, GenServer.whereis(name))
    {table, :ets.lookup_element(table, :partitions, 2)}
  rescue
    ArgumentError -> exit({:noproc, {__MODULE__, :partitions, [name]}})
  end

  @doc "The children, as `{partition, pid | :undefined | :restarting, :worker | :supervisor, modules}`."
  @spec which_children(name) :: [tuple]
  def which_children(name) when is_atom(name) or elem(name, 0) == :via, do: Regrow.Supervisor.which_children(name)

  @doc "How many children there are: `:specs`, `:active`, `:supervisors`, `:workers`."
  @spec count_children(name) :: map
  def count_children(name) when is_atom(name) or elem(name, 0) == :via, do: Regrow.Supervisor.count_children(name)

  @doc "Ends a supervisor, and waits until it has ended."
  @spec stop(name, term, timeout) :: :ok
  def stop(name, reason \\ :normal, timeout \\ :infinity) when is_atom(name) or elem(name, 0) == :via do
    Regrow.Supervisor.stop(name, reason, timeout)
  end

  # ---- `{:via, Regrow.PartitionSupervisor, {name, key}}` ----

  @doc false
  def whereis_name({name, key}) when is_atom(name) or is_tuple(name) do
    {table, partitions} = found!(name)
    partition = if is_integer(key), do: rem(abs(key), partitions), else: :erlang.phash2(key, partitions)

    with [{_, pid}] <- :ets.lookup(table, partition), true <- Process.alive?(pid) do
      pid
    else
      _ -> :undefined
    end
  end

  @doc false
  def send(name_key, message) do
    case whereis_name(name_key) do
      :undefined -> :erlang.error(:badarg, [name_key, message])
      pid -> Kernel.send(pid, message)
    end
  end

  @doc false
  def register_name(_, _), do: raise("{:via, PartitionSupervisor, _} cannot be given on registration")

  @doc false
  def unregister_name(_, _), do: raise("{:via, PartitionSupervisor, _} cannot be given on unregistration")
end
