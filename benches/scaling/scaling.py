#!/usr/bin/env python3
"""What two cores do that one does not, and what the design's shared cache lines would make of 64: docs/scaling.md.

usage: scaling.py measure [copies|rows] [REPETITIONS]    measures (two minutes for each part), and keeps the numbers in
                                             benches/scaling/results.json
       scaling.py write                      puts the tables made of them into docs/scaling.md
       scaling.py check                      status 1 when that document has other tables

Needs two cores, build/regrow-bench and build/regrow-scaling. The reckoning is explained in docs/scaling.md."""
import concurrent.futures
import json
import os
import re
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parent.parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(TOP / "benches" / "peers"))

import machine
import run
import table
from rows import REGROW, WORKLOADS
from shared import NAMES, SHARED

RESULTS, DOCUMENT = HERE / "results.json", TOP / "docs" / "scaling.md"
SCALING, BENCH = TOP / "build" / "regrow-scaling", TOP / "build" / "regrow-bench"
# Nanoseconds that a cache line takes from core to core where there are 64 of them, in several groups: what is published of
# such machines is 50 to 150.
FAR_LINE = 100


def pinned(cores, command):
    """The rate that a program of one workload tells."""
    said = subprocess.run(["taskset", "-c", cores, *map(str, command)], check=True, capture_output=True, text=True, timeout=120)
    return json.loads(said.stdout.splitlines()[-1])["per_sec"]


def copies(repetitions, cores):
    """{workload: {"one": rates, "apart": rates, "together": rates}}: one copy on one core; two programs, a core each; two
    copies in one runtime with two workers on both cores."""
    first, second = cores
    found = {name: {"one": [], "apart": [], "together": []} for name in SHARED}
    with concurrent.futures.ThreadPoolExecutor(2) as both:
        for _ in range(repetitions):
            for name, rates in found.items():
                alone = [SCALING, "workers=1", "copies=1", name]
                rates["one"].append(pinned(first, alone))
                apart = [both.submit(pinned, core, alone) for core in cores]
                rates["apart"].append(sum(each.result() for each in apart))
                rates["together"].append(pinned(f"{first},{second}", [SCALING, "workers=2", "copies=2", name]))
    return found


def rows(repetitions, cores):
    """The lines of the workloads of `make bench`, with one worker on one core and with two on two."""
    tasks = {}
    for name, variants in REGROW.items():
        tasks[name] = []
        for number, where in (("1", cores[0]), ("2", ",".join(cores))):
            for variant, workload in variants.items():
                command = f"taskset -c {where} {BENCH} workers={number}{' inline=1' if variant else ''}"
                tasks[name].append((f"regrow{number}{variant}", command, f"{workload}:{WORKLOADS[name]}"))
    records = []
    run.paired(tasks, repetitions, records.append)
    return records


def measure(parts, repetitions):
    cores = [str(core) for core in sorted(os.sched_getaffinity(0))[:2]]
    if len(cores) < 2:
        sys.exit("needs two cores")
    found = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for name, part, most in (("copies", copies, repetitions), ("rows", rows, min(3, repetitions))):
        if name not in parts:
            continue
        before, stolen = machine.load(), machine.Stolen()
        found[name] = part(most, cores)
        found[f"about_{name}"] = {"date": machine.now(), "machine": machine.describe(), "repetitions": most, "load": before,
                                  "stolen_percent": stolen.percent()}
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")


def line_ns(found):
    """What one count on a line takes that two cores count on all the time."""
    return 1e9 / statistics.median(found["copies"]["one_line"]["together"])


def barrier_ns(found):
    """What membarrier(2) takes for one other core that runs: half of it is the work of that one."""
    two, one = (statistics.median(found["copies"]["one_barrier"][kind]) for kind in ("together", "one"))
    return max(0.0, 2e9 / two - 1e9 / one)  # the rate is given for both, of whom one makes the calls


def ceiling(name, line):
    """The most that all cores can do together: the busiest of the shared lines serves one at a time. And which it is."""
    def busy(each):  # nanoseconds of one operation, in which no other can have that line
        return each.touches * each.moved * line / each.lines

    worst = max(SHARED[name], key=busy, default=None)
    return (1e9 / busy(worst), worst) if worst else (float("inf"), None)


