"""Every public name with what it is not made for: an exception of a kind that is expected, never a crash.

Each group runs in a program of its own, so that a crash is that program's. `walk()` finds the names; a new one is
tried without a line here.
"""

import asyncio
import contextlib
import inspect
import os
import random
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import regrow

#: What a wrong value may be told by. Others, such as AttributeError, would be accidents.
EXPECTED = (regrow.RegrowError, regrow.KilledError, regrow.Exit, TypeError, ValueError, asyncio.TimeoutError)
ROUNDS = 60 * int(os.environ.get("REGROW_ROUNDS", "1"))

#: Constructors of these take anything, or are no part of what can go wrong.
PLAIN = {"Child", "ChildCount", "Settled", "Stats", "Object", "Error", "Map"}


def names() -> list[str]:
    """What can be called, but exceptions."""
    called = [name for name in regrow.__all__ if callable(getattr(regrow, name))]
    return [name for name in called if not (inspect.isclass(it := getattr(regrow, name)) and issubclass(it, BaseException))]


GROUPS = 6


class Worker(regrow.Server):
    def handle_call(self, request: Any) -> Any:
        return request


class World:
    """A runtime, and values of every kind in it: alive, dead and of the wrong kind."""

    def __init__(self) -> None:
        self.runtime = regrow.Runtime(log_level="silent", max_restarts=1_000_000)
        start = self.runtime.start
        dead = start(regrow.AgentSpec(0))
        dead.stop()
        with self.runtime.enter():
            gone = regrow.Table.new()
            stale = regrow.monitor(dead)
        self.dead = dead
        self.pids = [
            dead, regrow.Pid(0), regrow.Pid(2**64 - 1), start(regrow.AgentSpec(0)), start(regrow.RegistrySpec()),
            start(regrow.SupervisorSpec()), start(regrow.DynamicSupervisorSpec()), start(regrow.TaskSupervisorSpec()),
            start(regrow.PubSubSpec()), start(Worker), start(regrow.ServerSpec(Worker, home="shared")),
            start(regrow.PartitionSupervisorSpec(regrow.AgentSpec(0), partitions=2)),
        ]  # fmt: skip
        self.values: list[Any] = [
            None, True, -1, 0, 1, 7, 2**80, -0.001, 0.001, float("nan"), float("inf"), "", "x", "a\0b", "\ud800", b"\xff",
            "thread", "shared", "set", "block", (), (1,), (1, 2), [], [1], [(1, 2)], [((1, 2), [], [3])], {}, {"a": 1},
            object(), object, lambda *_: None, lambda *_: 1 / 0, lambda *_: object(), regrow.Atom("x"), stale,
            regrow.Ref(0), gone, regrow.Table(0), Worker, regrow.ServerSpec(Worker), regrow.AgentSpec(1, id="a"),
            regrow.ChildSpec(), regrow.AgentSpec(object()), regrow.ServerSpec(int), regrow.SupervisorSpec([1]),
            regrow.AgentSpec(0, restart="sometimes"), regrow.AgentSpec(0, backoff=1), regrow.AgentSpec(0, name=""), regrow.BehaviourSpec(1), regrow.BehaviourSpec("no\0"),
            regrow.AgentSpec(0, shutdown=-1), regrow.ServerSpec(Worker, home="nowhere"), regrow.TaskSpec(None),
            regrow.RegistrySpec(listeners=[1]), regrow.RegistrySpec(keys="few"), regrow.HostSpec(1),
            regrow.SupervisorSpec([Worker, Worker]), regrow.SupervisorSpec(None), regrow.Backoff(initial=1),
            regrow.Mailbox(0), regrow.ServerSpec(Worker, mailbox=3), regrow.Address("nobody", self.runtime),
            regrow.Task(dead, stale), self.runtime, *self.pids,
        ]  # fmt: skip

    def close(self) -> None:
        self.runtime.shutdown(2)


