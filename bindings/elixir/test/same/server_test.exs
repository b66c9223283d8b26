defmodule Same.ServerTest do
  use ExUnit.Case, async: true
  alias Regrow.Server, as: GenServer

  defmodule Stack do
    use GenServer, restart: :transient

    # The behaviour goes by the alias.
    @impl GenServer
    def init({:stop, reason}), do: {:stop, reason}
    def init(:ignore), do: :ignore
    def init(stack), do: {:ok, stack}

    @impl true
    def handle_call(:pop, _, [top | rest]), do: {:reply, top, rest}
    def handle_call(:later, from, stack), do: {:noreply, [from | stack]}
    def handle_call(:nothing, _, stack), do: {:noreply, stack}
    def handle_call({:stop, reason}, _, stack), do: {:stop, reason, stack}
    def handle_call(:call_self, _, stack), do: {:reply, catch_exit(GenServer.call(self(), :pop)), stack}

    @impl true
    def handle_cast({:push, top}, stack), do: {:noreply, [top | stack]}

    def handle_cast(:answer, [from | stack]) do
      GenServer.reply(from, :answered)
      {:noreply, stack}
    end
  end

  setup do
    Process.flag(:trap_exit, true)
    {:ok, pid} = GenServer.start_link(Stack, [1, 2])
    %{pid: pid}
  end

  test "calls and casts", %{pid: pid} do
    assert GenServer.call(pid, :pop) == 1
    assert GenServer.cast(pid, {:push, 3}) == :ok
    assert GenServer.call(pid, :pop, :infinity) == 3
    task = Task.async(fn -> GenServer.call(pid, :later) end)
    wait_for_call(pid)
    assert GenServer.cast(pid, :answer) == :ok
    assert Task.await(task) == :answered
    assert Stack.child_spec(1) == %{id: Stack, start: {Stack, :start_link, [1]}, restart: :transient}
  end

  defp wait_for_call(pid) do
    unless match?([{_, _} | _], :sys.get_state(pid)), do: wait_for_call(pid)
  end

  test "a call that fails exits", %{pid: pid} do
    assert {:timeout, {GenServer, :call, [^pid, :nothing, 1]}} = catch_exit(GenServer.call(pid, :nothing, 1))
    assert {:calling_self, {GenServer, :call, _}} = GenServer.call(pid, :call_self)
    assert {:oops, {GenServer, :call, [^pid, {:stop, :oops}, 5000]}} = catch_exit(GenServer.call(pid, {:stop, :oops}))
    assert_receive {:EXIT, ^pid, :oops}
    assert {:noproc, {GenServer, :call, [^pid, :pop, 5000]}} = catch_exit(GenServer.call(pid, :pop))
    assert {:noproc, {GenServer, :call, _}} = catch_exit(GenServer.call(:nobody, :pop))
    assert {:noproc, {GenServer, :call, _}} = catch_exit(GenServer.call({:global, :nobody}, :pop))
    assert GenServer.cast(pid, :answer) == :ok
    assert GenServer.cast(:nobody, :answer) == :ok
    assert GenServer.cast({:via, NoSuchModule, :nobody}, :answer) == :ok
    assert GenServer.cast({:global, :nobody}, :answer) == :ok
    assert_raise UndefinedFunctionError, fn -> GenServer.call({:via, NoSuchModule, :nobody}, :pop) end
    assert_raise FunctionClauseError, fn -> GenServer.call(pid, :pop, :soon) end
  end

  test "servers of several nodes" do
    name = Module.concat(__MODULE__, Several)
    {:ok, _} = GenServer.start_link(Stack, [1, 2], name: name)
    assert GenServer.abcast(name, {:push, 0}) == :abcast
    assert GenServer.abcast([node(), :nowhere@nohost], name, {:push, -1}) == :abcast
    assert GenServer.multi_call(name, :pop) == {[{node(), -1}], []}
    assert GenServer.multi_call([node()], name, :pop) == {[{node(), 0}], []}
    assert GenServer.multi_call([node(), :nowhere@nohost], name, :pop, 30_000) == {[{node(), 1}], [:nowhere@nohost]}
    assert GenServer.multi_call(:nobody, :pop) == {[], [node()]}
  end

  test "what a module does not handle", %{pid: pid} do
    defmodule Silent do
      use GenServer
      @impl GenServer
      def init(state), do: {:ok, state}
    end

    {:ok, silent} = GenServer.start(Silent, 0)
    assert {{%RuntimeError{message: message}, _}, _} = catch_exit(GenServer.call(silent, :request))
    assert message == "attempted to call GenServer #{inspect(silent)} but no handle_call/3 clause was provided"
    {:ok, silent} = GenServer.start(Silent, 0)
    monitor = Process.monitor(silent)
    assert GenServer.cast(silent, :message) == :ok
    assert_receive {:DOWN, ^monitor, _, _, {%RuntimeError{message: message}, _}}
    assert message == "attempted to cast GenServer #{inspect(silent)} but no handle_cast/2 clause was provided"
    assert Silent.__info__(:attributes)[:behaviour] == [GenServer]
    assert GenServer.behaviour_info(:optional_callbacks) |> length() == 7
    send(pid, :other)
    # It has that before this.
    assert GenServer.call(pid, :pop) == 1
  end

  test "starts, names and stops", %{pid: pid} do
    name = Module.concat(__MODULE__, Named)
    {:ok, named} = GenServer.start(Stack, [], name: name)
    assert {:error, {:already_started, ^named}} = GenServer.start_link(Stack, [], name: name)
    assert GenServer.whereis(name) == named
    assert GenServer.whereis(:nobody) == nil
    assert GenServer.stop(name) == :ok
    assert GenServer.whereis(name) == nil
    assert {:noproc, {GenServer, :stop, [^name, :normal, :infinity]}} = catch_exit(GenServer.stop(name))
    assert GenServer.stop(pid, :shutdown) == :ok
    assert_receive {:EXIT, ^pid, :shutdown}
    assert GenServer.start_link(Stack, :ignore) == :ignore
    assert GenServer.start_link(Stack, {:stop, :oops}) == {:error, :oops}
    assert_raise ArgumentError, fn -> GenServer.start_link(Stack, [], name: "text") end
  end
end
