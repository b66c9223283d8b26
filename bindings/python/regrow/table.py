"""Tables, as ETS has them: terms by key, shared between threads, owned by a process.

An object is a tuple; its key is its first element, unless `key_position` says another, from 1. Whoever has no access
gets `AccessError`; of a table that is gone, everything is `NoTableError`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

from . import terms
from ._handles import choice, number, text
from ._native import ffi, lib
from .process import Pid, process_id, runtime_id
from .terms import Atom, Ref

__all__ = ["Table", "END_OF_TABLE"]

_KINDS = {
    "set": lib.REGROW_SET, "ordered_set": lib.REGROW_ORDERED_SET, "bag": lib.REGROW_BAG,
    "duplicate_bag": lib.REGROW_DUPLICATE_BAG,
}  # fmt: skip
_ACCESS = {"protected": lib.REGROW_PROTECTED, "public": lib.REGROW_PUBLIC, "private": lib.REGROW_PRIVATE}

#: Behind the last key, and in front of the first.
END_OF_TABLE = Atom("$end_of_table")


class Table(Ref):
    """A table: a plain value, which can be sent in a message."""

    __slots__ = ()

    @classmethod
    def new(
        cls,
        kind: str = "set",
        access: str = "protected",
        *,
        name: str | None = None,
        key_position: int = 1,
        heir: Pid | None = None,
        heir_data: Any = None,
    ) -> Table:
        """Makes a table of the calling process, with which it goes, unless it has an heir: that gets
        `(Atom("ETS-TRANSFER"), table, old owner, heir_data)`. Needs an identity."""
        spec = ffi.new("regrow_table_spec *")
        spec.size = ffi.sizeof("regrow_table_spec")
        spec.kind = choice(kind, "kind", _KINDS)
        spec.access = choice(access, "access", _ACCESS)
        spec.key_position = number(key_position, "key_position", least=1)
        kept = ffi.NULL if name is None else ffi.new("char[]", text(name, "a name"))
        spec.name = kept
        data = terms.borrowed(heir_data)
        if heir is not None:
            spec.heir.id = process_id(heir)
            spec.heir_data = data
        out = ffi.new("regrow_table *")
        terms.check(lib.regrow_table_new(spec, out))
        return cls(out.id)

    @classmethod
    def whereis(cls, name: str, runtime: Any) -> Table:
        """The table with a name, in the runtime of a process. `NotFoundError`."""
        out = ffi.new("regrow_table *")
        root = runtime_id(runtime)
        terms.check(lib.regrow_table_whereis((root,), text(name, "a name"), out))
        return cls(out.id)

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> Table:
        """Makes a table of the caller's from a file, as it was written. `FileError` when that is torn or was changed.
        Needs an identity."""
        out = ffi.new("regrow_table *")
        terms.check(lib.regrow_table_from_file(text(os.fspath(path), "a path"), out))
        return cls(out.id)

    def to_file(self, path: str | os.PathLike[str]) -> None:
        """Writes the table to a file, which takes the place of what was there once it is whole. `FileError`."""
        terms.check(lib.regrow_table_to_file((self.id,), text(os.fspath(path), "a path")))

    # ---- objects ----

    def insert(self, objects: tuple[Any, ...] | list[tuple[Any, ...]]) -> None:
        """Inserts an object, or a list of them, all at once. What had that key goes, but in bags."""
        packed = terms.pack(objects)
        terms.check(lib.rp_table_insert(self.id, packed, len(packed)))

    def insert_new(self, objects: tuple[Any, ...] | list[tuple[Any, ...]]) -> bool:
        """As `insert()`, but only when none of the keys is there; whether it was done."""
        inserted = ffi.new("bool *")
        terms.check(lib.regrow_table_insert_new((self.id,), terms.moved(objects), inserted))
        return bool(inserted[0])

    def lookup(self, key: Any) -> list[tuple[Any, ...]]:
        """The objects of a key, in the order in which they came."""
        packed = terms.pack(key)
        return list(terms.checked(lib.rp_table_lookup(self.id, packed, len(packed))))

    def get(self, key: Any) -> tuple[Any, ...]:
        """The object of a key, or the first of a bag's. `NotFoundError`."""
        packed = terms.pack(key)
        found: tuple[Any, ...] = terms.checked(lib.rp_table_get(self.id, packed, len(packed)))
        return found

    def lookup_element(self, key: Any, position: int) -> Any:
        """One element, from 1, of the object of a key; in bags a list of that of each."""
        out = ffi.new("regrow_term *")
        place = number(position, "position", least=1)
        terms.check(lib.regrow_table_lookup_element((self.id,), terms.borrowed(key), place, out))
        return terms.taken(out)

    def member(self, key: Any) -> bool:
        """Whether there is an object with a key."""
        member = ffi.new("bool *")
        terms.check(lib.regrow_table_member((self.id,), terms.borrowed(key), member))
        return bool(member[0])

    def take(self, key: Any) -> list[tuple[Any, ...]]:
        """Takes the objects of a key out."""
        out = ffi.new("regrow_term *")
        terms.check(lib.regrow_table_take((self.id,), terms.borrowed(key), out))
        return list(terms.taken(out))

    def delete_key(self, key: Any) -> None:
        """Deletes the objects of a key. Fine when there are none."""
        terms.check(lib.regrow_table_delete_key((self.id,), terms.borrowed(key)))

    def delete_object(self, object: tuple[Any, ...]) -> None:
        """Deletes every object that is exactly this one. Fine when there is none."""
        terms.check(lib.regrow_table_delete_object((self.id,), terms.borrowed(object)))

    def clear(self) -> None:
        """Deletes all objects at once."""
        terms.check(lib.regrow_table_delete_all_objects((self.id,)))

    def update_counter(self, key: Any, operation: Any, fallback: tuple[Any, ...] | None = None) -> Any:
        """Counts, in the object of a key, at once: an increment, `(position, increment)`, `(position, increment, limit,
        value)` or a list of these. `fallback` is inserted first when there is none. The new value, or a list of them."""
        out = ffi.new("regrow_term *")
        named = terms.borrowed(key)
        first = ffi.NULL if fallback is None else terms.borrowed(fallback)
        terms.check(lib.regrow_table_update_counter((self.id,), named, terms.moved(operation), first, out))
        return terms.taken(out)

    def update_element(self, key: Any, elements: tuple[int, Any] | list[tuple[int, Any]]) -> bool:
        """Sets elements of the object of a key: `(position, value)`, or a list of them; False when there is no such key."""
        updated = ffi.new("bool *")
        named = terms.borrowed(key)
        terms.check(lib.regrow_table_update_element((self.id,), named, terms.moved(elements), updated))
        return bool(updated[0])

    # ---- walking ----

    def first(self) -> Any:
        """The first key, in an ordered set the least; `END_OF_TABLE` when there is none."""
        return self._key(lib.regrow_table_first)

    def last(self) -> Any:
        """The last key of an ordered set."""
        return self._key(lib.regrow_table_last)

    def next(self, key: Any) -> Any:
        """The key behind another, or `END_OF_TABLE`. `NotFoundError` when the key is not there, but in an ordered set
        or a table that is fixed."""
        return self._key(lib.regrow_table_next, terms.borrowed(key))

    def prev(self, key: Any) -> Any:
        """The key in front of another in an ordered set; in other tables as `next()`."""
        return self._key(lib.regrow_table_prev, terms.borrowed(key))

    def _key(self, step: Any, *key: Any) -> Any:
        out = ffi.new("regrow_term *")
        terms.check(step((self.id,), *key, out))
        return terms.taken(out)

    def fix(self, fix: bool = True) -> None:
        """Fixes the table for the caller, or takes one fixation away: then `next()` goes on from a key that was deleted.
        Needs an identity."""
        terms.check(lib.regrow_table_fix((self.id,), bool(fix)))

    def to_list(self) -> list[tuple[Any, ...]]:
        """All objects; of an ordered set in its order."""
        out = ffi.new("regrow_term *")
        terms.check(lib.regrow_table_to_list((self.id,), out))
        return list(terms.taken(out))

    # ---- patterns and match specifications, as ETS has them; atoms `_`, `$1`, `$2`, ... ----

    def match(self, pattern: Any) -> list[list[Any]]:
        """For each object that a pattern matches, what `$1`, `$2`, ... stand for."""
        return self._select(lib.regrow_table_match, pattern)

    def match_object(self, pattern: Any) -> list[tuple[Any, ...]]:
        """The objects that a pattern matches."""
        return self._select(lib.regrow_table_match_object, pattern)

    def match_delete(self, pattern: Any) -> int:
        """Deletes the objects that a pattern matches; how many."""
        return self._counted(lib.regrow_table_match_delete, pattern)

    def select(self, spec: Sequence[Any]) -> list[Any]:
        """What a match specification gives, a list of `(head, guards, body)`. `ArgumentError` says where it is
        malformed."""
        return self._select(lib.regrow_table_select, list(spec))

    def select_reverse(self, spec: Sequence[Any]) -> list[Any]:
        """As `select()`, from the last object of an ordered set to the first."""
        return self._select(lib.regrow_table_select_reverse, list(spec))

    def select_count(self, spec: Sequence[Any]) -> int:
        """How many objects a match specification gives True for."""
        return self._counted(lib.regrow_table_select_count, list(spec))

    def select_delete(self, spec: Sequence[Any]) -> int:
        """Deletes the objects that a match specification gives True for; how many."""
        return self._counted(lib.regrow_table_select_delete, list(spec))

    def select_replace(self, spec: Sequence[Any]) -> int:
        """Puts what a match specification gives in the place of each object that it matches; how many."""
        return self._counted(lib.regrow_table_select_replace, list(spec))

    def select_parts(self, spec: Sequence[Any], limit: int, reverse: bool = False) -> Iterator[list[Any]]:
        """As `select()`, at most `limit` at a time: each object that is there all the time is in exactly one part."""
        begin = lib.regrow_table_select_reverse_limit if reverse else lib.regrow_table_select_limit
        return self._parts(begin, list(spec), limit)

    def match_parts(self, pattern: Any, limit: int) -> Iterator[list[list[Any]]]:
        """As `match()`, in parts: see `select_parts()`."""
        return self._parts(lib.regrow_table_match_limit, pattern, limit)

    def match_object_parts(self, pattern: Any, limit: int) -> Iterator[list[tuple[Any, ...]]]:
        """As `match_object()`, in parts: see `select_parts()`."""
        return self._parts(lib.regrow_table_match_object_limit, pattern, limit)

    def _parts(self, begin: Any, what: Any, limit: int) -> Iterator[list[Any]]:
        most = number(limit, "limit", least=1)
        results, left = ffi.new("regrow_term *"), _term()
        terms.check(begin((self.id,), terms.borrowed(what), most, results, left))
        return _rest(results, left)

    def _select(self, select: Any, what: Any) -> list[Any]:
        out = ffi.new("regrow_term *")
        terms.check(select((self.id,), terms.borrowed(what), out))
        return list(terms.taken(out))

    def _counted(self, select: Any, what: Any) -> int:
        count = ffi.new("size_t *")
        terms.check(select((self.id,), terms.borrowed(what), count))
        return int(count[0])

    # ---- the table itself ----

    def info(self) -> dict[Atom, Any]:
        """What is known of it, whatever the access; keys are atoms, as in ets:info/1."""
        out = ffi.new("regrow_term *")
        terms.check(lib.regrow_table_info((self.id,), out))
        return dict(terms.taken(out))

    def size(self) -> int:
        """How many objects it has, whatever the access."""
        size = ffi.new("size_t *")
        terms.check(lib.regrow_table_size((self.id,), size))
        return int(size[0])

    def __len__(self) -> int:
        return self.size()

    def __bool__(self) -> bool:
        return True

    def rename(self, name: str) -> None:
        """Gives a named table another name. `ExistsError`."""
        terms.check(lib.regrow_table_rename((self.id,), text(name, "a name")))

    def give_away(self, process: Pid, data: Any = None) -> None:
        """Gives a table of the caller's to another process, which gets `(Atom("ETS-TRANSFER"), table, caller, data)`."""
        who = (process_id(process),)
        terms.check(lib.regrow_table_give_away((self.id,), who, terms.moved(data)))

    def set_heir(self, heir: Pid | None, data: Any = None) -> None:
        """Sets who gets a table of the caller's when the caller ends; None: nobody."""
        who = (0 if heir is None else process_id(heir),)
        terms.check(lib.regrow_table_set_heir((self.id,), who, terms.moved(data)))

    def delete(self) -> None:
        """Deletes the table."""
        terms.check(lib.regrow_table_delete((self.id,)))


def _term() -> Any:
    return ffi.gc(ffi.new("regrow_term *"), lib.regrow_term_free)


def _rest(results: Any, left: Any) -> Iterator[list[Any]]:
    while True:
        part = terms.taken(results)
        if part:
            yield part
        if lib.regrow_is_atom(left, b"$end_of_table"):
            return
        after = _term()
        terms.check(lib.regrow_table_select_next(left, results, after))
        left = after


terms.register(Table, b"g")
