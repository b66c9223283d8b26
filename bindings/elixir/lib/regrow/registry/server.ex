defmodule Regrow.Registry.Server do
  @moduledoc false
  # The process of a registry: it has the name, and is linked with the native registry and with all who have registered.
  #
  # A table with the same name tells everybody where the native registry is; it goes with the process, before anybody can
  # see that this has ended.
  use GenServer

  @enforce_keys [:native, :keys, :partitions, :listeners, :server]
  defstruct @enforce_keys

  # What is known of a registry. `hint` is put behind the error of one that is not there.
  def fetch!(registry, hint \\ "") do
    :ets.lookup_element(registry, __MODULE__, 2)
  rescue
    ArgumentError -> reraise ArgumentError, [message: "unknown registry: #{inspect(registry)}#{hint}"], __STACKTRACE__
  end

  @impl true
  def init({root, name, %{keys: keys, partitions: partitions} = options, listeners}) do
    Process.flag(:trap_exit, true)

    case Regrow.Native.start_link(root, Map.put(options, :kind, :registry)) do
      {:ok, native} ->
        :ets.new(name, [:named_table, :protected, read_concurrency: true])
        known = %__MODULE__{native: native, keys: keys, partitions: partitions, listeners: listeners, server: self()}
        true = :ets.insert(name, {__MODULE__, known})
        {:ok, native}

      {:error, reason} ->
        {:stop, reason}
    end
  end

  # It is a supervisor to who looks, as Elixir's, and has no children on the BEAM.
  @impl true
  def handle_call(:which_children, _, native), do: {:reply, [], native}

  def handle_call(:count_children, _, native) do
    {:reply, [specs: 0, active: 0, supervisors: 0, workers: 0], native}
  end

  def handle_call(_, _, native), do: {:noreply, native}

  @impl true
  def handle_info({:EXIT, native, reason}, native), do: {:stop, reason, native}
  # Somebody who had registered.
  def handle_info(_, native), do: {:noreply, native}

  @impl true
  def terminate(_, native), do: :regrow.stop(native, :shutdown, :infinity)
end