def walk(name: str, world: World) -> Iterator[Callable[..., Any]]:
    """A function; or a class, and the methods of objects of it that are dead, alive and of another kind."""
    thing = getattr(regrow, name)
    if not inspect.isclass(thing):
        yield thing
        return
    if name not in PLAIN:
        yield thing
    objects: list[Any] = []
    if issubclass(thing, regrow.Pid):
        objects = [thing(pid) for pid in world.pids]
    elif thing is regrow.Table:
        objects = [value for value in world.values if isinstance(value, regrow.Table)]
    elif thing is regrow.Address:
        objects = [
            regrow.Address("nobody", world.runtime), regrow.Address("nobody"), regrow.Address("x", world.dead),
            *(regrow.Address(registry=pid, key=1) for pid in world.pids), regrow.Address(registry="none", key=1),
        ]  # fmt: skip
    elif thing is regrow.Task:
        objects = [regrow.Task(pid, regrow.Ref(9)) for pid in world.pids]
    elif thing is regrow.Runtime:
        objects = [world.runtime]
    elif thing is regrow.Server:
        objects = [Worker()]
    for one in objects:
        for method, function in inspect.getmembers(one, callable):
            # A runtime's end is a test of its own.
            if not method.startswith("_") and method not in ("shutdown", "close"):
                yield function


def arguments(function: Callable[..., Any], dice: random.Random, world: World) -> tuple[list[Any], dict[str, Any]]:
    """Any values; but what waits does not wait for long."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except ValueError:
        parameters = []
    args: list[Any] = []
    options: dict[str, Any] = {}
    short = [0, 0.001, -1, "x", float("nan"), object()]
    for parameter in parameters:
        is_time = parameter.name in ("timeout", "wait", "seconds", "exit_timeout", "init_timeout")
        value = dice.choice(short if is_time else world.values)
        if parameter.kind is parameter.VAR_POSITIONAL:
            args += dice.sample(world.values, dice.randrange(3))
        elif parameter.kind is parameter.VAR_KEYWORD:
            continue
        elif parameter.kind is parameter.KEYWORD_ONLY or is_time:
            if is_time or dice.random() < 0.4:
                options[parameter.name] = value
        elif parameter.default is parameter.empty:
            args.append(value)
        elif not options and dice.random() < 0.4:
            args.append(value)
        elif dice.random() < 0.4:
            options[parameter.name] = value
    return args, options


def attempt(function: Callable[..., Any], args: list[Any], options: dict[str, Any]) -> None:
    try:
        result = function(*args, **options)
        if inspect.iscoroutine(result):
            result = asyncio.run(asyncio.wait_for(result, 0.1))
        elif isinstance(result, regrow.Request):
            result.result(0.001)
        elif isinstance(result, regrow.Runtime):
            if function is regrow.Runtime:  # else it is ours, given back
                result.shutdown(1)
        elif hasattr(result, "__next__"):
            next(result, None)
        elif hasattr(result, "__enter__") and not isinstance(result, threading.Thread):
            with result:
                pass
    except EXPECTED as error:
        assert not isinstance(error, regrow.InternalError), error
    except KeyError:
        pass  # raised by what was called
    except ZeroDivisionError:
        pass  # raised by a function of ours that runs in the caller
    finally:
        if getattr(function, "__name__", "") == "suspend":
            # Also when that took too long: what has no time limit would wait for it.
            with contextlib.suppress(regrow.RegrowError):
                function.__self__.resume(5)


def try_one(name: str, world: World, is_down: bool) -> None:
    dice = random.Random(name)
    functions = list(walk(name, world))
    for entered in (False, True):
        for _ in range(max(2, ROUNDS // max(1, len(functions) // 12))):
            for function in functions:
                args, options = arguments(function, dice, world)
                try:
                    if entered and not is_down:
                        with world.runtime.enter():
                            attempt(function, args, options)
                    else:
                        attempt(function, args, options)
                except regrow.KilledError:
                    pass  # linked with what was ended
                except BaseException:
                    print(f"{name}: {function} with {args} {options}", flush=True)
                    raise


def try_group(group: int) -> None:
    """Run in a program of its own."""
    threading.excepthook = lambda _: None
    for name in names()[group::GROUPS]:
        print(name, flush=True)
        world = World()
        try_one(name, world, False)
        world.close()
        try_one(name, world, True)
    print("through")


@pytest.mark.parametrize("group", range(GROUPS))
def test_wrong_values_are_told(group: int, tmp_path: Path) -> None:
    paths = [str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
    ended = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", f"import test_bad_input; test_bad_input.try_group({group})"],
        capture_output=True,
        text=True,
        timeout=240,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
    )
    assert ended.returncode == 0 and "through" in ended.stdout, (ended.returncode, ended.stdout[-800:], ended.stderr[-3000:])


def test_the_walk_meets_what_there_is() -> None:
    assert len(names()) > 50 and {"Agent", "Supervisor", "receive", "stream", "Runtime"} <= set(names())
