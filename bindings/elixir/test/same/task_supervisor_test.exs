defmodule Same.TaskSupervisorTest do
  use ExUnit.Case, async: true
  alias Task.Supervisor, as: Tasks
  alias Regrow.Task.Supervisor, as: Tasks
  alias Regrow.DynamicSupervisor

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
      monitor = Process.monitor(pid)
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
