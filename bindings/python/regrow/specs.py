"""Child specifications: what a process is, and what its supervisor does when it ends.

One for each kind of process; any of them can be started, and be a child of any supervisor. They are values: a
specification can be used again and again. Times are seconds.

>>> SupervisorSpec([ServerSpec(Cache), AgentSpec(0, id="hits")], strategy="rest_for_one")  # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from . import terms
from ._handles import choice, function, hold, milliseconds, number, release, text
from ._native import ffi, lib
from .errors import ArgumentError
from .process import Address, Pid, process_id

if TYPE_CHECKING:
    from .server import Server

__all__ = [
    "Backoff", "Mailbox", "ChildSpec", "ServerSpec", "AgentSpec", "ProcessSpec", "TaskSpec", "SupervisorSpec",
    "DynamicSupervisorSpec", "PartitionSupervisorSpec", "TaskSupervisorSpec", "RegistrySpec", "PubSubSpec", "HostSpec",
    "BehaviourSpec",
]  # fmt: skip

_RESTARTS = {
    "permanent": lib.REGROW_PERMANENT, "transient": lib.REGROW_TRANSIENT, "temporary": lib.REGROW_TEMPORARY,
}  # fmt: skip
_STRATEGIES = {
    "one_for_one": lib.REGROW_ONE_FOR_ONE, "one_for_all": lib.REGROW_ONE_FOR_ALL,
    "rest_for_one": lib.REGROW_REST_FOR_ONE, "simple_one_for_one": lib.REGROW_SIMPLE_ONE_FOR_ONE,
}  # fmt: skip
_AUTO_SHUTDOWNS = {
    "never": lib.REGROW_NEVER, "any_significant": lib.REGROW_ANY_SIGNIFICANT,
    "all_significant": lib.REGROW_ALL_SIGNIFICANT,
}  # fmt: skip
_POLICIES = {
    "reject": lib.REGROW_REJECT, "drop_oldest": lib.REGROW_DROP_OLDEST, "drop_newest": lib.REGROW_DROP_NEWEST,
    "block": lib.REGROW_BLOCK,
}  # fmt: skip
_HOMES = {"thread": lib.REGROW_THREAD, "shared": lib.REGROW_SHARED}
_KEYS = {"unique": lib.REGROW_UNIQUE, "duplicate": lib.REGROW_DUPLICATE}
_AT_LIMIT = {"refuse": lib.REGROW_REFUSE, "queue": lib.REGROW_QUEUE}
_AT_LAST = {"end": lib.REGROW_END, "park": lib.REGROW_PARK}


#: Errors of calls that did not come to regrow, or only to its door.
_NOT_MADE = (lib.REGROW_ERR_WOULD_BLOCK, lib.REGROW_ERR_FORKED)


class Structs:
    """C structs of one call: what they point to, and what of Python they hold by number."""

    def __init__(self) -> None:
        self._kept: list[Any] = []
        self._numbers: list[int] = []

    def new(self, name: str) -> Any:
        struct = ffi.new(f"{name} *")
        struct.size = ffi.sizeof(name)
        self._kept.append(struct)
        return struct

    def keep(self, thing: Any) -> Any:
        self._kept.append(thing)
        return thing

    def term(self, value: Any) -> Any:
        return self.keep(terms.borrowed(value))

    def hold(self, thing: Any) -> int:
        held = hold(thing)
        self._numbers.append(held)
        return held

    def release(self) -> None:
        """The call was not made: C will not give back what was held for it."""
        for held in self._numbers:
            release(held)

    def check(self, code: int) -> None:
        """Raises what the call has failed with. C gives back what it took, then or, if it goes on without us, later."""
        if code:
            if code in _NOT_MADE:
                self.release()
            raise terms.last_failure(code)


def _count(value: int | None, what: str) -> int:
    """A limit that may be 0, which regrow has a constant for."""
    if value is None:
        return 0
    return number(value, what) or int(lib.REGROW_NONE)


def _optional(value: int | None, what: str) -> int:
    return 0 if value is None else number(value, what, least=1)


def _time(seconds: float | None, what: str) -> int:
    """A time for which None means the default."""
    if seconds is None:
        return 0
    limit = milliseconds(seconds, what)
    if limit == 0:
        raise ArgumentError(f"{what} is more than 0")
    return limit


def _shutdown(value: float | str | None) -> int:
    if value == "brutal_kill":
        return int(lib.REGROW_BRUTAL_KILL)
    if isinstance(value, str):
        raise ArgumentError(f"shutdown is a number of seconds or 'brutal_kill', not {value!r}")
    return _time(value, "shutdown")


def _instance(value: Any, kind: type, what: str) -> Any:
    if not isinstance(value, kind):
        raise TypeError(f"{what} is a {kind.__name__}, not {type(value).__name__}")
    return value


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
        spec.max_ms = _time(self.max, "max")
        spec.factor_percent = _optional(self.factor_percent, "factor_percent")
        spec.jitter_percent = number(self.jitter_percent, "jitter_percent", most=100)
        spec.reset_after_ms = _time(self.reset_after, "reset_after")
        # Here 0 is "as its supervisor says".
        spec.max_restarts = _count(self.max_restarts, "max_restarts")
        spec.period_ms = _time(self.period, "period")
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
        spec.mailbox_wait_ms = _time(self.wait, "wait")


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
        child.restart = 0 if self.restart is None else choice(self.restart, "restart", _RESTARTS)
        child.shutdown_ms = _shutdown(self.shutdown)
        if self.name is not None:
            if self.name == "":
                raise ArgumentError("a name is not empty")
            child.name_term = structs.term(self.name)
        if self.via is not None:
            child.via = structs.keep(_instance(self.via, Address, "via"))._struct
        child.significant = bool(self.significant)
        if self.backoff is not None:
            child.backoff = _instance(self.backoff, Backoff, "backoff")._fill(structs)
        # The last, as this is what holds things of Python's: what was refused before it holds nothing.
        child.spec = self._spec(structs)


def fill_child(spec: ChildSpec, structs: Structs) -> Any:
    """A regrow_child_spec of a specification."""
    child = structs.new("regrow_child_spec")
    _child(spec)._fill(structs, child)
    return child


def _child(spec: Any) -> ChildSpec:
    from .server import Server

    if isinstance(spec, type) and issubclass(spec, Server):
        return ServerSpec(spec)
    if not isinstance(spec, ChildSpec):
        raise TypeError(f"a child is a ChildSpec or a Server class, not {spec!r}")
    return spec


@dataclass(frozen=True)
class ServerSpec(ChildSpec):
    """A server: a class derived from `Server`, whose `init` gets `arg`.

    `home` is "thread", a thread of its own, in which callbacks may wait; or "shared", on regrow's workers: cheaper, but
    what would wait there is a `WouldBlockError`. `inline` answers calls on the caller's thread while it is idle (shared
    only). `watchdog` ends it when a callback runs for so many seconds without waiting.
    """

    server: type[Server]
    arg: Any = field(default_factory=list)
    home: str = "thread"
    inline: bool = False
    init_timeout: float | None = None
    watchdog: float | None = None
    mailbox: Mailbox | None = None

    _kind = lib.REGROW_SERVER

    def _default_id(self) -> Any:
        return self.name if self.name is not None else getattr(self.server, "__name__", None)

    def _spec(self, structs: Structs) -> Any:
        from .server import Server

        if not (isinstance(self.server, type) and issubclass(self.server, Server)):
            raise TypeError(f"a server is a class derived from Server, not {self.server!r}")
        spec = structs.new("regrow_server_spec")
        spec.arg = structs.term(self.arg)
        spec.home = choice(self.home, "home", _HOMES)
        if self.home == "shared":
            spec.flags = lib.REGROW_NO_PARK | (lib.REGROW_INLINE if self.inline else 0)
        elif self.inline:
            raise ArgumentError("inline is for servers whose home is 'shared'")
        spec.init_timeout_ms = _time(self.init_timeout, "init_timeout")
        spec.watchdog_ms = _time(self.watchdog, "watchdog")
        if self.mailbox is not None:
            _instance(self.mailbox, Mailbox, "mailbox")._fill(spec)
        lib.rp_server_callbacks(spec, structs.hold(self.server), self.server._has())
        return spec


@dataclass(frozen=True)
class AgentSpec(ChildSpec):
    """An agent that keeps `initial`, any term; or what `init` makes of it, each time that it starts.

    `inline` runs a function on its caller's thread while the agent is idle.
    """

    initial: Any = field(default_factory=list)
    init: Callable[[Any], Any] | None = None
    inline: bool = True
    watchdog: float | None = None
    mailbox: Mailbox | None = None

    _kind = lib.REGROW_AGENT

    def _spec(self, structs: Structs) -> Any:
        spec = structs.new("regrow_agent_spec")
        spec.initial = structs.term(self.initial)
        spec.flags = lib.REGROW_NO_PARK | (lib.REGROW_INLINE if self.inline else 0)
        spec.watchdog_ms = _time(self.watchdog, "watchdog")
        if self.mailbox is not None:
            _instance(self.mailbox, Mailbox, "mailbox")._fill(spec)
        if self.init is not None:
            lib.rp_agent_callbacks(spec, structs.hold(function(self.init, "init")))
        return spec


@dataclass(frozen=True)
class ProcessSpec(ChildSpec):
    """A function that runs once, in a process and a thread of its own, and may receive."""

    body: Callable[[], Any]
    watchdog: float | None = None
    mailbox: Mailbox | None = None

    _kind = lib.REGROW_PROCESS

    def _spec(self, structs: Structs) -> Any:
        spec = structs.new("regrow_process_spec")
        spec.home = lib.REGROW_THREAD
        spec.watchdog_ms = _time(self.watchdog, "watchdog")
        if self.mailbox is not None:
            _instance(self.mailbox, Mailbox, "mailbox")._fill(spec)
        lib.rp_process_callbacks(spec, structs.hold(function(self.body, "body")))
        return spec


@dataclass(frozen=True)
class TaskSpec(ChildSpec):
    """A function that runs once, in a process and a thread of its own, for its value; `args` are its arguments."""

    run: Callable[..., Any]
    args: Sequence[Any] = ()
    watchdog: float | None = None

    _kind = lib.REGROW_TASK

    def _spec(self, structs: Structs) -> Any:
        return self._spec_of(structs, tuple(self.args))

    def _spec_of(self, structs: Structs, args: tuple[Any, ...] | None) -> Any:
        """With None in place of arguments the function gets its argument, a term, alone."""
        spec = structs.new("regrow_task_spec")
        spec.home = lib.REGROW_THREAD
        spec.watchdog_ms = _time(self.watchdog, "watchdog")
        # As the child of a task supervisor it is the task that says it.
        spec.restart = 0 if self.restart is None else choice(self.restart, "restart", _RESTARTS)
        spec.shutdown_ms = _shutdown(self.shutdown)
        lib.rp_task_callbacks(spec, structs.hold((function(self.run, "run"), args)))
        return spec


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
        spec.max_restarts = _count(self.max_restarts, "max_restarts")
        spec.period_ms = _time(self.period, "period")
        spec.auto_shutdown = choice(self.auto_shutdown, "auto_shutdown", _AUTO_SHUTDOWNS)
        spec.flags = lib.REGROW_PARALLEL_START if self.parallel_start else 0
        children = [_child(child) for child in self.children]
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
        spec.max_children = _count(self.max_children, "max_children")
        spec.max_restarts = _count(self.max_restarts, "max_restarts")
        spec.period_ms = _time(self.period, "period")
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
        spec.max_restarts = _count(self.max_restarts, "max_restarts")
        spec.period_ms = _time(self.period, "period")
        spec.flags = lib.REGROW_WITH_NUMBER if self.with_number else 0
        spec.child = fill_child(_child(self.child), structs)
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
        spec.max_children = _optional(self.max_children, "max_children")
        spec.at_limit = choice(self.at_limit, "at_limit", _AT_LIMIT)
        spec.task_shutdown_ms = _shutdown(self.task_shutdown)
        spec.max_restarts = _count(self.max_restarts, "max_restarts")
        spec.period_ms = _time(self.period, "period")
        return spec


@dataclass(frozen=True)
class RegistrySpec(ChildSpec):
    """A registry with "unique" or "duplicate" keys; `listeners` are the names of processes that are told of changes."""

    keys: str = "unique"
    partitions: int | None = None
    listeners: Sequence[str] = ()
    meta: Mapping[Any, Any] | None = None

    _kind = lib.REGROW_REGISTRY

    def _spec(self, structs: Structs) -> Any:
        spec = structs.new("regrow_registry_spec")
        spec.keys = choice(self.keys, "keys", _KEYS)
        spec.partitions = _optional(self.partitions, "partitions")
        names = [structs.keep(ffi.new("char[]", text(name, "a listener"))) for name in self.listeners]
        spec.listeners = structs.keep(ffi.new("char *[]", names))
        spec.listener_count = len(names)
        if self.meta is not None:
            spec.meta = structs.term(dict(self.meta))
        return spec


@dataclass(frozen=True)
class PubSubSpec(ChildSpec):
    """Groups and topics."""

    _kind = lib.REGROW_PUBSUB

    def _spec(self, structs: Structs) -> Any:
        return structs.new("regrow_pubsub_spec")


@dataclass(frozen=True)
class HostSpec(ChildSpec):
    """A process that lives elsewhere in the program, such as in an event loop.

    `deliver(pid, message, caller)` gets each message, on a worker of regrow's, and hands it on without waiting
    (`loop.call_soon_threadsafe`). `caller` is None unless it is a call, which is answered with `caller.answer()`, then
    or later. `exit(pid, reason)` is told of the end. `busy`: calls that are not answered keep `Runtime.settle()` waiting.
    """

    deliver: Callable[[Pid, Any, Any], Any]
    exit: Callable[[Pid, Any], Any] | None = None
    busy: bool = True
    watchdog: float | None = None

    _kind = lib.REGROW_HOST

    def _spec(self, structs: Structs) -> Any:
        spec = structs.new("regrow_host_spec")
        spec.flags = 0 if self.busy else lib.REGROW_NOT_BUSY
        spec.watchdog_ms = _time(self.watchdog, "watchdog")
        deliver = function(self.deliver, "deliver")
        told = None if self.exit is None else function(self.exit, "exit")
        lib.rp_host_callbacks(spec, structs.hold((deliver, told)))
        return spec


def add_children(children: Any, specs: Any) -> None:
    """In the init of a supervisor: adds what it returned to its children."""
    if children == ffi.NULL or isinstance(specs, (str, bytes)):
        raise TypeError(f"init returns None, IGNORE, Stop or, of a SupervisorSpec, children, not {specs!r}")
    for spec in specs:
        structs, child, _ = _prepared(spec)
        structs.check(lib.regrow_children_add(children, child))


@dataclass(frozen=True)
class BehaviourSpec(ChildSpec):
    """A server whose callbacks were registered under a name, such as by a native plug-in (regrow_behaviour_register).

    `arg` is what its init gets, in place of what was registered; None: that. `NotFoundError` when nothing was.
    """

    behaviour: str
    arg: Any = None

    _kind = lib.REGROW_BEHAVIOUR

    def _default_id(self) -> Any:
        return self.name if self.name is not None else self.behaviour

    def _spec(self, structs: Structs) -> Any:
        spec = structs.new("regrow_behaviour_spec")
        spec.name = structs.keep(ffi.new("char[]", text(self.behaviour, "a behaviour")))
        if self.arg is not None:
            spec.arg = structs.term(self.arg)
        return spec


# ---- starting ----


def _handle_of(spec: ChildSpec, pid: int) -> Pid:
    return spec._handle(pid)


def start(runtime: Pid, spec: ChildSpec | type[Server]) -> Pid:
    """Starts any kind of process, without parent or link, and waits until it is up."""
    structs, child, pid = _prepared(spec)
    return _started(structs, spec, lib.regrow_start((process_id(runtime),), child, pid), pid)


def start_link(spec: ChildSpec | type[Server]) -> Pid:
    """As `Runtime.start()`, linked with the caller, which is its parent. Needs an identity."""
    structs, child, pid = _prepared(spec)
    return _started(structs, spec, lib.regrow_start_link(child, pid), pid)


def start_monitor(spec: ChildSpec | type[Server]) -> tuple[Pid, terms.Ref]:
    """As `Runtime.start()`, monitored by the caller before its first instruction. Needs an identity."""
    structs, child, pid = _prepared(spec)
    monitor = ffi.new("regrow_ref *")
    started = _started(structs, spec, lib.regrow_start_monitor(child, pid, monitor), pid)
    return started, terms.Ref(monitor.id)


def _prepared(spec: ChildSpec | type[Server]) -> tuple[Structs, Any, Any]:
    structs = Structs()
    try:
        return structs, fill_child(_child(spec), structs), ffi.new("regrow_pid *")
    except BaseException:
        structs.release()
        raise


def _started(structs: Structs, spec: ChildSpec | type[Server], code: int, pid: Any) -> Pid:
    structs.check(code)
    return _handle_of(_child(spec), pid.id)
