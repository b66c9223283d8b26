"""Runtimes: where processes live."""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import specs, terms
from ._handles import choice, function, milliseconds, number, report
from ._native import ffi, lib
from .errors import LimitError, RegrowError
from .process import Pid
from .request import Request
from .specs import ChildSpec
from .specs.structs import count_of, time_of
from .supervisor import Supervisor
from .terms import Ref

if TYPE_CHECKING:
    from .server import Server

__all__ = ["Runtime", "Settled", "Stats"]

_CLOCKS = {"monotonic": lib.REGROW_MONOTONIC, "manual": lib.REGROW_MANUAL}
_LEVELS = {
    "debug": lib.REGROW_LOG_DEBUG, "info": lib.REGROW_LOG_INFO, "warning": lib.REGROW_LOG_WARNING,
    "error": lib.REGROW_LOG_ERROR, "silent": lib.REGROW_LOG_SILENT,
}  # fmt: skip
_LEVEL_NAMES = {level: name for name, level in _LEVELS.items()}
_TIMERS = {lib.REGROW_TIMER_USER: "user", lib.REGROW_TIMER_SUPERVISION: "supervision", lib.REGROW_TIMER_SLEEP: "sleep"}

#: Usable bytes of a worker's stack. Python needs more than C: a recursion of a thousand calls through C, such as the
#: repr of a list in a list in a list, is to end as a RecursionError. Committed as it is touched.
_STACK = 4 << 20


@dataclass(frozen=True)
class Settled:
    """What a quiet runtime waits for: the next timer, if `waiting`, is due at `deadline`, on its clock; `kind` is
    "user", "supervision" or "sleep"."""

    waiting: bool
    now: float
    deadline: float | None
    kind: str | None


@dataclass(frozen=True)
class Stats:
    """Numbers about a runtime; see regrow_stats in regrow.h."""

    processes: int
    workers: int
    relief_workers: int
    stuck: int
    ghosts: int
    stacks: int
    busy: int
    sent: int
    handled: int
    returned: int
    undelivered: int
    watchdog: int


