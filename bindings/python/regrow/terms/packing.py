"""Python values into packed bytes, of which C makes a term; native/value.h has their form."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from typing import Any

from ..errors import TermError
from .objects import objects, release_object
from .values import Atom, ImproperList, Map, Object, Opaque

_WORD = struct.Struct("=cQ").pack
_INT = struct.Struct("=cq").pack
_REAL = struct.Struct("=cd").pack
_COUNT = struct.Struct("=cI").pack

_MOST_ITEMS = 0xFFFF_FFFF
_LEAST, _MOST = -(1 << 63), (1 << 63) - 1
_MOST_BITS = 8 * 128 * 1024


class _Parts(list[bytes]):
    """Pieces of packed bytes, and what must live until a term has been made of them."""

    # Made when they are needed, which is seldom.
    opaque: list[Opaque] | None = None
    objects: list[int] | None = None


class _Packed(bytes):
    """Packed bytes that point to terms of Python's."""

    opaque: list[Opaque]


def _pack_int(value: int, parts: _Parts) -> None:
    if _LEAST <= value <= _MOST:
        parts.append(_INT(b"i", value))
        return
    magnitude = abs(value)
    if magnitude.bit_length() > _MOST_BITS:
        raise TermError("an integer has at most 128 KiB")
    data = magnitude.to_bytes((magnitude.bit_length() + 7) // 8, "little")
    sign = b"\1" if value < 0 else b"\0"
    if len(data) < 256:
        external = b"\x83n" + bytes([len(data)]) + sign + data
    else:
        external = b"\x83o" + len(data).to_bytes(4, "big") + sign + data
    parts.append(_COUNT(b"E", len(external)) + external)


def _pack_float(value: float, parts: _Parts) -> None:
    if value - value != 0.0:
        raise TermError(f"{value} is no term: Erlang's floats are finite")
    parts.append(_REAL(b"d", value))


def _pack_text(value: str, parts: _Parts) -> None:
    try:
        data = value.encode()
    except UnicodeEncodeError as error:
        raise TermError(f"a str with lone surrogates is no term: {error}") from None
    parts.append(_COUNT(b"b", len(data)) + data)


def _pack_bytes(value: bytes | bytearray | memoryview, parts: _Parts) -> None:
    data = bytes(value)
    if len(data) > _MOST_ITEMS:
        raise TermError("bytes of more than 4 GiB are no term")
    parts.append(_COUNT(b"b", len(data)) + data)


def _atom_bytes(name: str) -> bytes:
    data = name.encode()
    return _COUNT(b"a", len(data)) + data


_TRUE, _FALSE, _NIL = _atom_bytes("true"), _atom_bytes("false"), _atom_bytes("nil")


def _pack_atom(value: Atom, parts: _Parts) -> None:
    parts.append(_atom_bytes(value.name))


def _pack_bool(value: bool, parts: _Parts) -> None:
    parts.append(_TRUE if value else _FALSE)


def _pack_none(value: None, parts: _Parts) -> None:
    parts.append(_NIL)


def _pack_items(values: Iterable[Any], parts: _Parts) -> int:
    # A copy: another thread may change the container meanwhile.
    items = tuple(values)
    for item in items:
        (_packers.get(type(item)) or _packer(type(item)))(item, parts)
    return len(items)


def _pack_tuple(value: tuple[Any, ...], parts: _Parts) -> None:
    parts.append(_COUNT(b"t", _pack_items(value, parts)))


def _pack_list(value: list[Any], parts: _Parts) -> None:
    parts.append(_COUNT(b"l", _pack_items(value, parts)) if value else b"n")


def _pack_improper(value: ImproperList, parts: _Parts) -> None:
    _pack_items((*value.items, value.tail), parts)
    parts.append(_COUNT(b"L", len(value.items)))


def _pack_pairs(pairs: Iterable[tuple[Any, Any]], parts: _Parts) -> None:
    flat = [item for pair in pairs for item in pair]
    _pack_items(flat, parts)
    parts.append(_COUNT(b"m", len(flat) // 2))


def _pack_dict(value: dict[Any, Any], parts: _Parts) -> None:
    _pack_pairs(list(value.items()), parts)


def _pack_map(value: Map, parts: _Parts) -> None:
    _pack_pairs(value.pairs, parts)


def _pack_opaque(value: Opaque, parts: _Parts) -> None:
    parts.opaque = [*(parts.opaque or ()), value]
    parts.append(_WORD(b"o", value._cell))


def _pack_object(value: Object, parts: _Parts) -> None:
    address = id(value)
    objects.setdefault(address, [value, 0])[1] += 1
    parts.objects = [*(parts.objects or ()), address]
    parts.append(_WORD(b"h", address))


_packers: dict[type, Callable[[Any, _Parts], None]] = {
    int: _pack_int, float: _pack_float, str: _pack_text, bytes: _pack_bytes, bytearray: _pack_bytes,
    memoryview: _pack_bytes, Atom: _pack_atom, bool: _pack_bool, type(None): _pack_none, tuple: _pack_tuple,
    list: _pack_list, ImproperList: _pack_improper, dict: _pack_dict, Map: _pack_map, Opaque: _pack_opaque,
    Object: _pack_object,
}  # fmt: skip


def pack_as_word(kind: type, tag: bytes) -> None:
    """Has a class with an `id` packed as a word with that tag."""

    def pack_word(value: Any, parts: _Parts) -> None:
        parts.append(_WORD(tag, value.id))

    _packers[kind] = pack_word


def _packer(kind: type) -> Callable[[Any, _Parts], None]:
    """The way to pack a subclass: that of the class it is derived from."""
    for base in kind.__mro__:
        if base in _packers:
            return _packers[base]
    raise TermError(f"a {kind.__name__} is no term (an Object can hold it)")


def pack(value: Any) -> bytes:
    """A value as packed bytes."""
    kind = type(value)
    if kind is int and _LEAST <= value <= _MOST:
        return _INT(b"i", value)
    if kind is str and value.isascii():
        text: bytes = _COUNT(b"b", len(value)) + value.encode()
        return text
    parts = _Parts()
    try:
        (_packers.get(kind) or _packer(kind))(value, parts)
    except BaseException as error:
        for address in parts.objects or ():
            release_object(address)
        if isinstance(error, RecursionError):
            raise TermError("the value is nested too deep, or holds itself") from None
        raise
    if parts.opaque:
        packed = _Packed(b"".join(parts))
        packed.opaque = parts.opaque
        return packed
    return parts[0] if len(parts) == 1 else b"".join(parts)
