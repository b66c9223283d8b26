defmodule Mixed.Counter do
  @moduledoc "The child in Elixir: a `GenServer` that counts."
  use GenServer

  def start_link(first), do: GenServer.start_link(__MODULE__, first)

  @impl true
  def init(first), do: {:ok, first}

  @impl true
  def handle_call(:next, _from, count), do: {:reply, count + 1, count + 1}
end
