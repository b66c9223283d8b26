"""Supervisors, of every kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import terms
from ._handles import choice, milliseconds
from ._native import ffi, lib
from .process import Pid, _ref
from .request import Request
from .specs import ChildSpec, DynamicSupervisorSpec, PartitionSupervisorSpec, SupervisorSpec
from .specs.base import child_of
from .specs.starting import prepared, started
from .terms import Atom, Ref

if TYPE_CHECKING:
    from .server import Server

__all__ = ["Supervisor", "PartitionSupervisor", "Child", "ChildCount"]

_FORMATS = {"term": lib.REGROW_TREE_TERM, "text": lib.REGROW_TREE_TEXT, "json": lib.REGROW_TREE_JSON}


@dataclass(frozen=True)
class Child:
    """A child as its supervisor shows it. `pid` is None for one that does not run, or has none; `status` is "running",
    "undefined" (it does not run), "restarting" or "parked"."""

    id: Any
    pid: Pid | None
    status: str
    type: str
    kind: str


@dataclass(frozen=True)
class ChildCount:
    """How many children a supervisor has: all, those alive, those that are supervisors and those that are not."""

    specs: int
    active: int
    supervisors: int
    workers: int


class Supervisor(Pid):
    """A supervisor. A child goes by its id; one of a dynamic supervisor also, and an instance of a
    "simple_one_for_one" only, by its pid."""

    __slots__ = ()

    def start_child(self, spec: ChildSpec | type[Server]) -> Pid | None:
        """Starts one more child, waits until it is up, and keeps its specification.

        None when its init answered `IGNORE` (of a dynamic supervisor `IgnoredError`). `ExistsError` when there is a
        child of that id or the name is taken; `StartError` when its init stopped. A restart gives it another pid: keep
        its name, or its id.
        """
        structs, child, pid = prepared(spec)
        return _or_none(started(structs, spec, lib.regrow_supervisor_start_child((self.id,), child, pid), pid))

    def start_child_async(self, spec: ChildSpec | type[Server]) -> Request[Pid | None]:
        """As `start_child()`, to be collected later."""
        structs, child, _ = prepared(spec)
        pending = ffi.new("regrow_request **")
        structs.check(lib.regrow_supervisor_start_child_async((self.id,), child, pending))
        return Request(pending[0], _handle(child_of(spec)._handle))

    def start_instance(self, *args: Any) -> Pid | None:
        """Starts one more instance of a "simple_one_for_one"; the arguments are appended to those of its template."""
        pid = ffi.new("regrow_pid *")
        extra = terms.borrowed(list(args))
        terms.check(lib.regrow_supervisor_start_instance((self.id,), extra, pid))
        return _or_none(Pid(pid.id))

    def terminate_child(self, id: Any) -> None:
        """Stops a child, as its shutdown time says, and waits until it has ended. Fine if it did not run."""
        terms.check(lib.regrow_supervisor_terminate_child((self.id,), terms.borrowed(id)))

    def restart_child(self, id: Any) -> Pid | None:
        """Starts a child again that does not run. `RunningError`, `RestartingError`, `NotFoundError`, `StartError`."""
        pid = ffi.new("regrow_pid *")
        terms.check(lib.regrow_supervisor_restart_child((self.id,), terms.borrowed(id), pid))
        return _or_none(Pid(pid.id))

    def delete_child(self, id: Any) -> None:
        """Forgets a child that does not run. `RunningError`, `RestartingError` or `NotFoundError`."""
        terms.check(lib.regrow_supervisor_delete_child((self.id,), terms.borrowed(id)))

    def which_children(self) -> list[Child]:
        """The children, the last started first."""
        out = ffi.new("regrow_term *")
        terms.check(lib.regrow_supervisor_which_children((self.id,), out))
        return _children(terms.taken(out))

    def which_children_async(self) -> Request[list[Child]]:
        """As `which_children()`, to be collected later."""
        pending = ffi.new("regrow_request **")
        terms.check(lib.regrow_supervisor_which_children_async((self.id,), pending))
        return Request(pending[0], _children)

    def count_children(self) -> ChildCount:
        """How many children there are."""
        count = ffi.new("regrow_child_count *")
        count.size = ffi.sizeof("regrow_child_count")
        terms.check(lib.regrow_supervisor_count_children((self.id,), count))
        return ChildCount(count.specs, count.active, count.supervisors, count.workers)

    def get_childspec(self, id: Any) -> dict[Any, Any]:
        """What a child was started with; keys are atoms."""
        out = ffi.new("regrow_term *")
        terms.check(lib.regrow_supervisor_get_childspec((self.id,), terms.borrowed(id), out))
        return dict(terms.taken(out))

    def lookup(self, id: Any) -> Pid | None:
        """The pid that a child has now; None when it does not run. `NotFoundError` when there is no such child."""
        pid = ffi.new("regrow_pid *")
        terms.check(lib.regrow_supervisor_lookup((self.id,), terms.borrowed(id), pid))
        return _or_none(Pid(pid.id))

    def subscribe(self) -> Ref:
        """Has the caller told of each change: `(Atom("child"), Ref, supervisor, event)`. Needs an identity."""
        out = ffi.new("regrow_ref *")
        terms.check(lib.regrow_supervisor_subscribe((self.id,), out))
        return Ref(out.id)

    def unsubscribe(self, subscription: Ref) -> None:
        """Ends a subscription: no message of it is sent after this."""
        terms.check(lib.regrow_supervisor_unsubscribe((self.id,), (_ref(subscription),)))

    def history(self) -> list[dict[Any, Any]]:
        """The last 100 failures of its children, oldest first; keys are atoms."""
        out = ffi.new("regrow_term *")
        terms.check(lib.regrow_supervisor_history((self.id,), out))
        return list(terms.taken(out))

    def tree(self, format: str = "text", timeout: float | None = 5.0) -> Any:
        """It and all below it, as "text", "json" or a "term": nested dicts whose keys are atoms."""
        out = ffi.new("regrow_term *")
        shape, limit = choice(format, "format", _FORMATS), milliseconds(timeout)
        terms.check(lib.regrow_tree((self.id,), shape, limit, out))
        return terms.taken(out)

    def tree_async(self, format: str = "text", timeout: float | None = 5.0) -> Request[Any]:
        """As `tree()`, to be collected later."""
        pending = ffi.new("regrow_request **")
        shape, limit = choice(format, "format", _FORMATS), milliseconds(timeout)
        terms.check(lib.regrow_tree_async((self.id,), shape, limit, pending))
        return Request(pending[0], lambda tree: tree)


class PartitionSupervisor(Supervisor):
    """A supervisor of the same child several times."""

    __slots__ = ()

    def partition(self, key: Any) -> Pid:
        """The process of a key's partition. Never waits. `NoProcessError` when it is not alive at this moment."""
        pid = ffi.new("regrow_pid *")
        terms.check(lib.regrow_partition_whereis((self.id,), terms.borrowed(key), pid))
        return Pid(pid.id)

    def count(self) -> int:
        """How many partitions there are."""
        count = ffi.new("uint32_t *")
        terms.check(lib.regrow_partition_count((self.id,), count))
        return int(count[0])


def _or_none(pid: Pid) -> Pid | None:
    return pid if pid.id else None


def _handle(kind: type[Pid]) -> Callable[[Any], Pid | None]:
    return lambda value: kind(value) if isinstance(value, Pid) else None


def _children(entries: list[tuple[Any, Any, Atom, Atom]]) -> list[Child]:
    return [
        Child(
            id=id,
            pid=state if isinstance(state, Pid) else None,
            status="running" if isinstance(state, Pid) else str(state),
            type=str(type),
            kind=str(kind),
        )
        for id, state, type, kind in entries
    ]


for _spec in (SupervisorSpec, DynamicSupervisorSpec):
    _spec._handle = Supervisor
PartitionSupervisorSpec._handle = PartitionSupervisor
