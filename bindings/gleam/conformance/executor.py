#!/usr/bin/env python3
"""The executor of the Gleam binding: scenarios through its modules, by the program executor/main.gleam.

usage: executor.py FILE.scn              writes the trace, as any executor does (tests/conformance/FORMAT.md)
       executor.py --check PATH...       compares with the recorded traces beside the scenarios
       executor.py --operations          the operations that it knows, one a line
       executor.py --available           status 0 when Erlang is here

With REGROW_WORKERS=N so many threads. `make -C bindings/gleam` first.
"""
import atexit, os, shutil, sys

BINDING = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(BINDING, "..", "..", "tests", "conformance"))

import reference


class Executor(reference.Executor):
    """Nodes of the program, which is compiled already, and answers as the reference does."""

    def __init__(self, nodes):
        atexit.register(self.stop)
        paths = ["-pa", os.path.join(BINDING, "..", "erlang", "ebin"), os.path.join(BINDING, "build", "ebin")]
        self.run_on(nodes, reference.NODE + paths + ["-s", "executor@main", "main"])


if __name__ == "__main__":
    reference.main(Executor, __doc__, lambda: shutil.which("erlc"))
