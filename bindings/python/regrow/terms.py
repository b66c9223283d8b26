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

import os
import struct
import traceback
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from ._native import ffi, lib
from .errors import BY_CODE, Exit, InternalError, LimitError, TermError

__all__ = [
    "Atom", "Ref", "Opaque", "Object", "Map", "ImproperList", "as_bytes", "encode", "decode", "equal", "compare",
    "show", "NORMAL", "SHUTDOWN", "KILL", "KILLED", "NOPROC",
]  # fmt: skip


class Atom:
    """An atom: a constant name, such as `Atom("ok")`. The same name gives the same object.

    Atoms are never freed; a name that comes from outside the program is better a `str`. `Atom("true")`,
    `Atom("false")` and `Atom("nil")` come back as `True`, `False` and `None`.
    """

    __slots__ = ("name",)
    name: str
    _known: dict[str, Atom] = {}

    def __new__(cls, name: str) -> Atom:
        known = cls._known.get(name) if isinstance(name, str) else None
        if known is not None:
            return known
        if not isinstance(name, str):
            raise TermError(f"the name of an atom is a str, not {type(name).__name__}")
        if len(name) > 255 or "\0" in name or not _is_utf8(name):
            raise TermError("the name of an atom has at most 255 characters, all of them UTF-8 and none NUL")
        self = super().__new__(cls)
        object.__setattr__(self, "name", name)
        return cls._known.setdefault(name, self)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("an atom does not change")

    def __reduce__(self) -> tuple[type[Atom], tuple[str]]:
        return Atom, (self.name,)

    def __repr__(self) -> str:
        return f"Atom({self.name!r})"

    def __str__(self) -> str:
        return self.name


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


NORMAL: Final = Atom("normal")
SHUTDOWN: Final = Atom("shutdown")
KILL: Final = Atom("kill")
KILLED: Final = Atom("killed")
NOPROC: Final = Atom("noproc")


class Ref:
    """A reference: of a monitor, a timer, an alias, a subscription."""

    __slots__ = ("id",)

    def __init__(self, id: int) -> None:
        self.id = _word(id)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.id == self.id

    def __hash__(self) -> int:
        return hash((type(self).__name__, self.id))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({show(self)})"


def _word(number: object) -> int:
    if not isinstance(number, int) or isinstance(number, bool):
        raise TermError(f"an id is a number, not {type(number).__name__}")
    if not 0 <= number < 1 << 64:
        raise TermError("an id has 64 bits")
    return number


class Opaque:
    """A term that has no Python value. It can be kept, compared and sent on; it comes only out of other terms."""

    __slots__ = ("_cell",)
    _cell: int

    def __new__(cls) -> Opaque:
        raise TypeError("an Opaque comes out of a term, and is not made")

    @classmethod
    def _of(cls, cell: int) -> Opaque:
        self = super().__new__(cls)
        self._cell = cell
        return self

    def __del__(self) -> None:
        lib.rp_cell_free(self._cell)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Opaque) and equal(self, other)

    def __hash__(self) -> int:
        return hash(show(self))

    def __repr__(self) -> str:
        return f"<Opaque {show(self)}>"


class Object:
    """A Python object as a term: it is sent by reference, and never leaves the program.

    What is received is the same `Object`; `value` is what it holds. Other languages see a reference.
    """

    __slots__ = ("value", "__weakref__")

    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        return f"Object({self.value!r})"


class ImproperList:
    """A list whose last tail is not `[]`: `[a, b | tail]`."""

    __slots__ = ("items", "tail")

    def __init__(self, items: Iterable[Any], tail: Any) -> None:
        self.items = tuple(items)
        self.tail = tail
        if not self.items or isinstance(tail, (list, ImproperList)):
            raise TermError("an improper list has items, and a tail that is no list")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ImproperList) and (self.items, self.tail) == (other.items, other.tail)

    def __hash__(self) -> int:
        return hash((self.items, self.tail))

    def __repr__(self) -> str:
        return f"ImproperList({list(self.items)!r}, {self.tail!r})"


