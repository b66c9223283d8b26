"""Drill 3: how far an error goes is decided by the tree. Each answer below is read off the pids.

    System               supervisor, one_for_one
    |- Registry          where the database's workers are
    |- Database          supervisor, one_for_one
    |  |- 1, 2, 3        servers, registered as {db_worker, N}
    |- Cache             server
    `- API               server
"""

import drill
import regrow
from regrow import Address, Atom, RegistrySpec, ServerSpec, Supervisor, SupervisorSpec

NAMES = ("System", "Registry", "Database", "Worker1", "Worker2", "Worker3", "Cache", "API")


def component(kind, name, *args, **options):
    """Ids and names are the same everywhere here; the id is an atom, which reads well in reasons."""
    return kind(*args, id=Atom(name), name=name, **options)


def server(name, via=None):
    """A component that only is there."""
    return component(ServerSpec, name, regrow.Server, via=via)


def tree(*children):
    return component(SupervisorSpec, "System", children, restart="temporary")


def draw(supervisor, depth):
    """Children are told the last started first; drawn they are in the order of their start."""
    for child in reversed(supervisor.which_children()):
        print(f"{'   ' * depth}{regrow.show(child.id)}, {child.kind}")
        if child.type == "supervisor" and child.kind == "supervisor":
            draw(Supervisor(child.pid), depth + 1)


def crash(name, times):
    """Kills who has that name, so many times, and tells who has another pid than before, and who has none."""
    runtime.advance(10)  # earlier restarts do not count any more
    before = [drill.whereis(runtime, name) for name in NAMES]
    for _ in range(times):
        drill.kill(runtime.whereis(name))
        drill.settle(runtime)
    print(f"   {name} is killed {'once' if times == 1 else 'four times'}:", end="")
    for who, old in zip(NAMES, before):
        now = drill.whereis(runtime, who)
        if now != old:
            print(f" {'new' if now else 'no'} {who},", end="")
    print(" all else as before")


with drill.begin() as runtime:
    # The workers register, so there must be a registry when they start.
    keys = [Address(runtime=runtime, registry="Registry", key=(Atom("db_worker"), n)) for n in (1, 2, 3)]
    workers = [server(f"Worker{n}", via) for n, via in enumerate(keys, 1)]
    registry = component(RegistrySpec, "Registry")
    database = component(SupervisorSpec, "Database", workers)
    others = [server("Cache"), server("API")]

    print("1. The tree:")
    system = runtime.start_child(tree(registry, database, *others))
    print("   System")
    draw(system, 2)

    print("2. A database worker crashes:")
    crash("Worker2", 1)
    print("3. The database crashes:")
    crash("Database", 1)
    print("4. The cache crashes:")
    crash("Cache", 1)
    runtime.root.terminate_child(Atom("System"))

    print("5. The registry before the database, because the other way round the workers find none:")
    try:
        runtime.start_child(tree(database, registry, *others))
    except regrow.StartError as error:
        print(f"   {drill.code(error)}\n   {regrow.show(error.reason)}")

    print("6. A supervisor of its own for the database: what is too much for it is one restart for the system.")
    runtime.start_child(tree(registry, database, *others))
    crash("Worker1", 4)
    runtime.root.terminate_child(Atom("System"))
    print("   With the workers directly under the system it is the system's end:")
    runtime.start_child(tree(registry, *workers, *others))
    crash("Worker1", 4)
