"""Agents, from one thread and from many."""

import threading
from typing import Any

import pytest
import regrow
from regrow import Agent, AgentSpec, Atom

INLINE = pytest.mark.parametrize("inline", [True, False])


@INLINE
def test_an_agent_keeps_a_term(inline: bool, runtime: regrow.Runtime) -> None:
    agent = runtime.start(AgentSpec({"n": 1}, inline=inline))
    assert isinstance(agent, Agent) and agent.get() == {"n": 1} and agent.get(lambda state: state["n"]) == 1
    agent.update(lambda state: {"n": state["n"] + 1})
    assert agent.get_and_update(lambda state: (state["n"], Atom("gone"))) == 2
    agent.cast(lambda state: [state])
    assert agent.get() == [Atom("gone")]
    assert agent.update_async(lambda state: state + [1]).result() is None
    assert agent.get() == [Atom("gone"), 1]
    assert runtime.start(AgentSpec(4, init=lambda four: four * 2, inline=inline)).get() == 8


@INLINE
def test_an_exception_in_its_function_ends_it_and_tells_the_caller(inline: bool, runtime: regrow.Runtime) -> None:
    def fails(state: Any) -> Any:
        raise KeyError("why")

    for ask in (Agent.get, Agent.update, Agent.get_and_update):
        agent = runtime.start(AgentSpec(0, inline=inline))
        with pytest.raises(regrow.ExitedError) as raised:
            ask(agent, fails)
        assert raised.value.reason[:3] == (Atom("exception"), "KeyError", "'why'")
        assert not agent.is_alive()
    agent = runtime.start(AgentSpec(0, inline=inline))
    with pytest.raises(regrow.ExitedError, match="answer, state"):
        agent.get_and_update(lambda state: state)
    with pytest.raises(regrow.ExitedError, match="object is no term"):
        runtime.start(AgentSpec(0, inline=inline)).get(lambda state: object())


@INLINE
def test_eight_threads_lose_no_update(inline: bool, runtime: regrow.Runtime) -> None:
    agents = [runtime.start(AgentSpec(0, inline=inline)) for _ in range(2)]
    failures: list[BaseException] = []
    rounds = 500

    def work(number: int) -> None:
        try:
            for turn in range(rounds):
                agent = agents[(number + turn) % 2]
                agent.update(lambda n: n + 1)
                assert agent.get() > 0 and agent.get(lambda n: n >= 0) is True
                agent.cast(lambda n: n + 1)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert not failures
    runtime.settle()
    assert sum(agent.get() for agent in agents) == 8 * rounds * 2


def test_other_threads_go_on_while_one_waits(runtime: regrow.Runtime) -> None:
    agent = runtime.start(AgentSpec(0, inline=False))
    agent.suspend()
    answers: list[Any] = []
    thread = threading.Thread(target=lambda: answers.append(agent.get(timeout=None)))
    thread.start()
    count = 0
    while count < 10_000:  # would never end if the waiting thread kept the interpreter's lock
        count += 1
    assert not answers
    agent.resume()
    thread.join(60)
    assert answers == [0]


@INLINE
def test_its_function_may_not_wait(inline: bool, runtime: regrow.Runtime) -> None:
    other = runtime.start(AgentSpec(7))
    agent = runtime.start(AgentSpec(0, inline=inline))

    def waits(state: Any) -> Any:
        for wait in (other.get, lambda: regrow.sleep(1), lambda: other.call(1), regrow.receive, other.stop):
            with pytest.raises(regrow.WouldBlockError):
                wait()
        return regrow.self_pid()

    assert agent.get(waits) == agent and other.get() == 7


def test_time_runs_out_and_the_agent_lives_on(runtime: regrow.Runtime) -> None:
    agent = runtime.start(AgentSpec(0))
    agent.suspend()
    with pytest.raises(TimeoutError):
        agent.get(timeout=0.01)
    with pytest.raises(regrow.TimeoutError):
        agent.update_async(lambda n: n, timeout=0.01).result()
    agent.resume()
    assert agent.get() == 0
    agent.stop()
    with pytest.raises(regrow.NoProcessError):
        agent.get()
    agent.cast(lambda n: n)
