"""Python values as terms, and terms as Python values.

| term               | in Python                                                                    |
| ------------------ | ---------------------------------------------------------------------------- |
| integer            | `int`, of any size up to 128 KiB                                             |
| float              | `float`; infinities and NaN are no terms                                     |
| `true`, `false`    | `True`, `False`                                                              |
| `nil`              | `None`                                                                       |
| any other atom     | `Atom`                                                                       |
| binary             | `str` if it is UTF-8, else `bytes`; both become binaries, see `as_bytes()`   |
| tuple              | `tuple`                                                                      |
| list               | `list`; one that does not end in `[]` is an `ImproperList`                   |
| map                | `dict`; a `Map` when its keys cannot be a dict's (lists, or both 1 and 1.0)   |
| pid, reference     | `Pid`, `Ref`, `Table`                                                        |
| anything else      | `Opaque`: a fun, a pid of Erlang's, a pointer of C's; it passes through as is |

Whatever comes out of a term gives the same term again. An `Object` is a Python object that goes by reference, within
this program. Anything else is refused with `TermError`, and so is what is nested too deep for Python or holds itself.
"""

from __future__ import annotations

from typing import Any

from .._native import ffi, lib
from ..errors import LimitError, TermError

# What the rest of this package is written with.
from .failures import check as check
from .failures import checked as checked
from .failures import failure as failure
from .failures import last_failure as last_failure
from .failures import reason_of as reason_of
from .objects import release_object as release_object
from .packing import pack as pack
from .packing import pack_as_word
from .places import borrowed as borrowed
from .places import made as made
from .places import moved as moved
from .places import put as put
from .places import taken as taken
from .unpacking import read as read
from .unpacking import unpack_word_as
from .values import KILL, KILLED, NOPROC, NORMAL, SHUTDOWN, Atom, ImproperList, Map, Object, Opaque, Ref
from .values import word as word

__all__ = [
    "Atom", "Ref", "Opaque", "Object", "Map", "ImproperList", "as_bytes", "encode", "decode", "equal", "compare",
    "show", "NORMAL", "SHUTDOWN", "KILL", "KILLED", "NOPROC",
]  # fmt: skip


def register(kind: Any, tag: bytes) -> None:
    """Has a class whose values are an `id` cross as a word with that tag."""
    pack_as_word(kind, tag)
    unpack_word_as(kind, tag)


register(Ref, b"r")


def as_bytes(value: str | bytes) -> bytes:
    """The bytes of a binary, whether it came as `str` or as `bytes`."""
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, bytes):
        return value
    raise TermError(f"a binary is str or bytes, not {type(value).__name__}")


def encode(value: Any) -> bytes:
    """A value in Erlang's External Term Format."""
    out = ffi.new("regrow_term *")
    error = lib.regrow_term_encode(borrowed(value), out)
    if error:
        raise TermError("what holds an Object, or a pointer of C's, has no external format")
    return as_bytes(taken(out))


def decode(data: bytes) -> Any:
    """The value of bytes in Erlang's External Term Format, which need not be trusted."""
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise TermError(f"decode() takes bytes, not {type(data).__name__}")
    data = bytes(data)
    out = ffi.new("regrow_term *")
    error = lib.regrow_term_decode(data, len(data), out)
    if error == LimitError.code:
        raise LimitError("what is decoded would be too large, or hold too many new atoms")
    if error:
        raise TermError("the bytes are no term")
    return taken(out)


def equal(left: Any, right: Any) -> bool:
    """Whether two values are the same term (`=:=`): 1 and 1.0 are not, and `"a"` and `b"a"` are."""
    return bool(lib.regrow_term_equal(borrowed(left), borrowed(right)))


def compare(left: Any, right: Any) -> int:
    """Erlang's order of terms: below 0, 0 (`==`) or above 0."""
    return int(lib.regrow_term_compare(borrowed(left), borrowed(right)))


def show(value: Any) -> str:
    """A value as Erlang's `~w` writes it."""
    term = borrowed(value)
    size = lib.regrow_term_print(term, ffi.NULL, 0) + 1
    text = ffi.new("char[]", size)
    lib.regrow_term_print(term, text, size)
    return bytes(ffi.string(text)).decode(errors="replace")
