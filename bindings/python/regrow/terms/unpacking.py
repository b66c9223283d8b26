"""Packed bytes, and what C gives, into Python values."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from .._native import ffi, lib
from ..errors import LimitError
from .objects import objects
from .values import Atom, ImproperList, Map, Object, Opaque

_read_int = struct.Struct("=q").unpack_from
_read_word = struct.Struct("=Q").unpack_from
_read_real = struct.Struct("=d").unpack_from
_read_count = struct.Struct("=I").unpack_from

#: What an atom's name stands for.
_atoms: dict[bytes, Any] = {b"true": True, b"false": False, b"nil": None}

#: What makes a value of a word, by its tag: pids, references, tables.
_makers: dict[int, Callable[[int], Any]] = {}


def unpack_word_as(kind: Callable[[int], Any], tag: bytes) -> None:
    """Has a word with that tag made into what `kind` makes of it."""
    _makers[tag[0]] = kind


def _atom(name: bytes) -> Any:
    try:
        return _atoms[name]
    except KeyError:
        return _atoms.setdefault(name, Atom(name.decode()))


def _text(data: bytes) -> str | bytes:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def _big(external: bytes) -> int:
    """An integer in Erlang's external format: SMALL_BIG_EXT or LARGE_BIG_EXT."""
    at = 3 if external[1] == ord("n") else 6
    magnitude = int.from_bytes(external[at + 1 :], "little")
    return -magnitude if external[at] else magnitude


def _dict(flat: list[Any], count: int) -> dict[Any, Any] | Map:
    pairs = list(zip(flat[::2], flat[1::2], strict=True))
    try:
        made = dict(pairs)
    except TypeError:
        return Map(pairs)
    return made if len(made) == count else Map(pairs)


def _opaque(cell: int, pointer: int) -> Opaque | Object:
    known = objects.get(pointer)
    if known is None:
        return Opaque._of(cell)
    lib.rp_cell_free(cell)
    return known[0]  # type: ignore[no-any-return]


def unpack(data: bytes) -> Any:
    """The value of packed bytes."""
    stack: list[Any] = []
    push = stack.append
    at, end = 0, len(data)
    while at < end:
        tag = data[at]
        at += 1
        # The commonest first. What has a count of 4 bytes, by its tag: a b E L l m t.
        if tag == _I:
            push(_read_int(data, at)[0])
            at += 8
        elif tag in _COUNTED:
            count = _read_count(data, at)[0]
            at += 4
            if tag == _B or tag == _A or tag == _E:
                run = data[at : at + count]
                at += count
                push(_text(run) if tag == _B else _atom(run) if tag == _A else _big(run))
                continue
            first = len(stack) - (2 * count if tag == _M else count + 1 if tag == _IMPROPER else count)
            items = stack[first:]
            del stack[first:]
            if tag == _T:
                push(tuple(items))
            elif tag == _L:
                push(items)
            elif tag == _M:
                push(_dict(items, count))
            else:
                push(ImproperList(items[:-1], items[-1]))
        elif tag == _N:
            push([])
        elif tag == _D:
            push(_read_real(data, at)[0])
            at += 8
        elif tag == _OPAQUE:
            push(_opaque(_read_word(data, at)[0], _read_word(data, at + 8)[0]))
            at += 16
        else:
            push(_makers[tag](_read_word(data, at)[0]))
            at += 8
    return stack[0]


_A, _B, _D, _E, _I, _L, _M, _N, _P, _R, _T, _IMPROPER, _OPAQUE = b"abdEilmnprtLO"
_COUNTED = frozenset(b"abElLmt")


def read(value: Any) -> Any:
    """The value of an rp_value, which must be read once."""
    kind = value.kind
    if kind == _KIND_INT:
        return value.integer
    if kind == _KIND_PACKED:
        text = value.text
        data = ffi.unpack(text, value.integer)
        lib.rp_free(text)
        return unpack(data)
    if kind == _KIND_ATOM:
        return _atom(ffi.string(value.text))
    if kind == _KIND_PID:
        return _makers[_P](value.id)
    if kind == _KIND_NIL:
        return []
    if kind == _KIND_FLOAT:
        return value.real
    if kind == _KIND_REF:
        return _makers[_R](value.id)
    if value.error:
        raise LimitError("there is no memory to read a term")
    return None


_KIND_INT, _KIND_PACKED, _KIND_ATOM = lib.RP_INT, lib.RP_PACKED, lib.RP_ATOM
_KIND_PID, _KIND_NIL, _KIND_FLOAT, _KIND_REF = lib.RP_PID, lib.RP_NIL, lib.RP_FLOAT, lib.RP_REF
