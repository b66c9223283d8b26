"""Agents: processes that keep one term, and run functions over it one after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from . import terms
from ._handles import function, held, hold, milliseconds, release
from ._native import ffi, lib
from .process import Pid
from .request import Request
from .server import stop_with
from .specs import AgentSpec

__all__ = ["Agent"]

T = TypeVar("T")


class Agent(Pid):
    """An agent. Its functions get the state as a Python value; they run in the agent, one at a time, and may not wait
    (`WouldBlockError`). An exception that leaves one ends the agent, and is the caller's `ExitedError`.

    >>> agent = runtime.start(AgentSpec(0))      # doctest: +SKIP
    >>> agent.update(lambda n: n + 1)            # doctest: +SKIP
    >>> agent.get()                              # doctest: +SKIP
    1
    """

    __slots__ = ()

    def get(self, function: Callable[[Any], Any] | None = None, timeout: float | None = 5.0) -> Any:
        """The state, or what a function gives for it."""
        limit = 5000 if timeout == 5.0 else milliseconds(timeout)
        if function is None:
            return terms.checked(lib.rp_agent_state(self.id, limit))
        with _Lent(function) as lent:
            return terms.checked(lib.rp_agent_get(self.id, lent.number, limit))

    def update(self, function: Callable[[Any], Any], timeout: float | None = 5.0) -> None:
        """Makes a new state of the old one."""
        limit = milliseconds(timeout)
        with _Lent(function) as lent:
            terms.check(lib.rp_agent_update(self.id, lent.number, limit))

    def get_and_update(self, function: Callable[[Any], tuple[Any, Any]], timeout: float | None = 5.0) -> Any:
        """As `update()`; the function returns what is returned here, and the new state."""
        limit = milliseconds(timeout)
        with _Lent(function) as lent:
            return terms.checked(lib.rp_agent_get_and_update(self.id, lent.number, limit))

    def update_async(self, function: Callable[[Any], Any], timeout: float | None = 5.0) -> Request[None]:
        """As `update()`, to be collected later. The function runs also when nobody waits any more."""
        pending = ffi.new("regrow_request **")
        limit = milliseconds(timeout)
        terms.check(lib.rp_agent_update_async(self.id, hold(_function(function, "the function of an agent")), limit, pending))
        return Request(pending[0], lambda _: None)

    def cast(self, function: Callable[[Any], Any]) -> None:
        """As `update()`, without waiting. Fine if it is dead."""
        terms.check(lib.rp_agent_cast(self.id, hold(_function(function, "the function of an agent"))))


_function = function


class _Lent:
    """A function that is held for the time of a call."""

    __slots__ = ("number",)

    def __init__(self, lent: Any) -> None:
        self.number = hold(_function(lent, "the function of an agent"))

    def __enter__(self) -> _Lent:
        return self

    def __exit__(self, *_: object) -> None:
        release(self.number)


_GET, _UPDATE = lib.RP_GET, lib.RP_UPDATE
_DONE = lib.REGROW_DONE


@ffi.def_extern()  # type: ignore[untyped-decorator]
def rp_py_agent(context: Any, user: int, which: int, state: Any, next_state: Any, reply: Any) -> int:
    try:
        value = terms.read(state)
        result = held(user)(value)
        if which == _GET:
            terms.put(result, reply)
        elif which == _UPDATE:
            terms.put(result, next_state)
        else:
            if not isinstance(result, tuple) or len(result) != 2:
                raise TypeError(f"get_and_update() is for a function that returns (answer, state), not {result!r}")
            packed = terms.pack(result[1])  # both are looked at before either is given
            terms.put(result[0], reply)
            terms.made(lib.rp_make(packed, len(packed), next_state))
        return int(_DONE)
    except BaseException as error:
        return stop_with(context, error)


AgentSpec._handle = Agent
