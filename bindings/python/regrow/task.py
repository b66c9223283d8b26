"""Tasks: functions in processes of their own, whose values are waited for; and their supervisor.

A task's function and its arguments are Python's own, and may be anything; its value is a term.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from . import terms
from ._handles import choice, function, held, hold, milliseconds, number, release
from ._native import ffi, lib
from .errors import ArgumentError
from .process import Pid, process_id
from .request import Request
from .server import stop_with
from .specs import Structs, TaskSpec, TaskSupervisorSpec
from .supervisor import Supervisor
from .terms import Atom, Ref

__all__ = ["Task", "TaskSupervisor", "task", "await_many", "yield_many", "stream"]


class Task:
    """A task, as its owner knows it. Its value comes to the owner as `(ref, value)`, its end as the DOWN of `ref`;
    whoever takes neither with the methods here finds them among its messages."""

    def __init__(self, pid: Pid, ref: Ref) -> None:
        self.pid = pid
        self.ref = ref

    def __repr__(self) -> str:
        return f"Task({self.pid!r}, {self.ref!r})"

    def _struct(self) -> Any:
        return ((self.pid.id,), (self.ref.id,))

    def result(self, timeout: float | None = 5.0) -> Any:
        """Waits for the value (OTP's await). Needs an identity: its owner's.

        `TimeoutError`: the task runs on and its value will be dropped; `ExitedError` when it ended without one;
        `NotFoundError` when nothing will ever come.
        """
        out = ffi.new("regrow_term *")
        terms.check(lib.regrow_task_await(self._struct(), milliseconds(timeout), out))
        return terms.taken(out)

    def poll(self, timeout: float | None = 0) -> Any:
        """As `result()`, but after `TimeoutError` the task can be waited for again (OTP's yield)."""
        out = ffi.new("regrow_term *")
        terms.check(lib.regrow_task_yield(self._struct(), milliseconds(timeout), out))
        return terms.taken(out)

    def shutdown(self, timeout: float | str | None = 5.0) -> Any:
        """Unlinks the task, ends it, and waits until it has ended; the value that it had before, if any.

        `timeout` is the time it has, then it is killed; "brutal_kill": at once. `NotFoundError` when it ended as it
        was told, without a value; `ExitedError` when it ended, or had ended, in another way.
        """
        out = ffi.new("regrow_term *")
        if isinstance(timeout, str):
            if timeout != "brutal_kill":
                raise ArgumentError("timeout is a number of seconds, None or 'brutal_kill'")
            limit = int(lib.REGROW_BRUTAL_KILL)
        else:
            limit = milliseconds(timeout)
        terms.check(lib.regrow_task_shutdown(self._struct(), limit, out))
        return terms.taken(out)

    def ignore(self) -> Any:
        """Lets the task go: it runs on, unlinked, and nothing of it comes any more. Its value, if it has ended; else
        `TimeoutError`."""
        out = ffi.new("regrow_term *")
        terms.check(lib.regrow_task_ignore(self._struct(), out))
        return terms.taken(out)


def task(run: Callable[..., Any], *args: Any, watchdog: float | None = None) -> Task:
    """Starts a task that is linked with the caller, its owner (OTP's async): if it crashes, so does the owner, unless
    that traps exits. Needs an identity."""
    return _start(TaskSpec(run, args, watchdog), lambda spec, out: lib.regrow_task_async(spec, out))


def _start(spec: TaskSpec, call: Callable[[Any, Any], int]) -> Task:
    structs = Structs()
    out = ffi.new("regrow_task *")
    made = spec._spec(structs)
    structs.check(call(made, out))
    return Task(Pid(out.pid.id), Ref(out.monitor.id))


def _array(tasks: Iterable[Task]) -> tuple[Any, int]:
    known = list(tasks)
    for each in known:
        if not isinstance(each, Task):
            raise TypeError(f"a task is a Task, not {type(each).__name__}")
    return ffi.new("regrow_task[]", [each._struct() for each in known]), len(known)


def await_many(tasks: Iterable[Task], timeout: float | None = 5.0) -> list[Any]:
    """The values of all, in their order. When one ends without a value, or the time runs out, all are given up."""
    array, count = _array(tasks)
    out = ffi.new("regrow_term *")
    terms.check(lib.regrow_task_await_many(array, count, milliseconds(timeout), out))
    return list(terms.taken(out))


def yield_many(tasks: Iterable[Task], timeout: float | None = 5.0) -> list[tuple[Atom, Any] | None]:
    """Waits until all have ended, or the time is over: `(Atom("ok"), value)`, `(Atom("exit"), reason)`, or None for one
    that runs, and can be waited for again."""
    array, count = _array(tasks)
    out = ffi.new("regrow_term *")
    terms.check(lib.regrow_task_yield_many(array, count, milliseconds(timeout), out))
    return [end or None for end in terms.taken(out)]


_ORDERS = {True: lib.REGROW_ORDERED, False: lib.REGROW_UNORDERED}
_TIMEOUTS = {"exit": lib.REGROW_EXIT_STREAM, "kill_task": lib.REGROW_KILL_TASK}


def stream(
    run: Callable[[Any], Any],
    items: Iterable[Any],
    *,
    supervisor: TaskSupervisor | None = None,
    linked: bool = True,
    max_concurrency: int | None = None,
    timeout: float | None = 5.0,
    on_timeout: str = "exit",
    ordered: bool = True,
    result: Callable[[Atom, Any], Any] | None = None,
    shutdown: float | str | None = None,
    watchdog: float | None = None,
) -> list[tuple[Atom, Any]]:
    """Runs a task for each item, so many at a time; the results, `(Atom("ok"), value)` or `(Atom("exit"), reason)`.

    Waits until all are there. With `result` each is given to that, as it is known, and not kept; it ends the stream by
    returning False. Items are asked for only when a task may be started for them; they are terms. `linked=False` needs a
    supervisor. `shutdown` and `watchdog` are each task's: see `TaskSpec`. Needs an identity.
    """
    structs = Structs()
    sides = _Sides(iter(items), None if result is None else function(result, "result"))
    spec = structs.new("regrow_stream_spec")
    spec.task = TaskSpec(run, watchdog=watchdog, shutdown=shutdown)._spec_of(structs, None)
    spec.supervisor.id = 0 if supervisor is None else process_id(supervisor)
    spec.place = lib.REGROW_LINKED if linked else lib.REGROW_UNLINKED
    try:
        spec.max_concurrency = 0 if max_concurrency is None else number(max_concurrency, "max_concurrency", least=1)
        spec.timeout_ms = milliseconds(timeout)
        if spec.timeout_ms == 0:
            raise ArgumentError("timeout is more than 0")
        spec.on_timeout = choice(on_timeout, "on_timeout", _TIMEOUTS)
    except BaseException:
        structs.release()
        raise
    spec.order = _ORDERS[bool(ordered)]
    user = hold(sides)
    lib.rp_stream_callbacks(spec, user)
    try:
        structs.check(lib.regrow_task_stream(spec, ffi.NULL))
    except BaseException as error:
        raise sides.error or error from None
    finally:
        release(user)
    if sides.error is not None:
        raise sides.error
    return sides.results


class _Sides:
    """Where a stream's items come from, and where its results go."""

    def __init__(self, items: Iterator[Any], result: Callable[[Atom, Any], Any] | None) -> None:
        self.items = items
        self.result = result
        self.results: list[tuple[Atom, Any]] = []
        self.error: BaseException | None = None

    def next(self, place: Any) -> bool:
        try:
            terms.put(next(self.items), place)
            return True
        except StopIteration:
            return False
        except BaseException as error:
            self.error = error
            return False

    def take(self, outcome: tuple[Atom, Any]) -> bool:
        if self.error is not None:
            return False
        if self.result is None:
            self.results.append(outcome)
            return True
        try:
            return self.result(*outcome) is not False
        except BaseException as error:
            self.error = error
            return False


@ffi.def_extern()  # type: ignore[untyped-decorator]
def rp_py_source(user: int, item: Any) -> bool:
    sides: _Sides = held(user)
    return sides.next(item)


@ffi.def_extern()  # type: ignore[untyped-decorator]
def rp_py_result(user: int, result: Any) -> bool:
    sides: _Sides = held(user)
    return sides.take(terms.read(result))


@ffi.def_extern()  # type: ignore[untyped-decorator]
def rp_py_task(context: Any, user: int, argument: Any, value: Any) -> int:
    try:
        given = terms.read(argument)
        run, args = held(user)
        # The item of a stream; or what a "simple_one_for_one" adds.
        terms.put(run(given) if args is None else run(*args, *given), value)
        return int(lib.REGROW_DONE)
    except BaseException as error:
        return stop_with(context, error)


class TaskSupervisor(Supervisor):
    """A supervisor of tasks, which refuses or queues one too many."""

    __slots__ = ()

    def start_task(
        self,
        run: Callable[..., Any],
        *args: Any,
        restart: str | None = None,
        shutdown: float | str | None = None,
        watchdog: float | None = None,
    ) -> Pid:
        """Starts a task that nobody waits for; `restart`, "temporary" unless told otherwise, says whether it is run again
        when it has ended; `shutdown`, the supervisor's `task_shutdown` unless told otherwise, how long it has to end.
        `LimitError` when there is no room."""
        structs = Structs()
        pid = ffi.new("regrow_pid *")
        spec = TaskSpec(run, args, watchdog, restart=restart, shutdown=shutdown)._spec(structs)
        structs.check(lib.regrow_task_supervisor_start_child((self.id,), spec, pid))
        return Pid(pid.id)

    def task(
        self,
        run: Callable[..., Any],
        *args: Any,
        linked: bool = True,
        shutdown: float | str | None = None,
        watchdog: float | None = None,
    ) -> Task:
        """As `task()`: a child of this supervisor, and linked with the caller, its owner, unless told otherwise. Needs an
        identity."""
        call = lib.regrow_task_supervisor_async if linked else lib.regrow_task_supervisor_async_nolink
        return _start(TaskSpec(run, args, watchdog, shutdown=shutdown), lambda spec, out: call((self.id,), spec, out))

    def run_async(
        self,
        run: Callable[..., Any],
        *args: Any,
        timeout: float | None = 5.0,
        shutdown: float | str | None = None,
        watchdog: float | None = None,
    ) -> Request[Any]:
        """Starts a task whose value is the result of a request, for threads without an identity and for event loops:
        `await supervisor.run_async(f, x)`. The time limit is the request's; the task runs on."""
        structs = Structs()
        pending = ffi.new("regrow_request **")
        limit = milliseconds(timeout)
        spec = TaskSpec(run, args, watchdog, shutdown=shutdown)._spec(structs)
        structs.check(lib.regrow_task_supervisor_run_async((self.id,), spec, limit, pending))
        return Request(pending[0], lambda value: value)

    def children(self) -> list[Pid]:
        """The tasks that have not ended, in no order."""
        out = ffi.new("regrow_term *")
        terms.check(lib.regrow_task_supervisor_children((self.id,), out))
        return list(terms.taken(out))

    def terminate_task(self, process: Pid) -> None:
        """Ends a task of this supervisor's, and waits until it has ended. `NotFoundError` when it is none."""
        terms.check(lib.regrow_task_supervisor_terminate_child((self.id,), (process_id(process),)))

    def stream(self, run: Callable[[Any], Any], items: Iterable[Any], **options: Any) -> list[tuple[Atom, Any]]:
        """As `stream()`, with this supervisor."""
        return stream(run, items, supervisor=self, **options)


TaskSupervisorSpec._handle = TaskSupervisor
