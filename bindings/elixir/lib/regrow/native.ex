defmodule Regrow.Native do
  @moduledoc false
  # A process of the BEAM that stands for a native one and has a name: for a registry, and for groups and topics.
  #
  # A table with the same name tells everybody what is to be known of it; it goes with the process, before anybody can see
  # that this has ended. Whichever of the two processes ends, so does the other.
  use GenServer

  @doc """
  Starts both. `known` makes of the native pid what `fetch/1` gives, objects of the table for those who cannot wait for
  all of that, and processes of the BEAM that belong to it: it starts and links them.
  """
  @spec start_link(pid, atom, map, (pid -> {term, [tuple], [pid]})) :: GenServer.on_start()
  def start_link(root, name, spec, known), do: GenServer.start_link(__MODULE__, {root, name, spec, known}, name: name)

  @doc "What is known of the one with a name."
  @spec fetch(atom) :: {:ok, term} | :error
  def fetch(name) do
    {:ok, :ets.lookup_element(name, __MODULE__, 2)}
  rescue
    ArgumentError -> :error
  end

  @impl true
  def init({root, name, spec, known}) do
    Process.flag(:trap_exit, true)

    case :regrow.start_link(root, spec) do
      {:ok, native} ->
        :ets.new(name, [:named_table, :protected, read_concurrency: true])
        {all, apart, workers} = known.(native)
        true = :ets.insert(name, [{__MODULE__, all} | apart])
        {:ok, {native, workers}}

      {:error, reason} ->
        {:stop, reason}
    end
  end

  # It is a supervisor to who looks, as Elixir's registry.
  @impl true
  def handle_call(:which_children, _, {_, workers} = state) do
    children = for {pid, number} <- Enum.with_index(workers), do: {number, pid, :worker, [Regrow.Registry.Partition]}
    {:reply, children, state}
  end

  def handle_call(:count_children, _, {_, workers} = state) do
    count = length(workers)
    {:reply, [specs: count, active: count, supervisors: 0, workers: count], state}
  end

  def handle_call(_, _, state), do: {:noreply, state}

  @impl true
  # The runtime ends, which may be `normal` to what is in it.
  def handle_info({:EXIT, native, :normal}, {native, _} = state), do: {:stop, :shutdown, state}
  def handle_info({:EXIT, native, reason}, {native, _} = state), do: {:stop, reason, state}

  def handle_info({:EXIT, pid, reason}, {_, workers} = state) do
    if pid in workers, do: {:stop, reason, state}, else: {:noreply, state}
  end

  def handle_info(_, state), do: {:noreply, state}

  @impl true
  def terminate(_, {native, workers}) do
    :regrow.stop(native, :shutdown, :infinity)
    for worker <- workers, do: Process.exit(worker, :shutdown)
  end
end
