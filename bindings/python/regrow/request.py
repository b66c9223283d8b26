"""Something under way: an answer, a start or an end that is waited for later, by a thread or an event loop."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from . import terms
from ._handles import INFINITY, milliseconds
from ._native import ffi, lib
from .errors import ContextError, LimitError, RegrowError, TimeoutError

if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")

__all__ = ["Request"]


class Request(Generic[T]):
    """Waits with `result()` in a thread, or with `await` in an event loop.

    A request has a time limit of its own, given when it was made. Dropping it gives it up: an answer that still comes
    is dropped, and what was asked for goes on.
    """

    def __init__(self, pending: Any, convert: Callable[[Any], T]) -> None:
        self._pending = ffi.gc(pending, lib.regrow_request_free)
        self._convert = convert
        self._lock = threading.Lock()
        self._future: asyncio.Future[T] | None = None
        self._outcome: T | None = None
        self._error: BaseException | None = None
        self._known = False

    def result(self, timeout: float | None = None) -> T:
        """Waits for the outcome: returns it, or raises why there is none.

        `TimeoutError` when it takes longer than `timeout` seconds: the request goes on, and can be waited for again.
        """
        limit = milliseconds(timeout)
        if not self._lock.acquire(timeout=-1 if limit == INFINITY else limit / 1000):
            raise TimeoutError("another thread waits for this request")
        try:
            if not self._known:
                self._wait(limit)
        finally:
            self._lock.release()
        if self._error is not None:
            raise self._error
        return self._outcome  # type: ignore[return-value]

    def _wait(self, limit: int) -> None:
        if self._future is not None:
            raise ContextError("this request is awaited by an event loop")
        if self._pending is None:
            raise ContextError("this request was cancelled")
        out = ffi.new("regrow_term *")
        code = lib.regrow_request_wait(self._pending, limit, out)
        if not code:
            self._settle(terms.taken(out), None)
            return
        error = terms.last_failure(code)
        if code in (lib.REGROW_ERR_TIMEOUT, lib.REGROW_ERR_WOULD_BLOCK, lib.REGROW_ERR_KILLED, lib.REGROW_ERR_FORKED):
            raise error  # of this wait, or the request's own: the next wait tells
        self._settle(None, error)

    def _settle(self, value: Any, error: BaseException | None) -> None:
        if error is None:
            try:
                self._outcome = self._convert(value)
            except RegrowError as failed:
                error = failed
        self._error = error
        self._known = True
        self._pending = None

    def done(self) -> bool:
        """Whether the outcome is known. Never waits."""
        if self._future is not None:
            return self._future.done()
        try:
            self.result(0)
        except TimeoutError:
            return self._known
        except RegrowError:
            return self._known
        return True

    def cancel(self) -> None:
        """Gives the request up. What was asked for goes on, and its answer is dropped."""
        with self._lock:
            self._pending = None

    def __await__(self) -> Generator[Any, None, T]:
        import asyncio  # here, as most programs do without it and it takes long to import

        if self._future is None:
            self._future = self._hand_over(asyncio.get_running_loop())
        return self._future.__await__()

    def _hand_over(self, loop: asyncio.AbstractEventLoop) -> asyncio.Future[T]:
        with self._lock:
            future: asyncio.Future[T] = loop.create_future()
            if self._known:
                if self._error is not None:
                    future.set_exception(self._error)
                else:
                    future.set_result(self._outcome)  # type: ignore[arg-type]
            elif self._pending is None:
                raise ContextError("this request was cancelled")
            else:
                pending, self._pending = self._pending, None
                _outcomes(loop).expect(pending, future, self._convert)
            return future


class _Outcomes:
    """What an event loop awaits: one queue of outcomes, one file descriptor, for all of its requests."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        queue = lib.rp_queue_new()
        if queue == ffi.NULL:
            raise LimitError("no file descriptor can be had")
        self._queue = ffi.gc(queue, lib.rp_queue_free)
        self._waiting: dict[int, tuple[asyncio.Future[Any], Callable[[Any], Any]]] = {}
        self._next = 0
        loop.add_reader(lib.rp_queue_fd(queue), self._take)

    def expect(self, pending: Any, future: asyncio.Future[Any], convert: Callable[[Any], Any]) -> None:
        self._next += 1
        self._waiting[self._next] = future, convert
        ffi.gc(pending, None)  # given away, also when the call fails
        code = lib.rp_on_reply(pending, self._queue, self._next)
        if code:
            # Refused: in the child of a fork.
            del self._waiting[self._next]
            future.set_exception(terms.last_failure(code))

    def _take(self) -> None:
        while True:
            event = lib.rp_queue_take(self._queue)
            if event.kind == lib.RP_EMPTY:
                return
            code = event.value.error
            value = terms.read(event.value) if not code or event.value.kind != lib.RP_NOTHING else None
            future, convert = self._waiting.pop(event.user)
            if future.done():
                continue
            if code:
                name = ffi.string(lib.regrow_error_name(code)).decode()
                future.set_exception(terms.failure(code, value, name))
                continue
            try:
                future.set_result(convert(value))
            except RegrowError as error:
                future.set_exception(error)


_loops: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Outcomes] = weakref.WeakKeyDictionary()


def _outcomes(loop: asyncio.AbstractEventLoop) -> _Outcomes:
    known = _loops.get(loop)
    if known is None:
        known = _loops[loop] = _Outcomes(loop)
    return known
