# Drill 7: which errors are answered, and which are a reason to crash.
#
# The kernel keeps what must not be lost, so it catches whatever a request may do: the state before it is still there.
# The worker keeps nothing that is dear, so it expects what is to be expected and crashes over the rest.
Code.require_file("drill.exs", __DIR__)
alias Regrow.Supervisor

defmodule ErrorKernel do
  use GenServer

  def start_link(_), do: GenServer.start_link(__MODULE__, nil, name: __MODULE__)

  # Critical data: how much is in stock.
  @impl GenServer
  def init(_) do
    Process.flag(:trap_exit, true)
    {:ok, 100}
  end

  @impl GenServer
  def handle_call(:stock, _from, stock), do: {:reply, stock, stock}

  def handle_call(request, _from, stock) do
    left = process_request(request, stock)
    {:reply, {:ok, left}, left}
  catch
    # Don't crash - preserve state
    _type, _error -> {:reply, {:error, :processing_failed}, stock}
  end

  # Any other request is not expected, and a crash.
  defp process_request({:take, number}, stock) when number <= stock, do: stock - number
end

defmodule NormalWorker do
  use GenServer

  def start_link(_), do: GenServer.start_link(__MODULE__, nil, name: __MODULE__)

  @impl GenServer
  def init(_), do: {:ok, nil}

  # Will crash if b == 0 - that's OK!
  @impl GenServer
  def handle_call({:divide, a, b}, _from, state), do: {:reply, div(a, b), state}

  # Whatever else can be wrong with a file is a crash.
  def handle_call({:read_file, path}, _from, state) do
    case File.read(path) do
      {:ok, contents} -> {:reply, {:ok, contents}, state}
      {:error, :enoent} -> {:reply, {:error, :not_found}, state}
      {:error, reason} -> exit({:read_file, reason})
    end
  end
end

show = fn
  {:ok, text} when is_binary(text) -> ~s({ok,"#{text}"})
  term -> Drill.show(term)
end

# Of a crash with a stack the reason alone.
bare = fn
  {reason, stack} when is_list(stack) -> reason
  reason -> reason
end

ask = fn whom, what, request ->
  before = Process.whereis(whom)

  answer =
    try do
      show.(GenServer.call(whom, request))
    catch
      :exit, {reason, _call} = exit -> [Drill.code({:exit, exit}), ", ", Drill.show(bare.(reason))]
    end

  :drill.settle()
  again = if Process.whereis(whom) in [before, nil], do: "", else: "; there is a new one"
  IO.puts(["   ", String.pad_trailing(what, 22), " ", answer, again])
end

{:ok, _} = Supervisor.start_link([ErrorKernel, NormalWorker], strategy: :one_for_one)

IO.puts("The error kernel answers an error, and keeps its state.")
ask.(ErrorKernel, "take 30", {:take, 30})
ask.(ErrorKernel, "take 1000", {:take, 1000})
ask.(ErrorKernel, "what is that", :rubbish)
ask.(ErrorKernel, "the stock", :stock)
ask.(ErrorKernel, "take 70", {:take, 70})

IO.puts("The worker crashes, and the supervisor starts another.")
ask.(NormalWorker, "7 by 2", {:divide, 7, 2})
ask.(NormalWorker, "7 by 0", {:divide, 7, 0})
ask.(NormalWorker, "8 by 2", {:divide, 8, 2})

IO.puts("That a file is not there is to be expected; that it is a folder is not.")
path = Path.join(System.tmp_dir!(), "drill_7_#{System.pid()}")
File.write!(path, "hello")
ask.(NormalWorker, "a file", {:read_file, path})
File.rm!(path)
ask.(NormalWorker, "the same, deleted", {:read_file, path})
ask.(NormalWorker, "a folder", {:read_file, "/"})
ask.(NormalWorker, "9 by 3", {:divide, 9, 3})
