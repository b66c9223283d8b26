defmodule Regrow.PubSubTest do
  use ExUnit.Case, async: true
  doctest Regrow.PubSub

  alias Regrow.{PubSub, Runtime}

  @rounds 1000 * String.to_integer(System.get_env("REGROW_ROUNDS", "1"))

  setup %{test: test} do
    name = Module.concat(__MODULE__, test)
    %{server: start_supervised!({PubSub, name: name}), pubsub: name}
  end

  test "topics reach who is subscribed", %{pubsub: pubsub} do
    assert PubSub.broadcast(pubsub, "a.b", :nobody) == :ok
    assert PubSub.subscribe(pubsub, "a.b") == :ok
    assert PubSub.subscribe(pubsub, "a.b", once: true) == :ok
    assert PubSub.subscriber_count(pubsub, "a.b") == 1
    assert PubSub.broadcast(pubsub, "a.b", {:one, self()}) == :ok
    assert_receive {:one, me} when me == self()
    assert PubSub.subscribe(pubsub, "a.b") == :ok
    assert PubSub.broadcast!(pubsub, "a.b", :two) == :ok
    for _ <- 1..2, do: assert_receive(:two)
    assert PubSub.local_broadcast(pubsub, "a.b", :three) == :ok
    for _ <- 1..2, do: assert_receive(:three)
    assert PubSub.local_broadcast_from(pubsub, self(), "a.b", :none) == :ok
    assert PubSub.node_name(pubsub) == node()
    assert PubSub.broadcast_from(pubsub, self(), "a.b", :none) == :ok
    assert PubSub.broadcast_from!(pubsub, self(), "a.b", :none) == :ok
    # What comes next is what was broadcast next.
    assert PubSub.broadcast_from(pubsub, spawn(fn -> :ok end), "a.b", :all) == :ok
    for _ <- 1..2, do: assert(receive(do: (message -> message)) == :all)
    assert PubSub.unsubscribe(pubsub, "a.b") == :ok
    assert PubSub.unsubscribe(pubsub, "a.b") == :ok
    assert PubSub.broadcast(pubsub, "a.b", :three) == :ok
    assert PubSub.subscriber_count(pubsub, "a.b") == 0
    assert last(pubsub) == []
  end

  # What has come that nobody has asked for. What is broadcast now comes after all that was broadcast before.
  defp last(pubsub) do
    :ok = PubSub.subscribe(pubsub, "last")
    :ok = PubSub.broadcast(pubsub, "last", :last)
    before_last()
  end

  defp before_last do
    receive do
      :last -> []
      message -> [message | before_last()]
    end
  end

  test "patterns match topics", %{pubsub: pubsub} do
    for pattern <- ["a.*", "a.>", "a.b"], do: :ok = PubSub.subscribe(pubsub, pattern)

    for {topic, count} <- [{"a.b", 3}, {"a.c", 2}, {"a.b.c", 1}, {"a", 0}] do
      assert PubSub.subscriber_count(pubsub, topic) == count
      :ok = PubSub.broadcast(pubsub, topic, topic)
      for _ <- 1..count//1, do: assert_receive(^topic)
    end

    assert last(pubsub) == []
  end

  test "one of a queue group gets each message", %{pubsub: pubsub} do
    me = self()
    workers = for n <- 1..3, do: spawn_link(fn -> forward(me, n) end)
    for pid <- workers, do: :ok = PubSub.subscribe(pubsub, "jobs", queue: "workers", pid: pid)
    for n <- 1..30, do: :ok = PubSub.broadcast(pubsub, "jobs", n)
    done = for _ <- 1..30, do: assert_receive({_, _}) |> elem(1)
    assert Enum.sort(done) == Enum.to_list(1..30)
    # Each of them has forwarded all that it got.
    {:ok, _} = :regrow.settle(PubSub.native(pubsub))
    refute_received _
  end

  defp forward(to, n) do
    receive do: (message -> send(to, {n, message}))
    forward(to, n)
  end

  test "groups have members", %{pubsub: pubsub} do
    other = spawn_link(fn -> Process.sleep(:infinity) end)
    {ref, []} = PubSub.monitor(pubsub, :group)
    assert PubSub.join(pubsub, :group, [self(), other]) == :ok
    assert_receive {^ref, :join, :group, [me]} when me == self()
    assert_receive {^ref, :join, :group, [^other]}
    assert Enum.sort(PubSub.members(pubsub, :group)) == Enum.sort([self(), other])
    assert PubSub.which_groups(pubsub) == [:group]
    assert PubSub.send(pubsub, :group, :hello) == 2
    assert_receive :hello
    assert PubSub.leave(pubsub, :group, other) == :ok
    assert_receive {^ref, :leave, :group, [^other]}
    assert PubSub.leave(pubsub, :group, other) == :not_joined
    assert PubSub.demonitor(pubsub, ref) == :ok
    assert PubSub.demonitor(pubsub, ref) == false
    assert PubSub.members(pubsub, :none) == []
    assert PubSub.send(pubsub, :none, :hello) == 0
  end

  test "the dead are no members, and get nothing", %{pubsub: pubsub} do
    me = self()

    for round <- 1..@rounds do
      {pid, monitor} =
        spawn_monitor(fn ->
          :ok = PubSub.join(pubsub, :group, self())
          :ok = PubSub.subscribe(pubsub, "topic")
          send(me, round)
          receive do: (:end -> :ok)
        end)

      assert_receive ^round
      assert PubSub.members(pubsub, :group) == [pid]
      send(pid, :end)
      assert_receive {:DOWN, ^monitor, _, _, :normal}
      assert PubSub.members(pubsub, :group) == []
      assert PubSub.join(pubsub, :group, pid) == :ok
      assert PubSub.members(pubsub, :group) == []
    end

    assert {:error, :noproc} = PubSub.subscribe(pubsub, "topic", pid: spawn_dead())
  end

  # What holds of groups holds of OTP's too.
  for module <- [:pg, PubSub] do
    test "groups of #{inspect(module)}", %{pubsub: pubsub} do
      of = unquote(module)
      members = if of == :pg, do: &:pg.get_members/2, else: &PubSub.members/2
      scope = if of == :pg, do: elem(:pg.start_link(:pg_of_test), 1) && :pg_of_test, else: pubsub
      [one, two] = for _ <- 1..2, do: spawn_link(fn -> Process.sleep(:infinity) end)
      assert {ref, []} = of.monitor(scope, :group)
      assert of.join(scope, :group, one) == :ok
      assert_receive {^ref, :join, :group, [^one]}
      assert of.join(scope, :group, [one, two]) == :ok
      assert of.join(scope, {:other, 1}, two) == :ok
      assert Enum.sort(members.(scope, :group)) == Enum.sort([one, one, two])
      assert members.(scope, :none) == []
      assert Enum.sort(of.which_groups(scope)) == [:group, {:other, 1}]
      assert of.leave(scope, :none, one) == :not_joined
      assert of.leave(scope, :group, spawn_dead()) == :not_joined
      assert of.leave(scope, :group, []) == :not_joined
      assert of.leave(scope, :group, [two, spawn_dead()]) == :ok
      assert of.leave(scope, {:other, 1}, [one, two, two]) == :ok
      assert of.leave(scope, :group, two) == :not_joined
      assert of.join(scope, :group, []) == :ok
      assert members.(scope, :group) == [one, one]
      assert_receive {^ref, :leave, :group, [^two | _]}
      assert of.demonitor(scope, ref) == :ok
      assert of.demonitor(scope, ref) == false
      assert {other, [^one, ^one]} = of.monitor(scope, :group)
      Process.unlink(one)
      Process.exit(one, :kill)
      assert_receive {^other, :leave, :group, [^one | _]}
      eventually(fn -> :group not in of.which_groups(scope) end)
    end
  end

  defp eventually(holds) do
    unless holds.() do
      Process.sleep(1)
      eventually(holds)
    end
  end

  defp spawn_dead do
    {pid, monitor} = spawn_monitor(fn -> :ok end)
    assert_receive {:DOWN, ^monitor, _, _, _}
    pid
  end

  test "native processes are subscribers", %{pubsub: pubsub} do
    {:ok, agent} = :regrow.start(PubSub.native(pubsub), %{kind: :agent, initial: 0})
    :ok = PubSub.join(pubsub, :native, agent)
    assert PubSub.members(pubsub, :native) == [agent]
    :ok = :regrow.stop(agent)
    assert PubSub.members(pubsub, :native) == []
  end

  test "it and its native pubsub end together", %{pubsub: pubsub, server: server} do
    Process.flag(:trap_exit, true)
    Process.link(server)
    :regrow.exit(PubSub.native(pubsub), :kill)
    assert_receive {:EXIT, ^server, :killed}

    name = Module.concat(pubsub, Other)
    {:ok, runtime} = Runtime.start_link(workers: 1)
    {:ok, server} = PubSub.start_link(name: name, runtime: runtime)
    assert {:error, {:already_started, ^server}} = PubSub.start_link(name: name)
    assert Supervisor.count_children(server).active == 0
    monitor = :regrow.monitor(PubSub.native(name))
    Process.exit(server, :kill)
    assert_receive {:DOWN, ^monitor, _, _, _}
    {:ok, server} = PubSub.start_link(name: name, runtime: runtime)
    :ok = GenServer.stop(runtime)
    assert_receive {:EXIT, ^server, reason} when reason in [:shutdown, :killed]
    assert_raise ArgumentError, fn -> PubSub.broadcast(name, "a", 1) end
  end

  test "what is wrong", %{pubsub: pubsub} do
    unknown = Module.concat(pubsub, Unknown)

    for call <- [
          &PubSub.subscribe(&1, "a"),
          &PubSub.unsubscribe(&1, "a"),
          &PubSub.broadcast(&1, "a", 1),
          &PubSub.broadcast_from(&1, self(), "a", 1),
          &PubSub.subscriber_count(&1, "a"),
          &PubSub.join(&1, :a, self()),
          &PubSub.leave(&1, :a, self()),
          &PubSub.members(&1, :a),
          &PubSub.which_groups/1,
          &PubSub.send(&1, :a, 1),
          &PubSub.monitor(&1, :a),
          &PubSub.demonitor(&1, make_ref()),
          &PubSub.local_broadcast(&1, "a", 1),
          &PubSub.node_name/1
        ] do
      assert_raise ArgumentError, "unknown pubsub: #{inspect(unknown)}", fn -> call.(unknown) end
    end

    for call <- [
          fn -> PubSub.subscribe(pubsub, "a", color: :red) end,
          fn -> PubSub.subscribe(pubsub, "a", pid: :me) end,
          fn -> PubSub.subscribe(pubsub, "a\0b") end,
          fn -> PubSub.subscribe(pubsub, "a", overflow: :some) end,
          fn -> PubSub.broadcast(pubsub, "a.*", 1) end,
          fn -> PubSub.join(pubsub, :a, :me) end,
          fn -> PubSub.join(pubsub, :a, [self(), :me]) end,
          fn -> PubSub.start_link([]) end,
          fn -> PubSub.start_link(name: "text") end,
          fn -> PubSub.start_link(name: unknown, color: :red) end
        ] do
      assert_raise ArgumentError, call
    end

    assert_raise FunctionClauseError, fn -> PubSub.subscribe(pubsub, :topic) end
    assert_raise FunctionClauseError, fn -> PubSub.broadcast("text", "a", 1) end
    assert PubSub.members(pubsub, :a) == []
  end
end
