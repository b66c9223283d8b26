#!/usr/bin/env python3
"""Carries a scenario of tests/conformance out through the Python package, and writes its trace.

usage: executor.py SCENARIO     (with REGROW_WORKERS=N, so many threads)

Exit status 0: done. 77: the scenario uses something that this executor does not support. Else: failed.
"""

from __future__ import annotations

import faulthandler
import os
import sys

import regrow
from scenario import Scenario
from stores import AllOperations
from system import System
from traces import final_line, step_lines

UNSUPPORTED = 77
#: A little less than run.py waits, to say where it hangs.
LONGEST_RUN_S = 25


def is_supported(scenario: Scenario, operations: AllOperations) -> bool:
    for step in scenario.steps:
        by_main = step.words[0] != "do"
        if operations.find(step.words[0], True) is None:
            return False
        if not by_main and operations.find(step.word(2), False) is None:
            return False
    return True


def run(scenario: Scenario) -> int:
    workers = os.environ.get("REGROW_WORKERS")
    with regrow.Runtime(log_level="silent", workers=int(workers) if workers else None) as runtime:
        with runtime.enter() as main:
            regrow.trap_exit()
            system = System(scenario, runtime, main)
            operations = AllOperations(system)
            if not is_supported(scenario, operations):
                return UNSUPPORTED
            print(f"scenario {scenario.name}")
            for number, step in enumerate(scenario.steps, 1):
                system.step = number
                print(f"step {number} {step.text}")
                result = operations.carry_out(step.words, step, True)
                system.settle()
                regrow.flush()  # what main received is not recorded
                print("\n".join(step_lines(system, result)))
            print(final_line(system))
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} SCENARIO")
    faulthandler.dump_traceback_later(LONGEST_RUN_S, exit=True)
    sys.exit(run(Scenario.read(sys.argv[1])))
