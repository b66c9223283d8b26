defmodule Regrow.Runtime do
  @moduledoc """
  A runtime of regrow, as a process that stands under a supervisor.

  The application `:regrow` starts one, `Regrow.Runtime`, in which everything is that says nothing else; its options are
  those of the configuration:

      config :regrow, runtime: [workers: 4]

  Others are started beside it, and named by the option `:runtime` of what is to be in them:

      children = [
        {Regrow.Runtime, name: MyApp.Runtime, workers: 2},
        {Regrow.Registry, keys: :unique, name: MyApp.Registry, runtime: MyApp.Runtime}
      ]

  A runtime ends with its process, and so does all that is in it; its supervisor starts another. Processes that stand on
  it, as `Regrow.Registry`, end then with the reason that they were given (`:shutdown`, `:killed`), and are started
  again by their own supervisors.

      iex> {:ok, runtime} = Regrow.Runtime.start_link(workers: 1)
      iex> :regrow.is_native(Regrow.Runtime.root(runtime))
      true
      iex> GenServer.stop(runtime)
      :ok
  """
  use GenServer

  @typedoc "The process of a runtime, its name, or what `:regrow.init/1` gives: a handle, or any native process."
  @type t :: GenServer.server() | :regrow.runtime()

  @options [:workers, :clock, :stack_size, :max_processes, :max_restarts, :period_ms, :log_level]

  @doc """
  Starts a runtime. Options: `:name`, and those of `:regrow.init/1`: `:workers`, `:clock` (`:monotonic`, `:manual`),
  `:stack_size`, `:max_processes`, `:max_restarts`, `:period_ms`, `:log_level`.

  Raises `ArgumentError` for an option that is unknown. One with a wrong value is `{:error, reason}`.
  """
  @spec start_link(keyword) :: GenServer.on_start()
  def start_link(options \\ []) do
    {name, options} = Keyword.split(options, [:name])

    case Keyword.keys(options) -- @options do
      [] -> GenServer.start_link(__MODULE__, Map.new(options), name)
      [option | _] -> raise ArgumentError, "unknown option of a runtime: #{inspect(option)}"
    end
  end

  @doc false
  def child_spec(options) do
    %{id: Keyword.get(options, :name, __MODULE__), start: {__MODULE__, :start_link, [options]}}
  end

  @doc """
  The root supervisor of a runtime, a native process, by which the modules of Erlang know it.

  Raises `ArgumentError` for what is no runtime, or none that runs.
  """
  @spec root(t) :: pid
  def root(runtime) do
    if :regrow.is_native(runtime), do: :regrow.root(runtime), else: GenServer.call(runtime, :root)
  catch
    :exit, {reason, _} when reason in [:noproc, :nodedown, :normal, :shutdown] -> no_runtime(runtime)
    :error, _ -> no_runtime(runtime)
  end

  defp no_runtime(runtime) do
    raise ArgumentError, "no runtime: #{inspect(runtime)}. Is the application :regrow started?"
  end

  @doc false
  # The options of a process without `:runtime`, and the root of the runtime that it names.
  def pop(options) do
    {runtime, rest} = Keyword.pop(options, :runtime, __MODULE__)
    {root(runtime), rest}
  end

  @impl true
  def init(options) do
    Process.flag(:trap_exit, true)

    case :regrow.init(options) do
      {:ok, handle} -> {:ok, {handle, watch(handle)}}
      {:error, reason} -> {:stop, reason}
    end
  rescue
    error in ArgumentError -> {:stop, {error, __STACKTRACE__}}
  end

  # Without a link, so that it can be shut down in order.
  defp watch(handle), do: :regrow.monitor(:regrow.root(handle))

  @impl true
  def handle_call(:root, _, {handle, _} = state), do: {:reply, :regrow.root(handle), state}

  @impl true
  def handle_info({:DOWN, monitor, :process, _, reason}, {_, monitor} = state), do: {:stop, reason, state}
  def handle_info(_, state), do: {:noreply, state}

  @impl true
  def terminate(_, {handle, _}), do: :regrow.shutdown(handle, 5000)
end
