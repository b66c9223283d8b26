"""Servers of Python's under a name, which is all that whoever starts them knows."""

import itertools
from typing import Any

import pytest
import regrow
from regrow import BehaviourSpec, Mailbox, Server, ServerSpec, SupervisorSpec

_numbers = itertools.count(1)


class Counter(Server):
    def init(self, start: Any) -> Any:
        self.count = start

    def handle_call(self, request: Any) -> Any:
        if request == "raise":
            raise ValueError("as it should be")
        self.count += 1
        return self.count


class Sleeper(Server):
    def handle_call(self, request: Any) -> Any:
        return regrow.sleep(0)


def registered(server: Any) -> str:
    """A name that nothing has been registered under: names are for good, in all tests."""
    name = f"behaviour {next(_numbers)}"
    regrow.register_behaviour(name, server)
    return name


# Held for good, so not within a test: `runtime` looks for what a test leaves behind.
COUNTER = registered(ServerSpec(Counter, 0))
SHARED = registered(ServerSpec(Sleeper, home="shared"))
PLAIN = registered(Sleeper)


def test_a_registered_server_is_started_by_its_name_and_regrows(runtime: regrow.Runtime) -> None:
    runtime.start_child(SupervisorSpec([BehaviourSpec(COUNTER, name="a"), BehaviourSpec(COUNTER, 10, name="b")]))
    a, b = (regrow.Address(name, runtime, wait=30) for name in "ab")
    assert [a.call("next"), a.call("next"), b.call("next")] == [1, 2, 11]
    before = a.whereis()
    with pytest.raises(regrow.ExitedError) as ended:
        a.call("raise")
    assert ended.value.reason[:3] == (regrow.Atom("exception"), "ValueError", "as it should be")
    assert [a.call("next"), b.call("next")] == [1, 12] and a.whereis() != before


def test_it_runs_as_its_specification_says(runtime: regrow.Runtime) -> None:
    assert runtime.start(BehaviourSpec(PLAIN)).call("wait") is None
    with pytest.raises(regrow.ExitedError) as ended:
        runtime.start(BehaviourSpec(SHARED)).call("wait")
    assert ended.value.reason[1] == "regrow.errors.WouldBlockError"


def test_it_is_for_all_runtimes() -> None:
    for _ in range(2):
        with regrow.Runtime(log_level="silent") as runtime:
            assert runtime.start(BehaviourSpec(COUNTER)).call("next") == 1


def test_what_cannot_be_registered_is_refused_and_nothing_is_held(runtime: regrow.Runtime) -> None:
    with pytest.raises(regrow.ExistsError):
        regrow.register_behaviour(COUNTER, Sleeper)
    for name in ("", "a\0b", "\ud800"):
        with pytest.raises(regrow.ArgumentError):
            regrow.register_behaviour(name, Counter)
    for spec in (ServerSpec(Counter, id="x"), ServerSpec(Counter, name="x"), ServerSpec(Counter, significant=True),
                 ServerSpec(Counter, restart="temporary"), ServerSpec(Counter, mailbox=Mailbox(0))):  # fmt: skip
        with pytest.raises(regrow.ArgumentError):
            regrow.register_behaviour("refused", spec)
    for wrong in (int, Counter(), None, BehaviourSpec(COUNTER), ServerSpec(int)):
        with pytest.raises(TypeError):
            regrow.register_behaviour("refused", wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        regrow.register_behaviour(7, Counter)  # type: ignore[arg-type]
    with pytest.raises(regrow.NotFoundError):
        runtime.start(BehaviourSpec("refused"))
