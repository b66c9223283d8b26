#!/usr/bin/env python3
"""Fresh random scenarios: an executor against the reference, on every setting.

usage: differential.py EXECUTOR [-n COUNT] [--seed SEED] [--family F] [--repeat N] [--again PERCENT] [--no-skips]
                                [--keep FOLDER] [-j N]

Each scenario is recorded once by the reference (reference.py) and carried out by the executor on one worker, on two,
and on the manual clock; the traces must be the same byte for byte. What differs is made small against the reference
and kept as FOLDER/NAME.scn with the reference's trace beside it. `--repeat N` carries each out N times on each setting.
`--again`: how many percent the reference records twice, the second time under another schedule, to see that they are
determined; one that is not is a failure too, of the generator. With `-` for EXECUTOR that is all that is done. A
scenario that the executor refuses with status 77 is skipped; `--no-skips` makes that a failure.

The seed is printed: `--seed` with it gives the same scenarios again. Exit status 1: something failed.
"""
import argparse, collections, itertools, os, re, shlex, subprocess, sys, tempfile, threading, time
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "gen"))
import gen
from reference import Reference, Unsupported
from run import difference
from shrink import shrink

SETTINGS = {
    "one worker": {"REGROW_WORKERS": "1", "REGROW_CLOCK": ""},
    "two workers": {"REGROW_WORKERS": "2", "REGROW_CLOCK": ""},
    "manual clock": {"REGROW_WORKERS": "2", "REGROW_CLOCK": "manual"},
}
LIMIT_S = 40
SHRINK_AT_MOST = 12  # kinds of failures
ENOUGH = 200  # failures, to stop at
TRIES = 3  # to see a difference again
OTHER_SCHEDULES = 6  # tried to find out whether a scenario is determined


class Executor:
    def __init__(self, command, folder):
        self.command, self.folder = shlex.split(command), folder
        self.numbers = itertools.count()
        self.refused = {}

    def run(self, path, setting):
        """(status, what it wrote or said)"""
        try:
            ran = subprocess.run(self.command + [path], capture_output=True, text=True, timeout=LIMIT_S,
                                 env={**os.environ, **SETTINGS[setting]})
        except subprocess.TimeoutExpired:
            return -1, "no answer within %d s\n" % LIMIT_S
        if ran.returncode:
            return ran.returncode, "exit status %d\n%s" % (ran.returncode, ran.stderr[-2000:])
        return 0, ran.stdout

    def write(self, lines):
        path = os.path.join(self.folder, "candidate%d.scn" % next(self.numbers))
        with open(path, "w") as out:
            out.write("\n".join(lines) + "\n")
        return path

    def refusal(self, lines):
        """What of a scenario it refuses: each kind of line is tried alone."""
        for line in lines[1:]:
            words = line.split(" ")
            kind = words[2] if words[0] == "do" else words[0]
            if kind in ("sup", "dsup", "worker"):
                kind = " ".join([kind] + [w for w in words if w.startswith(("strategy=", "auto=", "significant="))])
            if kind not in self.refused:
                path = self.write([lines[0], line])
                self.refused[kind] = self.run(path, "one worker")[0] == 77
                os.unlink(path)
            if self.refused[kind]:
                return kind
        return "it does not say what"


# What is wrong with a scenario. Trait: what tells this failure from others, whatever its labels and numbers.
Failure = collections.namedtuple("Failure", "name lines kind setting explanation trait")


def first_difference(want, got):
    """The first pair of lines that differ, without labels and numbers."""
    for pair in itertools.zip_longest(want.split("\n"), got.split("\n")):
        if pair[0] != pair[1]:
            return tuple(re.sub(r"\b[a-z]+[0-9]*#[0-9]+|\b[a-z]*[0-9]+\b", "_", line or "") for line in pair)
    return None


