"""Processes: their pids, what can be asked of any of them, and what the calling process can do.

Everything that lives is a process, and every handle is a `Pid`: an agent, a supervisor, a server. It can be compared,
put into messages and kept for ever; one whose process has ended raises `NoProcessError`.

What "needs an identity" runs in a process: in a callback, a task, or a thread inside `Runtime.enter()`. Elsewhere it is
a `ContextError`. Times are seconds; None is no limit.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from . import terms
from ._handles import function, held, hold, milliseconds, release
from ._native import ffi, lib
from .errors import TimeoutError
from .request import Request
from .terms import NORMAL, Ref

if TYPE_CHECKING:
    from .registry import Registry

__all__ = [
    "Pid", "Address", "self_pid", "send", "receive", "receive_async", "flush", "sleep", "link", "unlink", "monitor",
    "demonitor", "trap_exit", "alias", "unalias", "set_label",
]  # fmt: skip

P = TypeVar("P", bound="Pid")


class Pid:
    """A process: a plain value, equal to every other `Pid` of the same process, whatever its class."""

    __slots__ = ("id",)

    def __init__(self, process: Pid | int) -> None:
        self.id: int = process.id if isinstance(process, Pid) else terms.word(process)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pid) and other.id == self.id

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({terms.show(self)})"

    # ---- messages ----

    def send(self, message: Any) -> None:
        """Sends a plain message: a server gets it in `handle_info`, others with `receive()`. Fine if it is dead."""
        packed = terms.pack(message)
        code = lib.rp_send(self.id, packed, len(packed))
        if code:
            raise terms.last_failure(code)

    def cast(self, message: Any) -> None:
        """Tells a server something, which gets it in `handle_cast`. Fine if it is dead."""
        packed = terms.pack(message)
        code = lib.rp_cast(self.id, packed, len(packed))
        if code:
            raise terms.last_failure(code)

    def call(self, request: Any, timeout: float | None = 5.0) -> Any:
        """Asks a server and waits for its answer.

        Raises `NoProcessError`, `TimeoutError`, `SelfCallError`, or `ExitedError` when it ended before it answered.
        """
        packed = terms.pack(request)
        return terms.checked(lib.rp_call(self.id, packed, len(packed), milliseconds(timeout)))

    def call_async(self, request: Any, timeout: float | None = 5.0) -> Request[Any]:
        """As `call()`, to be collected later: `await` it, or take its `result()`."""
        pending = ffi.new("regrow_request **")
        limit = milliseconds(timeout)
        terms.check(lib.regrow_call_async((self.id,), terms.moved(request), limit, pending))
        return Request(pending[0], _same)

    def send_after(self, seconds: float, message: Any) -> Ref:
        """Sends a message after a while; never early. See `Runtime.cancel_timer()`."""
        timer = ffi.new("regrow_ref *")
        terms.check(lib.regrow_send_after((self.id,), _finite(seconds), terms.moved(message), timer))
        return Ref(timer.id)

    def start_timer(self, seconds: float, message: Any) -> Ref:
        """As `send_after()`; the message comes as `(Atom("timeout"), Ref, message)`."""
        timer = ffi.new("regrow_ref *")
        terms.check(lib.regrow_start_timer((self.id,), _finite(seconds), terms.moved(message), timer))
        return Ref(timer.id)

    def send_interval(self, seconds: float, message: Any) -> Ref:
        """Sends a message again and again, without drift, until the timer is cancelled or the process ends."""
        timer = ffi.new("regrow_ref *")
        terms.check(lib.regrow_send_interval((self.id,), _finite(seconds), terms.moved(message), timer))
        return Ref(timer.id)

    def cancel_timer(self, timer: Ref, flush: bool = False) -> float:
        """Cancels a timer of the runtime that this process lives in; the seconds that it had left.

        `NotFoundError` when it has fired. `flush` takes the message of a `start_timer()` out of the caller's mailbox.
        """
        left = ffi.new("uint64_t *")
        flags = lib.REGROW_FLUSH if flush else 0
        terms.check(lib.regrow_cancel_timer((self.id,), (_ref(timer),), flags, left))
        return int(left[0]) / 1000

    def read_timer(self, timer: Ref) -> float:
        """The seconds that a timer has left; `NotFoundError` when it has fired or was cancelled."""
        left = ffi.new("uint64_t *")
        terms.check(lib.regrow_read_timer((self.id,), (_ref(timer),), left))
        return int(left[0]) / 1000

    def send_alias(self, alias: Ref, message: Any, priority: bool = False) -> None:
        """Sends to an alias of this process; dropped when that was taken away. `priority` needs a priority alias."""
        flags = lib.REGROW_PRIORITY if priority else 0
        target = _ref(alias)
        terms.check(lib.regrow_send_alias_opt((self.id,), (target,), terms.moved(message), flags))

    def exit_alias(self, alias: Ref, reason: Any = NORMAL, priority: bool = False) -> None:
        """As `exit()`, to an alias of this process; nothing happens when that was taken away."""
        flags = lib.REGROW_PRIORITY if priority else 0
        target = _ref(alias)
        terms.check(lib.regrow_exit_alias((self.id,), (target,), terms.moved(reason), flags))

    # ---- life and death ----

    def is_alive(self) -> bool:
        """Whether it is alive; no only once everything it held is released. Never waits."""
        return bool(lib.regrow_is_alive((self.id,)))

    def exit(self, reason: Any = NORMAL) -> None:
        """Sends an exit signal, as OTP's exit/2: `KILL` ends any process at once. Fine if it is dead."""
        terms.check(lib.regrow_exit((self.id,), terms.moved(reason)))

    def stop(self, reason: Any = NORMAL, timeout: float | None = None) -> None:
        """Asks it to end, after its `terminate`, and waits until it has.

        `ExitedError` when it ended with another reason; `TimeoutError`: it goes on.
        """
        limit = milliseconds(timeout)
        terms.check(lib.regrow_stop((self.id,), terms.moved(reason), limit))

    def stop_async(self, reason: Any = NORMAL, timeout: float | None = None) -> Request[None]:
        """As `stop()`, to be collected later."""
        pending = ffi.new("regrow_request **")
        limit = milliseconds(timeout)
        terms.check(lib.regrow_stop_async((self.id,), terms.moved(reason), limit, pending))
        return Request(pending[0], _nothing)

    # ---- looking in ----

    def info(self) -> dict[Any, Any]:
        """What can be said of it without asking it; keys are atoms."""
        out = ffi.new("regrow_term *")
        terms.check(lib.regrow_info((self.id,), out))
        return dict(terms.taken(out))

    def root(self) -> Pid:
        """The root of the runtime that it lives in."""
        out = ffi.new("regrow_pid *")
        terms.check(lib.regrow_root((self.id,), out))
        return Pid(out.id)

    def get_state(self, timeout: float | None = 5.0) -> Any:
        """The state of a process, as its `get_state` shows it."""
        out = ffi.new("regrow_term *")
        terms.check(lib.regrow_get_state((self.id,), milliseconds(timeout), out))
        return terms.taken(out)

    def replace_state(self, state: Any, timeout: float | None = 5.0) -> None:
        """Gives a server another state, through its `replace_state`, or an agent."""
        limit = milliseconds(timeout)
        terms.check(lib.regrow_replace_state((self.id,), terms.moved(state), limit))

    def get_status(self, timeout: float | None = 5.0) -> dict[Any, Any]:
        """What there is to be known of it, asked of it itself; keys are atoms."""
        out = ffi.new("regrow_term *")
        terms.check(lib.regrow_get_status((self.id,), milliseconds(timeout), out))
        return dict(terms.taken(out))

    def suspend(self, timeout: float | None = 5.0) -> None:
        """Has it handle nothing until `resume()`."""
        terms.check(lib.regrow_suspend((self.id,), milliseconds(timeout)))

    def resume(self, timeout: float | None = 5.0) -> None:
        """Ends a suspension."""
        terms.check(lib.regrow_resume((self.id,), milliseconds(timeout)))

    def trace(self, on: bool = True, timeout: float | None = 5.0) -> None:
        """Has it write what comes in and goes out to the log."""
        terms.check(lib.regrow_trace((self.id,), bool(on), milliseconds(timeout)))

    # ---- names ----

    def register_name(self, name: Any) -> None:
        """Gives it a name, any term, until it ends. `ExistsError` when that is taken, or it has one."""
        terms.check(lib.regrow_register_term((self.id,), terms.moved(_name(name))))


