"""The processes of a scenario: places, attempts, labels, and how each ended."""

from __future__ import annotations

import math
import threading
from typing import Any

import regrow
from clock import Clock
from regrow import Atom, Pid
from scenario import Line, Scenario, reason, term

SLOW_TERMINATE = 0.3


class Refused(Exception):
    """A value that no specification can say."""


class Attempt:
    """One run of an init callback, or a task or agent: the process that has a label."""

    def __init__(self, id: str, number: int, place: Place | None, starter: Attempt | None, pid: Pid) -> None:
        self.id, self.number, self.place, self.starter, self.pid = id, number, place, starter, pid
        self.label = f"{id}#{number}"
        self.behaviour = "ok"
        self.came_up = False
        self.ended_step = 0
        self.reason = ""


class Place:
    """One entry of a supervision tree: a declaration, below a supervisor's place."""

    def __init__(self, system: System, id: str, declaration: Line | None, supervisor: Place | None) -> None:
        self.system, self.id, self.declaration, self.supervisor = system, id, declaration, supervisor
        self.options = declaration.options if declaration else {}
        self.kind = declaration.words[0] if declaration else "worker"
        self.is_simple = self.kind == "sup" and self.options.get("strategy") == "simple_one_for_one"
        self.is_dynamic = self.kind == "dsup" or self.is_simple
        self.traps = self.options.get("trap") == "true"
        self.latest: Attempt | None = None

    def begin(self, id: str) -> Attempt:
        """A new attempt in this place; in the process itself, before it does anything else."""
        behaviours = self.options.get("init", "ok").split(",")
        starter = self.supervisor.latest if self.supervisor else None
        attempt = self.system.begin(id, self, starter, regrow.self_pid())
        attempt.behaviour = behaviours[min(attempt.number, len(behaviours)) - 1]
        self.system.event(attempt, f"init {attempt.label} {attempt.behaviour}")
        self.system.watch(attempt.pid)
        return attempt

    # ---- as a specification ----

    def _number(self, name: str, default: int, least: int) -> int:
        word = self.options.get(name, str(default))
        if not word.isdigit() or int(word) < least:
            raise Refused(name)
        return int(word)

    def _shutdown(self) -> float | str:
        word = self.options.get("shutdown")
        if word is None:
            return 5.0 if self.kind == "worker" else math.inf
        if word in ("infinity", "brutal_kill"):
            return math.inf if word == "infinity" else word
        return max(self._number("shutdown", 0, 0), 1) / 1000  # zero would be the default

    def _common(self) -> dict[str, Any]:
        significant = self.options.get("significant", "false")
        if significant not in ("true", "false"):
            raise Refused("significant")
        below_dynamic = self.supervisor is not None and self.supervisor.kind == "dsup"
        return {
            "id": Atom(self.id),
            "restart": self.options.get("restart", "permanent"),
            "shutdown": self._shutdown(),
            "significant": significant == "true" and not below_dynamic,
        }

    def spec(self) -> regrow.ChildSpec:
        if self.kind == "worker":
            return regrow.ServerSpec(type("Worker", (Worker,), {"place": self}), **self._common())
        limits: dict[str, Any] = {
            "max_restarts": self._number("intensity", 1 if self.kind == "sup" else 3, 0),
            "period": self._number("period", 5, 1),
            "init": self._supervisor_init,
        }
        if self.kind == "dsup":
            most = self._number("max_children", 0, 0) if "max_children" in self.options else None
            return regrow.DynamicSupervisorSpec(max_children=most, **limits, **self._common())
        declared = [line for line in self.system.scenario.declarations.values() if line.options.get("in") == self.id]
        return regrow.SupervisorSpec(
            [Place(self.system, line.word(1), line, self).spec() for line in declared],
            self.options.get("strategy", "one_for_one"),
            auto_shutdown=self.options.get("auto", "never"),
            **limits,
            **self._common(),
        )

    def _supervisor_init(self, arg: Any) -> Any:
        attempt = self.begin(self.id)
        if attempt.behaviour == "ignore":
            return regrow.IGNORE
        self.latest = attempt
        attempt.came_up = True
        return None


class System:
    """A runtime, whose main process is this thread."""

    def __init__(self, scenario: Scenario, runtime: regrow.Runtime, main: Pid, clock: Clock) -> None:
        self.scenario, self.runtime, self.main, self.clock = scenario, runtime, main, clock
        self.lock = threading.Lock()
        self.attempts: list[Attempt] = []
        self.events: list[tuple[Attempt, str]] = []
        self.messages: list[tuple[Attempt, str]] = []
        self.step = 0
        #: The newest monitor or timer of each name, and the names of all of them.
        self.marks: dict[str, regrow.Ref] = {}
        self.marked: dict[regrow.Ref, str] = {}
        self.registries: dict[str, regrow.Registry] = {}
        self.tables: dict[str, tuple[regrow.Table, str]] = {}
        self._pubsub: regrow.PubSub | None = None
        recorder = type("Recorder", (Recorder,), {"system": self})
        self.recorder = runtime.start(regrow.ServerSpec(recorder))

    # ---- attempts ----

    def begin(self, id: str, place: Place | None, starter: Attempt | None, pid: Pid) -> Attempt:
        with self.lock:
            number = 1 + sum(attempt.id == id for attempt in self.attempts)
            attempt = Attempt(id, number, place, starter, pid)
            self.attempts.append(attempt)
        return attempt

    def watch(self, pid: Pid) -> None:
        """Returns once the recorder monitors a process. A supervisor's init may not call it, so this waits by itself."""
        is_watched = threading.Event()
        self.recorder.send((Atom("watch"), pid, regrow.Object(is_watched)))
        is_watched.wait()

    def event(self, attempt: Attempt, text: str) -> None:
        with self.lock:
            self.events.append((attempt, text))

    def message(self, attempt: Attempt, text: str) -> None:
        with self.lock:
            self.messages.append((attempt, f"{attempt.label} {text}"))

    def ended(self, pid: Pid, reason: str) -> None:
        with self.lock:
            for attempt in self.attempts:
                if attempt.pid == pid:
                    attempt.ended_step, attempt.reason = self.step, reason

    def named(self, name: str) -> Attempt | None:
        """The newest process of an id that came to live, or the one with a label."""
        with self.lock:
            found = [a for a in self.attempts if a.came_up and name == (a.label if "#" in name else a.id)]
        return found[-1] if found else None

    def label(self, pid: Pid) -> str:
        if pid == self.main:
            return "main"
        with self.lock:
            return next((attempt.label for attempt in self.attempts if attempt.pid == pid), repr(pid))

    def mark(self, name: str, ref: regrow.Ref) -> None:
        self.marks[name] = ref
        self.marked[ref] = name

    def pubsub(self) -> regrow.PubSub:
        if self._pubsub is None:
            self._pubsub = self.runtime.start(regrow.PubSubSpec())
        return self._pubsub

    def word(self, value: Any) -> str:
        """A term as a word of a trace."""
        if isinstance(value, Pid):
            return self.label(value)
        if isinstance(value, tuple):
            return ":".join(map(self.word, value))
        if value is None or isinstance(value, bool):
            return {None: "nil", True: "true", False: "false"}[value]
        return str(value)