class Comparison:
    def __init__(self, executor, reference, arguments):
        self.executor, self.reference, self.arguments = executor, reference, arguments
        self.lock = threading.Lock()
        self.passed, self.failures, self.skips = 0, [], collections.Counter()
        self.recorded_again = 0

    def compare(self, scenario, again):
        """One scenario; a failure is noted."""
        if len(self.failures) >= ENOUGH:
            return
        lines = scenario.text().rstrip("\n").split("\n")
        path = os.path.join(self.executor.folder, scenario.name + ".scn")
        with open(path, "w") as out:
            out.write(scenario.text())
        failure = self.compare_file(path, lines, again)
        if failure:
            with self.lock:
                self.failures.append(Failure(scenario.name, lines, *failure))
        os.unlink(path)

    def compare_file(self, path, lines, again):
        """(kind, setting, explanation, trait) of a failure, or None"""
        try:
            want = self.reference.record(path)
            if again:
                self.count(recorded_again=1)
                other = self.reference.record(path, again)
                if other != want:
                    return "undetermined", None, difference(want, other), "undetermined"
        except (RuntimeError, Unsupported) as error:
            return "reference", None, str(error), "reference"
        if self.arguments.executor == "-":
            self.count(passed=1)
            return None
        for _ in range(self.arguments.repeat):
            for setting in SETTINGS:
                status, got = self.executor.run(path, setting)
                if status == 77:
                    with self.lock:
                        self.skips[self.executor.refusal(lines)] += 1
                    return None
                if got != want:
                    if self.is_determined(path, want):
                        return "different", setting, difference(want, got), status or first_difference(want, got)
                    return "undetermined", None, difference(want, got), "undetermined"
                self.count(passed=1)
        return None

    def count(self, **counts):
        with self.lock:
            for name, more in counts.items():
                setattr(self, name, getattr(self, name) + more)

    def is_determined(self, path, want):
        return all(self.reference.record(path, noise) == want for noise in range(1, OTHER_SCHEDULES + 1))

    # ---- making failures small ----

    def keep(self, failure):
        """Returns the path of the small scenario."""
        def has_trait(lines):
            path = self.executor.write(lines)
            try:
                want = self.reference.record(path)
                if failure.kind == "undetermined":
                    return not self.is_determined(path, want)
                return self.trait(path, failure.setting, want) == failure.trait and self.is_determined(path, want)
            except (RuntimeError, Unsupported):
                return failure.kind == "reference"
            finally:
                os.unlink(path)

        lines = shrink(failure.lines, has_trait) if has_trait(failure.lines) else failure.lines
        os.makedirs(self.arguments.keep, exist_ok=True)
        path = os.path.join(self.arguments.keep, failure.name + ".scn")
        with open(path, "w") as out:
            out.write("\n".join(lines) + "\n")
        if failure.kind != "reference":
            with open(path[:-4] + ".trace", "w") as out:
                out.write(self.reference.record(path))
        return path

    def trait(self, path, setting, want):
        for _ in range(TRIES):
            status, got = self.executor.run(path, setting)
            if status == 77 or got != want:
                return status or first_difference(want, got)
        return None

    def explain(self, path, failure):
        """The difference of the small scenario, if it shows again."""
        if failure.kind == "different":
            want = self.reference.record(path)
            for _ in range(TRIES):
                status, got = self.executor.run(path, failure.setting)
                if got != want:
                    return difference(want, got)
        return failure.explanation

    def report(self):
        """One scenario of each kind of failure, the shortest, is made small."""
        for failure in self.failures:
            print("FAIL %s: %s%s" % (failure.name, failure.kind, ", " + failure.setting if failure.setting else ""))
        shortest = {}
        for failure in sorted(self.failures, key=lambda failure: -len(failure.lines)):
            shortest[failure.trait] = failure
        counts = collections.Counter(failure.trait for failure in self.failures)
        for trait, count in counts.most_common(SHRINK_AT_MOST):
            path = self.keep(shortest[trait])
            print("%d like this one, kept as %s" % (count, path))
            print(self.explain(path, shortest[trait]), flush=True)


def scenarios(arguments):
    for number in range(arguments.n):
        yield number, gen.make(arguments.seed, number, arguments.family)


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1])
    parser.add_argument("executor")
    parser.add_argument("-n", type=int, default=300)
    parser.add_argument("--seed", default=None)
    parser.add_argument("--family", choices=sorted(gen.FAM))
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--again", type=int, default=20)
    parser.add_argument("--no-skips", action="store_true")
    parser.add_argument("--keep", default=os.path.join("build", "differences"))
    parser.add_argument("-j", type=int, default=2 * (os.cpu_count() or 1))
    arguments = parser.parse_args()
    if arguments.seed is None:
        arguments.seed = "%x" % int.from_bytes(os.urandom(4), "big")
    print("seed %s: %d scenarios, %d settings, %d times"
          % (arguments.seed, arguments.n, len(SETTINGS), arguments.repeat), flush=True)

    begin = time.monotonic()
    reference = Reference(arguments.j)
    with tempfile.TemporaryDirectory(prefix="regrow-differential-") as folder:
        comparison = Comparison(Executor(arguments.executor, folder), reference, arguments)
        with ThreadPoolExecutor(arguments.j) as pool:
            def compare(numbered):
                number, scenario = numbered
                comparison.compare(scenario, number + 1 if number % 100 < arguments.again else 0)
            for _ in pool.map(compare, scenarios(arguments)):
                pass
        comparison.report()
    skipped = sum(comparison.skips.values())
    for reason, count in comparison.skips.most_common():
        print("skipped: the executor does not know `%s` (%d)" % (reason, count))
    print("%d recorded twice, under another schedule" % comparison.recorded_again)
    print("seed %s, %.0f s" % (arguments.seed, time.monotonic() - begin))
    print("%d passed, %d failed, %d skipped" % (comparison.passed, len(comparison.failures), skipped))
    sys.exit(1 if comparison.failures or (skipped and arguments.no_skips) else 0)


if __name__ == "__main__":
    main()
