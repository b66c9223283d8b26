"""Plain processes, links, monitors, timers, aliases; runtimes."""

import threading
from typing import Any

import pytest
import regrow
from conftest import wait_for_down
from regrow import AgentSpec, Atom, ProcessSpec


def test_a_process_runs_a_function_that_receives(runtime: regrow.Runtime, process: regrow.Pid) -> None:
    def body() -> None:
        sender, question = regrow.receive(30)
        sender.send((regrow.self_pid(), question * 2))

    pid = runtime.spawn(body)
    ref = regrow.monitor(pid)
    pid.send((process, 21))
    assert regrow.receive(30, lambda message: message == (pid, 42)) == (pid, 42)
    assert wait_for_down(ref) == regrow.NORMAL


def test_its_exception_is_its_reason(runtime: regrow.Runtime, process: regrow.Pid) -> None:
    pid, ref = regrow.start_monitor(ProcessSpec(lambda: {}["key"]))
    reason = wait_for_down(ref)
    assert isinstance(reason, tuple) and reason[1:3] == ("KeyError", "'key'")
    assert not pid.is_alive()


def test_links_carry_exits(runtime: regrow.Runtime, process: regrow.Pid) -> None:
    assert regrow.trap_exit() is False and regrow.trap_exit() is True
    agent = regrow.start_link(AgentSpec(0))
    agent.exit(Atom("boom"))
    assert regrow.receive(30) == (Atom("EXIT"), agent, Atom("boom"))
    other = runtime.start(AgentSpec(0))
    regrow.link(other)
    regrow.unlink(other)
    other.exit(regrow.KILL)
    runtime.settle()  # it is dead, and what it had to say of that is said
    with pytest.raises(regrow.TimeoutError):
        regrow.receive(0)
    regrow.link(other)
    assert regrow.receive(30) == (Atom("EXIT"), other, regrow.NOPROC)


def test_a_message_is_waited_for_by_a_function(process: regrow.Pid) -> None:
    for number in range(5):
        process.send(number)
    assert regrow.receive(1, lambda message: message == 3) == 3
    assert regrow.receive(0) == 0

    def fails(message: Any) -> bool:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        regrow.receive(1, fails)
    assert sorted(regrow.receive(0) for _ in range(3)) == [1, 2, 4]
    with pytest.raises(TimeoutError):
        regrow.receive(0.001, lambda message: True)
    process.send(1)
    assert regrow.flush() == 1


def test_timers_fire_when_it_is_their_time(manual: regrow.Runtime) -> None:
    with manual.enter() as me:
        me.send_after(1.5, "later")
        ref = me.start_timer(2, "named")
        every = me.send_interval(0.5, "tick")
        gone = me.send_after(9, "never")
        assert me.read_timer(gone) == 9 and manual.cancel_timer(gone) == 9
        thread = threading.Thread(target=lambda: manual.advance(2))
        thread.start()
        got = [regrow.receive(None) for _ in range(6)]
        thread.join()
        assert sorted(map(repr, got)) == sorted(map(repr, ["later", (Atom("timeout"), ref, "named")] + ["tick"] * 4))
        me.cancel_timer(every)
        with pytest.raises(regrow.NotFoundError):
            me.cancel_timer(every)
    assert manual.now() == 2


def test_aliases_are_for_answers_that_are_not_wanted_for_ever(process: regrow.Pid) -> None:
    alias, urgent = regrow.alias(), regrow.alias(priority=True)
    process.send("ordinary")
    process.send_alias(alias, "by alias")
    process.send_alias(urgent, "first", priority=True)
    assert [regrow.receive(0) for _ in range(3)] == ["first", "ordinary", "by alias"]
    regrow.trap_exit()
    process.exit_alias(alias, "why")
    assert regrow.receive(0) == (Atom("EXIT"), process, "why")
    assert regrow.unalias(alias) is True and regrow.unalias(alias) is False
    process.send_alias(alias, "dropped")
    with pytest.raises(regrow.TimeoutError):
        regrow.receive(0)


