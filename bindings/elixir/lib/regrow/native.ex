defmodule Regrow.Native do
  @moduledoc false
  # A process of the BEAM that stands for a native one and has a name: for a registry, and for groups and topics.
  #
  # A table with the same name tells everybody what is to be known of it; it goes with the process, before anybody can see
  # that this has ended. Whichever of the two processes ends, so does the other.
  use GenServer

  @doc """
  Starts both. `known` makes of the native pid what `fetch/1` gives, and objects of the table for those who cannot wait
  for all of that.
  """
  @spec start_link(pid, atom, map, (pid -> {term, [tuple]})) :: GenServer.on_start()
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
        {all, apart} = known.(native)
        true = :ets.insert(name, [{__MODULE__, all} | apart])
        {:ok, native}

      {:error, reason} ->
        {:stop, reason}
    end
  end

  # It is a supervisor to who looks, as Elixir's registry, and has no children on the BEAM.
  @impl true
  def handle_call(:which_children, _, native), do: {:reply, [], native}

  def handle_call(:count_children, _, native) do
    {:reply, [specs: 0, active: 0, supervisors: 0, workers: 0], native}
  end

  def handle_call(_, _, native), do: {:noreply, native}

  @impl true
  # The runtime ends, which may be `normal` to what is in it.
  def handle_info({:EXIT, native, :normal}, native), do: {:stop, :shutdown, native}
  def handle_info({:EXIT, native, reason}, native), do: {:stop, reason, native}
  # Somebody who has registered.
  def handle_info(_, native), do: {:noreply, native}

  @impl true
  def terminate(_, native), do: :regrow.stop(native, :shutdown, :infinity)
end
