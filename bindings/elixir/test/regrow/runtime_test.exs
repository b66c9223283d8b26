defmodule Regrow.RuntimeTest do
  use ExUnit.Case, async: true
  doctest Regrow.Runtime

  alias Regrow.Runtime

  test "the application has one" do
    assert :regrow.is_alive(Runtime.root(Runtime))
    assert {_, pid, :worker, _} = List.keyfind(Supervisor.which_children(Regrow.Application.Supervisor), Runtime, 0)
    assert Runtime.root(pid) == Runtime.root(Runtime)
  end

  test "one is found by its process, its name, its handle and its native processes" do
    runtime = start_supervised!({Runtime, name: __MODULE__, workers: 1, clock: :manual})
    root = Runtime.root(__MODULE__)
    assert Runtime.root(runtime) == root
    assert Runtime.root(root) == root
    {:ok, handle} = :regrow.init()
    assert Runtime.root(handle) == :regrow.root(handle)
    :ok = :regrow.shutdown(handle)
  end

  test "it ends with its process, and its process with it" do
    Process.flag(:trap_exit, true)
    {:ok, runtime} = Runtime.start_link()
    root = Runtime.root(runtime)
    Process.exit(runtime, :kill)
    assert_receive {:EXIT, ^runtime, :killed}
    monitor = :regrow.monitor(root)
    assert_receive {:DOWN, ^monitor, :process, ^root, _}

    {:ok, runtime} = Runtime.start_link()
    :ok = :regrow.shutdown(Runtime.root(runtime))
    assert_receive {:EXIT, ^runtime, _}
    assert_raise ArgumentError, fn -> Runtime.root(runtime) end
  end

  test "options that are wrong" do
    Process.flag(:trap_exit, true)
    assert_raise ArgumentError, "unknown option of a runtime: :threads", fn -> Runtime.start_link(threads: 1) end
    assert {:error, {%ArgumentError{}, _}} = Runtime.start_link(workers: :many)
    assert {:error, {%ArgumentError{}, _}} = Runtime.start_link(clock: :sundial)
    assert_raise ArgumentError, fn -> Runtime.root("text") end
    assert_raise ArgumentError, fn -> Runtime.root(self: 1) end
  end
end
