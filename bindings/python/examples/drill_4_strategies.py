"""Drill 4: which siblings are stopped (T) and started (S) again, and in which order, when a worker crashes."""

import drill
import regrow
from regrow import Atom, ServerSpec, Stop, SupervisorSpec

log = []


class DemoWorker(regrow.Server):
    def init(self, number):
        regrow.trap_exit()  # so that it is heard of when it is stopped too
        self.number = number
        log.append(f" S{number}")

    def handle_call(self, reason):
        return Stop(reason)

    def terminate(self, reason):
        log.append(f" T{self.number}")


def start(strategy, restarts=("permanent",) * 3):
    """Forgets what was noted of the start."""
    workers = [
        ServerSpec(DemoWorker, number, id=number, name=f"worker_{number}", restart=restart)
        for number, restart in enumerate(restarts, 1)
    ]
    demo = runtime.start_child(SupervisorSpec(workers, name="demo", strategy=strategy, restart="temporary"))
    log.clear()
    return demo


def stop():
    runtime.whereis("demo").stop(regrow.SHUTDOWN)


def end_worker(number, reason):
    """The caller is told that its call has ended that way."""
    try:
        runtime.whereis(f"worker_{number}").call(Atom(reason))
    except regrow.ExitedError as error:
        return error


def print_log(what):
    drill.settle(runtime)
    print(f"{what:<52}{''.join(log)}")
    log.clear()


with drill.begin() as runtime:
    # A new tree for each crash: the log of one.
    for strategy, number in (
        ("one_for_one", 2),
        ("one_for_all", 1),
        ("one_for_all", 2),
        ("one_for_all", 3),
        ("rest_for_one", 1),
        ("rest_for_one", 2),
        ("rest_for_one", 3),
    ):
        start(strategy)
        end_worker(number, "crash")
        print_log(f"{strategy}, {number} crashes")
        stop()

    demo = start("one_for_all")
    end_worker(2, "crash")
    drill.settle(runtime)
    ids = "".join(f" {child.id}" for child in demo.which_children())
    print(f"{'which_children, after any of these':<52}{ids}")
    log.clear()
    stop()
    print_log("the supervisor stops")

    start("one_for_all", ("permanent", "temporary", "transient"))
    end_worker(1, "crash")
    print_log("one_for_all, 2 temporary, 3 transient, 1 crashes")
    end_worker(3, "normal")
    print_log("one_for_all, 3 transient, 3 ends as it should")
    stop()

    start("one_for_one")
    error = end_worker(2, "crash")
    print(f"the caller of the crash: {drill.code(error)}, {regrow.show(error.reason)}")