class Recorder(regrow.Server):
    """Monitors every process of the scenario, and notes how each ended."""

    system: System

    def handle_info(self, message: Any) -> None:
        if message[0] == Atom("watch"):
            regrow.monitor(message[1])
            message[2].value.set()
        elif message[0] == Atom("DOWN"):
            self.system.ended(message[3], self.system.word(message[4]))


class Worker(regrow.Server):
    """The server that every worker and plain process of a scenario is."""

    place: Place

    def init(self, arg: Any) -> Any:
        self.state: Any = 0
        self.attempt = self.place.begin(str(arg[0]) if arg else self.place.id)
        behaviour, _, what = self.attempt.behaviour.partition(":")
        if self.place.traps:
            regrow.trap_exit()
        if behaviour == "ignore":
            return regrow.IGNORE
        if behaviour == "fail":
            return regrow.Stop(reason(what))
        if behaviour == "kill":
            self._kill(what)
        self.attempt.came_up = True
        return regrow.Ready(continue_with=Atom("continue")) if behaviour == "cont" else None

    def _kill(self, id: str) -> None:
        """Kills the newest process of that id, and waits until it is dead."""
        victim = self.place.system.named(id)
        if victim:
            ref = regrow.monitor(victim.pid)
            victim.pid.exit(regrow.KILL)
            regrow.receive(None, lambda message: message[1] == ref)

    def _ends(self, request: str) -> None:
        kind, _, what = request.partition(":")
        if kind in ("stop", "exit"):
            raise regrow.Exit(reason(what))
        if kind == "bad":
            raise regrow.Exit(Atom("bad_return_value"))

    def _add(self, word: str) -> None:
        if isinstance(self.state, Atom) or isinstance(term(word), Atom):
            raise regrow.Exit(Atom("badarith"))
        self.state += term(word)

    def handle_call(self, request: Any) -> Any:
        if isinstance(request, regrow.Object):
            return request.value()  # an operation that it carries out itself
        self._ends(request)
        kind, _, what = request.partition(":")
        if kind == "ping":
            return Atom("pong")
        if kind == "get":
            return self.state
        if kind == "set":
            before, self.state = self.state, term(what)
            return before
        if kind == "add":
            self._add(what)
            return self.state
        if kind == "stopr":
            return regrow.Stop(reason(what), answer=Atom("bye"))
        if kind == "late":
            # Answered once the callback has returned; until then the runtime is busy.
            regrow.self_pid().send(regrow.Object(self.defer()))
            return regrow.NoReply()
        self.never = self.defer(busy=False)
        return regrow.NoReply()

    def handle_cast(self, request: Any) -> None:
        self._ends(request)
        kind, _, what = request.partition(":")
        if kind == "set":
            self.state = term(what)
        elif kind == "add":
            self._add(what)

    def handle_info(self, message: Any) -> None:
        if isinstance(message, regrow.Object):
            message.value.answer(Atom("late"))
        else:
            self.place.system.message(self.attempt, self._described(message))

    def _described(self, message: Any) -> str:
        word = self.place.system.word
        kind = message[0].name if isinstance(message, tuple) and isinstance(message[0], Atom) else ""
        if kind == "EXIT":
            return f"EXIT {word(message[1])} {word(message[2])}"
        if kind == "DOWN":
            whom = message[3]
            shown = word(whom) if isinstance(whom, Pid) else "@" + word(whom[0] if isinstance(whom, tuple) else whom)
            return f"DOWN {self.place.system.marked.get(message[1], '?')} {shown} {word(message[4])}"
        if kind == "ETS-TRANSFER":
            tables = self.place.system.tables
            name = next((name for name, (table, _) in tables.items() if table == message[1]), "?")
            return f"TRANSFER {name} {word(message[2])} {word(message[3])}"
        if kind == "timer":
            return f"timer {word(message[1])}"
        return f"got {word(message)}"

    def handle_continue(self, arg: Any) -> None:
        self.place.system.message(self.attempt, "continue")

    def terminate(self, why: Any) -> None:
        self.place.system.event(self.attempt, f"term {self.attempt.label} {self.place.system.word(why)}")
        if self.place.options.get("term") == "slow":
            regrow.sleep(SLOW_TERMINATE)
