"""Python objects that C holds by number: functions, servers, their states.

Numbers are never used again, so giving one back twice harms nobody.
"""

from __future__ import annotations

import itertools
import math
import threading
from typing import Any

from ._native import ffi, lib
from .errors import ArgumentError

_numbers = itertools.count(1)
_held: dict[int, Any] = {}


def hold(thing: Any) -> int:
    number = next(_numbers)
    _held[number] = thing
    return number


def held(number: int) -> Any:
    return _held[number]


def release(number: int) -> None:
    _held.pop(number, None)


def count() -> int:
    """How many are held; for tests."""
    return len(_held)


@ffi.def_extern()  # type: ignore[untyped-decorator]
def rp_py_drop(number: int) -> None:
    _held.pop(number, None)


def report(error: BaseException) -> None:
    """Shows an exception that has nowhere to go, as Python shows what a thread ended with."""
    threading.excepthook(threading.ExceptHookArgs((type(error), error, error.__traceback__, None)))


# ---- arguments ----

INFINITY = lib.REGROW_INFINITY


def milliseconds(seconds: float | None, what: str = "timeout") -> int:
    """Seconds as regrow has them: rounded up, None and `math.inf` are no limit."""
    if seconds is None:
        return int(INFINITY)
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise TypeError(f"{what} is a number of seconds or None, not {type(seconds).__name__}")
    if seconds == math.inf:
        return int(INFINITY)
    if not 0 <= seconds <= 4_294_000:
        raise ArgumentError(f"{what} is between 0 and 4294000 seconds, not {seconds}")
    return math.ceil(round(seconds * 1000, 6))


def number(value: int, what: str, least: int = 0, most: int = 0xFFFF_FFFD) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{what} is an int, not {type(value).__name__}")
    if not least <= value <= most:
        raise ArgumentError(f"{what} is between {least} and {most}, not {value}")
    return value


def choice(value: str, what: str, constants: dict[str, int]) -> int:
    if not isinstance(value, str):
        raise TypeError(f"{what} is one of {', '.join(map(repr, constants))}, not {type(value).__name__}")
    if value not in constants:
        raise ArgumentError(f"{what} is one of {', '.join(map(repr, constants))}, not {value!r}")
    return constants[value]


def function(value: Any, what: str) -> Any:
    if not callable(value):
        raise TypeError(f"{what} is a function, not {type(value).__name__}")
    return value


def text(value: str, what: str) -> bytes:
    """A text as C wants it."""
    if not isinstance(value, str):
        raise TypeError(f"{what} is a str, not {type(value).__name__}")
    try:
        data = value.encode()
    except UnicodeEncodeError:
        raise ArgumentError(f"{what} is not UTF-8") from None
    if b"\0" in data:
        raise ArgumentError(f"{what} has a NUL in it")
    return data
