"""Specifications of supervisors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .._handles import choice, function, number
from .._native import ffi, lib
from .base import ChildSpec, child_of, fill_child
from .structs import Structs, count_of, optional_of, shutdown_of, time_of

if TYPE_CHECKING:
    from ..server import Server

_STRATEGIES = {
    "one_for_one": lib.REGROW_ONE_FOR_ONE, "one_for_all": lib.REGROW_ONE_FOR_ALL,
    "rest_for_one": lib.REGROW_REST_FOR_ONE, "simple_one_for_one": lib.REGROW_SIMPLE_ONE_FOR_ONE,
}  # fmt: skip
_AUTO_SHUTDOWNS = {
    "never": lib.REGROW_NEVER, "any_significant": lib.REGROW_ANY_SIGNIFICANT,
    "all_significant": lib.REGROW_ALL_SIGNIFICANT,
}  # fmt: skip
_AT_LIMIT = {"refuse": lib.REGROW_REFUSE, "queue": lib.REGROW_QUEUE}


def _fill_limits(spec: Any, max_restarts: int | None, period: float | None) -> None:
    """How many restarts a supervisor bears."""
    spec.max_restarts = count_of(max_restarts, "max_restarts")
    spec.period_ms = time_of(period, "period")


@dataclass(frozen=True)
class SupervisorSpec(ChildSpec):
    """A supervisor and the children it starts with, in their order: specifications, or classes of servers.

    `max_restarts` within `period` seconds, 3 within 5 unless told otherwise; more end the supervisor. `init(arg)` runs at
    each of its starts, and may not wait; it returns None, more children, `IGNORE` or `Stop(reason)`.
    """

    children: Sequence[ChildSpec | type[Server]] = ()
    strategy: str = "one_for_one"
    max_restarts: int | None = None
    period: float | None = None
    auto_shutdown: str = "never"
    parallel_start: bool = False
    init: Callable[[Any], Any] | None = None
    arg: Any = field(default_factory=list)

    _kind = lib.REGROW_SUPERVISOR

    def _spec(self, structs: Structs) -> Any:
        spec = structs.new("regrow_supervisor_spec")
        spec.strategy = choice(self.strategy, "strategy", _STRATEGIES)
        _fill_limits(spec, self.max_restarts, self.period)
        spec.auto_shutdown = choice(self.auto_shutdown, "auto_shutdown", _AUTO_SHUTDOWNS)
        spec.flags = lib.REGROW_PARALLEL_START if self.parallel_start else 0
        children = [child_of(child) for child in self.children]
        array = structs.keep(ffi.new("regrow_child_spec[]", len(children)))
        for child, place in zip(children, range(len(children)), strict=True):
            child._fill(structs, array + place)
        spec.children = array
        spec.child_count = len(children)
        spec.arg = structs.term(self.arg)
        if self.init is not None:
            lib.rp_supervisor_callbacks(spec, structs.hold(function(self.init, "init")))
        return spec


@dataclass(frozen=True)
class DynamicSupervisorSpec(ChildSpec):
    """A supervisor that starts empty, and whose children of any kind come and go. `init(arg)` runs at each of its starts,
    and may not wait; it returns None, `IGNORE` or `Stop(reason)`."""

    max_children: int | None = None
    max_restarts: int | None = None
    period: float | None = None
    unique_ids: bool = False
    init: Callable[[Any], Any] | None = None
    arg: Any = field(default_factory=list)

    _kind = lib.REGROW_DYNAMIC_SUPERVISOR

    def _spec(self, structs: Structs) -> Any:
        spec = structs.new("regrow_dynamic_supervisor_spec")
        spec.max_children = count_of(self.max_children, "max_children")
        _fill_limits(spec, self.max_restarts, self.period)
        spec.flags = lib.REGROW_UNIQUE_IDS if self.unique_ids else 0
        spec.arg = structs.term(self.arg)
        if self.init is not None:
            lib.rp_dynamic_supervisor_callbacks(spec, structs.hold(function(self.init, "init")))
        return spec


@dataclass(frozen=True)
class PartitionSupervisorSpec(ChildSpec):
    """The same child several times, once for each partition; `with_number` gives each its number as one argument more."""

    child: ChildSpec | type[Server]
    partitions: int | None = None
    strategy: str = "one_for_one"
    max_restarts: int | None = None
    period: float | None = None
    with_number: bool = False

    _kind = lib.REGROW_PARTITION_SUPERVISOR

    def _spec(self, structs: Structs) -> Any:
        spec = structs.new("regrow_partition_supervisor_spec")
        spec.partitions = 0 if self.partitions is None else number(self.partitions, "partitions", 1, 65536)
        spec.strategy = choice(self.strategy, "strategy", _STRATEGIES)
        _fill_limits(spec, self.max_restarts, self.period)
        spec.flags = lib.REGROW_WITH_NUMBER if self.with_number else 0
        spec.child = fill_child(child_of(self.child), structs)
        return spec


@dataclass(frozen=True)
class TaskSupervisorSpec(ChildSpec):
    """A supervisor of tasks; `at_limit` says what becomes of one too many: "refuse" or "queue"."""

    max_children: int | None = None
    at_limit: str = "refuse"
    task_shutdown: float | str | None = None
    max_restarts: int | None = None
    period: float | None = None

    _kind = lib.REGROW_TASK_SUPERVISOR

    def _spec(self, structs: Structs) -> Any:
        spec = structs.new("regrow_task_supervisor_spec")
        spec.max_children = optional_of(self.max_children, "max_children")
        spec.at_limit = choice(self.at_limit, "at_limit", _AT_LIMIT)
        spec.task_shutdown_ms = shutdown_of(self.task_shutdown)
        _fill_limits(spec, self.max_restarts, self.period)
        return spec
