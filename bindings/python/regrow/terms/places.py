"""Terms in C's variables: arguments that are given away or lent, and what calls and callbacks write to."""

from __future__ import annotations

from typing import Any

from .._native import ffi, lib
from ..errors import TermError
from .packing import pack
from .unpacking import read


def moved(value: Any) -> Any:
    """A value as a regrow_term that is given away by value."""
    term = ffi.new("regrow_term *")
    packed = pack(value)
    made(lib.rp_make(packed, len(packed), term))
    return term[0]


def borrowed(value: Any) -> Any:
    """A value as a regrow_term pointer, which is freed with the last Python reference to it."""
    term = ffi.gc(ffi.new("regrow_term *"), lib.regrow_term_free)
    packed = pack(value)
    made(lib.rp_make(packed, len(packed), term))
    return term


def put(value: Any, place: Any) -> None:
    """Writes a value to an out-parameter of a callback."""
    packed = pack(value)
    made(lib.rp_make(packed, len(packed), place))


def taken(place: Any) -> Any:
    """The value that a call wrote to its out-parameter, which is freed."""
    return read(lib.rp_take(0, place))


def made(error: int) -> None:
    if error:
        raise TermError("the value cannot be made into a term")
