#!/usr/bin/env python3
"""The reference executor: scenarios on the Erlang/OTP and Elixir that are installed (reference/*.erl).

usage: reference.py FILE.scn                  writes the trace, as any executor does (FORMAT.md)
       reference.py --check PATH... [-n N] [--noise SEED]
                                              compares with the recorded traces beside the scenarios; `-n`: only
                                              so many, spread evenly; `--noise`: under schedules by chance
       reference.py --available               status 0 when Erlang and Elixir are here
"""
import argparse, atexit, os, queue, shutil, subprocess, sys, tempfile
from concurrent.futures import ThreadPoolExecutor

SOURCES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "reference")

# One scheduler: reference_quiet.erl says why. The rest keeps a node that waits from using a processor.
NODE = ("erl -noshell +S 1:1 +SDcpu 1:1 +SDio 1 +sbwt none +sbwtdcpu none +sbwtdio none "
        "-kernel logger_level none").split()


class Unsupported(Exception):
    """The scenario has something that the reference does not know."""


def elixir_path():
    """Where Elixir's own modules are, or None."""
    if not shutil.which("elixir") or not shutil.which("erlc"):
        return None
    found = subprocess.run(["elixir", "-e", "IO.write(:code.lib_dir(:elixir, :ebin))"], capture_output=True, text=True)
    return found.stdout if found.returncode == 0 and os.path.isdir(found.stdout) else None


class Node:
    """One Erlang node: one scenario at a time."""

    def __init__(self, command):
        self.command, self.process = command, None

    def start(self):
        if not self.process or self.process.poll() is not None:
            self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def record(self, path, noise):
        self.start()
        try:
            self.process.stdin.write(b"%d %s\n" % (noise, os.path.abspath(path).encode()))
            self.process.stdin.flush()
            kind, _, size = self.process.stdout.readline().decode().partition(" ")
        except OSError:
            size = ""
        if not size:
            self.stop()
            raise RuntimeError("the Erlang node ended")
        text = self.process.stdout.read(int(size)).decode("latin-1")
        if kind == "unsupported":
            raise Unsupported(text.strip())
        if kind != "trace":
            self.stop()
            raise RuntimeError(text)
        return text

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None


class Reference:
    """Several nodes; record() may be called from several threads."""

    def __init__(self, nodes):
        elixir = elixir_path()
        if not elixir:
            raise RuntimeError("Erlang and Elixir are not installed")
        self.folder = tempfile.mkdtemp(prefix="regrow-reference-")
        atexit.register(self.stop)
        sources = sorted(os.path.join(SOURCES, name) for name in os.listdir(SOURCES) if name.endswith(".erl"))
        subprocess.run(["erlc", "-Wall", "-Werror", "-o", self.folder] + sources, check=True)
        command = NODE + ["-pa", self.folder, elixir, "-s", "reference"]
        self.nodes = [Node(command) for _ in range(nodes)]
        self.free = queue.Queue()
        for node in self.nodes:
            self.free.put(node)

    def record(self, path, noise=0):
        """The trace. `noise` other than 0 is the seed of another schedule."""
        node = self.free.get()
        try:
            return node.record(path, noise)
        finally:
            self.free.put(node)

    def stop(self):
        for node in getattr(self, "nodes", []):
            node.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def scenarios(paths):
    for path in paths:
        if os.path.isdir(path):
            yield from (os.path.join(path, name) for name in sorted(os.listdir(path)) if name.endswith(".scn"))
        else:
            yield path


def check(paths, count, noise):
    from run import difference
    files = list(scenarios(paths))
    if count and count < len(files):
        files = [files[i * len(files) // count] for i in range(count)]
    nodes = 2 * (os.cpu_count() or 1)
    reference = Reference(nodes)
    failed = 0

    def one(numbered):
        number, path = numbered
        with open(path[:-4] + ".trace") as trace:
            want = trace.read()
        try:
            got = reference.record(path, noise + number if noise else 0)
        except (RuntimeError, Unsupported) as error:
            got = str(error)
        return path, want, got

    with ThreadPoolExecutor(nodes) as pool:
        for path, want, got in pool.map(one, enumerate(files)):
            if want != got:
                failed += 1
                print("FAIL", os.path.basename(path)[:-4])
                print(difference(want, got))
    print("%d passed, %d failed, 0 skipped" % (len(files) - failed, failed))
    sys.exit(1 if failed or not files else 0)


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1])
    parser.add_argument("paths", nargs="*")
    parser.add_argument("--available", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--noise", type=int, default=0, metavar="SEED")
    parser.add_argument("-n", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.available:
        sys.exit(0 if elixir_path() else 1)
    if arguments.check:
        check(arguments.paths, arguments.n, arguments.noise)
    try:
        sys.stdout.write(Reference(1).record(arguments.paths[0]))
    except Unsupported as unsupported:
        print(unsupported, file=sys.stderr)
        sys.exit(77)


if __name__ == "__main__":
    main()
