"""Fixtures: each test has a runtime of its own, and leaves nothing of Python's held."""

import gc
from collections.abc import Iterator

import pytest

import regrow
from regrow import _handles


@pytest.fixture
def runtime() -> Iterator[regrow.Runtime]:
    before = _handles.count()
    with regrow.Runtime(log_level="silent") as runtime:
        yield runtime
        assert runtime.shutdown(60) == [], "callbacks have not returned"
    gc.collect()
    assert _handles.count() == before, "functions or states are still held after the runtime's end"


@pytest.fixture
def process(runtime: regrow.Runtime) -> Iterator[regrow.Pid]:
    """The test's own thread as a process."""
    with runtime.enter() as pid:
        yield pid


@pytest.fixture
def manual() -> Iterator[regrow.Runtime]:
    """A runtime whose time stands still."""
    with regrow.Runtime(log_level="silent", clock="manual") as runtime:
        yield runtime


def wait_for_down(ref: regrow.Ref) -> object:
    """The reason of the process that a monitor is of."""
    down = regrow.receive(30, lambda message: isinstance(message, tuple) and message[:2] == (regrow.Atom("DOWN"), ref))
    return down[4]
