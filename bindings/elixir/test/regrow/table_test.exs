defmodule Regrow.TableTest do
  use ExUnit.Case, async: true
  doctest Regrow.Table

  alias Regrow.{Runtime, Table}

  @rounds 1000 * String.to_integer(System.get_env("REGROW_ROUNDS", "1"))

  # What holds of a table holds of OTP's too.
  for module <- [:ets, Table] do
    describe inspect(module) do
      @describetag of: module
      test "objects go in and out", %{of: module} do
        table = module.new(:objects, [:set, :public, keypos: 1, read_concurrency: true])
        assert module.insert(table, {:a, 1}) == true
        assert module.insert(table, [{:b, 2}, {1, :integer}, {1.0, :float}]) == true
        assert module.insert_new(table, {:a, 2}) == false
        assert module.insert_new(table, {:c, 3}) == true
        assert module.lookup(table, :a) == [{:a, 1}]
        assert module.lookup(table, :none) == []
        assert module.lookup(table, 1) == [{1, :integer}]
        assert module.lookup_element(table, :b, 2) == 2
        assert module.member(table, :c) == true
        assert module.member(table, :none) == false
        assert module.take(table, :c) == [{:c, 3}]
        assert module.take(table, :c) == []
        assert module.delete(table, :a) == true
        assert module.delete_object(table, {:b, 3}) == true
        assert module.info(table, :size) == 3
        assert module.delete_object(table, {:b, 2}) == true
        assert Enum.sort(module.tab2list(table)) == [{1.0, :float}, {1, :integer}] |> Enum.sort()
        assert module.delete_all_objects(table) == true
        assert module.tab2list(table) == []
        assert module.info(table, :owner) == self()
        assert module.info(table, :type) == :set
        assert module.delete(table) == true
        assert module.info(table) == :undefined
        assert module.info(table, :size) == :undefined
      end

      test "counters and elements", %{of: module} do
        table = module.new(:counters, [])
        assert_raise ArgumentError, fn -> module.update_counter(table, :a, 1) end
        assert module.update_counter(table, :a, 1, {:a, 0}) == 1
        assert module.update_counter(table, :a, {2, 10}) == 11
        assert module.update_counter(table, :a, [{2, 1}, {2, 1}]) == [12, 13]
        assert module.update_counter(table, :a, {2, 10, 20, 0}) == 0
        assert module.update_element(table, :a, {2, :word}) == true
        assert module.update_element(table, :none, {2, :word}) == false
        assert_raise ArgumentError, fn -> module.update_counter(table, :a, 1) end
      end

      test "the order of keys", %{of: module} do
        table = module.new(:ordered, [:ordered_set])
        assert module.first(table) == :"$end_of_table"
        module.insert(table, for(key <- [3, 1, 2], do: {key, -key}))
        assert {module.first(table), module.last(table)} == {1, 3}
        assert {module.next(table, 1), module.prev(table, 1)} == {2, :"$end_of_table"}
        assert module.tab2list(table) == [{1, -1}, {2, -2}, {3, -3}]
      end

      test "bags", %{of: module} do
        for {kind, count} <- [bag: 2, duplicate_bag: 3] do
          table = module.new(:bags, [kind])
          for object <- [{:a, 1}, {:a, 1}, {:a, 2}], do: module.insert(table, object)
          assert length(module.lookup(table, :a)) == count
          assert length(module.lookup_element(table, :a, 2)) == count
        end
      end

      test "matches", %{of: module} do
        table = module.new(:matches, [:ordered_set])
        module.insert(table, for(n <- 1..5, do: {n, rem(n, 2), %{n: n}}))
        assert module.match(table, {:"$1", 1, :_}) == [[1], [3], [5]]
        assert module.match_object(table, {2, :_, :_}) == [{2, 0, %{n: 2}}]
        even = [{{:"$1", 0, :_}, [], [:"$1"]}]
        assert module.select(table, even) == [2, 4]
        assert module.select_count(table, [{{:"$1", :_, :_}, [{:>, :"$1", 2}], [true]}]) == 3
        assert module.select_delete(table, [{{:"$1", :_, :_}, [{:>, :"$1", 4}], [true]}]) == 1
        assert module.match_delete(table, {:_, 0, :_}) == true
        assert module.match(table, {:"$1", :_, :_}) == [[1], [3]]
      end

      test "who may do what", %{of: module} do
        for {access, read, write} <- [{:public, true, true}, {:protected, true, false}, {:private, false, false}] do
          table = module.new(:access, [access])
          module.insert(table, {:a, 1})
          assert may(fn -> module.lookup(table, :a) end) == read
          assert may(fn -> module.insert(table, {:b, 1}) end) == write
          assert module.lookup(table, :a) == [{:a, 1}]
        end
      end

      test "a table is given away, and inherited", %{of: module} do
        test = self()
        table = module.new(:given, [{:heir, test, :inherited}])
        module.insert(table, {:a, 1})

        {other, monitor} =
          spawn_monitor(fn ->
            assert_receive {:"ETS-TRANSFER", _, ^test, :data}
            send(test, {:owned, module.insert(table, {:b, 2})})
            receive do: (:end -> :ok)
          end)

        assert module.give_away(table, other, :data) == true
        assert_receive {:owned, true}
        assert module.info(table, :owner) == other
        assert_raise ArgumentError, fn -> module.insert(table, {:c, 3}) end
        send(other, :end)
        assert_receive {:DOWN, ^monitor, _, _, :normal}
        assert_receive {:"ETS-TRANSFER", _, ^other, :inherited}
        assert module.insert(table, {:c, 3}) == true
        assert module.setopts(table, {:heir, :none}) == true
        assert module.setopts(table, {:heir, test, :again}) == true
      end

      test "a named table is found", %{of: module} do
        name = Module.concat(__MODULE__, "Named#{inspect(module)}")
        table = module.new(name, [:named_table, :public])
        assert module.whereis(name) != :undefined
        assert_raise ArgumentError, fn -> module.new(name, [:named_table]) end
        module.delete(table)
        assert module.whereis(name) == :undefined
      end

      test "what is wrong", %{of: module} do
        table = module.new(:wrong, [])
        module.insert(table, {:a, 1})
        gone = module.new(:gone, [])
        module.delete(gone)

        for call <- [
              fn -> module.new(:a, [:color]) end,
              fn -> module.new(:a, keypos: 0) end,
              fn -> module.insert(table, :no_tuple) end,
              fn -> module.insert(table, {}) end,
              fn -> module.insert(table, [{:a, 1}, :no_tuple]) end,
              fn -> module.lookup_element(table, :none, 1) end,
              fn -> module.next(table, :none) end,
              fn -> module.select(table, [{:_, [{:nonsense, 1}], [:"$_"]}]) end,
              fn -> module.update_element(table, :a, {1, :key}) end,
              fn -> module.lookup(gone, :a) end,
              fn -> module.insert(gone, {:a, 1}) end,
              fn -> module.delete(gone) end,
              fn -> module.lookup(:nothing, :a) end,
              fn -> module.lookup("text", :a) end,
              fn -> module.give_away(table, :nobody, 1) end,
              fn -> module.setopts(table, {:heir, :nobody, 1}) end,
              fn -> module.setopts(gone, {:heir, :none}) end
            ] do
          assert_raise ArgumentError, call
        end

        assert module.tab2list(table) == [{:a, 1}]
      end
    end
  end

  # In another process.
  defp may(function) do
    task =
      Task.async(fn ->
        try do
          function.() && true
        rescue
          ArgumentError -> false
        end
      end)

    Task.await(task)
  end

  test "a table is gone when its owner is" do
    test = self()

    for round <- 1..@rounds do
      {_, monitor} =
        spawn_monitor(fn ->
          table = Table.new(:gone, [:public])
          true = Table.insert(table, {round})
          send(test, {:table, table})
        end)

      assert_receive {:table, table}
      assert_receive {:DOWN, ^monitor, _, _, :normal}
      assert_raise ArgumentError, "Regrow.Table.lookup: there is no such table", fn -> Table.lookup(table, round) end
    end
  end

  test "native code knows it, and it is in its runtime" do
    {:ok, runtime} = Runtime.start_link(workers: 1)
    table = Table.new(:here, [:named_table, :public, runtime: runtime])
    assert Table.whereis(:here, runtime) == table
    assert Table.whereis(:here) == :undefined
    assert Table.of_ref(Table.ref(table), runtime) == table
    :ok = GenServer.stop(runtime)
    assert_raise ArgumentError, fn -> Table.insert(table, {:a, 1}) end
    assert_raise ArgumentError, ~r/^no runtime: /, fn -> Table.new(:a, runtime: runtime) end
  end
end
