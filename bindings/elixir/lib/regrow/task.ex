defmodule Regrow.Task do
  @moduledoc """
  Elixir's `Task`: the same functions, options, results, error texts and exits, for who has `alias Regrow.Task`.

      task = Regrow.Task.async(fn -> expensive() end)
      Regrow.Task.await(task)

  A task is a process of the BEAM that Elixir's `Task` starts, with its `$callers`, its links and its reports. It is a
  struct of its own, `%Regrow.Task{}`, with the fields of `%Task{}`, so that patterns and `inspect/1` say what the alias
  says; and so is what `Regrow.Task.Supervisor` starts. The functions here take `%Task{}` as well, as libraries give
  them. What goes by Elixir's own `Task.await/2` wants that one: `struct(Task, Map.from_struct(task))`.

  ## Examples

      iex> task = Regrow.Task.async(fn -> 40 + 2 end)
      iex> Regrow.Task.await(task)
      42
      iex> tasks = for n <- 1..3, do: Regrow.Task.async(Integer, :pow, [n, 2])
      iex> Regrow.Task.await_many(tasks)
      [1, 4, 9]
      iex> Regrow.Task.async_stream(1..3, &(&1 * 2)) |> Enum.to_list()
      [ok: 2, ok: 4, ok: 6]
  """

  alias Regrow.Task.Supervised

  @doc "A task; see `t:t/0`."
  @enforce_keys [:mfa, :owner, :pid, :ref]
  defstruct @enforce_keys

  @typedoc """
  A task:

    * `:mfa` - what it runs, with the number of arguments; `{:erlang, :apply, 2}` for a function without a name;
    * `:owner` - the process that began it, the only one that may wait for it;
    * `:pid` - its process; `nil`: there is none (`completed/1`);
    * `:ref` - the reference that its value, or its `:DOWN`, comes with.
  """
  @type t :: %__MODULE__{mfa: mfa, owner: pid, pid: pid | nil, ref: reference}

  @doc false
  defmacro __using__(options) do
    # As in `Regrow.Server`.
    quote do
      require Task, as: Original
      Original.__using__(unquote(options))
    end
  end

  @doc """
  A specification to start a task under a supervisor; the argument is that of `start_link/1`.

      iex> function = fn -> :ok end
      iex> Regrow.Task.child_spec(function)
      %{id: Regrow.Task, restart: :temporary, start: {Regrow.Task, :start_link, [function]}}
  """
  @spec child_spec(term) :: Supervisor.child_spec()
  def child_spec(arg), do: %{id: __MODULE__, start: {__MODULE__, :start_link, [arg]}, restart: :temporary}

  # ---- starting ----

  @doc "Starts a task that nobody waits for, linked with the caller."
  @spec start_link((() -> term)) :: {:ok, pid}
  defdelegate start_link(fun), to: Task

  @doc "As `start_link/1`, of a function of a module."
  @spec start_link(module, atom, [term]) :: {:ok, pid}
  defdelegate start_link(module, function, args), to: Task

  @doc "Starts a task that nobody waits for."
  @spec start((() -> term)) :: {:ok, pid}
  defdelegate start(fun), to: Task

  @doc "As `start/1`, of a function of a module."
  @spec start(module, atom, [term]) :: {:ok, pid}
  defdelegate start(module, function_name, args), to: Task

  @doc "Starts a task that is linked with the caller, who waits for it."
  @spec async((() -> term)) :: t
  def async(fun), do: fun |> Task.async() |> from_elixirs()

  @doc "As `async/1`, of a function of a module."
  @spec async(module, atom, [term]) :: t
  def async(module, function_name, args), do: module |> Task.async(function_name, args) |> from_elixirs()

  @doc """
  A task that has its value at once, and no process.

      iex> task = Regrow.Task.completed(:value)
      iex> Regrow.Task.await(task)
      :value
  """
  @spec completed(term) :: t
  def completed(result), do: %{from_elixirs(Task.completed(result)) | mfa: {__MODULE__, :completed, 1}}

  @doc """
  A stream of what a function gives for each element of an enumerable, in a task each: `{:ok, value}`, or
  `{:exit, reason}` where the task has ended without, and the caller traps exits.

  Options: `:max_concurrency` (as many as there are schedulers), `:ordered` (`true`), `:timeout` (5000), `:on_timeout`
  (`:exit` or `:kill_task`), `:zip_input_on_exit` (`false`: with `true`, `{:exit, {element, reason}}`).

      iex> options = [timeout: 1000, on_timeout: :kill_task, zip_input_on_exit: true]
      iex> [1, :infinity] |> Regrow.Task.async_stream(&Process.sleep/1, options) |> Enum.to_list()
      [ok: :ok, exit: {:infinity, :timeout}]
  """
  @spec async_stream(Enumerable.t(), (term -> term), keyword) :: Enumerable.t()
  def async_stream(enumerable, fun, options \\ []) do
    enumerable |> Task.async_stream(fun, options) |> Supervised.stream()
  end

  @doc "As `async_stream/3`, with a function of a module, whose first argument is the element."
  @spec async_stream(Enumerable.t(), module, atom, [term], keyword) :: Enumerable.t()
  def async_stream(enumerable, module, function_name, args, options \\ []) do
    enumerable |> Task.async_stream(module, function_name, args, options) |> Supervised.stream()
  end

  # ---- waiting: for the owner ----

  @doc """
  The value of a task. Exits with `{reason, {Regrow.Task, :await, [task, timeout]}}` when it has ended without, and with
  `:timeout` as the reason when that is over.

  Raises `ArgumentError` in any process but the owner, as all functions that wait for tasks.
  """
  @spec await(t | Task.t(), timeout) :: term
  def await(task, timeout \\ 5000) do
    asked([task], :await, [task, timeout], fn [elixirs] -> Task.await(elixirs, timeout) end)
  end

  @doc "The values of all, in their order, within one time. Exits as soon as one of them has ended without."
  @spec await_many([t | Task.t()], timeout) :: [term]
  def await_many(tasks, timeout \\ 5000) do
    asked(tasks, :await_many, [tasks, timeout], &Task.await_many(&1, timeout))
  end

  @doc "`{:ok, value}`, `{:exit, reason}`, or `nil`: it goes on, and can be waited for again."
  @spec yield(t | Task.t(), timeout) :: {:ok, term} | {:exit, term} | nil
  def yield(task, timeout \\ 5000) do
    asked([task], :yield, [task, timeout], fn [elixirs] -> Task.yield(elixirs, timeout) end)
  end

  @doc "What `yield/2` says of each, within one time, as `{task, outcome}`."
  @spec yield_many([t | Task.t()], timeout) :: [{t | Task.t(), {:ok, term} | {:exit, term} | nil}]
  def yield_many(tasks, timeout \\ 5000) do
    outcomes = asked(tasks, :yield_many, [tasks, timeout], &Task.yield_many(&1, timeout))
    Enum.zip_with(tasks, outcomes, fn task, {_, outcome} -> {task, outcome} end)
  end

  @doc """
  Ends a task, and waits until it has ended: `{:ok, value}` when it had one before, `nil` when it ended as it was told,
  `{:exit, reason}` when it ended in another way. `:brutal_kill` does not ask.

  Raises `ArgumentError` for a task that has no process.

      iex> task = Regrow.Task.async(Process, :sleep, [:infinity])
      iex> Regrow.Task.shutdown(task)
      nil
  """
  @spec shutdown(t | Task.t(), timeout | :brutal_kill) :: {:ok, term} | {:exit, term} | nil
  def shutdown(task, shutdown \\ 5000)

  def shutdown(%{pid: nil} = task, _) do
    raise ArgumentError, "task #{inspect(task)} does not have an associated task process"
  end

  def shutdown(task, shutdown) do
    asked([task], :shutdown, [task, shutdown], fn [elixirs] -> Task.shutdown(elixirs, shutdown) end)
  end

  @doc """
  Lets a task go: it runs on, not linked any more, and nothing of it comes. `{:ok, value}` or `{:exit, reason}` when it
  has ended before.
  """
  @spec ignore(t | Task.t()) :: {:ok, term} | {:exit, term} | nil
  def ignore(task), do: asked([task], :ignore, [task], fn [elixirs] -> Task.ignore(elixirs) end)

  @doc false
  @deprecated "Pattern match directly on the message instead"
  def find(tasks, message) do
    # In a variable, for it is deprecated there too.
    original = Task

    found = renamed(:find, [tasks, message], fn -> original.find(Enum.map(tasks, &to_elixirs/1), message) end)

    with {reply, %{ref: ref}} <- found, do: {reply, Enum.find(tasks, &(&1.ref == ref))}
  end

  # ---- the rest ----

  @doc false
  # A task of Elixir's as one of these.
  def from_elixirs(%Task{} = task), do: struct!(__MODULE__, Map.from_struct(task))

  defp to_elixirs(%Task{} = task), do: task
  defp to_elixirs(%__MODULE__{} = task), do: struct!(Task, Map.from_struct(task))

  # Asks Elixir's `Task`, which would name its own struct and functions in what it raises and exits with.
  defp asked(tasks, function, arguments, question) do
    elixirs = Enum.map(tasks, &to_elixirs/1)

    for %{owner: owner} = task <- tasks, owner != self() do
      raise ArgumentError,
            "task #{inspect(task)} must be queried from the owner but was queried from #{inspect(self())}"
    end

    renamed(function, arguments, fn -> question.(elixirs) end)
  end

  defp renamed(function, arguments, question) do
    question.()
  catch
    :exit, {reason, {Task, ^function, _}} -> exit({reason, {__MODULE__, function, arguments}})
  end
end
