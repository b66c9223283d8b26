"""Specifications of what does the work: servers, agents, functions in processes of their own, and what lives elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .._handles import choice, function, text
from .._native import ffi, lib
from ..errors import ArgumentError
from ..process import Pid
from .base import RESTARTS, ChildSpec, Mailbox, fill_mailbox
from .structs import Structs, shutdown_of, time_of

if TYPE_CHECKING:
    from ..server import Server

_HOMES = {"thread": lib.REGROW_THREAD, "shared": lib.REGROW_SHARED}


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
        from ..server import Server

        if not (isinstance(self.server, type) and issubclass(self.server, Server)):
            raise TypeError(f"a server is a class derived from Server, not {self.server!r}")
        spec = structs.new("regrow_server_spec")
        spec.arg = structs.term(self.arg)
        spec.home = choice(self.home, "home", _HOMES)
        if self.home == "shared":
            spec.flags = lib.REGROW_NO_PARK | (lib.REGROW_INLINE if self.inline else 0)
        elif self.inline:
            raise ArgumentError("inline is for servers whose home is 'shared'")
        spec.init_timeout_ms = time_of(self.init_timeout, "init_timeout")
        spec.watchdog_ms = time_of(self.watchdog, "watchdog")
        fill_mailbox(self.mailbox, spec)
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
        spec.watchdog_ms = time_of(self.watchdog, "watchdog")
        fill_mailbox(self.mailbox, spec)
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
        spec.watchdog_ms = time_of(self.watchdog, "watchdog")
        fill_mailbox(self.mailbox, spec)
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
        spec.watchdog_ms = time_of(self.watchdog, "watchdog")
        # As the child of a task supervisor it is the task that says it.
        spec.restart = 0 if self.restart is None else choice(self.restart, "restart", RESTARTS)
        spec.shutdown_ms = shutdown_of(self.shutdown)
        lib.rp_task_callbacks(spec, structs.hold((function(self.run, "run"), args)))
        return spec


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
        spec.watchdog_ms = time_of(self.watchdog, "watchdog")
        deliver = function(self.deliver, "deliver")
        told = None if self.exit is None else function(self.exit, "exit")
        lib.rp_host_callbacks(spec, structs.hold((deliver, told)))
        return spec


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
