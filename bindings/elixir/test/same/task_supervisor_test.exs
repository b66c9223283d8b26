defmodule Same.TaskSupervisorTest do
  use ExUnit.Case, async: true
  alias Regrow.{DynamicSupervisor, Registry, Supervisor, Task}
  alias Task.Supervisor, as: Tasks

  def double(number), do: number * 2
  def tell(to, message), do: send(to, {message, self()})
  def wait, do: Process.sleep(:infinity)

  defp eventually(holds) do
    unless holds.() do
      Process.sleep(1)
      eventually(holds)
    end
  end

  setup do
    Process.flag(:trap_exit, true)
    {:ok, supervisor} = Tasks.start_link()
    %{supervisor: supervisor}
  end

  test "a task gives its value to who began it", %{supervisor: supervisor} do
    task = Tasks.async(supervisor, fn -> {self(), Process.get(:"$callers")} end)
    assert %Task{owner: me, pid: pid} = task
    assert me == self()
    assert Task.await(task) == {pid, [self()]}
    assert Tasks.async(supervisor, __MODULE__, :double, [2]) |> Task.await() == 4
    assert Tasks.async_nolink(supervisor, fn -> :value end) |> Task.await() == :value
    assert Tasks.async_nolink(supervisor, __MODULE__, :double, [3]) |> Task.await() == 6
    eventually(fn -> Tasks.children(supervisor) == [] end)
  end

  test "a task that crashes ends who is linked with it", %{supervisor: supervisor} do
    task = Tasks.async(supervisor, fn -> exit(:oops) end)
    assert {:oops, {Task, :await, [^task, 5000]}} = catch_exit(Task.await(task))
    pid = task.pid
    assert_receive {:EXIT, ^pid, :oops}
    task = Tasks.async_nolink(supervisor, fn -> exit(:oops) end)
    assert {:exit, :oops} = Task.yield(task)
    refute_received {:EXIT, _, _}
    task = Tasks.async(supervisor, __MODULE__, :wait, [])
    assert task.pid in elem(Process.info(self(), :links), 1)
    assert Task.yield(task, 1) == nil
    assert Task.shutdown(task) == nil
    task = Tasks.async_nolink(supervisor, __MODULE__, :wait, [])
    refute task.pid in elem(Process.info(self(), :links), 1)
    assert Task.shutdown(task, :brutal_kill) == nil
  end

  test "tasks that nobody waits for", %{supervisor: supervisor} do
    {:ok, pid} = Tasks.start_child(supervisor, __MODULE__, :tell, [self(), :ran])
    assert_receive {:ran, ^pid}
    # It has told, and may not have ended yet.
    eventually(fn -> Tasks.children(supervisor) == [] end)
    me = self()
    {:ok, pid} = Tasks.start_child(supervisor, fn -> tell(me, :again) && wait() end)
    assert_receive {:again, ^pid}
    assert Tasks.children(supervisor) == [pid]
    assert Tasks.terminate_child(supervisor, pid) == :ok
    refute Process.alive?(pid)
    assert Tasks.children(supervisor) == []
    assert Tasks.terminate_child(supervisor, pid) == {:error, :not_found}
  end

  test "one that is permanent is started again", %{supervisor: supervisor} do
    me = self()
    {:ok, pid} = Tasks.start_child(supervisor, fn -> tell(me, :ran) && wait() end, restart: :permanent)
    assert_receive {:ran, ^pid}
    Process.exit(pid, :kill)
    assert_receive {:ran, next}
    assert next != pid
    eventually(fn -> Tasks.children(supervisor) == [next] end)
  end

  test "the time to end is that of the task", %{supervisor: supervisor} do
    me = self()

    stubborn = fn ->
      Process.flag(:trap_exit, true)
      send(me, :traps)
      wait()
    end

    for shutdown <- [:brutal_kill, 10] do
      {:ok, pid} = Tasks.start_child(supervisor, stubborn, shutdown: shutdown)
      assert_receive :traps
      monitor = Watch.monitor(pid)
      assert Tasks.terminate_child(supervisor, pid) == :ok
      assert_receive {:DOWN, ^monitor, _, _, :killed}
    end
  end

  test "streams", %{supervisor: supervisor} do
    assert Tasks.async_stream(supervisor, 1..5, &double/1, max_concurrency: 2) |> Enum.to_list() ==
             for(n <- 1..5, do: {:ok, n * 2})

    assert Tasks.async_stream(supervisor, 1..3, __MODULE__, :double, []) |> Enum.map(&elem(&1, 1)) == [2, 4, 6]
    crash = fn n -> if n == 2, do: exit(:oops), else: n end
    assert Tasks.async_stream_nolink(supervisor, 1..3, crash) |> Enum.to_list() == [ok: 1, exit: :oops, ok: 3]
    assert Tasks.async_stream_nolink(supervisor, [1], __MODULE__, :double, []) |> Enum.to_list() == [ok: 2]
  end

  test "streams that fail", %{supervisor: supervisor} do
    for stream <- [&Tasks.async_stream/4, &Tasks.async_stream_nolink/4] do
      sleep = fn n -> Process.sleep(n) && n end
      text = {:timeout, {Task.Supervised, :stream, [1]}}
      assert catch_exit(stream.(supervisor, [:infinity], sleep, timeout: 1) |> Enum.to_list()) == text
      # Long enough for the one that does not wait, on any machine: the limit is that of all.
      options = [timeout: 1000, on_timeout: :kill_task, zip_input_on_exit: true, ordered: false, shutdown: :brutal_kill]
      outcomes = stream.(supervisor, [:infinity, 0], sleep, options) |> Enum.to_list()
      assert Enum.sort(outcomes) == [exit: {:infinity, :timeout}, ok: 0]
      wrong = stream.(supervisor, [1], sleep, max_concurrency: 0)
      assert_raise ArgumentError, ":max_concurrency must be an integer greater than zero", fn -> Stream.run(wrong) end
      {:ok, small} = Tasks.start_link(max_children: 1)
      full = stream.(small, [:infinity, :infinity], sleep, max_concurrency: 2)

      assert_raise RuntimeError, ~r/ make sure to configure :max_concurrency to be lower or /, fn ->
        Stream.run(full)
      end

      assert {{:noproc, {GenServer, :call, [:nobody | _]}}, {Task.Supervised, :stream, [5000]}} =
               catch_exit(stream.(:nobody, [1], sleep, []) |> Enum.to_list())
    end

    assert_raise FunctionClauseError, fn -> Tasks.async_stream(supervisor, [1], fn -> 1 end) end
    assert_raise FunctionClauseError, fn -> Tasks.async_stream_nolink(supervisor, [1], "module", :function, []) end
    assert_raise FunctionClauseError, fn -> Tasks.start_child(supervisor, __MODULE__, :wait, :arguments) end
    assert_raise FunctionClauseError, fn -> Tasks.terminate_child(supervisor, :pid) end
  end

  test "callers and ancestors are told", %{supervisor: supervisor} do
    me = self()
    ask = fn -> {Process.get(:"$callers"), Process.get(:"$ancestors")} end
    assert Tasks.async(supervisor, ask) |> Task.await() == {[me], [supervisor, me]}
    assert [ok: {[^me], [^supervisor, ^me]}] = Tasks.async_stream(supervisor, [1], fn _ -> ask.() end) |> Enum.to_list()
    {:ok, child} = Tasks.start_child(supervisor, fn -> send(me, {self(), ask.()}) end)
    assert_receive {^child, {[^me], [^supervisor, ^me]}}
  end

  test "how a task is started, which is deprecated to say there" do
    text = ":restart and :shutdown options in Task.Supervisor.start_link/1 are deprecated"

    warning =
      ExUnit.CaptureIO.capture_io(:stderr, fn ->
        {:ok, supervisor} = Tasks.start_link(restart: :permanent, shutdown: :brutal_kill)
        send(self(), {:supervisor, supervisor})
      end)

    assert warning =~ text
    assert_received {:supervisor, supervisor}
    me = self()
    {:ok, pid} = Tasks.start_child(supervisor, __MODULE__, :tell, [me, :ran])
    assert_receive {:ran, ^pid}
    # It is permanent.
    assert_receive {:ran, next}
    assert next != pid
    Process.unlink(supervisor)
    Process.exit(supervisor, :kill)
  end

  test "names of all kinds, under a supervisor" do
    registry = Module.concat(__MODULE__, Registry)
    {:ok, _} = Registry.start_link(keys: :unique, name: registry)
    via = {:via, Registry, {registry, "name"}}
    local = Module.concat(__MODULE__, Local)
    children = [{Tasks, name: local}, {Tasks, name: via, strategy: :one_for_one}]
    {:ok, supervisor} = Supervisor.start_link(children, strategy: :one_for_one)
    {:ok, unnamed} = Supervisor.start_child(supervisor, Tasks)
    for name <- [local, via, unnamed], do: assert(Tasks.children(name) == [])
    assert Supervisor.start_child(supervisor, {Tasks, []}) == {:error, {:already_started, unnamed}}
    assert Supervisor.count_children(unnamed) == %{active: 0, specs: 0, supervisors: 0, workers: 0}
    assert Tasks.async(via, fn -> 1 end) |> Task.await() == 1
  end

  test "limits, names and ends" do
    name = Module.concat(__MODULE__, Named)
    assert Tasks.child_spec(name: name) == %{id: name, start: {Tasks, :start_link, [[name: name]]}, type: :supervisor}
    assert Tasks.child_spec([]).id == Tasks
    {:ok, supervisor} = Tasks.start_link(max_children: 1, name: name)
    {:ok, pid} = Tasks.start_child(name, __MODULE__, :wait, [])
    assert Tasks.start_child(name, __MODULE__, :wait, []) == {:error, :max_children}
    text = ~r/^reached the maximum number of tasks for this task supervisor/
    assert_raise RuntimeError, text, fn -> Tasks.async(name, fn -> :ok end) end
    assert {:error, {:already_started, ^supervisor}} = Tasks.start_link(name: name)
    assert DynamicSupervisor.stop(name) == :ok
    refute Process.alive?(pid)
    assert {:error, {:supervisor_data, {:invalid_max_children, -1}}} = Tasks.start_link(max_children: -1)
    assert {:noproc, _} = catch_exit(Tasks.async(name, fn -> :ok end))
  end
end