def test_a_thread_is_a_process_only_inside_enter(runtime: regrow.Runtime) -> None:
    for needs in (regrow.self_pid, lambda: regrow.receive(0), regrow.trap_exit, regrow.flush, regrow.alias):
        with pytest.raises(regrow.ContextError):
            needs()
    with runtime.enter() as me:
        assert regrow.self_pid() == me and me.is_alive()
        with pytest.raises(regrow.ExistsError):
            with runtime.enter():
                pass
    assert not me.is_alive()


def test_pids_are_values(runtime: regrow.Runtime) -> None:
    agent = runtime.start(AgentSpec(0))
    plain = regrow.Pid(agent)
    assert plain == agent and hash(plain) == hash(agent) and {plain: 1}[agent] == 1
    assert regrow.Agent(plain).get() == 0 and plain != 1 and repr(agent).startswith("Agent(<")
    assert agent.root() == runtime.root and agent.info()[Atom("kind")] == Atom("agent")
    assert agent.get_status()[Atom("state")] == 0
    regrow.send(agent, "dropped")
    agent.trace(True)
    agent.trace(False)


def test_the_log_and_what_is_not_delivered_come_to_functions() -> None:
    logged: list[Any] = []
    lost: list[Any] = []
    with regrow.Runtime(log=lambda *line: logged.append(line), undelivered=lambda *report: lost.append(report)) as runtime:
        agent = runtime.start(AgentSpec(0))
        with pytest.raises(regrow.ExitedError):
            agent.update(lambda n: 1 / 0)
        agent.send(("lost", 1))
    assert any(level == "error" and "ZeroDivisionError" in repr((text, report)) for level, text, report in logged)
    assert lost == [(agent, ("lost", 1), regrow.NOPROC)]


def test_a_report_that_raises_is_shown_and_the_next_one_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", shown.append)

    def fails(level: str, text: str, report: Any) -> None:
        raise ValueError(text)

    with regrow.Runtime(log=fails) as runtime:
        for _ in range(2):
            with pytest.raises(regrow.ExitedError):
                runtime.start(AgentSpec(0)).update(lambda n: 1 / 0)
    assert len(shown) >= 2 and isinstance(shown[0].exc_value, ValueError)


def test_numbers_about_a_runtime(runtime: regrow.Runtime) -> None:
    with runtime.busy():
        assert runtime.stats().busy == 1
        with pytest.raises(regrow.TimeoutError):
            runtime.settle(0.01)
    settled = runtime.settle()
    assert not settled.waiting and settled.deadline is None
    runtime.root.send_after(60, "later")
    settled = runtime.settle()
    assert settled.waiting and settled.kind == "user" and settled.deadline is not None
    assert settled.deadline > settled.now
    assert runtime.stats().processes >= 1


def test_a_runtime_is_shut_down_once_and_tells_who_is_stuck() -> None:
    begun, go = threading.Event(), threading.Event()

    def stuck() -> None:
        begun.set()
        go.wait(120)

    with regrow.Runtime(log_level="silent") as runtime:
        pid = runtime.spawn(stuck)
        assert begun.wait(30)
        assert runtime.shutdown(0.5) == [pid]
        go.set()
        assert runtime.shutdown(60) == [] and runtime.shutdown() == []
    assert not runtime.root.is_alive()
    with pytest.raises(regrow.NotAliveError):
        runtime.start(AgentSpec(0))


def test_two_runtimes_share_nothing(runtime: regrow.Runtime, process: regrow.Pid) -> None:
    with regrow.Runtime(log_level="silent") as other:
        agent = other.start(AgentSpec(5))
        assert agent.get() == 5
        with pytest.raises(regrow.OtherRuntimeError):
            regrow.link(agent)


def test_a_stuck_callback_is_fenced_by_its_watchdog(runtime: regrow.Runtime, process: regrow.Pid) -> None:
    go = threading.Event()
    pid, ref = regrow.start_monitor(ProcessSpec(lambda: go.wait(120), watchdog=0.05))
    assert wait_for_down(ref) == (Atom("watchdog"), 50)
    go.set()