terms.register(Pid, b"p")


class Address:
    """Whom to talk to by name, or by registry and key: a restart is none of your business.

    `wait` is for how many seconds to wait for somebody to be there: `Address("counter", runtime, wait=1)`. `runtime` is
    a `Runtime` or any process of it; in a process it may be left out.
    """

    def __init__(
        self,
        name: Any = None,
        runtime: Any = None,
        *,
        registry: Registry | Pid | str | None = None,
        key: Any = None,
        value: Any = None,
        wait: float | None = 0,
    ) -> None:
        if (name is None) == (registry is None):
            raise ValueError("an address has a name, or a registry and a key")
        struct = ffi.new("regrow_address *")
        struct.size = ffi.sizeof("regrow_address")
        struct.wait_ms = milliseconds(wait, "wait")
        #: What the struct points to.
        self._kept: list[Any] = []
        if runtime is not None:
            struct.runtime.id = runtime_id(runtime)
        if name is not None:
            struct.name_term = self._keep(_name(name))
        else:
            if isinstance(registry, Pid):
                struct.registry.id = registry.id
            else:
                struct.registry_name_term = self._keep(_name(registry))
            struct.key = self._keep(key)
            if value is not None:
                struct.value = self._keep(value)
        self._struct = struct
        self._shown = f"{name!r}" if name is not None else f"registry={registry!r}, key={key!r}"

    def _keep(self, value: Any) -> Any:
        term = terms.borrowed(value)
        self._kept.append(term)
        return term

    def __repr__(self) -> str:
        return f"Address({self._shown})"

    def whereis(self) -> Pid:
        """The process that is there now. `NotFoundError` when nobody is."""
        out = ffi.new("regrow_pid *")
        terms.check(lib.regrow_whereis_at(self._struct, out))
        return Pid(out.id)

    def call(self, request: Any, timeout: float | None = 5.0) -> Any:
        """As `Pid.call()`. A process that ends before it takes the call up is looked for again."""
        out = ffi.new("regrow_term *")
        limit = milliseconds(timeout)
        terms.check(lib.regrow_call_at(self._struct, terms.moved(request), limit, out))
        return terms.taken(out)

    def call_async(self, request: Any, timeout: float | None = 5.0) -> Request[Any]:
        """As `call()`, to be collected later; it follows a restart while the address waits."""
        pending = ffi.new("regrow_request **")
        limit = milliseconds(timeout)
        code = lib.regrow_call_async_at(self._struct, terms.moved(request), limit, pending)
        terms.check(code)
        return Request(pending[0], _same)

    def cast(self, message: Any) -> None:
        """As `Pid.cast()`, but `NotFoundError` when nobody is there."""
        terms.check(lib.regrow_cast_at(self._struct, terms.moved(message)))

    def send(self, message: Any) -> None:
        """As `Pid.send()`, but `NotFoundError` when nobody is there."""
        terms.check(lib.regrow_send_at(self._struct, terms.moved(message)))

    def send_after(self, seconds: float, message: Any) -> Ref:
        """Sends to whoever is there when the time has come."""
        timer = ffi.new("regrow_ref *")
        terms.check(lib.regrow_send_after_at(self._struct, _finite(seconds), terms.moved(message), timer))
        return Ref(timer.id)

    def monitor(self) -> Ref:
        """As `monitor()`; the DOWN names the name or the key in place of the pid. Needs an identity."""
        out = ffi.new("regrow_ref *")
        terms.check(lib.regrow_monitor_at(self._struct, out))
        return Ref(out.id)

    def stop(self, reason: Any = NORMAL, timeout: float | None = None) -> None:
        """As `Pid.stop()`."""
        limit = milliseconds(timeout)
        terms.check(lib.regrow_stop_at(self._struct, terms.moved(reason), limit))


