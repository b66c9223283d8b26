defmodule Regrow.Registry.Partition do
  @moduledoc false
  # With whom those are linked who have entries, as in Elixir's registry: whoever is linked with the registry itself, as
  # its parent, stays so whatever it registers. A registry has as many of them as its `:partitions` say.
  use GenServer

  @spec start_link :: GenServer.on_start()
  def start_link, do: GenServer.start_link(__MODULE__, nil)

  @impl true
  def init(nil) do
    Process.flag(:trap_exit, true)
    {:ok, nil}
  end

  # The end of somebody who had entries. That of the registry, its parent, ends it.
  @impl true
  def handle_info(_, nil), do: {:noreply, nil}
end
