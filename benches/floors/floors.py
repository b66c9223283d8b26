#!/usr/bin/env python3
"""Where the time goes: the two tables in docs/benchmarks.md, which are what `make bench-floors` prints.

usage: floors.py [NAME]...

For each workload, with one worker: the time of one operation, and what it takes of that which no code is spared:
instructions, of these locked ones, cache lines that are not near, and switches of threads. They are counted by valgrind's
callgrind, twice, the second time with twice as many operations: the difference is what those take. valgrind lets one
thread run at a time, so what waits for another core is in the time alone. What is done among many entries is measured among
few as well, which the caches hold: what is longer without more instructions is the memory's.
"""
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile

BENCH = ["build/regrow-bench", "workers=1"]
PHASES = ["build/regrow-floors"]
# What is counted: (the program, its workload, operations, how many of what is named are one operation).
WORKLOADS = {
    "ping-pong, round trip": (BENCH, "pingpong", 5000, 1),
    "call from a process": (BENCH, "call_actor", 5000, 1),
    "counting, message": (BENCH, "counting", 20000, 1),
    "fan-in, message": (BENCH, "fanin", 5000, 1),
    "threadring, hop": (BENCH, "threadring", 10000, 1),
    "big, ping": (BENCH, "big", 50, 1),
    "chameneos, meeting": (BENCH, "chameneos", 5000, 1),
    "spawn, one message, exit": (BENCH, "spawn", 10000, 1),
    "crash to the next answer": (BENCH, "restart", 1000, 1),
    "dynamic supervisor, child": (BENCH, "dynsup", 1000, 1),
    "agent, get": (PHASES, "agent_get", 10000, 1),
    "agent, update": (PHASES, "agent_update", 10000, 1),
    "task, of the three ways": (BENCH, "task", 2000, 3),
}
# As many in the caches, and as many as the benchmarks have.
FEW, MANY = 1_000, 100_000
# Of PHASES, with how many operations.
ENTRIES = {
    "name, text, looked up": ("names_text", 100_000),
    "name, integer, looked up": ("names_integer", 100_000),
    "name taken away and given anew": ("names_again", 100_000),
    "set, lookup": ("set_lookup", 100_000),
    "set, insert over": ("set_insert", 100_000),
    "set, counter": ("set_counter", 100_000),
    "set, select, a row": ("set_select", 200_000),
    "set, count, a row": ("set_count", 200_000),
    "ordered set, lookup": ("ordered_lookup", 100_000),
    "ordered set, insert over": ("ordered_insert", 100_000),
    "ordered set, counter": ("ordered_counter", 100_000),
    "ordered set, select, a row": ("ordered_select", 200_000),
    "ordered set, count, a row": ("ordered_count", 200_000),
    "timer, started": ("timers_start", 100_000),
    "timer, cancelled": ("timers_cancel", 100_000),
}
# Of these what is counted is within a function alone, since what goes before or after is as often.
WITHIN = {"timers_start": "start_timers", "timers_cancel": "cancel_timers"}
# Times are of so many times the operations: long enough for a clock.
LONGER = 50
LONGER_PHASES = 10
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


def counted(command, within=None):
    """(operations, what callgrind counted) of a run; of all of it, or of a function and what that calls."""
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "out")
        valgrind = ["valgrind", "-q", "--tool=callgrind", "--dump-instr=yes", f"--callgrind-out-file={out}", *CACHES]
        if within:
            valgrind += ["--collect-atstart=no", f"--toggle-collect={within}"]
        line = subprocess.run([*valgrind, *command], check=True, stdout=subprocess.PIPE).stdout
        with open(out) as lines:
            return operations(json.loads(line)), added_up(lines)


def timed(command):
    """(nanoseconds, switches of threads) of one operation."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_nvcsw
    line = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    switches = resource.getrusage(resource.RUSAGE_CHILDREN).ru_nvcsw - before
    return 1e9 / line["per_sec"], switches / operations(line)


def of_one(command, n, parts=1, within=None):
    """What one operation takes; `command(n)` does n."""
    (few, once), (many, twice) = (counted(command(count), within) for count in (n, 2 * n))
    return {field: (twice[field] - once[field]) / (many - few) / parts for field in FIELDS}


def medians(command):
    """(nanoseconds, switches of threads) of one operation."""
    runs = [timed(command) for _ in range(REPETITIONS)]
    return tuple(statistics.median(run[i] for run in runs) for i in (0, 1))


def row(name):
    program, workload, n, parts = WORKLOADS[name]
    command = lambda n: [*program, f"{workload}:{n}"]
    each = of_one(command, n, parts)
    ns, switches = medians(command(LONGER * n))
    return (f"| {name} | {ns:,.0f} | {each['instructions']:,.0f} | {each['locked']:.1f} | {each['near']:.1f} | "
            f"{each['far']:.1f} | {1000 * switches / parts:.1f} |")


def row_of_entries(name, many=MANY):
    workload, n = ENTRIES[name]
    command = lambda rows: lambda n: [*PHASES, f"rows={rows}", f"{workload}:{n}"]
    among_few, each = (of_one(command(rows), n, within=WITHIN.get(workload)) for rows in (FEW, many))
    ns = [medians(command(rows)(LONGER_PHASES * n))[0] for rows in (FEW, many)]
    return (f"| {name} | {ns[0]:,.0f} | {ns[1]:,.0f} | {among_few['instructions']:,.0f} | {each['instructions']:,.0f} | "
            f"{each['locked']:.1f} | {each['near']:.1f} | {each['far']:.1f} |")


def main(names):
    unknown = set(names) - set(WORKLOADS) - set(ENTRIES)
    if unknown:
        sys.exit(f"there is no {', '.join(sorted(unknown))}")
    if not names or set(names) & set(WORKLOADS):
        print("| one | ns | instructions | locked | not in 32 KiB | not in 512 KiB | switches of threads for 1,000 |")
        print("|---|---:|---:|---:|---:|---:|---:|")
    for name in WORKLOADS:
        if not names or name in names:
            print(row(name), flush=True)
    if not names or set(names) & set(ENTRIES):
        print("\n" if not names or set(names) & set(WORKLOADS) else "", end="")
        print(f"| one | ns, among {FEW:,} | ns, among {MANY:,} | instructions, {FEW:,} | instructions, {MANY:,} | "
              f"locked | not in 32 KiB | not in 512 KiB |")
        print("|---|---:|---:|---:|---:|---:|---:|---:|")
    for name in ENTRIES:
        if not names or name in names:
            print(row_of_entries(name), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