# ---- arguments ----


def process_id(process: Any) -> int:
    """The id of what is given as a process."""
    if isinstance(process, Pid):
        return process.id
    raise TypeError(f"a process is a Pid, not {type(process).__name__}")


def runtime_id(runtime: Any) -> int:
    """The id of a process of what is given as a runtime: that itself, or any process of it."""
    return process_id(runtime if isinstance(runtime, Pid) else getattr(runtime, "root", runtime))


def _name(name: Any) -> Any:
    if isinstance(name, str) and not name:
        raise ValueError("a name is not empty")
    return name


def _ref(ref: Any) -> int:
    if type(ref) is Ref:
        return ref.id
    raise TypeError(f"a Ref is needed, not {type(ref).__name__}")


def _finite(seconds: float) -> int:
    limit = milliseconds(seconds, "the time")
    if limit == lib.REGROW_INFINITY:
        raise ValueError("a timer has a time")
    return limit


def _same(value: Any) -> Any:
    return value


def _nothing(value: Any) -> None:
    return None


# ---- the calling process ----


def self_pid() -> Pid:
    """The calling process. Needs an identity."""
    out = ffi.new("regrow_pid *")
    terms.check(lib.regrow_self(out))
    return Pid(out.id)


def send(process: Pid | Address, message: Any) -> None:
    """Sends a plain message."""
    if not isinstance(process, (Pid, Address)):
        raise TypeError(f"a process is a Pid or an Address, not {type(process).__name__}")
    process.send(message)


