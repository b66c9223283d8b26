"""Tasks and their supervisors."""

import math
import threading
from typing import Any

import pytest
import regrow
from conftest import wait_for_down
from regrow import Atom, TaskSupervisorSpec


def double(number: int) -> int:
    return number * 2


def fails(number: int) -> int:
    raise ValueError(f"not {number}")


def test_a_task_gives_its_value(process: regrow.Pid) -> None:
    assert regrow.task(double, 21).result() == 42
    assert regrow.await_many([regrow.task(double, n) for n in range(5)]) == [0, 2, 4, 6, 8]
    # Its arguments are Python's own.
    assert regrow.task(lambda thing, names: (thing.__class__.__name__, len(names)), object(), {1, 2}).result() == (
        "object",
        2,
    )


def test_a_task_that_fails_tells_why(process: regrow.Pid) -> None:
    regrow.trap_exit()
    with pytest.raises(regrow.ExitedError, match="ValueError: not 1"):
        regrow.task(fails, 1).result()
    regrow.flush()
    task = regrow.task(fails, 2)
    assert regrow.yield_many([task, regrow.task(double, 2)])[1] == (Atom("ok"), 4)
    with pytest.raises(regrow.ExitedError, match="no term"):
        regrow.task(object).result()


def test_a_task_can_be_waited_for_again_shut_down_and_let_go(process: regrow.Pid) -> None:
    slow = regrow.task(regrow.receive)
    with pytest.raises(TimeoutError):
        slow.poll()
    assert regrow.yield_many([slow], 0.01) == [None]
    slow.pid.send("go")
    assert slow.poll(30) == "go"
    with pytest.raises(regrow.NotFoundError):
        slow.result()
    with pytest.raises(regrow.NotFoundError):
        regrow.task(regrow.receive).shutdown()
    with pytest.raises(regrow.NotFoundError):
        regrow.task(regrow.receive).shutdown("brutal_kill")
    waits = regrow.task(regrow.receive)
    with pytest.raises(regrow.TimeoutError):
        waits.ignore()
    waits.pid.exit(regrow.KILL)


def test_a_task_supervisor_refuses_or_queues(runtime: regrow.Runtime, process: regrow.Pid) -> None:
    supervisor = runtime.start(TaskSupervisorSpec(max_children=1))
    first = supervisor.start_task(regrow.receive)
    assert supervisor.children() == [first]
    with pytest.raises(regrow.LimitError):
        supervisor.task(double, 1)
    supervisor.terminate_task(first)
    assert supervisor.task(double, 1, linked=False).result() == 2
    queues = runtime.start(TaskSupervisorSpec(max_children=1, at_limit="queue"))
    tasks = [queues.task(double, n) for n in range(10)]
    assert regrow.await_many(tasks) == [2 * n for n in range(10)]
    assert queues.run_async(double, 4).result() == 8
    with pytest.raises(regrow.ExitedError, match="not 7"):
        queues.run_async(fails, 7).result()


def test_a_task_is_run_again_when_told_to(runtime: regrow.Runtime) -> None:
    runs: list[Any] = []

    def twice() -> None:
        runs.append(1)
        if len(runs) < 3:
            raise ValueError

    runtime.start(TaskSupervisorSpec()).start_task(twice, restart="transient")
    runtime.settle()
    assert len(runs) == 3


