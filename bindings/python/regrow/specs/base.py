"""What all specifications have: how a child is known, restarted and stopped; its mailbox."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from .._handles import choice, milliseconds, number
from .._native import ffi, lib
from ..errors import ArgumentError
from ..process import Address, Pid
from .structs import Structs, count_of, instance_of, optional_of, shutdown_of, time_of

RESTARTS = {
    "permanent": lib.REGROW_PERMANENT, "transient": lib.REGROW_TRANSIENT, "temporary": lib.REGROW_TEMPORARY,
}  # fmt: skip
_AT_LAST = {"end": lib.REGROW_END, "park": lib.REGROW_PARK}
_POLICIES = {
    "reject": lib.REGROW_REJECT, "drop_oldest": lib.REGROW_DROP_OLDEST, "drop_newest": lib.REGROW_DROP_NEWEST,
    "block": lib.REGROW_BLOCK,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Backoff:
    """When a child that failed is started again, and how often: see regrow_backoff_spec in regrow.h."""

    initial: float
    max: float | None = None
    factor_percent: int | None = None
    jitter_percent: int = 0
    reset_after: float | None = None
    max_restarts: int | None = None
    period: float | None = None
    at_limit: str = "end"

    def _fill(self, structs: Structs) -> Any:
        spec = structs.new("regrow_backoff_spec")
        spec.initial_ms = milliseconds(self.initial, "initial")
        spec.max_ms = time_of(self.max, "max")
        spec.factor_percent = optional_of(self.factor_percent, "factor_percent")
        spec.jitter_percent = number(self.jitter_percent, "jitter_percent", most=100)
        spec.reset_after_ms = time_of(self.reset_after, "reset_after")
        # Here 0 is "as its supervisor says".
        spec.max_restarts = count_of(self.max_restarts, "max_restarts")
        spec.period_ms = time_of(self.period, "period")
        spec.at_limit = choice(self.at_limit, "at_limit", _AT_LAST)
        return spec


@dataclass(frozen=True)
class Mailbox:
    """How many messages a process keeps, and what becomes of one more: see regrow_server_spec in regrow.h."""

    limit: int
    policy: str = "reject"
    wait: float | None = None

    def _fill(self, spec: Any) -> None:
        spec.mailbox_limit = number(self.limit, "limit", least=1)
        spec.mailbox_policy = choice(self.policy, "policy", _POLICIES)
        spec.mailbox_wait_ms = time_of(self.wait, "wait")


def fill_mailbox(mailbox: Mailbox | None, spec: Any) -> None:
    """What a specification says of its mailbox, if it does."""
    if mailbox is not None:
        instance_of(mailbox, Mailbox, "mailbox")._fill(spec)


@dataclass(frozen=True, kw_only=True)
class ChildSpec:
    """What all kinds have.

    `id`: what it goes by under its supervisor, any term; `name`: a name that it has in its runtime, any term; `via`: an
    `Address` with a registry and a key that it is registered under; `shutdown`: seconds, `math.inf` or "brutal_kill".
    """

    id: Any = None
    name: Any = None
    via: Address | None = None
    restart: str | None = None
    shutdown: float | str | None = None
    significant: bool = False
    backoff: Backoff | None = None

    _kind: ClassVar[int] = 0
    #: The class of what is started.
    _handle: ClassVar[type[Pid]] = Pid

    def _spec(self, structs: Structs) -> Any:
        raise TypeError("a ChildSpec is one of its kinds: a ServerSpec, an AgentSpec, ...")

    def _default_id(self) -> Any:
        return self.name if self.name is not None else type(self).__name__.removesuffix("Spec").lower()

    def _fill(self, structs: Structs, child: Any) -> None:
        child.size = ffi.sizeof("regrow_child_spec")
        child.id_term = structs.term(self._default_id() if self.id is None else self.id)
        child.kind = self._kind
        child.restart = 0 if self.restart is None else choice(self.restart, "restart", RESTARTS)
        child.shutdown_ms = shutdown_of(self.shutdown)
        if self.name is not None:
            if self.name == "":
                raise ArgumentError("a name is not empty")
            child.name_term = structs.term(self.name)
        if self.via is not None:
            child.via = structs.keep(instance_of(self.via, Address, "via"))._struct
        child.significant = bool(self.significant)
        if self.backoff is not None:
            child.backoff = instance_of(self.backoff, Backoff, "backoff")._fill(structs)
        # The last, as this is what holds things of Python's: what was refused before it holds nothing.
        child.spec = self._spec(structs)


def fill_child(spec: ChildSpec, structs: Structs) -> Any:
    """A regrow_child_spec of a specification."""
    child = structs.new("regrow_child_spec")
    child_of(spec)._fill(structs, child)
    return child


def child_of(spec: Any) -> ChildSpec:
    """What is given as a child, as its specification."""
    from ..server import Server
    from .workers import ServerSpec

    if isinstance(spec, type) and issubclass(spec, Server):
        return ServerSpec(spec)
    if not isinstance(spec, ChildSpec):
        raise TypeError(f"a child is a ChildSpec or a Server class, not {spec!r}")
    return spec
