"""The steps of scenarios. A function `op_NAME` is issued by main, one `do_NAME` is carried out by a process itself; each
gets the words behind its own, and the line, and returns the result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import regrow
from regrow import Address, Atom, Pid
from regrow.specs.base import fill_child
from regrow.specs.structs import Structs
from scenario import Line, reason, term
from system import Attempt, Place, Refused, System

CALL_MS = 1000


class Result(Exception):
    """Ends an operation with this result."""


class Operations:
    def __init__(self, system: System) -> None:
        self.system = system
        self.runtime = system.runtime

    @classmethod
    def find(cls, name: str, by_main: bool) -> Callable[..., str] | None:
        prefixes = ("op_", "both_") if by_main else ("do_", "both_")
        return next((f for prefix in prefixes if (f := getattr(cls, prefix + name, None))), None)

    @classmethod
    def names(cls) -> list[str]:
        """Of all operations, by whomever."""
        prefixed = (name.partition("_") for name in dir(cls))
        return sorted({name for prefix, _, name in prefixed if prefix in ("op", "do", "both")})

    def carry_out(self, words: tuple[str, ...], line: Line, by_main: bool) -> str:
        operation = self.find(words[0], by_main)
        if operation is None:
            return "error badarg"
        try:
            return operation(self, line, *words[1:])
        except Result as result:
            return str(result)

    # ---- targets and failures ----

    def attempt(self, name: str) -> Attempt:
        attempt = self.system.named(name)
        if attempt is None:
            raise Result("error noproc")
        return attempt

    def target(self, name: str) -> Pid | Address:
        if name.startswith("@"):
            return Address(name[1:], self.runtime)
        return self.system.main if name == "main" else self.attempt(name).pid

    def pid(self, name: str) -> Pid:
        return self.system.main if name == "main" else self.attempt(name).pid

    def failure(self, error: regrow.Error) -> str:
        names = {
            regrow.NoProcessError: "noproc", regrow.TimeoutError: "timeout", regrow.NotFoundError: "not_found",
            regrow.RunningError: "running", regrow.RestartingError: "restarting", regrow.SelfCallError: "calling_self",
        }  # fmt: skip
        if type(error) in names:
            return f"error {names[type(error)]}"
        why = error.reason
        if isinstance(why, tuple) and len(why) == 2 and isinstance(why[1], Pid):
            return f"error {why[0]} {self.system.label(why[1])}"
        return f"error {self.system.word(why)}"

    def start_failure(self, error: regrow.Error) -> str:
        if isinstance(error, regrow.IgnoredError):
            return "ignore"
        if isinstance(error, (regrow.ArgumentError, regrow.StartError, regrow.ExistsError)):
            duplicate = tagged(error.reason, "duplicate_child_name")
            if duplicate:
                return f"error duplicate_id {duplicate[1]}"
            if tagged(error.reason, "bad_combination") or isinstance(error, regrow.ArgumentError):
                return "error bad_spec"
        return self.failure(error)

    def ok(self, act: Callable[[], Any]) -> str:
        try:
            act()
            return "ok"
        except regrow.RegrowError as error:
            return self.failure(error)

    def answer(self, act: Callable[[], Any]) -> str:
        try:
            return f"reply {self.system.word(act())}"
        except regrow.NotFoundError:
            return "error noproc"  # nobody has that name
        except regrow.RegrowError as error:
            return self.failure(error)

    def started(self, start: Callable[[], Pid | None]) -> str:
        try:
            pid = start()
        except regrow.RegrowError as error:
            return self.start_failure(error)
        return f"ok {self.system.label(pid) if pid else 'undefined'}"

    # ---- a process does it itself ----

    def op_do(self, line: Line, name: str, *words: str) -> str:
        attempt = self.attempt(name)
        if attempt.place is None or attempt.place.kind != "worker":
            return "error badarg"
        if attempt.ended_step:
            return "error noproc"
        work = regrow.Object(lambda: self.carry_out(words, line, False))
        try:
            result = str(attempt.pid.call(work, None))
        except regrow.RegrowError as error:
            result = self.failure(error)
        # Whether it is dead at the end of the step shows once the step is over.
        self.system.clock.settle()
        return f"died {attempt.reason}" if attempt.ended_step else result

    # ---- supervisors ----

    def declaration(self, id: str) -> Line:
        line = self.system.scenario.declarations.get(id)
        if line is None:
            raise Result("error unknown_id")
        return line

    def place(self, id: str) -> Place | None:
        attempt = self.system.named(id)
        return attempt.place if attempt else None

    def supervisor(self, id: str) -> regrow.Supervisor:
        return regrow.Supervisor(self.attempt(id).pid)

    def op_start(self, line: Line, id: str) -> str:
        place = Place(self.system, id, self.declaration(id), None)
        try:
            return self.started(lambda: regrow.start_link(place.spec()))
        except Refused:
            return "error bad_spec"

    def op_start_child(self, line: Line, top: str, id: str) -> str:
        above = self.place(top)
        declared = self.system.scenario.declarations.get(top)
        if above.is_simple if above else declared and declared.options.get("strategy") == "simple_one_for_one":
            return self.started(lambda: self.supervisor(top).start_instance(Atom(id)))
        place = Place(self.system, id, self.declaration(id), above)
        supervisor = self.supervisor(top)
        try:
            return self.started(lambda: supervisor.start_child(refuse(place.spec)))
        except Refused:
            # OTP's supervisor looks at the specification itself, when there is one.
            return "error bad_spec" if supervisor.is_alive() else "error noproc"

    def child(self, top: str, name: str) -> Any:
        """What a child goes by: its pid, where children do, or its id."""
        above = self.place(top)
        goes_by_pid = above is not None and above.is_dynamic and not name.startswith("id:")
        return self.pid(name) if goes_by_pid else Atom(name)

    def op_terminate_child(self, line: Line, top: str, name: str) -> str:
        supervisor, child = self.supervisor(top), self.child(top, name)
        return self.ok(lambda: supervisor.terminate_child(child))

    def op_restart_child(self, line: Line, top: str, id: str) -> str:
        return self.started(lambda: self.supervisor(top).restart_child(Atom(id)))

    def op_delete_child(self, line: Line, top: str, id: str) -> str:
        return self.ok(lambda: self.supervisor(top).delete_child(Atom(id)))

    def op_which_children(self, line: Line, top: str) -> str:
        above = self.place(top)
        try:
            children = self.supervisor(top).which_children()
        except regrow.RegrowError as error:
            return self.failure(error)
        by_pid = above is not None and above.is_dynamic
        shown = [
            f"{'undefined' if by_pid else child.id}/{self.system.label(child.pid) if child.pid else child.status}/{child.type}"
            for child in children
        ]
        return " ".join(["children", *(sorted(shown) if by_pid else shown)])

    def op_count_children(self, line: Line, top: str) -> str:
        try:
            count = self.supervisor(top).count_children()
        except regrow.RegrowError as error:
            return self.failure(error)
        return "count " + " ".join(f"{name}={getattr(count, name)}" for name in ("specs", "active", "supervisors", "workers"))

    def op_get_childspec(self, line: Line, top: str, id: str) -> str:
        try:
            spec = self.supervisor(top).get_childspec(Atom(id))
        except regrow.RegrowError as error:
            return self.failure(error)
        names = ("id", "restart", "shutdown", "type", "significant")
        return "spec " + " ".join(f"{name}={self.system.word(spec[Atom(name)])}" for name in names)

    # ---- processes ----

    def op_spawn(self, line: Line, id: str) -> str:
        place = Place(self.system, id, None, None)
        place.traps = line.options.get("trap") == "true"
        return self.started(lambda: self.runtime.start(place.spec()))

    def op_stop(self, line: Line, name: str, why: str) -> str:
        pid = self.pid(name)
        return self.ok(lambda: pid.stop(reason(why)))

    def both_exit(self, line: Line, name: str, why: str) -> str:
        self.pid(name).exit(reason(why))
        return "ok"

    def op_alive(self, line: Line, name: str) -> str:
        return self.system.word(self.pid(name).is_alive())

    def op_sleep(self, line: Line, ms: str) -> str:
        self.system.clock.sleep(int(ms) / 1000)
        return "ok"

    def op_call(self, line: Line, name: str, request: str, ms: str = str(CALL_MS)) -> str:
        target = self.target(name)
        return self.answer(lambda: self.system.clock.call(target, request, int(ms) / 1000))

    def do_call(self, line: Line, name: str, request: str, ms: str = str(CALL_MS)) -> str:
        target = self.target(name)
        return self.answer(lambda: target.call(request, int(ms) / 1000))

    def op_cast(self, line: Line, name: str, request: str) -> str:
        target = self.target(name)
        try:
            target.cast(request)
        except regrow.NotFoundError:
            pass
        return "ok"  # also to the dead, and to nobody

    def both_send(self, line: Line, name: str, message: str) -> str:
        try:
            self.target(name).send(term(message))
            return "ok"
        except regrow.RegrowError:
            return "error badarg"

    def op_register(self, line: Line, name: str, who: str) -> str:
        pid = self.pid(who)
        return true_or_badarg(lambda: pid.register_name(name))

    def do_register(self, line: Line, name: str) -> str:
        return true_or_badarg(lambda: regrow.self_pid().register_name(name))

    def both_unregister(self, line: Line, name: str) -> str:
        return true_or_badarg(lambda: self.runtime.unregister(name))

    def op_whereis(self, line: Line, name: str) -> str:
        try:
            return self.system.label(self.runtime.whereis(name))
        except regrow.NotFoundError:
            return "undefined"

    def partner(self, name: str) -> Pid:
        """Who never was cannot be linked with: OTP has no pid for it."""
        try:
            return self.pid(name)
        except Result:
            raise Result("error badarg") from None

    def do_link(self, line: Line, name: str) -> str:
        pid = self.partner(name)
        result = self.ok(lambda: regrow.link(pid))
        return "true" if result == "ok" else result

    def do_unlink(self, line: Line, name: str) -> str:
        regrow.unlink(self.partner(name))
        return "true"

    def do_monitor(self, line: Line, name: str) -> str:
        target = self.target(name)
        ref = target.monitor() if isinstance(target, Address) else regrow.monitor(target)
        self.system.mark(line.options.get("as", ""), ref)
        return "ok"

    def do_demonitor(self, line: Line, mark: str, *words: str) -> str:
        ref = self.system.marks.get(mark)
        if ref is None:
            return "error badarg"
        was_there = regrow.demonitor(ref, flush="flush" in words)
        return self.system.word(was_there or "info" not in words)

    def do_trap(self, line: Line, trap: str) -> str:
        return self.system.word(regrow.trap_exit(trap == "true"))

    def do_timer(self, line: Line, mark: str, ms: str, message: str) -> str:
        me = regrow.self_pid()
        self.system.mark(mark, me.send_after(int(ms) / 1000, (Atom("timer"), term(message))))
        return "ok"

    def do_cancel(self, line: Line, mark: str) -> str:
        return self.left(mark, self.runtime.root.cancel_timer)

    def do_read_timer(self, line: Line, mark: str) -> str:
        return self.left(mark, self.runtime.root.read_timer)

    def left(self, mark: str, ask: Callable[[regrow.Ref], float]) -> str:
        try:
            ask(self.system.marks[mark])
            return "left"
        except (KeyError, regrow.NotFoundError):
            return "false"


def refuse(spec: Callable[[], regrow.ChildSpec]) -> regrow.ChildSpec:
    """A specification; a value that it refuses is one of a specification that cannot be said."""
    made = spec()
    try:
        fill_child(made, Structs())
    except regrow.ArgumentError:
        raise Refused from None
    return made


def tagged(why: Any, tag: str) -> tuple[Any, ...] | None:
    """The tuple with that tag somewhere in a reason."""
    if not isinstance(why, tuple):
        return None
    if why and why[0] == Atom(tag):
        return why
    return next((found for part in why if (found := tagged(part, tag))), None)


def true_or_badarg(act: Callable[[], Any]) -> str:
    try:
        act()
        return "true"
    except regrow.RegrowError:
        return "error badarg"
