defmodule Regrow.TableTest do
  use ExUnit.Case, async: true
  doctest Regrow.Table

  alias Regrow.{Runtime, Table}

  @rounds 1000 * String.to_integer(System.get_env("REGROW_ROUNDS", "1"))

  defp parts(_, _, :"$end_of_table"), do: []
  defp parts(table, module, {found, continuation}), do: [found | parts(table, module, module.match(continuation))]

  # What is left out: the shell's, Dets', QLC's, what the compiler and other modules of OTP use, and `slot/2`, which
  # shows how a table is stored.
  @left_out [all: 0, match_spec_run: 2, match_spec_run_r: 3, match_spec_compile: 1, is_compiled_ms: 1, test_ms: 2] ++
              [fun2ms: 1, repair_continuation: 2, from_dets: 2, to_dets: 2, init_table: 2, tabfile_info: 1, slot: 2] ++
              [table: 1, table: 2, i: 0, i: 1, i: 2, i: 3, internal_select_delete: 2, internal_delete_all: 2] ++
              [internal_request_all: 0, module_info: 0, module_info: 1]

  test "it has what :ets has" do
    assert Enum.sort(:ets.module_info(:exports) -- Table.__info__(:functions)) == Enum.sort(@left_out)
  end

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

      test "parts", %{of: module} do
        table = module.new(:parts, [:ordered_set])
        module.insert(table, for(n <- 1..5, do: {n, rem(n, 2)}))
        spec = [{{:"$1", :_}, [], [:"$1"]}]
        assert {[1, 2], more} = module.select(table, spec, 2)
        assert {[3, 4], more} = module.select(more)
        assert {[5], last} = module.select(more)
        assert last == :"$end_of_table" or module.select(last) == :"$end_of_table"
        assert module.select(:"$end_of_table") == :"$end_of_table"
        assert module.select(table, [{{:_, 7}, [], [:"$_"]}], 2) == :"$end_of_table"
        assert {[5, 4, 3], more} = module.select_reverse(table, spec, 3)
        assert {[2, 1], _} = module.select_reverse(more)
        assert module.select_reverse(table, spec) == [5, 4, 3, 2, 1]
        assert {[[1], [3]], more} = module.match(table, {:"$1", 1}, 2)
        assert {[[5]], _} = module.match(more)
        assert {[{2, 0}], more} = module.match_object(table, {:_, 0}, 1)
        assert {[{4, 0}], _} = module.match_object(more)
        assert_raise ArgumentError, fn -> module.select(table, spec, 0) end
        assert_raise ArgumentError, fn -> module.select(table, :specification, 1) end
        assert_raise ArgumentError, fn -> module.select(:no_continuation) end
        assert_raise ArgumentError, fn -> module.match(table, {:_}, :many) end
      end

      test "all objects are in the parts of a table that is hashed", %{of: module} do
        table = module.new(:parts, [:set])
        module.insert(table, for(n <- 1..500, do: {n}))

        assert table |> parts(module, module.match(table, {:"$1"}, 7)) |> List.flatten() |> Enum.sort() ==
                 Enum.to_list(1..500)
      end

      test "folds", %{of: module} do
        table = module.new(:folds, [:ordered_set])
        assert module.foldl(fn _, _ -> :called end, :first, table) == :first
        module.insert(table, for(n <- 1..5, do: {n}))
        assert module.foldl(fn {n}, acc -> [n | acc] end, [], table) == [5, 4, 3, 2, 1]
        assert module.foldr(fn {n}, acc -> [n | acc] end, [], table) == [1, 2, 3, 4, 5]
        # What is deleted has had its turn, or has none.
        delete = fn {n}, acc -> module.delete(table, n) && module.delete(table, n + 1) && [n | acc] end
        assert module.foldl(delete, [], table) == [5, 3, 1]
        assert module.info(table, :size) == 0
        set = module.new(:folds, [:set])
        module.insert(set, for(n <- 1..100, do: {n}))
        assert module.foldl(fn {n}, count -> module.delete(set, n) && count + 1 end, 0, set) == 100
        bag = module.new(:folds, [:duplicate_bag])
        module.insert(bag, [{1, :a}, {1, :b}, {1, :c}])
        assert module.foldl(fn {1, x}, acc -> [x | acc] end, [], bag) == [:c, :b, :a]
        module.delete(bag)
        assert_raise ArgumentError, fn -> module.foldl(fn _, acc -> acc end, 0, bag) end
      end

      test "a table that is fixed is gone through, whatever is deleted", %{of: module} do
        table = module.new(:fixed, [:set])
        module.insert(table, for(n <- 1..100, do: {n}))
        assert module.safe_fixtable(table, true) == true
        keys = Stream.iterate(module.first(table), &(module.delete(table, &1) && module.next(table, &1)))
        assert keys |> Enum.take_while(&(&1 != :"$end_of_table")) |> Enum.sort() == Enum.to_list(1..100)
        assert module.safe_fixtable(table, false) == true
        assert module.tab2list(table) == []
        assert module.safe_fixtable(table, false) == true
        module.delete(table)
        assert_raise ArgumentError, fn -> module.safe_fixtable(table, true) end
      end

      test "objects are replaced, and tables renamed and given heirs", %{of: module} do
        table = module.new(:replaced, [:named_table, :public])
        module.insert(table, [{1, :a}, {2, :b}, {3, :a}])
        assert module.select_replace(table, [{{:"$1", :a}, [], [{{:"$1", :c}}]}]) == 2
        assert module.lookup(table, 3) == [{3, :c}]
        table = module.rename(table, Module.concat(__MODULE__, module))
        assert module.whereis(:replaced) == :undefined
        assert module.whereis(Module.concat(__MODULE__, module)) != :undefined
        other = module.new(:replaced, [:named_table])
        assert_raise ArgumentError, fn -> module.rename(other, Module.concat(__MODULE__, module)) end
        assert module.setopts(table, {:heir, self(), :data}) == true
        assert module.setopts(table, [{:heir, :none}]) == true
        assert_raise ArgumentError, fn -> module.setopts(table, {:heir, :nobody, 1}) end
        for name <- [table, other], do: module.delete(name)
      end

      test "files", %{of: module} do
        directory = Path.join(System.tmp_dir!(), "regrow-#{System.unique_integer([:positive])}-#{System.pid()}")
        File.mkdir!(directory)
        on_exit(fn -> File.rm_rf!(directory) end)
        # A charlist, as :ets wants it.
        file = directory |> Path.join("table") |> String.to_charlist()
        table = module.new(:filed, [:bag, :public, keypos: 2])
        objects = [{:a, 1}, {:b, 1}, {"text", 2.5}, {fn -> 1 end, %{}}]
        module.insert(table, objects)
        assert module.tab2file(table, file) == :ok
        assert module.tab2file(table, file, sync: true) == :ok
        module.delete(table)
        assert module.tab2file(table, file ++ '.other') == {:error, :badtab}
        assert {:ok, again} = module.file2tab(file)
        assert Enum.sort(module.tab2list(again)) == Enum.sort(objects)
        assert {module.info(again, :type), module.info(again, :keypos)} == {:bag, 2}
        assert module.info(again, :owner) == self()
        assert {:ok, _} = module.file2tab(file, verify: true)
        File.write!(file, "no table")
        assert {:error, _} = module.file2tab(file)
        assert {:error, _} = module.file2tab(file ++ '.none')
        assert {:error, _} = module.tab2file(again, file ++ '/below')
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