def receive(timeout: float | None = None, matching: Callable[[Any], bool] | None = None) -> Any:
    """Takes the oldest message, or the oldest that `matching` takes; the others stay. Needs an identity.

    `TimeoutError` when none comes in time. `matching` gets a message, and may not wait.
    """
    limit = milliseconds(timeout)
    if matching is None:
        return terms.checked(lib.rp_receive(limit))
    search = _Search(function(matching, "matching"))
    number = hold(search)
    try:
        value = lib.rp_receive_match(number, limit)
    finally:
        release(number)
    if search.error is not None:
        # Another message than this one had been taken for it, if any: it is not lost.
        if not value.error:
            self_pid().send(terms.read(value))
        raise search.error
    return terms.checked(value)


class _Search:
    """The function of a selective receive, and what it raised."""

    def __init__(self, matching: Callable[[Any], bool]) -> None:
        self.matching = matching
        self.error: BaseException | None = None

    def takes(self, message: Any) -> bool:
        try:
            return bool(self.matching(message))
        except BaseException as error:
            self.error = error
            return True


@ffi.def_extern()  # type: ignore[untyped-decorator]
def rp_py_match(number: int, message: Any) -> bool:
    search: _Search = held(number)
    return search.takes(terms.read(message))


async def receive_async(timeout: float | None = None) -> Any:
    """As `receive()`, for an event loop whose thread is inside `Runtime.enter()`."""
    import asyncio  # here, as most programs do without it and it takes long to import

    loop = asyncio.get_running_loop()
    limit = None if timeout is None else loop.time() + milliseconds(timeout) / 1000
    fd = ffi.new("int32_t *")
    terms.check(lib.regrow_thread_fd(fd))
    while True:
        try:
            return receive(0)
        except TimeoutError:
            pass
        if limit is not None and loop.time() >= limit:
            raise TimeoutError("no message came in time")
        ready = loop.create_future()
        loop.add_reader(fd[0], _wake, ready, fd[0])
        try:
            await asyncio.wait([ready], timeout=None if limit is None else limit - loop.time())
        finally:
            loop.remove_reader(fd[0])


def _wake(ready: Any, fd: int) -> None:
    try:
        os.read(fd, 8)
    except BlockingIOError:
        pass
    if not ready.done():
        ready.set_result(None)


def flush() -> int:
    """Drops the messages that are there now; how many. Needs an identity."""
    count = ffi.new("size_t *")
    terms.check(lib.regrow_flush(count))
    return int(count[0])


def sleep(seconds: float) -> None:
    """Does nothing for a while, by the runtime's clock (real time on a thread without identity)."""
    terms.check(lib.regrow_sleep(_finite(seconds)))


def link(process: Pid, priority: bool = False) -> None:
    """Links the caller with another process: the end of either is an exit signal to the other. Needs an identity."""
    flags = lib.REGROW_PRIORITY if priority else 0
    terms.check(lib.regrow_link_opt((process_id(process),), flags))


def unlink(process: Pid) -> None:
    """Takes the link away; no EXIT of it comes after this. Needs an identity."""
    terms.check(lib.regrow_unlink((process_id(process),)))


def monitor(process: Pid, priority: bool = False) -> Ref:
    """Has the caller get `(Atom("DOWN"), Ref, Atom("process"), Pid, reason)` once the process ends. Needs an identity."""
    out = ffi.new("regrow_ref *")
    flags = lib.REGROW_PRIORITY if priority else 0
    terms.check(lib.regrow_monitor_opt((process_id(process),), flags, out))
    return Ref(out.id)


def demonitor(ref: Ref, flush: bool = False) -> bool:
    """Takes a monitor away, with `flush` its DOWN too; False when it had fired, or never was. Needs an identity."""
    removed = ffi.new("bool *")
    terms.check(lib.regrow_demonitor((_ref(ref),), lib.REGROW_FLUSH if flush else 0, removed))
    return bool(removed[0])


def trap_exit(trap: bool = True) -> bool:
    """Says whether exit signals to the caller become messages; returns how it was. Needs an identity."""
    previous = ffi.new("bool *")
    terms.check(lib.regrow_trap_exit(bool(trap), previous))
    return bool(previous[0])


def alias(priority: bool = False) -> Ref:
    """Makes a Ref that others can send to, until it is taken away or the caller ends. Needs an identity."""
    out = ffi.new("regrow_ref *")
    terms.check(lib.regrow_alias_opt(lib.REGROW_PRIORITY if priority else 0, out))
    return Ref(out.id)


def unalias(ref: Ref) -> bool:
    """Takes an alias away; False when it was none. Needs an identity."""
    removed = ffi.new("bool *")
    terms.check(lib.regrow_unalias((_ref(ref),), removed))
    return bool(removed[0])


def set_label(label: Any) -> None:
    """Gives the calling process a label, for people and tools. Needs an identity."""
    terms.check(lib.regrow_set_label(terms.borrowed(label)))
