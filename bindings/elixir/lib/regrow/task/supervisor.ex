defmodule Regrow.Task.Supervisor do
  @moduledoc """
  Elixir's `Task.Supervisor`, over a native supervisor: the same functions, options, results, errors and exits.

      children = [{Regrow.Task.Supervisor, name: MyApp.Tasks}]

      Regrow.Task.Supervisor.async(MyApp.Tasks, fn -> 1 + 1 end) |> Regrow.Task.await()

  Its tasks are those of `Regrow.Task`, for whose functions they are. The pid is that of the supervisor's shadow, as with
  `Regrow.Supervisor`; `:runtime` names the runtime that it is in.

  ## Examples

      iex> {:ok, supervisor} = Regrow.Task.Supervisor.start_link()
      iex> task = Regrow.Task.Supervisor.async(supervisor, fn -> 40 + 2 end)
      iex> Regrow.Task.await(task)
      42
      iex> Regrow.Task.Supervisor.async_stream(supervisor, 1..3, &(&1 * 2)) |> Enum.to_list()
      [ok: 2, ok: 4, ok: 6]
  """

  alias Regrow.Task.Supervised

  @type option :: Task.Supervisor.option() | {:runtime, Regrow.Runtime.t()}

  @doc "A specification to start one under a supervisor; its id is its name, if there is one."
  @spec child_spec([option]) :: Supervisor.child_spec()
  def child_spec(options) when is_list(options) do
    id =
      case Keyword.get(options, :name, Regrow.Task.Supervisor) do
        name when is_atom(name) -> name
        {:global, name} -> name
        {:via, _, name} -> name
      end

    %{id: id, start: {Regrow.Task.Supervisor, :start_link, [options]}, type: :supervisor}
  end

  @doc """
  Starts one, linked with the caller. Options: `:max_children`, `:max_restarts`, `:max_seconds`, `:name`, `:runtime`.

  Elixir's deprecated `:restart` and `:shutdown` are what `start_child/3` goes by that says nothing else.
  """
  @spec start_link([option]) :: Supervisor.on_start()
  def start_link(options \\ []) do
    {restart, options} = Keyword.pop(options, :restart)
    {shutdown, options} = Keyword.pop(options, :shutdown)

    if restart || shutdown do
      IO.warn(
        ":restart and :shutdown options in Task.Supervisor.start_link/1 are deprecated. " <>
          "Please pass those options on start_child/3 instead"
      )
    end

    {init, options} = Keyword.split(options, [:max_children, :max_seconds, :max_restarts])
    task = {restart || :temporary, shutdown || 5000}
    Regrow.DynamicSupervisor.start_link(Task.Supervisor, {task, init}, options)
  end

  @doc "Starts a task that nobody waits for. Options: `:restart` (`:temporary`), `:shutdown` (5000)."
  defdelegate start_child(supervisor, function, options \\ []), to: Task.Supervisor

  @doc "As `start_child/3`, of a function of a module."
  defdelegate start_child(supervisor, module, function, arguments, options \\ []), to: Task.Supervisor

  @doc """
  Starts a task that is linked with the caller, who waits for it. Options: `:shutdown` (5000).

  Raises `RuntimeError` when there are `:max_children` tasks; exits with `:noproc` when there is no such supervisor.
  """
  @spec async(Supervisor.supervisor(), (() -> term), keyword) :: Regrow.Task.t()
  def async(supervisor, function, options \\ []) do
    supervisor |> Task.Supervisor.async(function, options) |> Regrow.Task.from_elixirs()
  end

  @doc "As `async/3`, of a function of a module."
  @spec async(Supervisor.supervisor(), module, atom, [term], keyword) :: Regrow.Task.t()
  def async(supervisor, module, function, arguments, options \\ []) do
    supervisor |> Task.Supervisor.async(module, function, arguments, options) |> Regrow.Task.from_elixirs()
  end

  @doc "Starts a task for which the caller waits, and with which it is not linked. Otherwise as `async/3`."
  @spec async_nolink(Supervisor.supervisor(), (() -> term), keyword) :: Regrow.Task.t()
  def async_nolink(supervisor, function, options \\ []) do
    supervisor |> Task.Supervisor.async_nolink(function, options) |> Regrow.Task.from_elixirs()
  end

  @doc "As `async_nolink/3`, of a function of a module."
  @spec async_nolink(Supervisor.supervisor(), module, atom, [term], keyword) :: Regrow.Task.t()
  def async_nolink(supervisor, module, function, arguments, options \\ []) do
    supervisor |> Task.Supervisor.async_nolink(module, function, arguments, options) |> Regrow.Task.from_elixirs()
  end

  @doc """
  What a function gives for each element, in a task each; options as `Regrow.Task.async_stream/3` takes them, and
  `:shutdown`.
  """
  @spec async_stream(Supervisor.supervisor(), Enumerable.t(), (term -> term), keyword) :: Enumerable.t()
  def async_stream(supervisor, enumerable, function, options \\ []) do
    supervisor |> Task.Supervisor.async_stream(enumerable, function, options) |> Supervised.stream()
  end

  @doc "As `async_stream/4`, of a function of a module."
  @spec async_stream(Supervisor.supervisor(), Enumerable.t(), module, atom, [term], keyword) :: Enumerable.t()
  def async_stream(supervisor, enumerable, module, function, arguments, options \\ []) do
    supervisor
    |> Task.Supervisor.async_stream(enumerable, module, function, arguments, options)
    |> Supervised.stream()
  end

  @doc "As `async_stream/4`, with tasks that are not linked with the caller."
  @spec async_stream_nolink(Supervisor.supervisor(), Enumerable.t(), (term -> term), keyword) :: Enumerable.t()
  def async_stream_nolink(supervisor, enumerable, function, options \\ []) do
    supervisor |> Task.Supervisor.async_stream_nolink(enumerable, function, options) |> Supervised.stream()
  end

  @doc "As `async_stream_nolink/4`, of a function of a module."
  @spec async_stream_nolink(Supervisor.supervisor(), Enumerable.t(), module, atom, [term], keyword) :: Enumerable.t()
  def async_stream_nolink(supervisor, enumerable, module, function, arguments, options \\ []) do
    supervisor
    |> Task.Supervisor.async_stream_nolink(enumerable, module, function, arguments, options)
    |> Supervised.stream()
  end

  @doc "The pids of the tasks."
  @spec children(Supervisor.supervisor()) :: [pid]
  defdelegate children(supervisor), to: Task.Supervisor

  @doc "Ends a task, by its pid."
  @spec terminate_child(Supervisor.supervisor(), pid) :: :ok | {:error, :not_found}
  defdelegate terminate_child(supervisor, pid), to: Task.Supervisor
end
