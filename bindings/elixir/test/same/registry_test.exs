defmodule Same.RegistryTest do
  use ExUnit.Case, async: true
  alias Regrow.Registry

  # Somebody else, who does as told, and is dead when `stop/1` returns.
  defp start_other do
    spawn(fn -> other_loop() end)
  end

  defp other_loop do
    receive do
      {from, function} ->
        send(from, {self(), function.()})
        other_loop()
    end
  end

  defp tell(other, function) do
    send(other, {self(), function})
    assert_receive {^other, result}
    result
  end

  defp stop(other) do
    monitor = Process.monitor(other)
    Process.exit(other, :kill)
    assert_receive {:DOWN, ^monitor, _, _, _}
    :ok
  end

  defp linked?(pid), do: pid in elem(Process.info(self(), :links), 1)

  defp eventually(holds) do
    unless holds.() do
      Process.sleep(1)
      eventually(holds)
    end
  end

  # Elixir's has its name a moment before it works.
  defp works?(registry) do
    Registry.lookup(registry, "hello") == []
  rescue
    ArgumentError -> false
  end

  setup %{test: test} = context do
    name = Module.concat(__MODULE__, test)
    keys = context[:keys] || :unique
    partitions = context[:partitions] || 1
    listeners = List.wrap(context[:listener] && Module.concat(name, Listener))
    for listener <- listeners, do: Process.register(self(), listener)
    options = [keys: keys, name: name, partitions: partitions, listeners: listeners, meta: context[:meta] || []]
    {:ok, server} = start_supervised({Registry, options})
    %{registry: name, server: server}
  end

  describe "unique" do
    for partitions <- [1, 4] do
      @tag partitions: partitions
      test "a key has one entry (#{partitions})", %{registry: registry} do
        assert Registry.count(registry) == 0
        assert Registry.keys(registry, self()) == []
        assert Registry.lookup(registry, "hello") == []
        {:ok, pid} = Registry.register(registry, "hello", :value)
        assert is_pid(pid)
        assert linked?(pid)
        assert Registry.count(registry) == 1
        assert {:error, {:already_registered, me}} = Registry.register(registry, "hello", :other)
        assert me == self()
        assert linked?(pid)
        {:ok, _} = Registry.register(registry, "world", :value)
        assert Registry.count(registry) == 2
        assert Enum.sort(Registry.keys(registry, self())) == ["hello", "world"]
        assert Registry.lookup(registry, "hello") == [{self(), :value}]
      end

      @tag partitions: partitions
      test "keys are compared by === (#{partitions})", %{registry: registry} do
        {:ok, _} = Registry.register(registry, 1.0, :float)
        {:ok, _} = Registry.register(registry, 1, :integer)
        assert Registry.lookup(registry, 1.0) == [{self(), :float}]
        assert Registry.lookup(registry, 1) == [{self(), :integer}]
        assert Enum.sort(Registry.keys(registry, self())) == [1, 1.0]
        :ok = Registry.unregister(registry, 1)
        assert Registry.lookup(registry, 1) == []
        assert Registry.lookup(registry, 1.0) == [{self(), :float}]
        assert Registry.match(registry, 1, :_) == []
        assert Registry.match(registry, 1.0, :_) == [{self(), :float}]
      end

      @tag partitions: partitions
      test "the dead have no entries (#{partitions})", %{registry: registry} do
        for round <- 1..50 do
          other = start_other()
          {:ok, _} = tell(other, fn -> Registry.register(registry, "hello", round) end)
          assert Registry.lookup(registry, "hello") == [{other, round}]
          assert {:error, {:already_registered, ^other}} = Registry.register(registry, "hello", :mine)
          stop(other)
          assert Registry.whereis_name({registry, "hello"}) == :undefined
          assert {:ok, _} = Registry.register(registry, "hello", :mine)
          :ok = Registry.unregister(registry, "hello")
        end

        eventually(fn -> Registry.count(registry) == 0 end)
      end

      @tag partitions: partitions
      test "entries are found by their values (#{partitions})", %{registry: registry} do
        {:ok, _} = Registry.register(registry, "hello", {1, :atom, 1})
        assert Registry.match(registry, "hello", {1, :_, :_}) == [{self(), {1, :atom, 1}}]
        assert Registry.match(registry, "hello", {:"$1", :_, :"$1"}) == [{self(), {1, :atom, 1}}]
        assert Registry.match(registry, "hello", {:"$1", :_, :"$2"}, [{:>, :"$1", :"$2"}]) == []
        assert Registry.match(registry, "hello", {:_, :"$1", :_}, [{:is_atom, :"$1"}]) == [{self(), {1, :atom, 1}}]
        assert Registry.match(registry, "hello", :_) == [{self(), {1, :atom, 1}}]
        assert Registry.match(registry, :_, :_) == []
        assert Registry.count_match(registry, "hello", {1, :_, :_}) == 1
        assert Registry.count_match(registry, "hello", {2, :_, :_}) == 0
        assert Registry.count_match(registry, "hello", {:"$1", :_, :_}, [{:<, :"$1", 1}]) == 0
        assert Registry.count_match(registry, "none", :_) == 0
      end
    end

    test "an own value is updated, and no other's", %{registry: registry} do
      assert Registry.update_value(registry, "hello", fn _ -> raise "called" end) == :error
      {:ok, _} = Registry.register(registry, "hello", 1)
      assert Registry.update_value(registry, "hello", &(&1 + 1)) == {2, 1}
      assert Registry.lookup(registry, "hello") == [{self(), 2}]
      task = Task.async(fn -> Registry.update_value(registry, "hello", fn _ -> raise "called" end) end)
      assert Task.await(task) == :error
      assert Registry.lookup(registry, "hello") == [{self(), 2}]
    end

    test "who unregisters all is not linked any more", %{registry: registry} do
      {:ok, pid} = Registry.register(registry, "hello", 1)
      {:ok, ^pid} = Registry.register(registry, "world", 1)
      assert :ok = Registry.unregister(registry, "hello")
      assert linked?(pid)
      assert :ok = Registry.unregister(registry, "none")
      assert linked?(pid)
      assert :ok = Registry.unregister(registry, "world")
      refute linked?(pid)
      assert Registry.keys(registry, self()) == []
      assert :ok = Registry.unregister(registry, "world")
    end

    test "who is linked with the registry stays so", %{registry: registry, server: server} do
      Process.link(server)
      {:ok, pid} = Registry.register(registry, "hello", 1)
      assert pid != server
      other = start_other()
      {:ok, _} = tell(other, fn -> Registry.register(registry, "world", 1) end)
      assert {:error, {:already_registered, ^other}} = Registry.register(registry, "world", 2)
      assert :ok = Registry.unregister(registry, "hello")
      refute linked?(pid)
      assert linked?(server)
      Process.unlink(server)
    end

    @tag partitions: 3
    test "its partitions are its children", %{registry: registry} do
      children = Supervisor.which_children(registry)
      assert length(children) == 3
      {:ok, pid} = Registry.register(registry, "hello", 1)
      assert Enum.any?(children, &match?({_, ^pid, :worker, _}, &1))
      assert Supervisor.count_children(registry).active == 3
      Process.flag(:trap_exit, true)
      Process.exit(pid, :kill)
      assert_receive {:EXIT, ^pid, :killed}
    end

    test "a failed registration does not link", %{registry: registry, server: _} do
      other = start_other()
      {:ok, pid} = tell(other, fn -> Registry.register(registry, "hello", 1) end)
      assert {:error, {:already_registered, ^other}} = Registry.register(registry, "hello", 2)
      refute linked?(pid)
    end

    test "keys like patterns are keys", %{registry: registry} do
      for key <- [:_, :"$1", {:_, 1}] do
        {:ok, _} = Registry.register(registry, key, :pattern)
        {:ok, _} = Registry.register(registry, "hello", :word)
        assert Registry.lookup(registry, key) == [{self(), :pattern}]
        assert Registry.match(registry, key, :_) == [{self(), :pattern}]
        assert :ok = Registry.unregister(registry, key)
        assert Registry.keys(registry, self()) == ["hello"]
        {:ok, _} = Registry.register(registry, key, :pattern)
        assert :ok = Registry.unregister_match(registry, key, :_)
        assert Registry.keys(registry, self()) == ["hello"]
        :ok = Registry.unregister(registry, "hello")
      end
    end

    test "entries are unregistered by their values", %{registry: registry} do
      {:ok, pid} = Registry.register(registry, "hello", {1, :atom})
      assert :ok = Registry.unregister_match(registry, "hello", {2, :_})
      assert :ok = Registry.unregister_match(registry, "hello", {:"$1", :_}, [{:<, :"$1", 1}])
      assert Registry.lookup(registry, "hello") == [{self(), {1, :atom}}]
      assert linked?(pid)
      assert :ok = Registry.unregister_match(registry, "hello", {:"$1", :_}, [{:>, :"$1", 0}])
      assert Registry.lookup(registry, "hello") == []
      refute linked?(pid)
    end

    test "values are those of the process", %{registry: registry} do
      assert Registry.values(registry, "hello", self()) == []
      {:ok, _} = Registry.register(registry, "hello", :value)
      assert Registry.values(registry, "hello", self()) == [:value]
      assert Registry.values(registry, "hello", start_other()) == []
      assert Registry.values(registry, "world", self()) == []
    end

    test "a dispatch is for who is there", %{registry: registry} do
      {:ok, _} = Registry.register(registry, "hello", :value)
      assert :ok = Registry.dispatch(registry, "world", fn _ -> raise "called" end)
      assert :ok = Registry.dispatch(registry, "hello", fn entries -> send(self(), {:entries, entries}) end)
      assert_received {:entries, [{me, :value}]} when me == self()
      assert :ok = Registry.dispatch(registry, "hello", {__MODULE__, :send_to, [:more]})
      assert_received {:told, [{_, :value}]}
    end

    test "it is a name of processes", %{registry: registry} do
      name = {:via, Registry, {registry, "agent"}}
      assert Registry.whereis_name({registry, "agent"}) == :undefined
      {:ok, pid} = Agent.start_link(fn -> 0 end, name: name)
      assert Registry.whereis_name({registry, "agent"}) == pid
      assert Registry.whereis_name({registry, "agent", :other}) == pid
      assert {:error, {:already_started, ^pid}} = Agent.start_link(fn -> 0 end, name: name)
      assert Agent.update(name, &(&1 + 1)) == :ok
      assert Agent.get(name, & &1) == 1
      assert Registry.keys(registry, pid) == ["agent"]
      assert Registry.values(registry, "agent", pid) == [nil]
      assert Registry.send({registry, "agent"}, :hello) == :hello
      :ok = Agent.stop(name)
      assert Registry.whereis_name({registry, "agent"}) == :undefined
      assert {:noproc, _} = catch_exit(Agent.get(name, & &1))
      assert :badarg = catch_error(Registry.send({registry, "nobody"}, :hello))
    end

    test "a name has a value", %{registry: registry} do
      {:ok, pid} = Agent.start_link(fn -> 0 end, name: {:via, Registry, {registry, "agent", :value}})
      assert Registry.lookup(registry, "agent") == [{pid, :value}]
      assert Agent.get({:via, Registry, {registry, "agent"}}, & &1) == 0
    end

    test "only the caller gets a name", %{registry: registry} do
      assert :yes = Registry.register_name({registry, "me"}, self())
      assert :no = Registry.register_name({registry, "me"}, self())
      assert_raise FunctionClauseError, fn -> Registry.register_name({registry, "x"}, start_other()) end
      assert :ok = Registry.unregister_name({registry, "me"})
      assert :ok = Registry.unregister_name({registry, "me", :value})
    end
  end

  def send_to(entries, :more), do: send(self(), {:told, entries})

  describe "duplicate" do
    for partitions <- [1, 4] do
      @tag keys: :duplicate, partitions: partitions
      test "a key has many entries (#{partitions})", %{registry: registry} do
        {:ok, pid} = Registry.register(registry, "hello", :one)
        {:ok, ^pid} = Registry.register(registry, "hello", :two)
        other = start_other()
        {:ok, _} = tell(other, fn -> Registry.register(registry, "hello", :three) end)
        assert Registry.count(registry) == 3
        mine = [{self(), :one}, {self(), :two}]
        assert Enum.sort(Registry.lookup(registry, "hello")) == Enum.sort([{other, :three} | mine])
        assert Registry.keys(registry, self()) == ["hello", "hello"]
        assert Registry.values(registry, "hello", self()) == [:one, :two]
        assert Registry.values(registry, "hello", other) == [:three]
        assert Enum.sort(Registry.match(registry, "hello", :one)) == [{self(), :one}]
        assert Registry.count_match(registry, "hello", :_) == 3
        assert :ok = Registry.unregister(registry, "hello")
        assert Registry.lookup(registry, "hello") == [{other, :three}]
        refute linked?(pid)
        stop(other)
        eventually(fn -> Registry.lookup(registry, "hello") == [] end)
      end

      @tag keys: :duplicate, partitions: partitions
      test "a dispatch is by partition (#{partitions})", %{registry: registry} do
        Process.flag(:trap_exit, true)
        parent = self()
        partitions = unquote(partitions)
        {:ok, _} = Registry.register(registry, "hello", :one)
        {:ok, _} = Registry.register(registry, "hello", :two)
        {:ok, _} = Registry.register(registry, "world", :three)

        for parallel <- [false, true] do
          told = fn entries ->
            assert parent == self() != (parallel and partitions > 1)
            for {pid, value} <- entries, do: send(pid, {:dispatched, value})
          end

          assert Registry.dispatch(registry, "hello", told, parallel: parallel) == :ok
          assert_received {:dispatched, :one}
          assert_received {:dispatched, :two}
          refute_received {:dispatched, :three}
          assert Registry.dispatch(registry, "none", fn _ -> raise "called" end, parallel: parallel) == :ok
        end

        refute_received {:EXIT, _, _}
      end

      @tag keys: :duplicate, partitions: partitions
      test "some of one's entries are unregistered (#{partitions})", %{registry: registry} do
        {:ok, pid} = Registry.register(registry, "hello", {1, :a})
        {:ok, _} = Registry.register(registry, "hello", {2, :b})
        {:ok, _} = Registry.register(registry, "hello", {3, :a})
        {:ok, _} = Registry.register(registry, "world", {1, :a})
        assert :ok = Registry.unregister_match(registry, "hello", {:_, :a})
        assert Registry.lookup(registry, "hello") == [{self(), {2, :b}}]
        assert Registry.lookup(registry, "world") == [{self(), {1, :a}}]
        assert Enum.sort(Registry.keys(registry, self())) == ["hello", "world"]
        assert :ok = Registry.unregister_match(registry, "hello", :_)
        assert linked?(pid)
        assert :ok = Registry.unregister_match(registry, "world", {:"$1", :_}, [{:==, :"$1", 1}])
        refute linked?(pid)
        assert Registry.count(registry) == 0
      end

      @tag keys: :duplicate, partitions: partitions
      test "the same is registered twice (#{partitions})", %{registry: registry} do
        {:ok, _} = Registry.register(registry, "hello", :same)
        {:ok, _} = Registry.register(registry, "hello", :same)
        assert Registry.lookup(registry, "hello") == [{self(), :same}, {self(), :same}]
        assert Registry.count(registry) == 2
      end

      @tag keys: :duplicate, partitions: partitions
      test "entries are selected (#{partitions})", %{registry: registry} do
        {:ok, _} = Registry.register(registry, "hello", :value)
        {:ok, _} = Registry.register(registry, "hello", 1)
        {:ok, _} = Registry.register(registry, {:world, 1}, 2)
        all = [{{:"$1", :"$2", :"$3"}, [], [{{:"$1", :"$2", :"$3"}}]}]
        me = self()

        assert Enum.sort(Registry.select(registry, all)) == [
                 {{:world, 1}, me, 2},
                 {"hello", me, 1},
                 {"hello", me, :value}
               ]

        assert Registry.select(registry, [{{:_, :_, :"$1"}, [{:is_atom, :"$1"}], [:"$1"]}]) == [:value]
        assert Registry.select(registry, [{{{:world, :"$1"}, :_, :_}, [], [:"$1"]}]) == [1]
        assert Enum.sort(Registry.select(registry, [{{:"$1", me, :_}, [], [:"$1"]}])) == [{:world, 1}, "hello", "hello"]
        assert Registry.select(registry, [{{:_, start_other(), :_}, [], [:"$_"]}]) == []

        assert Enum.sort(Registry.select(registry, [{{:_, :_, 1}, [], [:one]}, {{:_, :_, 2}, [], [:two]}])) == [
                 :one,
                 :two
               ]

        assert Registry.count_select(registry, [{{:_, :_, :_}, [], [true]}]) == 3
        assert Registry.count_select(registry, [{{:_, :"$1", :_}, [{:"=:=", :"$1", me}], [true]}]) == 3
        assert Registry.count_select(registry, [{{"hello", :_, :"$1"}, [{:is_integer, :"$1"}], [true]}]) == 1
      end
    end

    @tag keys: :duplicate
    test "it is no name", %{registry: registry} do
      text = ":via is not supported for duplicate registries"
      assert_raise ArgumentError, text, fn -> Registry.whereis_name({registry, "x"}) end
      text = "Registry.update_value/3 is not supported for duplicate registries"
      assert_raise ArgumentError, text, fn -> Registry.update_value(registry, "x", & &1) end
    end
  end

  describe "beside entries" do
    @tag listener: true
    test "listeners hear what is registered", %{registry: registry} do
      me = self()
      {:ok, _} = Registry.register(registry, "hello", :value)
      assert_received {:register, ^registry, "hello", ^me, :value}
      {:error, _} = Registry.register(registry, "hello", :other)
      refute_received {:register, _, _, _, _}
      :ok = Registry.unregister(registry, "hello")
      assert_received {:unregister, ^registry, "hello", ^me}
      {:ok, _} = Registry.register(registry, "hello", :value)
      :ok = Registry.unregister_match(registry, "hello", :none)
      refute_received {:unregister, _, _, _}
      :ok = Registry.unregister_match(registry, "hello", :value)
      assert_received {:unregister, ^registry, "hello", ^me}
    end

    @tag meta: [given: "value"]
    test "there is metadata", %{registry: registry} do
      assert Registry.meta(registry, :given) == {:ok, "value"}
      assert Registry.meta(registry, :none) == :error
      assert Registry.put_meta(registry, {:key, 1}, %{a: 1}) == :ok
      assert Registry.meta(registry, {:key, 1}) == {:ok, %{a: 1}}
      assert Registry.put_meta(registry, {:key, 1}, 2) == :ok
      assert Registry.meta(registry, {:key, 1}) == {:ok, 2}
      assert Registry.delete_meta(registry, {:key, 1}) == :ok
      assert Registry.delete_meta(registry, {:key, 1}) == :ok
      assert Registry.meta(registry, {:key, 1}) == :error
      assert_raise FunctionClauseError, fn -> Registry.meta(registry, "text") end
    end

    test "a second one with the name is refused", %{registry: registry, server: server} do
      assert {:error, {:already_started, ^server}} = Registry.start_link(keys: :unique, name: registry)
      assert {:ok, _} = Registry.register(registry, "still", :there)
    end

    test "its end is that of who has registered, and nothing is left", %{registry: registry, server: server} do
      other = start_other()
      monitor = Process.monitor(other)
      {:ok, _} = tell(other, fn -> Registry.register(registry, "hello", 1) end)
      Process.exit(server, :kill)
      assert_receive {:DOWN, ^monitor, _, _, :killed}

      eventually(fn ->
        pid = Process.whereis(registry)
        pid not in [nil, server]
      end)

      eventually(fn -> works?(registry) end)
      assert {:ok, _} = Registry.register(registry, "hello", 2)
    end
  end

  describe "what is wrong" do
    test "in options", %{registry: registry} do
      good = [keys: :unique, name: Module.concat(registry, Other)]

      for {wrong, text} <- [
            {[name: :a], "expected :keys to be given and be one of :unique or :duplicate, got: nil"},
            {[keys: :other, name: :a], "expected :keys to be given and be one of :unique or :duplicate, got: :other"},
            {[keys: :unique], "expected :name option to be present"},
            {[keys: :unique, name: "a"], "expected :name to be an atom, got: \"a\""},
            {good ++ [partitions: 0], "expected :partitions to be a positive integer, got: 0"},
            {good ++ [meta: %{}], "expected :meta to be a keyword list, got: %{}"},
            {good ++ [listeners: ["a"]], "expected :listeners to be a list of named processes, got: [\"a\"]"},
            {good ++ [compressed: 1], "expected :compressed to be a boolean, got: 1"}
          ] do
        assert_raise ArgumentError, text, fn -> Registry.start_link(wrong) end
      end
    end

    test "an unknown registry", %{test: test} do
      unknown = Module.concat(test, Unknown)

      for call <- [
            &Registry.register(&1, 1, 2),
            &Registry.unregister(&1, 1),
            &Registry.unregister_match(&1, 1, :_),
            &Registry.update_value(&1, 1, fn x -> x end),
            &Registry.lookup(&1, 1),
            &Registry.match(&1, 1, :_),
            &Registry.count_match(&1, 1, :_),
            &Registry.select(&1, []),
            &Registry.count_select(&1, []),
            &Registry.keys(&1, self()),
            &Registry.values(&1, 1, self()),
            &Registry.count/1,
            &Registry.dispatch(&1, 1, fn _ -> :ok end),
            &Registry.put_meta(&1, :a, 1),
            &Registry.delete_meta(&1, :a),
            &Registry.whereis_name({&1, 1})
          ] do
        assert_raise ArgumentError, "unknown registry: #{inspect(unknown)}", fn -> call.(unknown) end
      end

      hint =
        ". Either the registry name is invalid or the registry is not running, possibly because its application isn't started"

      assert_raise ArgumentError, "unknown registry: #{inspect(unknown)}#{hint}", fn -> Registry.meta(unknown, :a) end
    end

    test "arguments", %{registry: registry} do
      for call <- [
            fn -> Registry.register("text", 1, 2) end,
            fn -> Registry.lookup(17, 1) end,
            fn -> Registry.keys(registry, :me) end,
            fn -> Registry.match(registry, 1, :_, :no_guards) end,
            fn -> Registry.dispatch(registry, 1, fn -> :ok end) end,
            fn -> Registry.update_value(registry, 1, fn -> :ok end) end,
            fn -> Registry.select(registry, :all) end
          ] do
        assert_raise FunctionClauseError, call
      end

      text = "invalid match specification in Registry.select/2: [{{:_, :_}, [], []}]"
      assert_raise ArgumentError, text, fn -> Registry.select(registry, [{{:_, :_}, [], []}]) end
      text = "invalid match specification in Registry.count_select/2: [:a]"
      assert_raise ArgumentError, text, fn -> Registry.count_select(registry, [:a]) end
      assert_raise ArgumentError, fn -> Registry.select(registry, [{{:_, :_, :_}, [{:nonsense, 1}], [:"$_"]}]) end
      assert_raise ArgumentError, fn -> Registry.match(registry, 1, :_, [{:nonsense, 1}]) end
      assert_raise ArgumentError, fn -> Registry.unregister_match(registry, 1, :_, [{:nonsense, 1}]) end
    end
  end

  test "who has registered hears of its end" do
    Process.flag(:trap_exit, true)

    for {stop, reason} <- [{&Supervisor.stop/1, :shutdown}, {&Process.exit(&1, :kill), :killed}] do
      name = Module.concat(__MODULE__, reason)
      {:ok, server} = Registry.start_link(keys: :unique, name: name)
      {:ok, pid} = Registry.register(name, "hello", 1)
      stop.(server)
      assert_receive {:EXIT, ^pid, ^reason}
      assert_receive {:EXIT, ^server, _}
    end
  end

  test "start_link/2 and start_link/3, which are deprecated" do
    # In a variable, so that the compiler does not say so.
    deprecated = Registry
    name = Module.concat(__MODULE__, Deprecated)
    {:ok, _} = deprecated.start_link(:unique, name)
    {:ok, _} = Registry.register(name, "hello", 1)
    assert Registry.lookup(name, "hello") == [{self(), 1}]
    other = Module.concat(__MODULE__, DeprecatedToo)
    {:ok, _} = deprecated.start_link(:duplicate, other, partitions: 2, meta: [a: 1])
    for _ <- 1..2, do: {:ok, _} = Registry.register(other, "hello", 1)
    assert Registry.count(other) == 2
    assert Registry.meta(other, :a) == {:ok, 1}
    assert_raise FunctionClauseError, fn -> deprecated.start_link(:any, name) end
    assert_raise FunctionClauseError, fn -> deprecated.start_link(:unique, "name", []) end
    text = "expected :partitions to be a positive integer, got: 0"
    assert_raise ArgumentError, text, fn -> deprecated.start_link(:unique, :"none of these", partitions: 0) end
  end

  test "it stands under a supervisor", %{registry: registry} do
    name = Module.concat(registry, Other)
    assert %{id: ^name, type: :supervisor} = Supervisor.child_spec({Registry, keys: :unique, name: name}, [])
    assert %{id: Registry, start: {Registry, :start_link, [[keys: :unique]]}} = Registry.child_spec(keys: :unique)
    {:ok, supervisor} = Supervisor.start_link([{Registry, keys: :unique, name: name}], strategy: :one_for_one)
    assert [{^name, pid, :supervisor, [Registry]}] = Supervisor.which_children(supervisor)
    assert %{active: 1} = Supervisor.count_children(supervisor)
    assert Process.whereis(name) == pid
    :ok = Supervisor.stop(supervisor)
    assert_raise ArgumentError, fn -> Registry.lookup(name, 1) end
  end
end
