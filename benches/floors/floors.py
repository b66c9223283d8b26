#!/usr/bin/env python3
"""Where the time goes: the table in docs/benchmarks.md, which is what `make bench-floors` prints.

usage: floors.py [NAME]...

For each workload, with one worker: the time of one operation, and what it takes of that which no code is spared:
instructions, of these locked ones, cache lines that are not near, and switches of threads. They are counted by valgrind's
callgrind, twice, the second time with twice as many operations: the difference is what those take. valgrind lets one
thread run at a time, so what waits for another core is in the time alone.
"""
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile

PROGRAM = ["build/regrow-bench", "workers=1"]
# What is counted: (the workload, operations, how many of what is named are one operation).
WORKLOADS = {
    "ping-pong, round trip": ("pingpong", 5000, 1),
    "call from a process": ("call_actor", 5000, 1),
    "counting, message": ("counting", 20000, 1),
    "fan-in, message": ("fanin", 5000, 1),
    "threadring, hop": ("threadring", 10000, 1),
    "big, ping": ("big", 50, 1),
    "chameneos, meeting": ("chameneos", 5000, 1),
    "spawn, one message, exit": ("spawn", 10000, 1),
    "crash to the next answer": ("restart", 1000, 1),
    "dynamic supervisor, child": ("dynsup", 1000, 1),
    "task, of the three ways": ("task", 2000, 3),
}
# Times are of so many times the operations: long enough for a clock.
LONGER = 50
REPETITIONS = 5
# The last level that is asked about is what a core has for itself.
CACHES = ["--cache-sim=yes", "--D1=32768,8,64", "--LL=524288,8,64"]
FIELDS = ["instructions", "locked", "near", "far"]


def locked(file):
    """The addresses of its instructions that lock a cache line."""
    code = subprocess.run(["objdump", "-d", "--no-show-raw-insn", file], capture_output=True, text=True, check=True).stdout
    return {int(address, 16) for address in re.findall(r"^ *([0-9a-f]+):\s+(?:lock |xchg +.*\()", code, re.M)}


def added_up(lines, locks=locked):
    """What a file of callgrind's with the instructions' addresses counts, each in the function that it is in."""
    addresses, files, events = set(), {}, []
    total = dict.fromkeys(FIELDS, 0)
    at, is_callees = 0, False
    for line in map(str.rstrip, lines):
        if line.startswith("events: "):
            events = line.split()[1:]
        elif line.startswith(("ob=", "cob=")):
            # A file has its name where it comes first, be it that of a callee.
            kind, _, file = line.partition("=")
            number, _, name = file.partition(" ")
            if name:
                files[number] = locks(name) if os.path.exists(name) else set()
            if kind == "ob":
                addresses = files[number]
        elif line.startswith("calls="):
            is_callees = True
        elif re.match(r"[0-9+*-]", line):
            position, _, *costs = line.split()
            # Addresses are hexadecimal, and steps between them decimal.
            at = at if position == "*" else at + int(position) if position[0] in "+-" else int(position, 16)
            if not is_callees:
                # What is left out at the end is 0.
                cost = dict.fromkeys(events, 0) | dict(zip(events, map(int, costs)))
                total["instructions"] += cost["Ir"]
                total["locked"] += cost["Ir"] * (at in addresses)
                total["near"] += cost["D1mr"] + cost["D1mw"]
                total["far"] += cost["DLmr"] + cost["DLmw"]
            is_callees = False
    return total


def operations(line):
    return line["per_sec"] * line["seconds"]


def counted(command):
    """(operations, what callgrind counted) of a run."""
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "out")
        valgrind = ["valgrind", "-q", "--tool=callgrind", "--dump-instr=yes", f"--callgrind-out-file={out}", *CACHES]
        line = subprocess.run([*valgrind, *command], check=True, stdout=subprocess.PIPE).stdout
        with open(out) as lines:
            return operations(json.loads(line)), added_up(lines)


def timed(command):
    """(nanoseconds, switches of threads) of one operation."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_nvcsw
    line = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    switches = resource.getrusage(resource.RUSAGE_CHILDREN).ru_nvcsw - before
    return 1e9 / line["per_sec"], switches / operations(line)


def row(name):
    workload, n, parts = WORKLOADS[name]
    (few, once), (many, twice) = (counted([*PROGRAM, f"{workload}:{count}"]) for count in (n, 2 * n))
    each = {field: (twice[field] - once[field]) / (many - few) / parts for field in FIELDS}
    runs = [timed([*PROGRAM, f"{workload}:{LONGER * n}"]) for _ in range(REPETITIONS)]
    ns, switches = (statistics.median(run[i] for run in runs) for i in (0, 1))
    return (f"| {name} | {ns:,.0f} | {each['instructions']:,.0f} | {each['locked']:.1f} | {each['near']:.1f} | "
            f"{each['far']:.1f} | {1000 * switches / parts:.1f} |")


def main(names):
    print("| one | ns | instructions | locked | not in 32 KiB | not in 512 KiB | switches of threads for 1,000 |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for name in names or WORKLOADS:
        print(row(name), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
