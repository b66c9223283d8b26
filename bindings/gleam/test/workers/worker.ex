defmodule MyApp.Worker do
  use GenServer

  def start_link(config) do
    GenServer.start_link(__MODULE__, config)
  end

  def init(config) do
    {:ok, %{config: config, count: 0}}
  end

  def handle_call(:get_count, _from, state) do
    {:reply, state.count, state}
  end

  def handle_cast(:increment, state) do
    {:noreply, %{state | count: state.count + 1}}
  end
end
