"""What terms are in Python where Python has nothing of that kind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from .._native import lib
from ..errors import TermError


def _terms() -> Any:
    """The package, which is made of these values: it knows how they compare and show as terms."""
    from .. import terms

    return terms


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
        self.id = word(id)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.id == self.id

    def __hash__(self) -> int:
        return hash((type(self).__name__, self.id))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({_terms().show(self)})"


def word(number: object) -> int:
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
        return isinstance(other, Opaque) and bool(_terms().equal(self, other))

    def __hash__(self) -> int:
        return hash(_terms().show(self))

    def __repr__(self) -> str:
        return f"<Opaque {_terms().show(self)}>"


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
            if _terms().equal(known, key):
                return value
        raise KeyError(key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, (Map, dict)) and bool(_terms().equal(self, other))

    def __hash__(self) -> int:
        return hash(len(self.pairs))

    def __repr__(self) -> str:
        return f"Map({list(self.pairs)!r})"