def test_a_task_has_the_time_to_end_that_it_says(runtime: regrow.Runtime, process: regrow.Pid) -> None:
    def stays(patient: bool) -> None:
        regrow.trap_exit()
        owner.send("here")
        regrow.receive()
        if not patient:
            return
        while True:
            regrow.receive()

    owner = process
    supervisor = runtime.start(TaskSupervisorSpec(task_shutdown=math.inf))

    def reason(pid: regrow.Pid) -> Any:
        assert regrow.receive(30, lambda message: message == "here")
        ref = regrow.monitor(pid)
        supervisor.terminate_task(pid)
        return wait_for_down(ref)

    assert reason(supervisor.start_task(stays, False)) == regrow.NORMAL
    assert reason(supervisor.start_task(stays, False, shutdown="brutal_kill")) == regrow.KILLED
    assert reason(supervisor.start_task(stays, True, shutdown=0.02)) == regrow.KILLED
    assert reason(supervisor.task(stays, True, linked=False, shutdown=0.02).pid) == regrow.KILLED
    pending = supervisor.run_async(stays, True, shutdown=0.02, timeout=None)
    assert reason(supervisor.children()[0]) == regrow.KILLED
    with pytest.raises(regrow.ExitedError):
        pending.result(30)
    ends: list[Any] = []

    def streams() -> None:
        ends.extend(supervisor.stream(stays, [True], linked=False, shutdown=0.02, timeout=None))

    streaming = runtime.spawn(streams)
    regrow.receive(30, lambda message: message == "here")
    owner.send("here")
    assert reason(supervisor.children()[0]) == regrow.KILLED
    runtime.settle()
    assert ends == [(Atom("exit"), regrow.KILLED)] and not streaming.is_alive()
    for wrong in (-1, "never", 0):
        with pytest.raises(regrow.ArgumentError):
            supervisor.start_task(double, 1, shutdown=wrong)


def test_a_watchdog_ends_a_task_that_runs_on(runtime: regrow.Runtime, process: regrow.Pid) -> None:
    over: list[bool] = []

    def spins() -> None:
        while not over:
            pass

    supervisor = runtime.start(TaskSupervisorSpec())
    regrow.trap_exit()
    for task in (regrow.task(spins, watchdog=0.05), supervisor.task(spins, linked=False, watchdog=0.05)):
        with pytest.raises(regrow.ExitedError) as ended:
            task.result(60)
        assert ended.value.reason == (Atom("watchdog"), 50)
    over.append(True)


def test_a_stream_runs_so_many_at_a_time(runtime: regrow.Runtime, process: regrow.Pid) -> None:
    asked: list[int] = []

    def items() -> Any:
        for number in range(20):
            asked.append(number)
            yield number

    results = regrow.stream(double, items(), max_concurrency=3)
    assert results == [(Atom("ok"), 2 * number) for number in range(20)]
    supervisor = runtime.start(TaskSupervisorSpec())
    mixed = supervisor.stream(lambda n: fails(n) if n == 1 else n, range(3), linked=False)
    assert [kind for kind, _ in mixed] == [Atom("ok"), Atom("exit"), Atom("ok")]
    got: list[Any] = []
    asked.clear()
    assert regrow.stream(double, items(), max_concurrency=1, result=lambda kind, value: got.append(value) or value < 4) == []
    assert got == [0, 2, 4] and len(asked) <= 5


def test_a_stream_goes_on_without_who_is_late(manual: regrow.Runtime) -> None:
    begun, come = threading.Event(), threading.Event()
    got: list[Any] = []

    def work(number: int) -> Any:
        if number:
            begun.set()
            regrow.receive()
        return number

    def result(kind: Atom, value: Any) -> bool:
        got.append((kind, value))
        come.set()
        return True

    def lets_time_pass() -> None:
        # Both have begun, and only one of them is still at work.
        assert begun.wait(30) and come.wait(30)
        manual.advance(0.05)

    with manual.enter():
        thread = threading.Thread(target=lets_time_pass)
        thread.start()
        late = {"timeout": 0.05, "on_timeout": "kill_task", "ordered": False}
        regrow.stream(work, range(2), max_concurrency=2, result=result, **late)
        thread.join(30)
    assert got == [(Atom("ok"), 0), (Atom("exit"), Atom("timeout"))]


def test_what_a_stream_is_given_may_raise(process: regrow.Pid) -> None:
    def items() -> Any:
        yield 1
        raise OSError("no more")

    with pytest.raises(OSError):
        regrow.stream(double, items())

    def result(kind: Atom, value: Any) -> None:
        raise KeyError(value)

    with pytest.raises(KeyError):
        regrow.stream(double, [1, 2], result=result)
    with pytest.raises(regrow.TermError):
        regrow.stream(double, [object()])
    assert regrow.flush() == 0
