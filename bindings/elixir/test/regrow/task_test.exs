defmodule Regrow.TaskTest do
  use ExUnit.Case, async: true
  doctest Regrow.Task

  # What Elixir's own gives is a task here, too.
  test "tasks of Elixir's are waited for" do
    assert Regrow.Task.await(Task.async(fn -> 1 end)) == 1
    tasks = [Task.async(fn -> 1 end), Regrow.Task.async(fn -> 2 end)]
    assert Regrow.Task.await_many(tasks) == [1, 2]
    tasks = [Task.completed(1), Regrow.Task.completed(2)]
    assert Regrow.Task.yield_many(tasks) == Enum.zip(tasks, ok: 1, ok: 2)
    assert Regrow.Task.shutdown(Task.async(Process, :sleep, [:infinity])) == nil
    task = %Task{ref: make_ref(), pid: nil, owner: self(), mfa: {:m, :f, 0}}
    assert catch_exit(Regrow.Task.await(task, 0)) == {:timeout, {Regrow.Task, :await, [task, 0]}}
    text = "task #{inspect(task)} does not have an associated task process"
    assert_raise ArgumentError, text, fn -> Regrow.Task.shutdown(task) end
  end

  test "a task is Elixir's for who makes it one" do
    task = Regrow.Task.async(fn -> 42 end)
    assert Task.await(struct(Task, Map.from_struct(task))) == 42
  end

  # An exit is renamed where it is of a stream; nothing else is.
  test "exits of others go through a stream" do
    reason = {:oops, {Task.Supervised, :other, []}}
    stream = Regrow.Task.async_stream([1], fn n -> n end)
    assert catch_exit(Enum.each(stream, fn _ -> exit(reason) end)) == reason
  end

  test "a task supervisor starts tasks of the same kind" do
    supervisor = start_supervised!(Regrow.Task.Supervisor)
    assert %Regrow.Task{} = task = Regrow.Task.Supervisor.async_nolink(supervisor, fn -> exit(:oops) end)
    assert catch_exit(Regrow.Task.await(task)) == {:oops, {Regrow.Task, :await, [task, 5000]}}
  end
end
