#!/usr/bin/env python3
"""What two cores do that one does not, and what the design's shared cache lines would make of 64: docs/scaling.md.

usage: scaling.py [measure] [REPETITIONS]    measures, and keeps the numbers in benches/scaling/results.json (two minutes)
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
from shared import SHARED, names_of

RESULTS, DOCUMENT = HERE / "results.json", TOP / "docs" / "scaling.md"
SCALING, BENCH = TOP / "build" / "regrow-scaling", TOP / "build" / "regrow-bench"
# Nanoseconds that a cache line takes from core to core where there are 64 of them, in several groups: what is published of
# such machines is 50 to 150.
FAR_LINE = 100
BARRIER = 1000  # of membarrier(2), for each other core that it interrupts


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


def measure(repetitions):
    cores = [str(core) for core in sorted(os.sched_getaffinity(0))[:2]]
    if len(cores) < 2:
        sys.exit("needs two cores")
    before, stolen = machine.load(), machine.Stolen()
    found = {"date": machine.now(), "machine": machine.describe(), "repetitions": repetitions,
             "copies": copies(repetitions, cores), "rows": rows(min(3, repetitions), cores)}
    found |= {"load": before, "stolen_percent": stolen.percent()}
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")


def line_ns(found):
    """What one count on a line takes that two cores count on all the time."""
    return 1e9 / statistics.median(found["copies"]["one_line"]["together"])


def ceiling(name, line):
    """The most that all cores can do together: the busiest of the shared lines serves one at a time. And which it is."""
    worst = max(SHARED[name], key=lambda each: each.touches / each.lines, default=None)
    return (worst.lines * 1e9 / (worst.touches * line), worst) if worst else (float("inf"), None)


def reckoned(name, alone, cores, line):
    """So much a second: each core's own work, and for each shared line the way to it when another core had it last; a barrier
    interrupts all others; and no more than the ceiling."""
    elsewhere = (cores - 1) / cores
    own = 1e9 / alone + sum(each.touches * each.moved * line * elsewhere for each in SHARED[name])
    own += sum(each.barriers * BARRIER * (cores - 1) * 2 for each in SHARED[name])
    return min(cores * 1e9 / own, ceiling(name, line)[0])


def table_of_copies(found):
    text = ["| operation | one core | two cores, two programs | two cores, one runtime | reckoned | 64 cores, reckoned | 64 cores, "
            "if all lines were near | what limits it there |", "|---|---:|---:|---:|---:|---:|---:|---|"]
    near = line_ns(found)
    for name, rates in found["copies"].items():
        if name == "one_line":
            continue
        one, apart, together = (statistics.median(rates[kind]) for kind in ("one", "apart", "together"))
        two = reckoned(name, one, 2, near) * apart / (2 * one)
        far, close = reckoned(name, one, 64, FAR_LINE), reckoned(name, one, 64, near)
        text.append(f"| {names_of(name)} | {table.number(one)} | {apart / one:.2f}x | {together / one:.2f}x | {two / one:.2f}x | "
                    f"{table.number(far)} ({far / one:.0f}x) | {table.number(close)} ({close / one:.0f}x) | {limit(name, one)} |")
    return "\n".join(text) + "\n"


def limit(name, one):
    """What keeps 64 cores from doing 64 times as much."""
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


def about(found):
    described = found["machine"]
    return (f"{described['cpu']}, {described['cores']} cores{' of a virtual machine' if described['virtual'] else ''}, "
            f"{described['kernel']}; {found['date']}; medians of {found['repetitions']} repetitions; load {found['load']} before, "
            f"{found['stolen_percent']} % of the time taken by the host. A line that both cores count on takes "
            f"{line_ns(found):.0f} ns each time.\n")


def with_tables(text, found):
    for name, made in (("copies", table_of_copies(found)), ("rows", table_of_rows(found)), ("machine", about(found))):
        begin, end = f"<!-- {name}: made by benches/scaling/scaling.py -->\n", "<!-- until here -->"
        text, count = re.subn(f"({re.escape(begin)}).*?({re.escape(end)})", lambda at: f"{at[1]}\n{made}\n{at[2]}", text, flags=re.S)
        if count != 1:
            sys.exit(f"docs/scaling.md has no place for {name}")
    return text


def main():
    words = sys.argv[1:] or ["measure"]
    if words[0] == "measure" or words[0].isdecimal():
        numbers = [int(word) for word in words if word.isdecimal()]
        return measure(numbers[0] if numbers else 5)
    found = json.loads(RESULTS.read_text())
    made = with_tables(DOCUMENT.read_text(), found)
    if words == ["write"]:
        DOCUMENT.write_text(made)
    elif words == ["check"]:
        if made != DOCUMENT.read_text():
            sys.exit("docs/scaling.md has other tables than benches/scaling/results.json")
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
