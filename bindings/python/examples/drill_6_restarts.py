"""Drill 6: who is started again after which end."""

import contextlib

import drill
import regrow
from regrow import Atom, ServerSpec, Stop, SupervisorSpec


class Worker(regrow.Server):
    """It ends as it is told."""

    def handle_cast(self, reason):
        return Stop(reason)


def outcome(restart, reason):
    """What becomes of a child of that type that ends with that reason."""
    before = supervisor.start_child(ServerSpec(Worker, id="worker", restart=restart))
    if reason == regrow.KILLED:
        before.exit(regrow.KILL)  # that comes from outside
    else:
        before.cast(reason)
    drill.settle(runtime)
    try:
        after = supervisor.lookup("worker")
        said = "not restarted, kept" if after is None else "restarted" if after != before else "as before"
        supervisor.terminate_child("worker")
        with contextlib.suppress(regrow.NotFoundError):
            supervisor.delete_child("worker")  # a temporary one is forgotten already
    except regrow.NotFoundError:
        said = "not restarted"
    runtime.advance(10)  # so that restarts are not counted together
    return said


with drill.begin() as runtime:
    supervisor = runtime.start_child(SupervisorSpec(name="RestartTypeDemo"))
    types = ("permanent", "transient", "temporary")
    print("{:<16} {:<12} {:<21} {}".format("ends with", *types))
    for reason in (
        regrow.NORMAL,
        regrow.SHUTDOWN,
        (regrow.SHUTDOWN, Atom("done")),
        Atom("error"),
        regrow.KILLED,
    ):
        outcomes = [outcome(restart, reason) for restart in types]
        print("{:<16} {:<12} {:<21} {}".format(regrow.show(reason), *outcomes))
