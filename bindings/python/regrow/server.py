"""Servers written in Python: a class with the callbacks that it has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from . import terms
from ._handles import held, hold, milliseconds, report
from ._native import ffi, lib
from .errors import ContextError, Exit, KilledError, TermError
from .process import Pid, process_id
from .specs import ServerSpec, add_children
from .terms import Atom

__all__ = ["Server", "Reply", "NoReply", "Stop", "Ready", "IGNORE", "Caller"]


class _Missing:
    def __repr__(self) -> str:
        return "MISSING"


_MISSING: Final = _Missing()


class _Ignore:
    def __repr__(self) -> str:
        return "IGNORE"


#: What `init` returns not to be started, without that being an error.
IGNORE: Final = _Ignore()


@dataclass(frozen=True)
class _Next:
    """What comes next: `continue_with` goes to `handle_continue` before any message; after `timeout` seconds without a
    message `handle_info` gets `Atom("timeout")`."""

    continue_with: Any = _MISSING
    timeout: float | None = None

    def _wrap(self, context: Any, code: int) -> int:
        if self.timeout is not None:
            code = lib.regrow_idle_timeout(context, code, milliseconds(self.timeout))
        if self.continue_with is not _MISSING:
            code = lib.regrow_continue(context, code, terms.moved(self.continue_with))
        return code


@dataclass(frozen=True)
class Ready(_Next):
    """From `init`: it is up. As returning None, with what comes next."""


@dataclass(frozen=True)
class NoReply(_Next):
    """Go on. From `handle_call` without an answer: it was put off with `defer()`, or the caller gets `no_reply`."""


@dataclass(frozen=True)
class _Answer:
    answer: Any


@dataclass(frozen=True)
class Reply(_Next, _Answer):
    """From `handle_call`: an answer, as returning it, with what comes next."""


@dataclass(frozen=True)
class Stop:
    """Ends the server with a reason; from `handle_call`, the caller gets `answer` first, if there is one."""

    reason: Any = terms.NORMAL
    answer: Any = _MISSING


class Caller:
    """Whom to answer later: one call, put off with `Server.defer()`. May be answered in any thread, once."""

    def __init__(self, caller: Any, busy: bool = False) -> None:
        self._token: Any = None
        if not isinstance(caller, ffi.CData):
            raise TypeError("a Caller comes from Server.defer(), and is not made")
        self._caller = ffi.new("regrow_caller *", {"server": caller.server, "call": caller.call})
        if busy:
            # Of the root: the token outlives the server.
            root, token = ffi.new("regrow_pid *"), ffi.new("regrow_ref *")
            terms.check(lib.regrow_root((caller.server,), root))
            terms.check(lib.regrow_busy(root[0], token))
            self._token = (root, token)

    def answer(self, value: Any) -> None:
        """Gives the answer. `NotFoundError` when it was given before, or the server has ended."""
        term = terms.moved(value)
        code = lib.regrow_answer(self._caller[0], term)
        failure = terms.last_failure(code) if code else None
        self._done()
        if failure is not None:
            raise failure

    def _done(self) -> None:
        if self._token is not None:
            root, token = self._token
            self._token = None
            lib.regrow_done(root[0], token[0])

    def __del__(self) -> None:
        self._done()


class Server:
    """A server. Derive from it, keep the state in `self`, and start it as a child of a supervisor:

    >>> class Counter(Server):
    ...     def init(self, start):
    ...         self.count = start
    ...     def handle_call(self, request):
    ...         self.count += 1
    ...         return self.count
    >>> ServerSpec(Counter, 0, name="counter")  # doctest: +SKIP

    Its callbacks run one at a time, each start with an object of its own. An exception that leaves one is the exit reason:
    `(Atom("exception"), type, message, traceback)`; `raise Exit(reason)` gives another. Unless its home is "shared" it has
    a thread of its own, and may wait in its callbacks; other threads of Python go on meanwhile.
    """

    _context: Any = None

    def init(self, arg: Any) -> Any:
        """Makes the state, before the starter goes on. Returns None, `Ready(...)`, `IGNORE` or `Stop(reason)`."""

    def handle_call(self, request: Any) -> Any:
        """Answers `Pid.call()`: what it returns is the answer, unless it is a `Reply`, `NoReply` or `Stop`."""
        raise Exit((Atom("bad_call"), request))

    def handle_cast(self, message: Any) -> Any:
        """Takes what `Pid.cast()` tells. Returns None, `NoReply(...)` or `Stop(reason)`."""
        raise Exit((Atom("bad_cast"), message))

    def handle_info(self, message: Any) -> Any:
        """Takes any other message: `send()`, timers, DOWN, EXIT. As `handle_cast()`; by default they are dropped."""

    def handle_continue(self, arg: Any) -> Any:
        """Takes what a callback said in `continue_with`, before any message. As `handle_cast()`."""
        raise Exit((Atom("bad_continue"), arg))

    def terminate(self, reason: Any) -> None:
        """The last callback: the server ends by itself, is stopped, or its parent ends it and it traps exits."""

    # A class that has these can be looked into by `Pid.get_state()`, and be given a state by `Pid.replace_state()`:
    #
    #     def get_state(self): ...
    #     def replace_state(self, state): ...

    def defer(self, busy: bool = True) -> Caller:
        """In `handle_call`: puts the answer off, to be given with `Caller.answer()`; return `NoReply()` then.

        Until it is given, `Runtime.settle()` takes the runtime to be busy, unless `busy` is False.
        """
        if self._context is None:
            raise ContextError("defer() is for handle_call()")
        caller = ffi.new("regrow_caller *")
        terms.check(lib.regrow_defer(self._context, caller))
        return Caller(caller, busy)

    @classmethod
    def spec(cls, arg: Any = None, **options: Any) -> ServerSpec:
        """The `ServerSpec` of this class."""
        return ServerSpec(cls, **options) if arg is None else ServerSpec(cls, arg, **options)

    @classmethod
    def _has(cls) -> int:
        has = lib.RP_HAS_STATE if hasattr(cls, "get_state") else 0
        return int(has | (lib.RP_HAS_REPLACE if hasattr(cls, "replace_state") else 0))


_STOPPED: Final = Atom("bad_return_value")


def stop_with(context: Any, error: BaseException) -> int:
    """What a callback returns that an exception left."""
    if isinstance(error, KilledError):
        return int(lib.REGROW_NOREPLY)  # nobody looks at it
    try:
        reason = terms.moved(terms.reason_of(error))
    except BaseException:
        reason = terms.moved((Atom("exception"), type(error).__name__, "", ""))
    return int(lib.regrow_stop_self(context, reason))


def _bad_return(context: Any, value: Any) -> int:
    try:
        shown = terms.moved((_STOPPED, value))
    except TermError:
        shown = terms.moved((_STOPPED, repr(value)))
    return int(lib.regrow_stop_self(context, shown))


@ffi.def_extern()  # type: ignore[untyped-decorator]
def rp_py_init(context: Any, user: int, arg: Any, state: Any) -> int:
    value = None
    try:
        value = terms.read(arg)
        server = held(user)()
        server._context = context
        try:
            result = server.init(value)
            if isinstance(result, Stop):
                return int(lib.regrow_stop_self(context, terms.moved(result.reason)))
            if result is IGNORE:
                return int(lib.REGROW_IGNORE)
            if result is not None and not isinstance(result, Ready):
                return _bad_return(context, result)
            code = lib.REGROW_READY if result is None else result._wrap(context, lib.REGROW_READY)
        finally:
            server._context = None
        state[0] = hold(server)
        return int(code)
    except BaseException as error:
        return stop_with(context, error)


@ffi.def_extern()  # type: ignore[untyped-decorator]
def rp_py_supervisor_init(context: Any, user: int, arg: Any, children: Any) -> int:
    try:
        result = held(user)(terms.read(arg))
        if isinstance(result, Stop):
            return int(lib.regrow_stop_self(context, terms.moved(result.reason)))
        if result is IGNORE:
            return int(lib.REGROW_IGNORE)
        if result is not None:
            add_children(children, result)
        return int(lib.REGROW_READY)
    except BaseException as error:
        return stop_with(context, error)


_NAMES = {
    lib.RP_CALL: "handle_call", lib.RP_CAST: "handle_cast", lib.RP_INFO: "handle_info",
    lib.RP_CONTINUE: "handle_continue",
}  # fmt: skip
_CALL = lib.RP_CALL
_NOREPLY = lib.REGROW_NOREPLY


@ffi.def_extern()  # type: ignore[untyped-decorator]
def rp_py_handle(context: Any, state: int, which: int, message: Any) -> int:
    try:
        value = terms.read(message)
        server = held(state)
        before = server._context
        server._context = context
        try:
            result = getattr(server, _NAMES[which])(value)
        finally:
            server._context = before
        return _answered(context, result) if which == _CALL else _went_on(context, result)
    except BaseException as error:
        return stop_with(context, error)


def _answered(context: Any, result: Any) -> int:
    if isinstance(result, Stop):
        if result.answer is _MISSING:
            return int(lib.regrow_stop_self(context, terms.moved(result.reason)))
        reason = terms.borrowed(result.reason)
        return int(lib.regrow_reply_stop(context, terms.moved(result.answer), lib.regrow_term_clone(reason)))
    if isinstance(result, NoReply):
        return result._wrap(context, _NOREPLY)
    if isinstance(result, (Ready, _Ignore)):
        return _bad_return(context, result)
    if isinstance(result, Reply):
        packed = terms.pack(result.answer)
        return result._wrap(context, lib.rp_reply(context, packed, len(packed)))
    packed = terms.pack(result)
    return int(lib.rp_reply(context, packed, len(packed)))


def _went_on(context: Any, result: Any) -> int:
    if result is None:
        return int(_NOREPLY)
    if isinstance(result, Stop) and result.answer is _MISSING:
        return int(lib.regrow_stop_self(context, terms.moved(result.reason)))
    if isinstance(result, NoReply):
        return result._wrap(context, _NOREPLY)
    return _bad_return(context, result)


@ffi.def_extern()  # type: ignore[untyped-decorator]
def rp_py_terminate(context: Any, state: int, reason: Any) -> None:
    try:
        value = terms.read(reason)
        held(state).terminate(value)
    except KilledError:
        pass
    except BaseException as error:
        report(error)


@ffi.def_extern()  # type: ignore[untyped-decorator]
def rp_py_get_state(state: int, shown: Any) -> int:
    try:
        terms.put(held(state).get_state(), shown)
        return 0
    except BaseException as error:
        report(error)
        return int(lib.REGROW_ERR_WRONG_KIND)


@ffi.def_extern()  # type: ignore[untyped-decorator]
def rp_py_replace_state(state: int, given: Any) -> int:
    try:
        value = terms.read(given)
        held(state).replace_state(value)
        return 0
    except BaseException as error:
        report(error)
        return int(lib.REGROW_ERR_WRONG_KIND)


@ffi.def_extern()  # type: ignore[untyped-decorator]
def rp_py_body(context: Any, user: int) -> int:
    try:
        held(user)()
        return int(lib.REGROW_DONE)
    except BaseException as error:
        return stop_with(context, error)


@ffi.def_extern()  # type: ignore[untyped-decorator]
def rp_py_deliver(user: int, pid: int, message: Any, caller: Any) -> None:
    try:
        value = terms.read(message)
        held(user)[0](Pid(pid), value, Caller(caller) if caller.call or caller.server else None)
    except KilledError:
        pass
    except BaseException as error:
        # What it stands for cannot take messages: it has failed.
        lib.regrow_host_exit((pid,), terms.moved(terms.reason_of(error)))


@ffi.def_extern()  # type: ignore[untyped-decorator]
def rp_py_host_exit(user: int, pid: int, reason: Any) -> None:
    try:
        value = terms.read(reason)
        told = held(user)[1]
        if told is not None:
            told(Pid(pid), value)
    except BaseException as error:
        report(error)


@ffi.def_extern()  # type: ignore[untyped-decorator]
def rp_py_object_drop(address: int) -> None:
    terms.release_object(address)


def host_exit(host: Pid, reason: Any = terms.NORMAL) -> None:
    """Ends a host process, as if it had ended by itself: what it stands for is gone."""
    terms.check(lib.regrow_host_exit((process_id(host),), terms.moved(reason)))
