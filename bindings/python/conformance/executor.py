#!/usr/bin/env python3
"""Carries a scenario of tests/conformance out through the Python package, and writes its trace.

usage: executor.py SCENARIO
       executor.py --operations   the names of the operations that it supports, a line each
REGROW_WORKERS=N       threads of the runtime; without it, what the runtime finds right
REGROW_CLOCK=manual    no time but that of the scenario

Exit status 0: done. 77: the scenario uses something that this executor does not support. Else: failed.
"""

from __future__ import annotations

import faulthandler
import os
import sys

import regrow
from clock import Clock
from scenario import Scenario
from stores import AllOperations
from system import System
from traces import final_line, step_lines

UNSUPPORTED = 77
#: A little less than run.py waits, to say where it hangs.
LONGEST_RUN_S = 25


def is_supported(scenario: Scenario) -> bool:
    for step in scenario.steps:
        by_main = step.words[0] != "do"
        if AllOperations.find(step.words[0], True) is None:
            return False
        if not by_main and AllOperations.find(step.word(2), False) is None:
            return False
    return True


def run(scenario: Scenario) -> int:
    if not is_supported(scenario):
        return UNSUPPORTED
    workers = os.environ.get("REGROW_WORKERS")
    kind = "manual" if os.environ.get("REGROW_CLOCK") == "manual" else "monotonic"
    with regrow.Runtime(log_level="silent", workers=int(workers) if workers else None, clock=kind) as runtime:
        with runtime.enter() as main:
            regrow.trap_exit()
            clock = Clock(runtime, kind == "manual")
            system = System(scenario, runtime, main, clock)
            operations = AllOperations(system)
            print(f"scenario {scenario.name}")
            for number, step in enumerate(scenario.steps, 1):
                system.step = number
                print(f"step {number} {step.text}")
                with clock.lent():
                    result = operations.carry_out(step.words, step, True)
                    clock.settle()
                regrow.flush()  # what main received is not recorded
                print("\n".join(step_lines(system, result)))
            print(final_line(system))
            clock.stop()  # a shutdown moves a manual clock itself
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} SCENARIO | --operations")
    if sys.argv[1] == "--operations":
        print("\n".join(AllOperations.names()))
        sys.exit()
    faulthandler.dump_traceback_later(LONGEST_RUN_S, exit=True)
    sys.exit(run(Scenario.read(sys.argv[1])))
