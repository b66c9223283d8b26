"""Drill 1: registries find processes by keys of any shape, and forget them before anyone can know of their end."""

import drill
import regrow
from regrow import Atom, RegistrySpec


def worker(registry, number):
    """Registers itself under {task, Number}, and does what it is sent."""
    registry.register((Atom("task"), number), value=(Atom("priority"), 10 - number))
    while (message := regrow.receive()) != Atom("stop"):
        _, data = message
        print(f"   task {number} works at: {data}")


def look_up(registry, number):
    entries = registry.lookup((Atom("task"), number))
    beside = "".join(f", beside it {regrow.show(value)}" for _, value in entries)
    print(f"   {{task,{number}}}: {len(entries)} found{beside}")
    return entries[0][0] if entries else None


with drill.begin() as runtime:
    my_registry = runtime.start_child(RegistrySpec(name="my_registry"))

    print("1. Five processes register as {task, Number}.")
    pids = [runtime.spawn(lambda number=number: worker(my_registry, number)) for number in range(1, 6)]
    drill.settle(runtime)  # a spawn does not wait for what the process does first
    print(f"   my_registry: {my_registry.count()} entries")

    print("2. One is found by its key, and gets a message.")
    look_up(my_registry, 2).send((Atom("work"), "important task"))
    drill.settle(runtime)

    print("3. A second process for the same key is refused.")
    try:
        my_registry.register((Atom("task"), 2), pids[0])
    except regrow.ExistsError as error:
        what, holder = error.reason
        named = drill.yes_or_no(what == Atom("already_registered"))
        print(
            f"   {drill.code(error)}, {{already_registered, Pid}}: {named}; "
            f"Pid is who has it: {drill.yes_or_no(holder == pids[1])}"
        )

    print("4. Who ends is not found any more, neither killed nor by itself.")
    drill.kill(pids[2])
    look_up(my_registry, 3)
    drill.end_by(lambda pid: pid.send(Atom("stop")), pids[3])
    look_up(my_registry, 4)
    print(f"   my_registry: {my_registry.count()} entries")

    print("5. In a duplicate registry many processes have one key, and one may have it twice.")
    crowd = runtime.start_child(RegistrySpec(name="crowd", keys="duplicate"))
    for pid in (pids[0], pids[1], pids[4], pids[4]):
        crowd.register("workers", pid)
    print(f"   crowd: {crowd.count()} entries")
    drill.kill(pids[4])
    left = []
    crowd.dispatch("workers", lambda pid, value: left.append(pid))
    print(f"   one of them ends, and {len(left)} entries are left to dispatch to")
