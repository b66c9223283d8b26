# A supervised counter: it counts, crashes, and counts again from 1.
alias Regrow.{Registry, Supervisor}

defmodule Counter do
  use GenServer

  def start_link(name), do: GenServer.start_link(__MODULE__, 0, name: name)

  @impl true
  def init(count), do: {:ok, count}

  @impl true
  def handle_call(:next, _from, count), do: {:reply, count + 1, count + 1}
end

defmodule Hello do
  # Asks whichever counter lives now, waiting for one that is being restarted.
  def ask(name, request) do
    if pid = GenServer.whereis(name) do
      IO.puts("#{request}: #{GenServer.call(pid, request)}")
    else
      ask(name, request)
    end
  catch
    :exit, {{reason, _stack}, _call} -> IO.puts("#{request}: #{inspect(reason)}")
  end
end

# Crash reports.
Logger.configure_backend(:console, device: :standard_error)

counter = {:via, Registry, {Hello.Registry, "counter"}}
children = [{Registry, keys: :unique, name: Hello.Registry}, {Counter, counter}]
{:ok, supervisor} = Supervisor.start_link(children, strategy: :one_for_one)

for request <- [:next, :next, :crash, :next], do: Hello.ask(counter, request)
Supervisor.stop(supervisor)
