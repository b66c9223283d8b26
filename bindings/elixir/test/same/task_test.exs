defmodule Same.TaskTest do
  use ExUnit.Case, async: true
  alias Regrow.Task
  alias Regrow.Supervisor

  defmodule Plain do
    use Task
  end

  defmodule Custom do
    use Task, id: :custom, restart: :permanent, shutdown: :infinity
    def start_link(to), do: Task.start_link(Kernel, :send, [to, :custom])
  end

  def double(number), do: number * 2

  # A task whose messages the tests send themselves.
  defp made(fields \\ []) do
    struct!(%Task{ref: make_ref(), pid: nil, owner: self(), mfa: {__MODULE__, :made, 0}}, fields)
  end

  defp ended(reason) do
    {pid, monitor} = spawn_monitor(fn -> exit(reason) end)
    assert_receive {:DOWN, ^monitor, _, _, _}
    made(pid: pid)
  end

  defp another(function) do
    me = self()
    spawn(fn -> send(me, {:task, Task.async(function)}) && Process.sleep(:infinity) end)
    assert_receive {:task, task}
    task
  end

  defp gone(task) do
    monitor = Process.monitor(task.pid)
    assert_receive {:DOWN, ^monitor, _, _, _}
  end

  # What a task tells of its end is among the messages when this returns. Another monitor may tell of it before.
  defp told(task) do
    {:messages, messages} = Process.info(self(), :messages)

    unless Enum.any?(messages, &match?({:DOWN, ref, _, _, _} when ref == task.ref, &1)) do
      Process.sleep(1)
      told(task)
    end
  end

  defp forever, do: Task.async(Process, :sleep, [:infinity])
  defp linked?(pid), do: pid in elem(Process.info(self(), :links), 1)

  setup do
    Process.flag(:trap_exit, true)
    :ok
  end

  describe "starting" do
    test "async/1 and async/3" do
      task = Task.async(fn -> receive(do: (:go -> {self(), Process.get(:"$callers")})) end)
      assert %Task{pid: pid, ref: ref, owner: me, mfa: {:erlang, :apply, 2}} = task
      assert is_reference(ref) and me == self() and linked?(pid)
      send(pid, :go)
      assert_receive {^ref, {^pid, [^me]}}
      assert_receive {:DOWN, ^ref, :process, ^pid, :normal}
      task = Task.async(__MODULE__, :double, [21])
      assert task.mfa == {__MODULE__, :double, 1}
      assert Task.await(task) == 42
      assert Map.keys(task) == [:__struct__, :mfa, :owner, :pid, :ref]
      assert task.__struct__ == Task
    end

    test "callers are told" do
      me = self()

      Task.async(fn ->
        child = self()
        assert Process.get(:"$callers") == [me]
        Task.async(fn -> assert Process.get(:"$callers") == [child, me] end) |> Task.await()
        {:ok, _} = Task.start_link(fn -> send(me, {:callers, Process.get(:"$callers"), child}) end)
        {:ok, _} = Task.start(fn -> send(me, {:callers, Process.get(:"$callers"), child}) end)
      end)
      |> Task.await()

      for _ <- 1..2 do
        assert_receive {:callers, callers, child}
        assert callers == [child, me]
      end
    end

    test "start and start_link" do
      me = self()
      wait = fn -> receive(do: (:go -> send(me, :done))) end
      {:ok, pid} = Task.start(wait)
      refute linked?(pid)
      send(pid, :go)
      assert_receive :done
      {:ok, pid} = Task.start_link(wait)
      assert linked?(pid)
      send(pid, :go)
      assert_receive :done
      assert_receive {:EXIT, ^pid, :normal}
      {:ok, _} = Task.start(Kernel, :send, [me, :done])
      assert_receive :done
      {:ok, _} = Task.start_link(Kernel, :send, [me, :done])
      assert_receive :done
    end

    test "completed/1" do
      assert %Task{pid: nil, mfa: {Task, :completed, 1}} = task = Task.completed(:done)
      assert task.owner == self()
      assert Task.await(task) == :done
      assert Task.yield(Task.completed(1)) == {:ok, 1}
      tasks = [Task.completed(1), Task.async(fn -> 2 end)]
      assert Task.await_many(tasks) == [1, 2]
    end

    test "arguments of wrong types" do
      for wrong <- [
            fn -> Task.async(fn _ -> 1 end) end,
            fn -> Task.async("module", :function, []) end,
            fn -> Task.async(Kernel, :send, :arguments) end,
            fn -> Task.start(:function) end,
            fn -> Task.start_link(Kernel, "send", []) end,
            fn -> Task.async_stream([1], fn -> 1 end) end,
            fn -> Task.async_stream([1], Kernel, :send, :arguments) end,
            fn -> Task.await(:task) end,
            fn -> Task.await(%{ref: make_ref(), owner: self(), pid: self(), mfa: {:m, :f, 0}}) end,
            fn -> Task.await(made(), :soon) end,
            fn -> Task.yield(made(), -1) end,
            fn -> Task.yield_many([made()], 1.5) end,
            fn -> Task.await_many([made()], :soon) end,
            fn -> Task.shutdown(made(pid: self()), :soon) end,
            fn -> Task.ignore(nil) end
          ] do
        assert_raise FunctionClauseError, wrong
      end

      assert_raise ArgumentError, ~r/^the following keys must also be given/, fn -> struct!(Task, ref: make_ref()) end
    end
  end

  describe "specifications" do
    test "are those of temporary workers" do
      assert Task.child_spec(:given) == %{id: Task, start: {Task, :start_link, [:given]}, restart: :temporary}
      assert Plain.child_spec(1) == %{id: Plain, start: {Plain, :start_link, [1]}, restart: :temporary}

      assert Custom.child_spec(1) ==
               %{id: :custom, start: {Custom, :start_link, [1]}, restart: :permanent, shutdown: :infinity}
    end

    test "are for supervisors" do
      me = self()
      children = [{Task, fn -> send(me, :ran) && Process.sleep(:infinity) end}]
      {:ok, supervisor} = Supervisor.start_link(children, strategy: :one_for_one)
      assert_receive :ran
      assert [{Task, pid, :worker, [Task]}] = Supervisor.which_children(supervisor)
      assert Supervisor.stop(supervisor) == :ok
      refute Process.alive?(pid)
      {:ok, supervisor} = Supervisor.start_link([{Custom, self()}], strategy: :one_for_one, max_restarts: 0)
      assert_receive :custom
      assert_receive {:EXIT, ^supervisor, :shutdown}
    end
  end

  describe "await/2" do
    test "exits as the task did" do
      for {function, reason} <- [
            {fn -> exit(:normal) end, :normal},
            {fn -> exit(:oops) end, :oops},
            {fn -> exit({:shutdown, 1}) end, {:shutdown, 1}}
          ] do
        task = Task.async(function)
        assert catch_exit(Task.await(task)) == {reason, {Task, :await, [task, 5000]}}
      end

      task = Task.async(fn -> throw(:oops) end)
      assert {{{:nocatch, :oops}, [_ | _]}, {Task, :await, [^task, 30_000]}} = catch_exit(Task.await(task, 30_000))
      task = Task.async(fn -> raise "oops" end)

      assert {{%RuntimeError{message: "oops"}, [_ | _]}, {Task, :await, [^task, :infinity]}} =
               catch_exit(Task.await(task, :infinity))

      task = Task.async(NoSuchModule, :function, [])
      assert {{:undef, [{NoSuchModule, :function, [], _} | _]}, _} = catch_exit(Task.await(task))
    end

    test "has a time limit, and nothing comes after it" do
      task = Task.async(fn -> receive(do: (:go -> :late)) end)
      assert catch_exit(Task.await(task, 0)) == {:timeout, {Task, :await, [task, 0]}}
      send(task.pid, :go)
      gone(task)
      ref = task.ref
      refute_received {^ref, _}
      refute_received {:DOWN, ^ref, _, _, _}
    end

    test "of a task on another node that is gone" do
      task = made()
      send(self(), {:DOWN, task.ref, :process, self(), :noconnection})
      assert catch_exit(Task.await(task)) == {{:nodedown, node()}, {Task, :await, [task, 5000]}}
      task = made()
      send(self(), {:DOWN, task.ref, :process, {:name, :there}, :noconnection})
      assert {{:nodedown, :there}, _} = catch_exit(Task.await(task))
    end
  end

  test "only the owner waits" do
    task = another(fn -> Process.sleep(:infinity) end)
    text = "task #{inspect(task)} must be queried from the owner but was queried from #{inspect(self())}"

    for wrong <- [
          fn -> Task.await(task) end,
          fn -> Task.await_many([Task.completed(1), task]) end,
          fn -> Task.yield(task, 0) end,
          fn -> Task.yield_many([task], 0) end,
          fn -> Task.shutdown(task) end,
          fn -> Task.shutdown(task, :brutal_kill) end,
          fn -> Task.ignore(task) end
        ] do
      assert_raise ArgumentError, text, wrong
    end

    assert Process.alive?(task.pid)
    Process.exit(task.owner, :kill)
  end

  describe "await_many/2" do
    test "gives values in the order of the tasks" do
      assert Task.await_many([]) == []
      tasks = [one, two, three] = for _ <- 1..3, do: made()
      for {task, value} <- [{two, 2}, {three, 3}, {two, :again}, {one, 1}], do: send(self(), {task.ref, value})
      send(self(), {make_ref(), :other})
      assert Task.await_many(tasks) == [1, 2, 3]
      assert_received {_, :again}
      assert_received {_, :other}
      assert {:timeout, _} = catch_exit(Task.await_many([one], 0))
    end

    @tag timeout: 60_000
    test "exits once one has ended without" do
      tasks = [forever(), Task.async(fn -> exit(:oops) end)]
      assert catch_exit(Task.await_many(tasks)) == {:oops, {Task, :await_many, [tasks, 5000]}}
      for task <- tasks, do: Process.exit(task.pid, :kill)
      refute_received {:DOWN, _, _, _, _}
      tasks = [forever(), Task.async(fn -> raise "oops" end)]

      assert {{%RuntimeError{}, _}, {Task, :await_many, [^tasks, :infinity]}} =
               catch_exit(Task.await_many(tasks, :infinity))

      tasks = [forever(), task = made()]
      send(self(), {:DOWN, task.ref, :process, self(), :noconnection})
      assert catch_exit(Task.await_many(tasks)) == {{:nodedown, node()}, {Task, :await_many, [tasks, 5000]}}
    end

    test "has one time limit" do
      tasks = [forever(), Task.async(fn -> 1 end)]
      assert catch_exit(Task.await_many(tasks, 1)) == {:timeout, {Task, :await_many, [tasks, 1]}}
      refute_received {:DOWN, _, _, _, _}
    end
  end

  describe "yield/2 and yield_many/2" do
    test "tell how it stands" do
      task = Task.async(fn -> receive(do: (:go -> :done)) end)
      assert Task.yield(task, 0) == nil
      assert Task.yield_many([task], 1) == [{task, nil}]
      send(task.pid, :go)
      assert Task.yield(task, :infinity) == {:ok, :done}
      assert Task.yield(Task.async(fn -> exit(:normal) end)) == {:exit, :normal}
      refute_received {:DOWN, _, _, _, _}
      tasks = [done, crashed, on] = [Task.async(fn -> 1 end), Task.async(fn -> exit(:oops) end), forever()]
      told(done)
      told(crashed)
      assert Task.yield_many(tasks, 10) == [{done, {:ok, 1}}, {crashed, {:exit, :oops}}, {on, nil}]
      assert Task.yield_many([]) == []
      assert Task.shutdown(on) == nil
    end

    test "a value counts, whatever has come of the process" do
      task = made()
      send(self(), {task.ref, :value})
      send(self(), {:DOWN, task.ref, :process, self(), :oops})
      assert Task.yield_many([task], :infinity) == [{task, {:ok, :value}}]
      refute_received {:DOWN, _, _, _, _}
    end

    test "of a task on another node that is gone" do
      for {yield, arguments} <- [
            {&Task.yield/1, &{Task, :yield, [&1, 5000]}},
            {&Task.yield_many([&1], 100), &{Task, :yield_many, [[&1], 100]}}
          ] do
        task = made()
        send(self(), {:DOWN, task.ref, :process, self(), :noconnection})
        assert catch_exit(yield.(task)) == {{:nodedown, node()}, arguments.(task)}
      end
    end
  end

  describe "shutdown/2" do
    test "ends a task" do
      task = forever()
      assert Task.shutdown(task) == nil
      refute Process.alive?(task.pid)
      refute linked?(task.pid)
      task = Task.async(fn -> Process.flag(:trap_exit, true) && Process.sleep(:infinity) end)
      assert Task.shutdown(task, :brutal_kill) == nil
      refute_received {:DOWN, _, _, _, _}
      refute_received {:EXIT, _, _}
    end

    test "kills one that does not end in time" do
      me = self()

      task =
        Task.async(fn ->
          Process.flag(:trap_exit, true)
          send(me, :traps)
          Process.sleep(:infinity)
        end)

      assert_receive :traps
      assert Task.shutdown(task, 1) == {:exit, :killed}
    end

    test "gives what there was" do
      for how <- [5000, :brutal_kill], reason <- [:normal, :shutdown, :oops] do
        task = ended(reason)
        send(self(), {task.ref, :value})
        send(self(), {:DOWN, task.ref, :process, task.pid, reason})
        assert Task.shutdown(task, how) == {:ok, :value}
        refute_received {:DOWN, _, _, _, _}
      end
    end

    test "tells how it ended" do
      for {how, reason, outcome} <- [
            {5000, :oops, {:exit, :oops}},
            {5000, :normal, {:exit, :normal}},
            {5000, :shutdown, nil},
            {5000, :killed, {:exit, :killed}},
            {:brutal_kill, :oops, {:exit, :oops}},
            {:brutal_kill, :normal, {:exit, :normal}},
            {:brutal_kill, :shutdown, {:exit, :shutdown}},
            {:brutal_kill, :killed, nil}
          ] do
        task = ended(reason)
        send(self(), {:DOWN, task.ref, :process, task.pid, reason})
        assert Task.shutdown(task, how) == outcome
        assert Task.shutdown(task, how) == {:exit, :noproc}
      end
    end

    test "of a task on another node that is gone" do
      for how <- [5000, :brutal_kill] do
        task = ended(:noconnection)
        send(self(), {:DOWN, task.ref, :process, task.pid, :noconnection})
        assert catch_exit(Task.shutdown(task, how)) == {{:nodedown, node()}, {Task, :shutdown, [task, how]}}
      end
    end

    test "of a task without a process" do
      task = made(owner: nil)
      text = "task #{inspect(task)} does not have an associated task process"
      assert_raise ArgumentError, text, fn -> Task.shutdown(task) end
      assert_raise ArgumentError, text, fn -> Task.shutdown(task, :brutal_kill) end
    end
  end

  describe "ignore/1" do
    test "lets a task go" do
      task = Task.async(fn -> receive(do: (:go -> exit(:oops))) end)
      assert Task.ignore(task) == nil
      refute linked?(task.pid)
      send(task.pid, :go)
      gone(task)
      assert catch_exit(Task.await(task, 0)) == {:timeout, {Task, :await, [task, 0]}}
      refute_received {:EXIT, _, _}
    end

    test "gives what there was" do
      task = Task.async(fn -> :done end)
      told(task)
      assert Task.ignore(task) == {:ok, :done}
      task = Task.async(fn -> exit(:oops) end)
      told(task)
      assert Task.ignore(task) == {:exit, :oops}
      task = made(pid: self())
      send(self(), {:DOWN, task.ref, :process, self(), :noconnection})
      assert catch_exit(Task.ignore(task)) == {{:nodedown, node()}, {Task, :ignore, [task]}}
    end
  end

  describe "find/2, which is deprecated" do
    test "tells which task a message is of" do
      # In a variable, so that the compiler does not say so.
      deprecated = Task
      tasks = [one, two] = [made(), made()]
      assert deprecated.find(tasks, {two.ref, :value}) == {:value, two}
      assert deprecated.find(tasks, {make_ref(), :value}) == nil
      assert deprecated.find(tasks, :other) == nil
      message = {:DOWN, one.ref, :process, self(), :oops}
      assert catch_exit(deprecated.find(tasks, message)) == {:oops, {Task, :find, [tasks, message]}}
    end
  end

  describe "async_stream" do
    test "gives what the function gives, in order" do
      for concurrency <- [1, 2, 8] do
        options = [max_concurrency: concurrency]
        stream = Task.async_stream(4..1, fn n -> Process.sleep(n) && n end, options)
        assert Enum.to_list(stream) == [ok: 4, ok: 3, ok: 2, ok: 1]
        assert Task.async_stream(1..3, __MODULE__, :double, [], options) |> Enum.to_list() == [ok: 2, ok: 4, ok: 6]
        assert Task.async_stream([2], Integer, :pow, [3]) |> Enum.to_list() == [ok: 8]
        assert Enum.take(stream, 2) == [ok: 4, ok: 3]
        assert Enum.zip(stream, stream) |> Enum.at(3) == {{:ok, 1}, {:ok, 1}}
        assert Task.async_stream([], __MODULE__, :double, []) |> Enum.to_list() == []
        refute_received _
      end

      assert Process.info(self(), :links) == {:links, []}
    end

    test "or as it comes" do
      me = self()

      # The first waits until the second has come.
      waits = fn n ->
        if n == 1, do: send(me, {:waits, self()}) && receive(do: (:go -> n)), else: n
      end

      let_go = fn outcome ->
        if outcome == {:ok, 2}, do: assert_receive({:waits, pid}) && send(pid, :go)
        outcome
      end

      stream = Task.async_stream([1, 2], waits, ordered: false, max_concurrency: 2)
      assert Enum.map(stream, let_go) == [ok: 2, ok: 1]
    end

    test "crashes, to who traps exits" do
      crash = fn n -> if n == 2, do: exit(:oops), else: n end
      assert 1..3 |> Task.async_stream(crash) |> Enum.to_list() == [ok: 1, exit: :oops, ok: 3]
      options = [zip_input_on_exit: true]
      assert 1..3 |> Task.async_stream(crash, options) |> Enum.to_list() == [ok: 1, exit: {2, :oops}, ok: 3]
      refute_received {:EXIT, _, _}
    end

    test "crashes, to who does not" do
      {pid, monitor} = spawn_monitor(fn -> 1..3 |> Task.async_stream(fn n -> exit({:oops, n}) end) |> Stream.run() end)
      assert_receive {:DOWN, ^monitor, _, ^pid, {:oops, _}}
    end

    test "time limits" do
      text = {:timeout, {Task.Supervised, :stream, [1]}}
      assert catch_exit([:infinity] |> Task.async_stream(&Process.sleep/1, timeout: 1) |> Enum.to_list()) == text
      # Also in a part of it that comes later.
      stream = Task.async_stream([0, :infinity], &Process.sleep/1, timeout: 1, max_concurrency: 1)
      assert catch_exit(Enum.zip(stream, stream)) == text
      # Long enough for the one that ends, on any machine: the limit is that of all.
      options = [timeout: 1000, on_timeout: :kill_task]
      sleep = fn n -> Process.sleep(n) && n end
      assert [:infinity, 1] |> Task.async_stream(sleep, options) |> Enum.to_list() == [exit: :timeout, ok: 1]
      options = [zip_input_on_exit: true] ++ options

      assert [1, :infinity] |> Task.async_stream(sleep, options) |> Enum.to_list() == [
               ok: 1,
               exit: {:infinity, :timeout}
             ]

      assert [1] |> Task.async_stream(sleep, timeout: :infinity) |> Enum.to_list() == [ok: 1]
      refute_received _
    end

    test "a wrong number of tasks" do
      text = ":max_concurrency must be an integer greater than zero"

      for wrong <- [0, -1, :many] do
        stream = Task.async_stream([1], __MODULE__, :double, [], max_concurrency: wrong)
        assert_raise ArgumentError, text, fn -> Enum.to_list(stream) end
      end
    end

    test "what the consumer does" do
      stream = Task.async_stream(1..8, __MODULE__, :double, [], max_concurrency: 2)
      assert_raise RuntimeError, "oops", fn -> Enum.each(stream, fn _ -> raise "oops" end) end
      assert catch_throw(Enum.each(stream, &throw/1)) == {:ok, 2}
      assert catch_exit(Enum.each(stream, &exit/1)) == {:ok, 2}
      assert Process.info(self(), :links) == {:links, []}
      me = self()
      # Whoever consumes it has the tasks.
      {:ok, pid} =
        Task.start(fn -> [1] |> Task.async_stream(fn _ -> send(me, Process.get(:"$callers")) end) |> Stream.run() end)

      assert_receive [^pid, ^me]
    end
  end

  test "a task that crashes says who began it" do
    log =
      ExUnit.CaptureLog.capture_log(fn ->
        task = Task.async(fn -> raise "oops" end)
        assert {:exit, _} = Task.yield(task)
        Logger.flush()
        send(self(), {:pid, task.pid})
      end)

    assert_received {:pid, pid}
    assert log =~ "Task #{inspect(pid)} started from #{inspect(self())} terminating"
    assert log =~ "** (RuntimeError) oops"
  end
end
