"""C structs of one call, and what a specification says as numbers of theirs."""

from __future__ import annotations

from typing import Any

from .. import terms
from .._handles import hold, milliseconds, number, release
from .._native import ffi, lib
from ..errors import ArgumentError

#: Errors of calls that did not come to regrow, or only to its door.
_NOT_MADE = (lib.REGROW_ERR_WOULD_BLOCK, lib.REGROW_ERR_FORKED)


class Structs:
    """C structs of one call: what they point to, and what of Python they hold by number."""

    def __init__(self) -> None:
        self._kept: list[Any] = []
        self._numbers: list[int] = []

    def new(self, name: str) -> Any:
        struct = ffi.new(f"{name} *")
        struct.size = ffi.sizeof(name)
        self._kept.append(struct)
        return struct

    def keep(self, thing: Any) -> Any:
        self._kept.append(thing)
        return thing

    def term(self, value: Any) -> Any:
        return self.keep(terms.borrowed(value))

    def hold(self, thing: Any) -> int:
        held = hold(thing)
        self._numbers.append(held)
        return held

    def release(self) -> None:
        """The call was not made: C will not give back what was held for it."""
        for held in self._numbers:
            release(held)

    def check(self, code: int) -> None:
        """Raises what the call has failed with. C gives back what it took, then or, if it goes on without us, later."""
        if code:
            if code in _NOT_MADE:
                self.release()
            raise terms.last_failure(code)


def count_of(value: int | None, what: str) -> int:
    """A limit that may be 0, which regrow has a constant for."""
    if value is None:
        return 0
    return number(value, what) or int(lib.REGROW_NONE)


def optional_of(value: int | None, what: str) -> int:
    """A number for which None means the default."""
    return 0 if value is None else number(value, what, least=1)


def time_of(seconds: float | None, what: str) -> int:
    """A time for which None means the default."""
    if seconds is None:
        return 0
    limit = milliseconds(seconds, what)
    if limit == 0:
        raise ArgumentError(f"{what} is more than 0")
    return limit


def shutdown_of(value: float | str | None) -> int:
    """The time that a child has to end; None means the default."""
    if value == "brutal_kill":
        return int(lib.REGROW_BRUTAL_KILL)
    if isinstance(value, str):
        raise ArgumentError(f"shutdown is a number of seconds or 'brutal_kill', not {value!r}")
    return time_of(value, "shutdown")


def instance_of(value: Any, kind: type, what: str) -> Any:
    """The value, which is to be of that class."""
    if not isinstance(value, kind):
        raise TypeError(f"{what} is a {kind.__name__}, not {type(value).__name__}")
    return value
