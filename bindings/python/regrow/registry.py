"""Registries: keys to processes. An entry is gone before anybody can see that its process has ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from . import terms
from ._handles import function, held, hold, milliseconds, release
from ._native import ffi, lib
from .process import Address, Pid, process_id, self_pid
from .specs import RegistrySpec

__all__ = ["Registry"]


class Registry(Pid):
    """A registry. Keys and values are any terms; keys are compared exactly: 1 is not 1.0."""

    __slots__ = ()

    def register(self, key: Any, process: Pid | None = None, value: Any = None) -> None:
        """Gives a process an entry; the caller's own, if it is not said. `ExistsError` when a unique key is taken."""
        who = (process_id(self_pid() if process is None else process),)
        named = terms.borrowed(key)
        kept = terms.moved(value)
        terms.check(lib.regrow_registry_register((self.id,), lib.regrow_term_clone(named), who, kept))

    def unregister(self, key: Any, process: Pid) -> None:
        """Takes the entries of a process under a key away. Fine when there are none."""
        terms.check(lib.regrow_registry_unregister((self.id,), terms.borrowed(key), (process_id(process),)))

    def unregister_match(self, key: Any, process: Pid, pattern: Any, guards: Sequence[Any] = ()) -> None:
        """As `unregister()`, only the entries whose value matches. In a pattern `Atom("_")` matches anything."""
        who = (process_id(process),)
        pattern, conditions = terms.borrowed(pattern), terms.borrowed(list(guards))
        terms.check(lib.regrow_registry_unregister_match((self.id,), terms.borrowed(key), who, pattern, conditions))

    def update(self, key: Any, function: Callable[[Any], Any]) -> Any:
        """Gives the caller's own entry in a unique registry another value; returns the old one. Needs an identity."""
        number = hold(_function(function, "the function"))
        out = ffi.new("regrow_term *")
        try:
            terms.check(lib.rp_registry_update(self.id, terms.borrowed(key), number, out))
        finally:
            release(number)
        return terms.taken(out)

    def whereis(self, key: Any) -> Pid:
        """Who has a key of a unique registry. `NotFoundError` when nobody does."""
        packed = terms.pack(key)
        pid: Pid = terms.checked(lib.rp_registry_whereis(self.id, packed, len(packed)))
        return pid

    def lookup(self, key: Any) -> list[tuple[Pid, Any]]:
        """All entries of a key, in the order in which they were registered."""
        packed = terms.pack(key)
        entries: list[tuple[Pid, Any]] = terms.checked(lib.rp_registry_lookup(self.id, packed, len(packed)))
        return entries

    def match(self, key: Any, pattern: Any, guards: Sequence[Any] = ()) -> list[tuple[Pid, Any]]:
        """The entries of a key whose value matches."""
        out = ffi.new("regrow_term *")
        pattern, conditions = terms.borrowed(pattern), terms.borrowed(list(guards))
        terms.check(lib.regrow_registry_match((self.id,), terms.borrowed(key), pattern, conditions, out))
        return list(terms.taken(out))

    def count_match(self, key: Any, pattern: Any, guards: Sequence[Any] = ()) -> int:
        """How many entries of a key have a value that matches."""
        count = ffi.new("size_t *")
        pattern, conditions = terms.borrowed(pattern), terms.borrowed(list(guards))
        terms.check(lib.regrow_registry_count_match((self.id,), terms.borrowed(key), pattern, conditions, count))
        return int(count[0])

    def select(self, spec: Sequence[Any]) -> list[Any]:
        """What a match specification makes of the entries: a list of `(head, guards, body)`, as for ets:select."""
        out = ffi.new("regrow_term *")
        terms.check(lib.regrow_registry_select((self.id,), terms.borrowed(list(spec)), out))
        return list(terms.taken(out))

    def count_select(self, spec: Sequence[Any]) -> int:
        """For how many entries a match specification gives `True`."""
        count = ffi.new("size_t *")
        terms.check(lib.regrow_registry_count_select((self.id,), terms.borrowed(list(spec)), count))
        return int(count[0])

    def keys(self, process: Pid) -> list[Any]:
        """The keys that a process has, in no order."""
        out = ffi.new("regrow_term *")
        terms.check(lib.regrow_registry_keys((self.id,), (process_id(process),), out))
        return list(terms.taken(out))

    def values(self, key: Any, process: Pid) -> list[Any]:
        """The values that a process has under a key."""
        out = ffi.new("regrow_term *")
        terms.check(lib.regrow_registry_values((self.id,), terms.borrowed(key), (process_id(process),), out))
        return list(terms.taken(out))

    def count(self) -> int:
        """How many entries there are."""
        count = ffi.new("size_t *")
        terms.check(lib.regrow_registry_count((self.id,), count))
        return int(count[0])

    def dispatch(self, key: Any, function: Callable[[Pid, Any], Any], parallel: bool = False) -> None:
        """Calls a function with the pid and the value of every entry that a key has now, in the caller. What it raises
        ends the dispatch, and is raised here.

        `parallel`: for each partition of a registry with duplicate keys in a process of its own, all at the same time as
        far as the interpreter lets them; then the function may not wait.
        """
        each = _Once(_function(function, "the function"))
        number = hold(each)
        call = lib.rp_registry_dispatch_parallel if parallel else lib.rp_registry_dispatch
        try:
            terms.check(call(self.id, terms.borrowed(key), number))
        finally:
            release(number)
        each.done()

    def get_meta(self, key: Any) -> Any:
        """What is kept under a key beside the entries. `NotFoundError` when nothing is."""
        out = ffi.new("regrow_term *")
        terms.check(lib.regrow_registry_meta((self.id,), terms.borrowed(key), out))
        return terms.taken(out)

    def put_meta(self, key: Any, value: Any) -> None:
        """Keeps a value under a key beside the entries, until the registry ends."""
        named = terms.borrowed(key)
        kept = terms.moved(value)
        terms.check(lib.regrow_registry_put_meta((self.id,), lib.regrow_term_clone(named), kept))

    def delete_meta(self, key: Any) -> None:
        """Forgets what `put_meta()` kept. Fine when nothing was."""
        terms.check(lib.regrow_registry_delete_meta((self.id,), terms.borrowed(key)))

    def lock(self, key: Any, function: Callable[[], Any], timeout: float | None = None) -> Any:
        """Runs a function in the caller while nobody else runs one under the same key; returns what it does.

        `TimeoutError`: it was not called. `WouldDeadlockError`: the calling process has that lock.
        """
        limit = milliseconds(timeout)
        run = _Once(_function(function, "the function"))
        number = hold(run)
        try:
            terms.check(lib.rp_registry_lock(self.id, terms.borrowed(key), number, limit))
        finally:
            release(number)
        return run.done()

    def address(self, key: Any, value: Any = None, wait: float | None = 0) -> Address:
        """The address of whoever has a key; as `via` of a specification, what it is registered under."""
        return Address(registry=self, key=key, value=value, wait=wait)


_function = function


class _Once:
    """A function that is called in the middle of a call of C's: what it raises first is raised when that is over."""

    def __init__(self, run: Callable[..., Any]) -> None:
        self.run = run
        self.value: Any = None
        self.error: BaseException | None = None

    def __call__(self, *args: Any) -> None:
        if self.error is not None:
            return
        try:
            self.value = self.run(*args)
        except BaseException as error:
            self.error = self.error or error

    def done(self) -> Any:
        if self.error is not None:
            raise self.error
        return self.value


@ffi.def_extern()  # type: ignore[untyped-decorator]
def rp_py_each(user: int, pid: int, value: Any) -> None:
    held(user)(Pid(pid), terms.read(value))


@ffi.def_extern()  # type: ignore[untyped-decorator]
def rp_py_run(user: int) -> None:
    held(user)()


RegistrySpec._handle = Registry
