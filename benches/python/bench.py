#!/usr/bin/env python3
"""What a call from Python costs over the plain C call, and beside what Python has of its own.

usage: bench.py PLAIN [REPETITIONS]     PLAIN: plain.c, built

Both programs run in turn; of each row the median of the repetitions is shown, in calls a second. From one thread, but for
the rows that say otherwise.
"""

from __future__ import annotations

import asyncio
import queue
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import regrow

Rows = dict[str, list[float]]


class Answers(regrow.Server):
    def handle_call(self, request: Any) -> Any:
        return request

    def handle_cast(self, message: Any) -> None:
        pass


def timed(rows: Rows, name: str, count: int, act: Callable[[], Any]) -> None:
    begin = time.perf_counter()
    for _ in range(count):
        act()
    rows.setdefault(name, []).append(count / (time.perf_counter() - begin))


def by_threads(rows: Rows, name: str, threads: int, count: int, act: Callable[[], Any]) -> None:
    def work() -> None:
        for _ in range(count // threads):
            act()

    running = [threading.Thread(target=work) for _ in range(threads)]
    begin = time.perf_counter()
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    rows.setdefault(name, []).append(count / (time.perf_counter() - begin))


async def awaited(rows: Rows, server: regrow.Pid, count: int) -> None:
    begin = time.perf_counter()
    for _ in range(count // 100):
        await asyncio.gather(*(server.call_async(1) for _ in range(100)))
    rows.setdefault("call_awaited", []).append(count / (time.perf_counter() - begin))


def through_regrow(rows: Rows) -> None:
    with regrow.Runtime() as runtime, runtime.enter():
        agent = runtime.start(regrow.AgentSpec(0))
        thread = runtime.start(regrow.ServerSpec(Answers))
        shared = runtime.start(regrow.ServerSpec(Answers, home="shared", inline=True))
        registry = runtime.start(regrow.RegistrySpec())
        registry.register("key", agent)
        table = regrow.Table.new()
        table.insert(("key", 1))
        timed(rows, "agent_get", 100_000, agent.get)
        timed(rows, "agent_update", 50_000, lambda: agent.update(lambda n: n + 1))
        timed(rows, "call_inline", 50_000, lambda: shared.call(1))
        timed(rows, "call_thread", 10_000, lambda: thread.call(1))
        timed(rows, "cast", 50_000, lambda: thread.cast(1))
        runtime.settle(60)
        timed(rows, "registry_lookup", 50_000, lambda: registry.lookup("key"))
        timed(rows, "registry_whereis", 50_000, lambda: registry.whereis("key"))
        timed(rows, "table_lookup", 50_000, lambda: table.lookup("key"))
        timed(rows, "table_insert", 50_000, lambda: table.insert(("key", 1)))
        by_threads(rows, "agent_get_8", 8, 80_000, agent.get)
        by_threads(rows, "agent_update_8", 8, 40_000, lambda: agent.update(lambda n: n + 1))
        asyncio.run(awaited(rows, thread, 5_000))


def without_regrow(rows: Rows) -> None:
    """A thread that answers through queues; a number behind a lock."""
    requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
    answers: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def serve() -> None:
        while (request := requests.get()) is not None:
            answers.put(request)

    threading.Thread(target=serve).start()

    def call() -> None:
        requests.put(1)
        answers.get()

    timed(rows, "queues_call", 10_000, call)
    requests.put(None)
    lock, number = threading.Lock(), [0]

    def locked() -> None:
        with lock:
            number[0] += 1

    timed(rows, "lock_update", 100_000, locked)


def plain(rows: Rows, program: str) -> None:
    for line in subprocess.run([program], capture_output=True, text=True, check=True).stdout.splitlines():
        name, rate = line.split()
        rows.setdefault(name, []).append(float(rate))


def shown(rows: Rows, name: str) -> str:
    return f"{statistics.median(rows[name]):>12,.0f}" if name in rows else f"{'':>12}"


def main() -> None:
    if len(sys.argv) < 2:
        sys.exit(f"usage: {sys.argv[0]} PLAIN [REPETITIONS]")
    ours: Rows = {}
    others: Rows = {}
    for _ in range(int(sys.argv[2]) if len(sys.argv) > 2 else 3):
        through_regrow(ours)
        without_regrow(ours)
        plain(others, sys.argv[1])
    print(f"{'calls a second':<20}{'Python':>12}{'plain C':>12}")
    for name in ours:
        print(f"{name:<20}{shown(ours, name)}{shown(others, name)}")


if __name__ == "__main__":
    main()
