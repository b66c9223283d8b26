#!/usr/bin/env python3
"""The executor of the Erlang binding: scenarios through its modules, whose processes are processes of the BEAM.

usage: executor.py FILE.scn              writes the trace, as any executor does (tests/conformance/FORMAT.md)
       executor.py --check PATH...       compares with the recorded traces beside the scenarios
       executor.py --operations          the operations that it knows, one a line
       executor.py --available           status 0 when Erlang is here

It is the reference (tests/conformance/reference) on another system: regrow_executor.erl. With REGROW_WORKERS=N so many
threads. `make -C bindings/erlang` first.
"""
import os, shutil, sys

HERE = os.path.dirname(os.path.abspath(__file__))
BINDING = os.path.dirname(HERE)
sys.path.insert(0, os.path.join(BINDING, "..", "..", "tests", "conformance"))

import reference


def executor(nodes):
    return reference.Executor(nodes, "regrow_executor", reference.modules(HERE), [os.path.join(BINDING, "ebin")])


if __name__ == "__main__":
    reference.main(executor, __doc__, lambda: shutil.which("erlc"))
