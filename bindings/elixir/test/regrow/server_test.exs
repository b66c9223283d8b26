defmodule Regrow.ServerTest do
  use ExUnit.Case, async: true
  doctest Regrow.Server

  alias Regrow.{Registry, Runtime, Server}

  # A native server, of the plug-in that is an example there.
  @erlang Path.expand("../../../erlang", __DIR__)

  setup_all do
    for name <- ["build/test/counter.so", "build/test/actor.so"] do
      {_, 0} = System.cmd("make", ["--no-print-directory", "-C", @erlang, name])
      :ok = :regrow.load_plugin(Path.join(@erlang, name))
    end

    :ok
  end

  setup do
    {:ok, counter} = :regrow.start(Runtime.root(Runtime), %{kind: :behaviour, behaviour: "counter", arg: 40})
    %{counter: counter}
  end

  test "native servers are called, told and stopped as those of the BEAM", %{counter: counter} do
    assert Server.call(counter, {:add, 2}) == 42
    assert Server.cast(counter, :reset) == :ok
    assert Server.call(counter, :get) == 40
    assert Server.stop(counter) == :ok
    assert {:noproc, {Server, :stop, [^counter, :normal, :infinity]}} = catch_exit(Server.stop(counter))
    assert {:noproc, {Server, :call, [^counter, :get, 5000]}} = catch_exit(Server.call(counter, :get))
    assert Server.cast(counter, :reset) == :ok
  end

  test "a native server that crashes is an exit with its reason", %{counter: counter} do
    reason = {:unknown_request, :what}
    assert {^reason, {Server, :call, [^counter, :what, 5000]}} = catch_exit(Server.call(counter, :what))
    refute :regrow.is_alive(counter)
  end

  test "a cast is told nothing of a server that does not take it" do
    root = Runtime.root(Runtime)
    # It has room for one message.
    {:ok, refusing} = :regrow.start(root, %{kind: :behaviour, behaviour: "refusing", arg: :none})
    # It asks this process, and waits for the answer until it has been told enough.
    me = self()
    task = Task.async(fn -> Server.call(refusing, {:call, me, :held, 60_000}, :infinity) end)
    assert_receive {:"$gen_call", from, :held}
    assert Server.cast(refusing, :first) == :ok
    assert :regrow.cast(refusing, :second) == {:error, :mailbox_full}
    assert Server.cast(refusing, :third) == :ok
    Server.reply(from, :let_go)
    assert Task.await(task, 30_000) == {:ok, :let_go}
  end

  test "a name leads to servers of both kinds", %{counter: counter} do
    registry = __MODULE__.Registry
    start_supervised!({Registry, keys: :unique, name: registry})
    native = {:via, Registry, {registry, :native}}
    beam = {:via, Registry, {registry, :beam}}
    :ok = :regrow_registry.register(Registry.native(registry), :native, counter, :value)
    {:ok, _} = Agent.start_link(fn -> 2 end, name: beam)
    assert Server.whereis(native) == counter
    assert Server.call(beam, {:get, & &1}) == 2
    assert Server.call(native, {:add, 2}) == 42
    assert Server.stop(native) == :ok
    assert Server.whereis(native) == nil
    assert {:noproc, {Server, :call, [^native, :get, 5000]}} = catch_exit(Server.call(native, :get))
  end
end