class Map:
    """A map whose keys cannot be those of a dict: they are not hashable, or equal to Python though not as terms."""

    __slots__ = ("pairs",)

    def __init__(self, pairs: Iterable[tuple[Any, Any]]) -> None:
        self.pairs = tuple((key, value) for key, value in pairs)

    def __len__(self) -> int:
        return len(self.pairs)

    def __iter__(self) -> Iterator[Any]:
        return (key for key, _ in self.pairs)

    def __getitem__(self, key: Any) -> Any:
        for known, value in self.pairs:
            if equal(known, key):
                return value
        raise KeyError(key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, (Map, dict)) and equal(self, other)

    def __hash__(self) -> int:
        return hash(len(self.pairs))

    def __repr__(self) -> str:
        return f"Map({list(self.pairs)!r})"


def as_bytes(value: str | bytes) -> bytes:
    """The bytes of a binary, whether it came as `str` or as `bytes`."""
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, bytes):
        return value
    raise TermError(f"a binary is str or bytes, not {type(value).__name__}")


# ---- into packed bytes: native/value.h has their form ----

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


#: Objects that terms refer to, by their address, which no pointer of somebody else's can be meanwhile; and how many do.
_objects: dict[int, list[Any]] = {}


def _release_object(address: int) -> None:
    entry = _objects.get(address)
    if entry is not None:
        entry[1] -= 1
        if entry[1] == 0:
            del _objects[address]


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


def _pack_ref(value: Ref, parts: _Parts) -> None:
    parts.append(_WORD(b"r", value.id))


def _pack_opaque(value: Opaque, parts: _Parts) -> None:
    parts.opaque = [*(parts.opaque or ()), value]
    parts.append(_WORD(b"o", value._cell))


def _pack_object(value: Object, parts: _Parts) -> None:
    address = id(value)
    _objects.setdefault(address, [value, 0])[1] += 1
    parts.objects = [*(parts.objects or ()), address]
    parts.append(_WORD(b"h", address))


_packers: dict[type, Callable[[Any, _Parts], None]] = {
    int: _pack_int, float: _pack_float, str: _pack_text, bytes: _pack_bytes, bytearray: _pack_bytes,
    memoryview: _pack_bytes, Atom: _pack_atom, bool: _pack_bool, type(None): _pack_none, tuple: _pack_tuple,
    list: _pack_list, ImproperList: _pack_improper, dict: _pack_dict, Map: _pack_map, Ref: _pack_ref,
    Opaque: _pack_opaque, Object: _pack_object,
}  # fmt: skip


def register(kind: type, tag: bytes) -> None:
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
            _release_object(address)
        if isinstance(error, RecursionError):
            raise TermError("the value is nested too deep, or holds itself") from None
        raise
    if parts.opaque:
        packed = _Packed(b"".join(parts))
        packed.opaque = parts.opaque
        return packed
    return parts[0] if len(parts) == 1 else b"".join(parts)


# ---- out of them ----

_read_int = struct.Struct("=q").unpack_from
_read_word = struct.Struct("=Q").unpack_from
_read_real = struct.Struct("=d").unpack_from
_read_count = struct.Struct("=I").unpack_from

#: What an atom's name stands for.
_atoms: dict[bytes, Any] = {b"true": True, b"false": False, b"nil": None}

#: What makes a pid, and a table, of an id. Set by regrow.process and regrow.table.
make_pid: Callable[[int], Any]
make_table: Callable[[int], Any]


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
    known = _objects.get(pointer)
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
            word = _read_word(data, at)[0]
            at += 8
            push(make_pid(word) if tag == _P else Ref(word) if tag == _R else make_table(word))
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
        return make_pid(value.id)
    if kind == _KIND_NIL:
        return []
    if kind == _KIND_FLOAT:
        return value.real
    if kind == _KIND_REF:
        return Ref(value.id)
    if value.error:
        raise LimitError("there is no memory to read a term")
    return None


_KIND_INT, _KIND_PACKED, _KIND_ATOM = lib.RP_INT, lib.RP_PACKED, lib.RP_ATOM
_KIND_PID, _KIND_NIL, _KIND_FLOAT, _KIND_REF = lib.RP_PID, lib.RP_NIL, lib.RP_FLOAT, lib.RP_REF


# ---- terms in C's variables ----


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


# ---- errors ----

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


_HERE = os.path.dirname(__file__)


def _trace(error: BaseException) -> str:
    """The traceback, from where this package has called the user's code."""
    frames = error.__traceback__
    while frames is not None and frames.tb_next and os.path.dirname(frames.tb_frame.f_code.co_filename) == _HERE:
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
