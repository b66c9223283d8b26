#!/usr/bin/env python3
"""The reference executor: scenarios on the Erlang/OTP and Elixir that are installed (reference/*.erl).

usage: reference.py FILE.scn                  writes the trace, as any executor does (FORMAT.md)
       reference.py --check PATH... [-n N] [--noise SEED]
                                              compares with the recorded traces beside the scenarios; `-n`: only
                                              so many, spread evenly; `--noise`: under schedules by chance
       reference.py --operations              the operations that it knows, one a line
       reference.py --available               status 0 when Erlang and Elixir are here

The executors of the Erlang and the Elixir binding are the same on another system (reference/reference_system.erl).
"""
import argparse, atexit, collections, os, queue, shutil, subprocess, sys, tempfile
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
        kind, text = self.ask(b"%d %s\n" % (noise, os.path.abspath(path).encode()))
        if kind == "unsupported":
            raise Unsupported(text.strip())
        if kind != "trace":
            self.stop()
            raise RuntimeError(text)
        return text

    def ask(self, line):
        self.start()
        try:
            self.process.stdin.write(line)
            self.process.stdin.flush()
            kind, _, size = self.process.stdout.readline().decode().partition(" ")
        except OSError:
            size = ""
        if not size:
            self.stop()
            raise RuntimeError("the Erlang node ended")
        return kind, self.process.stdout.read(int(size)).decode("latin-1")

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None


def modules(folder):
    found = sorted(os.path.join(folder, name) for name in os.listdir(folder) if name.endswith(".erl"))
    return sorted(found, key=lambda path: not path.endswith("/reference_system.erl"))  # a behaviour goes first


class Executor:
    """Several nodes on one system; record() may be called from several threads.

    `system` is a module as reference_system.erl describes, `sources` has the .erl and .ex files beside the reference's
    own, `paths` where compiled modules are."""

    knows_all = False
    folder = None

    def __init__(self, nodes, system, sources, paths):
        self.folder = tempfile.mkdtemp(prefix="reference-of-regrow-")
        atexit.register(self.stop)
        found = [word for path in [self.folder] + paths for word in ("-pa", path)]
        elixir = [path for path in sources if path.endswith(".ex")]
        erlang = modules(SOURCES) + [path for path in sources if path not in elixir]
        try:
            subprocess.run(["erlc", "-Wall", "-Werror", "-I", SOURCES, "-o", self.folder] + found + erlang, check=True)
            if elixir:
                subprocess.run(["elixirc", "--warnings-as-errors", "-o", self.folder] + found + elixir, check=True,
                               stdout=subprocess.DEVNULL)
        except subprocess.CalledProcessError:
            sys.exit("%s: the executor does not compile" % system)
        self.run_on(nodes, NODE + found + ["-s", "reference", "start", system])

    def run_on(self, nodes, command):
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

    def operations(self):
        return self.nodes[0].ask(b"operations\n")[1]

    def stop(self):
        for node in getattr(self, "nodes", []):
            node.stop()
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)


class Reference(Executor):
    """OTP and Elixir themselves."""

    knows_all = True

    def __init__(self, nodes):
        elixir = elixir_path()
        if not elixir:
            raise RuntimeError("Erlang and Elixir are not installed")
        super().__init__(nodes, "reference_otp", [], [elixir])


def scenarios(paths):
    for path in paths:
        if os.path.isdir(path):
            yield from (os.path.join(path, name) for name in sorted(os.listdir(path)) if name.endswith(".scn"))
        else:
            yield path


def check(make, paths, count, noise):
    from run import difference
    files = list(scenarios(paths))
    if count and count < len(files):
        files = [files[i * len(files) // count] for i in range(count)]
    nodes = 2 * (os.cpu_count() or 1)
    executor = make(nodes)
    failed, skipped = 0, collections.Counter()

    def one(numbered):
        number, path = numbered
        with open(path[:-4] + ".trace") as trace:
            want = trace.read()
        try:
            got = executor.record(path, noise + number if noise else 0)
        except Unsupported as unsupported:
            return path, want, unsupported
        except RuntimeError as error:
            got = str(error)
        return path, want, got

    with ThreadPoolExecutor(nodes) as pool:
        for path, want, got in pool.map(one, enumerate(files)):
            if isinstance(got, Unsupported) and not executor.knows_all:
                skipped[str(got)] += 1
            elif want != got:
                failed += 1
                print("FAIL", os.path.basename(path)[:-4])
                print(difference(want, str(got)))
    for why, times in sorted(skipped.items()):
        print("skipped: %s (%d)" % (why, times))
    skips = sum(skipped.values())
    print("%d passed, %d failed, %d skipped" % (len(files) - failed - skips, failed, skips))
    sys.exit(1 if failed or not files else 0)


def main(make, usage, available):
    """`make` gives an Executor with so many nodes; `available`: whether what it needs is here."""
    parser = argparse.ArgumentParser(usage=usage.split("usage: ")[1])
    parser.add_argument("paths", nargs="*")
    parser.add_argument("--available", action="store_true")
    parser.add_argument("--operations", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--noise", type=int, default=0, metavar="SEED")
    parser.add_argument("-n", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.available:
        sys.exit(0 if available() else 1)
    if arguments.operations:
        sys.stdout.write(make(1).operations())
        sys.exit(0)
    if arguments.check:
        check(make, arguments.paths, arguments.n, arguments.noise)
    if len(arguments.paths) != 1:
        parser.error("one scenario")
    try:
        sys.stdout.write(make(1).record(arguments.paths[0]))
    except Unsupported as unsupported:
        print(unsupported, file=sys.stderr)
        sys.exit(77)


if __name__ == "__main__":
    main(Reference, __doc__, elixir_path)
