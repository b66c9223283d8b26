#!/usr/bin/env python3
"""The executor of the Elixir binding: scenarios through its modules.

usage: executor.py FILE.scn              writes the trace, as any executor does (tests/conformance/FORMAT.md)
       executor.py --check PATH...       compares with the recorded traces beside the scenarios
       executor.py --operations          the operations that it knows, one a line
       executor.py --available           status 0 when Erlang and Elixir are here

It is the reference (tests/conformance/reference) on another system: executor.ex. With REGROW_WORKERS=N so many threads.
`mix compile` in bindings/elixir first.
"""
import os, sys

HERE = os.path.dirname(os.path.abspath(__file__))
BINDING = os.path.dirname(HERE)
ROOT = os.path.join(BINDING, "..", "..")
sys.path.insert(0, os.path.join(ROOT, "tests", "conformance"))

import reference


def executor(nodes):
    # What Elixir's modules are not there for goes through Erlang's.
    shared = [os.path.join(ROOT, "bindings", "erlang", "conformance", name + ".erl")
              for name in ("executor_runtime", "executor_processes")]
    ebin = os.path.join(BINDING, "_build", "dev", "lib", "regrow", "ebin")
    return reference.Executor(nodes, "Elixir.Regrow.Conformance", shared + [os.path.join(HERE, "executor.ex")],
                              [ebin, reference.elixir_path()])


if __name__ == "__main__":
    reference.main(executor, __doc__, reference.elixir_path)