def reckoned(name, alone, cores, line, barrier):
    """So much a second: each core's own work, and for each shared line the way to it when another core had it last; a barrier
    keeps its caller and each of the others, and is for what all of them have done; and no more than the ceiling."""
    elsewhere = (cores - 1) / cores
    own = 1e9 / alone + sum(each.touches * each.moved * line * elsewhere for each in SHARED[name])
    own += sum(each.barriers * barrier * elsewhere * 2 for each in SHARED[name])
    return min(cores * 1e9 / own, ceiling(name, line)[0])


def table_of_copies(found):
    text = ["| operation | one core | two programs | one runtime | reckoned | 32 workers | 64 workers | what limits these |",
            "|---|---:|---:|---:|---:|---:|---:|---|"]
    near, barrier = line_ns(found), barrier_ns(found)
    for name, rates in found["copies"].items():
        if name not in NAMES:
            continue
        one, apart, together = (statistics.median(rates[kind]) for kind in ("one", "apart", "together"))
        two = reckoned(name, one, 2, near, barrier) * apart / (2 * one)
        many = [f"{table.number(rate)} ({rate / one:.{int(rate < 3 * one)}f}x)"
                for rate in (reckoned(name, one, cores, FAR_LINE, barrier) for cores in (32, 64))]
        text.append(f"| {NAMES[name]} | {table.number(one)} | {apart / one:.2f}x | {together / one:.2f}x | {two / one:.2f}x | "
                    f"{many[0]} | {many[1]} | {limit(name, one)} |")
    return "\n".join(text) + "\n"


def limit(name, one):
    """What keeps 64 workers from doing 64 times as much."""
    most, worst = ceiling(name, FAR_LINE)
    if worst and most < 64 * one:
        return worst.what
    barriers = [each.what for each in SHARED[name] if each.barriers]
    return barriers[0] if barriers else "nothing that is shared" if not worst else "memory, rather"


def table_of_rows(found):
    text = ["| workload of `make bench` | one core, one worker | two cores, two workers | |", "|---|---:|---:|---:|"]
    group = None
    for line in table.lines(found["rows"]):
        one, two = line.cells.get("regrow1"), line.cells.get("regrow2")
        if not (one and two):
            continue
        if line.row.group != group:
            group = line.row.group
            text.append(f"| **{group}** | | | |")
        ratio = one.median / two.median if line.row.less_is_better else two.median / one.median
        text.append(f"| {line.row.title} | {table.number(one.median)} | {table.number(two.median)} | {ratio:.2f}x |")
    return "\n".join(text) + "\n"


def about(found, name):
    part = found[f"about_{name}"]
    described = part["machine"]
    line = (f" A line that both cores count on takes {line_ns(found):.0f} ns each time, a barrier {barrier_ns(found):,.0f} ns "
            "for the other core.") if name == "copies" else ""
    return (f"{described['cpu']}, {described['cores']} cores{' of a virtual machine' if described['virtual'] else ''}, "
            f"{described['kernel']}; {part['date']}; medians of {part['repetitions']} repetition{'s' * (part['repetitions'] != 1)}; load {part['load']} before, "
            f"{part['stolen_percent']} % of the time taken by the host.{line}\n")


def with_tables(text, found):
    for name, made in (("copies", table_of_copies(found)), ("rows", table_of_rows(found))):
        made = f"\n{made}\n{about(found, name)}"
        begin, end = f"<!-- {name}: made by benches/scaling/scaling.py -->\n", "<!-- until here -->"
        place = f"({re.escape(begin)}).*?({re.escape(end)})"
        text, count = re.subn(place, lambda at: f"{at[1]}{made}\n{at[2]}", text, flags=re.S)
        if count != 1:
            sys.exit(f"docs/scaling.md has no place for {name}")
    return text


def main():
    words = sys.argv[1:]
    if words[:1] == ["measure"]:
        numbers = [int(word) for word in words if word.isdecimal()]
        parts = [word for word in words if word in ("copies", "rows")] or ["copies", "rows"]
        return measure(parts, numbers[0] if numbers else 5)
    if words not in (["write"], ["check"]):
        sys.exit(__doc__)
    found = json.loads(RESULTS.read_text())
    made = with_tables(DOCUMENT.read_text(), found)
    if words == ["write"]:
        DOCUMENT.write_text(made)
    elif made != DOCUMENT.read_text():
        sys.exit("docs/scaling.md has other tables than benches/scaling/results.json")


if __name__ == "__main__":
    main()
