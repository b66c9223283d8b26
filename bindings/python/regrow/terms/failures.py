"""Exceptions as exit reasons, and what calls return as exceptions."""

from __future__ import annotations

import os
import traceback
from typing import Any, Final

from .._native import ffi, lib
from ..errors import BY_CODE, Exit, InternalError, TermError
from .unpacking import read
from .values import Atom

_EXCEPTION: Final = Atom("exception")


def reason_of(error: BaseException) -> Any:
    """The exit reason that an exception in a callback is: `{exception, Type, Message, Traceback}`."""
    if isinstance(error, Exit):
        return error.reason
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    try:
        message = str(error)
    except Exception as failed:
        message = f"(its __str__ failed: {type(failed).__name__})"
    return (_EXCEPTION, _clean(name), _clean(message), _clean(_trace(error)))


#: This package, whose frames tell the user nothing.
_HERE = os.path.join(os.path.dirname(os.path.dirname(__file__)), "")


def _trace(error: BaseException) -> str:
    """The traceback, from where this package has called the user's code."""
    frames = error.__traceback__
    while frames is not None and frames.tb_next and frames.tb_frame.f_code.co_filename.startswith(_HERE):
        frames = frames.tb_next
    try:
        return "".join(traceback.format_exception(type(error), error, frames))
    except Exception as failed:
        return f"(no traceback: {type(failed).__name__})"


def _clean(text: str) -> str:
    return text.encode(errors="backslashreplace").decode()


def failure(code: int, reason: Any, text: str) -> BaseException:
    """The exception for an error code."""
    kind = BY_CODE.get(code, InternalError)
    if code == lib.REGROW_ERR_EXITED or code == lib.REGROW_ERR_START:
        if type(reason) is tuple and len(reason) == 4 and reason[0] is _EXCEPTION:
            text = f"{text}: {reason[1]}: {reason[2]}\n\nThere:\n{reason[3]}"
        elif reason is not None:
            text = f"{text}: {reason!r}"
    return kind(text, reason)


_TEXTS = {
    lib.REGROW_ERR_WOULD_BLOCK: "the caller may not wait here",
    lib.REGROW_ERR_FORKED: "this is the child of a fork: no runtime lives here",
}


def last_failure(code: int) -> BaseException:
    """The exception for what the caller's last call returned."""
    if code == lib.RP_MALFORMED:
        return TermError("the value cannot be made into a term")
    text = ffi.new("char[]", 512)
    known = ffi.new("int32_t *")
    reason = lib.rp_last_error(text, 512, known)
    if known[0] != code:
        # It was refused before regrow saw it, or regrow keeps nothing here (after a fork).
        if reason.kind == lib.RP_PACKED:
            lib.rp_free(reason.text)
        name = bytes(ffi.string(lib.regrow_error_name(code))).decode()
        return failure(code, None, _TEXTS.get(code, name))
    return failure(code, None if reason.error else read(reason), bytes(ffi.string(text)).decode(errors="replace"))


def check(code: int) -> None:
    """Raises what a call returned, if it failed."""
    if code:
        raise last_failure(code)


def checked(value: Any) -> Any:
    """The value of a call that gives one, or what it failed with."""
    error = value.error
    if error:
        raise last_failure(error)
    return read(value)