class Runtime:
    """A runtime: it begins here, and ends with `shutdown()`, with the end of a `with`, or with the program.

    `clock` is "monotonic" or "manual": time stands still then but for `advance()`, for tests. `log(level, text, report)`
    gets what is logged at `log_level` and above, in a thread of its own; without it that goes to stderr.
    `undelivered(pid, message, reason)` gets, in the same thread, each message that ended unhandled. `exit_timeout` is how
    long the program's end waits for processes to end; callbacks that are still running then are left where they are.
    """

    #: The root supervisor: children that are started under it live as long as the runtime.
    root: Supervisor

    def __init__(
        self,
        *,
        workers: int | None = None,
        clock: str = "monotonic",
        max_processes: int | None = None,
        max_restarts: int | None = None,
        period: float | None = None,
        log: Callable[[str, str, Any], Any] | None = None,
        log_level: str = "warning",
        undelivered: Callable[[Pid, Any, Any], Any] | None = None,
        stack_size: int = _STACK,
        exit_timeout: float | None = 2.0,
    ) -> None:
        options = ffi.new("regrow_options *")
        options.size = ffi.sizeof("regrow_options")
        options.workers = 0 if workers is None else number(workers, "workers", least=1)
        options.clock = choice(clock, "clock", _CLOCKS)
        options.max_processes = 0 if max_processes is None else number(max_processes, "max_processes", least=1)
        options.max_restarts = count_of(max_restarts, "max_restarts")
        options.period_ms = time_of(period, "period")
        options.log_level = choice(log_level, "log_level", _LEVELS)
        options.stack_size = number(stack_size, "stack_size", least=64 << 10)
        milliseconds(exit_timeout, "exit_timeout")
        self.exit_timeout = exit_timeout
        self._reports = _Reports.of(options, log, undelivered)
        root = ffi.new("regrow_pid *")
        code = lib.regrow_init(options, root)
        if code:
            error = terms.last_failure(code)
            self._reports.close()
            raise error
        self.root = Supervisor(root.id)
        _running[root.id] = self

    def __repr__(self) -> str:
        return f"Runtime({self.root!r})"

    def __enter__(self) -> Runtime:
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()

    # ---- its end ----

    def shutdown(self, timeout: float | None = 5.0) -> list[Pid]:
        """Stops every process, children last to first, then the threads. Not in a callback. A second time is fine.

        Returns the processes whose callbacks have not returned: if there are any, all else has been killed, and it can be
        called again to go on waiting.
        """
        limit = milliseconds(timeout)
        if self.root.id not in _running:
            return []
        stuck = ffi.new("regrow_term *")
        code = lib.regrow_shutdown((self.root.id,), limit, stuck)
        if code == lib.REGROW_ERR_TIMEOUT:
            return list(terms.taken(stuck))
        lib.regrow_term_free(stuck)
        terms.check(code)
        if _running.pop(self.root.id, None) is not None:
            self._reports.close()
        return []

    # ---- processes ----

    def start(self, spec: ChildSpec | type[Server]) -> Any:
        """Starts any kind of process, without parent or link, and waits until it is up: an `Agent` for an `AgentSpec`, a
        `Registry` for a `RegistrySpec`, and so on."""
        return specs.start(self.root, spec)

    def start_child(self, spec: ChildSpec | type[Server]) -> Any:
        """Starts a child of the root, which lives and is restarted as long as the runtime."""
        return self.root.start_child(spec)

    def spawn(self, body: Callable[[], Any]) -> Pid:
        """Runs a function in a process of its own, and does not wait."""
        structs = specs.Structs()
        pid = ffi.new("regrow_pid *")
        spec = specs.ProcessSpec(body)._spec(structs)
        code = lib.regrow_spawn((self.root.id,), spec, pid)
        structs.check(code)
        return Pid(pid.id)

    @contextmanager
    def enter(self) -> Iterator[Pid]:
        """Makes the calling thread a process inside a `with`: it may link, monitor and receive there."""
        pid = ffi.new("regrow_pid *")
        terms.check(lib.regrow_enter((self.root.id,), pid))
        try:
            yield Pid(pid.id)
        finally:
            # Refused when the runtime has been shut down meanwhile: the thread has left it then.
            lib.regrow_leave()

    # ---- names ----

    def whereis(self, name: Any) -> Pid:
        """The process that goes by a name now. `NotFoundError`, also between two lives: see `Address`."""
        out = ffi.new("regrow_pid *")
        terms.check(lib.regrow_whereis_term((self.root.id,), terms.borrowed(name), out))
        return Pid(out.id)

    def unregister(self, name: Any) -> None:
        """Takes a name away. `NotFoundError`."""
        terms.check(lib.regrow_unregister_term((self.root.id,), terms.borrowed(name)))

    # ---- time and quiet ----

    def settle(self, timeout: float | None = 5.0) -> Settled:
        """Waits until nothing runs, and only a timer, or a call from outside, could change that. Not in a callback."""
        settled = ffi.new("regrow_settled *")
        settled.size = ffi.sizeof("regrow_settled")
        terms.check(lib.regrow_settle((self.root.id,), milliseconds(timeout), settled))
        waiting = settled.state == lib.REGROW_WAITING
        return Settled(
            waiting=waiting,
            now=settled.now_ms / 1000,
            deadline=settled.deadline_ms / 1000 if waiting else None,
            kind=_TIMERS[settled.kind] if waiting else None,
        )

    def settle_async(self) -> Request[Any]:
        """As `settle()`, to be collected later: `Atom("quiet")`, or `(Atom("waiting"), milliseconds, kind)`."""
        pending = ffi.new("regrow_request **")
        terms.check(lib.regrow_settle_async((self.root.id,), pending))
        return Request(pending[0], lambda settled: settled)

    def advance(self, seconds: float) -> None:
        """Moves a manual clock on, from deadline to deadline, and comes to rest at each. Not in a callback."""
        limit = milliseconds(seconds, "the time")
        terms.check(lib.regrow_advance((self.root.id,), limit))

    def now(self) -> float:
        """Seconds since it started, on its clock."""
        out = ffi.new("uint64_t *")
        terms.check(lib.regrow_now((self.root.id,), out))
        return int(out[0]) / 1000

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Tells that work for the runtime goes on where it cannot see that: `settle()` and `advance()` wait."""
        token = ffi.new("regrow_ref *")
        terms.check(lib.regrow_busy((self.root.id,), token))
        try:
            yield
        finally:
            lib.regrow_done((self.root.id,), token[0])

    def cancel_timer(self, timer: Ref, flush: bool = False) -> float:
        """See `Pid.cancel_timer()`."""
        return self.root.cancel_timer(timer, flush)

    def stats(self) -> Stats:
        """Its numbers."""
        stats = ffi.new("regrow_stats *")
        stats.size = ffi.sizeof("regrow_stats")
        terms.check(lib.regrow_stats_read((self.root.id,), stats))
        return Stats(**{name: int(getattr(stats, name)) for name in Stats.__dataclass_fields__})


class _Reports:
    """The thread that hands on what a runtime logs and could not deliver, if anybody wants that."""

    def __init__(self, queue: Any, log: Any, undelivered: Any) -> None:
        self._queue = queue
        self._log = log
        self._undelivered = undelivered
        self._thread: threading.Thread | None = None
        if queue is not None:
            self._thread = threading.Thread(target=self._run, name="regrow-reports", daemon=True)
            self._thread.start()

    @classmethod
    def of(cls, options: Any, log: Any, undelivered: Any) -> _Reports:
        if log is None and undelivered is None:
            return cls(None, None, None)
        queue = lib.rp_queue_new()
        if queue == ffi.NULL:
            raise LimitError("no file descriptor can be had")
        if log is not None:
            lib.rp_log_to(options, queue)
            function(log, "log")
        if undelivered is not None:
            lib.rp_undelivered_to(options, queue)
            function(undelivered, "undelivered")
        return cls(queue, log, undelivered)

    def _run(self) -> None:
        while True:
            event = lib.rp_queue_wait(self._queue)
            if event.kind == lib.RP_CLOSED:
                return
            value = terms.read(event.value)
            try:
                if event.kind == lib.RP_LOG:
                    text = ffi.string(event.text).decode(errors="replace")
                    lib.rp_free(event.text)
                    self._log(_LEVEL_NAMES.get(event.level, "error"), text, value)
                else:
                    self._undelivered(Pid(event.user), value, terms.read(event.reason))
            except Exception as error:
                report(error)  # the next one is handed on all the same

    def close(self) -> None:
        """Hands on what is there, and ends."""
        if self._thread is None:
            return
        lib.rp_queue_close(self._queue)
        if self._thread is not threading.current_thread():
            self._thread.join()
            lib.rp_queue_free(self._queue)


#: Those that have not been shut down, by the id of their root.
_running: dict[int, Runtime] = {}


@atexit.register
def _leave() -> None:
    """Ends what runs while Python still can run it. After this no callback enters Python any more."""
    for runtime in list(_running.values()):
        try:
            runtime.shutdown(runtime.exit_timeout)
        except RegrowError:
            pass  # in the child of a fork, or in a callback: the program ends all the same
    lib.rp_close()


def _forked() -> None:
    """In the child of a fork no runtime lives, and its threads are gone."""
    _running.clear()


os.register_at_fork(after_in_child=_forked)
