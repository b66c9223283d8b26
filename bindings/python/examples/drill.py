"""What the drills share: a runtime whose clock stands still, and looking who is there.

The main thread is a process too, so that it may monitor. Time moves only by `Runtime.advance()`, so what takes seconds
in the exercise takes none here, and each run prints the same.
"""

import contextlib
import re

import regrow
from regrow import Atom


@contextlib.contextmanager
def begin():
    """Crashes are what these programs are about: no reports of them."""
    with regrow.Runtime(clock="manual", log_level="silent") as runtime, runtime.enter():
        yield runtime


def settle(runtime):
    """Until nothing runs any more: what follows from what was done has happened."""
    runtime.settle(None)


def milliseconds(runtime):
    return round(runtime.now() * 1000)


def whereis(runtime, name):
    """Who has a name, if anybody has."""
    try:
        return runtime.whereis(name)
    except regrow.NotFoundError:
        return None


def end_by(tell, pid):
    """Ends a process in a way, and returns when it is dead, and not yet when what follows from that has happened."""
    ref = regrow.monitor(pid)
    tell(pid)
    regrow.receive(matching=lambda message: message[:2] == (Atom("DOWN"), ref))


def kill(pid):
    end_by(lambda victim: victim.exit(regrow.KILL), pid)


def code(error):
    """What regrow.h calls an error, after which its exception is called: REGROW_ERR_NO_PROCESS is NoProcessError."""
    return "REGROW_ERR_" + re.sub(r"(?<!^)(?=[A-Z])", "_", type(error).__name__.removesuffix("Error")).upper()


def yes_or_no(yes):
    return "yes" if yes else "no"
