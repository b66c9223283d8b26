#!/usr/bin/env python3
"""Runs regrow and its peers in pairs, and shows what each did.

usage: bench.py compare [WORKLOAD[:N]...]      what `make bench` does: builds the peers, runs, writes the results
       bench.py each [WORKLOAD[:N]...]         what run-peers.sh does: all programs of $PEERS and $EXTRA, in the long form
       bench.py build                          only builds
       bench.py --table [--spread] [FILE]      the table of an earlier run (of compare); with the least and the greatest
       bench.py --each FILE...                 the long form of earlier runs

Environment: PEERS (erlang,elixir,ractor,kameo,actix,caf,go; or a program of theirs: go1), REPS (3), TARGET (where the
peers are built, /tmp/regrow-peers), WORKERS (regrow's numbers of workers: "1 2", or 1 and the number of cores),
REGROW (its program, build/regrow-bench), RESULTS (the folder that compare writes to, build/bench), SPREAD=1 (with the
least and the greatest), QUICK=1 (builds only what takes seconds), LIMIT_S (of one program, 60 s), OUT (where each appends
its lines), EXTRA ("name=command; ..." to be compared with)."""
import json
import os
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True  # nothing is written beside the sources

import build
import drawing
import machine
import peers
import run
import table
from rows import ONCE, REGROW, SIZES, WORKLOADS


def fail(text):
    print(f"bench: {text}", file=sys.stderr)
    sys.exit(2)


def words(arguments, known):
    """{workload: size or None} of NAME or NAME:N, all known ones without any."""
    chosen = {}
    for word in arguments:
        name, colon, size = word.partition(":")
        if name not in known:
            fail(f"no workload is called {name}; there are {', '.join(known)}")
        if colon and not (size.isdecimal() and int(size) > 0):
            fail(f"{word}: the size is to be a number above 0")
        chosen[name] = int(size) if colon else None
    return chosen or dict.fromkeys(known)


def wanted():
    """The programs of $PEERS by family, all without it."""
    names = [name.strip() for name in os.environ.get("PEERS", "").split(",") if name.strip()] or list(peers.FAMILIES)
    chosen = {}
    for name in names:
        family = peers.family_of(name)
        if name == "none":
            continue
        if family not in peers.FAMILIES:
            fail(f"no peer is called {name}; there are {', '.join(peers.FAMILIES)}, none")
        own = list(peers.FAMILIES[family].programs) if name == family else [name]
        chosen.setdefault(family, []).extend(own)
    return chosen


def repetitions():
    reps = os.environ.get("REPS") or "3"
    if not (reps.isdecimal() and int(reps) > 0):
        fail("REPS is to be a number above 0")
    return int(reps)


def ready(chosen):
    """Builds; gives the families that can take part, and {title: why} of the others."""
    build.build(chosen, quick=bool(os.environ.get("QUICK")))
    out = {name: why for name in chosen if (why := peers.missing(name))}
    out |= {name: "not built" for name in chosen if peers.FAMILIES[name].log in build.old and name not in out}
    for name, why in out.items():
        print(f"left out: {peers.FAMILIES[name].title}, {why}", file=sys.stderr)
    return ({name: own for name, own in chosen.items() if name not in out},
            {peers.FAMILIES[name].title: why for name, why in out.items()})


def workers():
    cores = len(os.sched_getaffinity(0))
    numbers = (os.environ.get("WORKERS") or ("1 2" if cores <= 2 else f"1 {cores}")).split()
    if not numbers or not all(number.isdecimal() and int(number) > 0 for number in numbers):
        fail("WORKERS is to be numbers above 0")
    return numbers


def extra():
    """{name: command} of $EXTRA."""
    pairs = [pair.strip().split("=", 1) for pair in os.environ.get("EXTRA", "").split(";") if pair.strip()]
    if any(len(pair) != 2 for pair in pairs):
        fail('EXTRA is to be "name=command; ..."')
    return dict(pairs)


def tasks_of_compare(chosen, present):
    regrow = os.path.abspath(os.environ.get("REGROW") or peers.TOP / "build" / "regrow-bench")
    if not os.path.exists(regrow):
        fail(f"{regrow} is not there (make build/regrow-bench)")
    tasks = {}
    for name, size in chosen.items():
        programs = []
        for number in workers():
            for variant, workload in REGROW.get(name, {}).items():
                command = f"{regrow} workers={number}{' inline=1' if variant else ''}"
                programs.append((f"regrow{number}{variant}", command, f"{workload}:{size or WORKLOADS[name]}"))
        for own in present.values():
            for program in own:
                if peers.has(program, name) and (name not in ONCE or program in ONCE[name]):
                    count = size or SIZES.get((program, name)) or WORKLOADS[name]
                    programs.append((program, peers.PROGRAMS[program], f"{name}:{count}"))
        for program, command in extra().items():
            programs.append((program, command, f"{name}:{size or WORKLOADS[name]}"))
        if programs:
            tasks[name] = programs
    return tasks


def compare(arguments):
    chosen, asked, reps = words(arguments, WORKLOADS), wanted(), repetitions()
    present, left_out = ready(asked)
    left_out |= {family.title: "not asked for" for name, family in peers.FAMILIES.items() if name not in asked}
    versions = {"regrow": peers.regrow_version()} | {peers.FAMILIES[name].title: peers.version(name) for name in present}
    tasks = tasks_of_compare(chosen, present)
    about = {"date": machine.now(), "machine": machine.describe(), "versions": versions, "left_out": left_out, "reps": reps,
             "whole": not arguments and not os.environ.get("PEERS") and reps >= 3, "load_before": machine.load()}
    print(f"load {about['load_before']}; {sum(map(len, tasks.values()))} programs, {reps} times", file=sys.stderr)
    if about["load_before"] > 0.5:
        print("the machine is at work; what is measured now says little", file=sys.stderr)
    records, began, stolen = [], time.monotonic(), machine.Stolen()
    run.paired(tasks, reps, records.append)
    about |= {"minutes": round((time.monotonic() - began) / 60, 1), "load_after": machine.load(),
              "stolen_percent": stolen.percent()}
    write(Path(os.environ.get("RESULTS") or peers.TOP / "build" / "bench"), about, records)
    print(table.plain(about, records, spread=bool(os.environ.get("SPREAD"))))
    return 1 if any("error" in record and record["peer"].startswith("regrow") for record in records) else 0


def write(folder, about, records):
    folder.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(each) + "\n" for each in [{"run": about}, *records])
    (folder / "results.jsonl").write_text(text)
    (folder / "table.md").write_text(table.markdown(about, records))
    (folder / "results.svg").write_text(drawing.svg(about, records))
    print(f"in {os.path.relpath(folder)}: results.jsonl, table.md, results.svg", file=sys.stderr)


def read(path):
    """What `write` wrote: the run, and its lines."""
    lines = [json.loads(line) for line in Path(path).read_text().splitlines()]
    if not lines or "run" not in lines[0]:
        fail(f"{path} is not of a run of compare")
    return lines[0]["run"], lines[1:]


def each(arguments):
    """Every program that has the workload, with its own default size where none is given."""
    known = list(dict.fromkeys([*WORKLOADS, *REGROW, "call_thread_queued", *peers.OTHERS]))
    chosen = words(arguments, known) if arguments else dict.fromkeys(WORKLOADS)
    present, _ = ready(wanted())
    commands, reps = {**peers.PROGRAMS, **peers.OTHERS, **extra()}, repetitions()
    tasks = {}
    for name, size in chosen.items():
        if name in peers.OTHERS:
            tasks[name] = [(name, commands[name], "")]
            continue
        programs = [program for own in present.values() for program in own if peers.has(program, name)]
        for program in dict.fromkeys([*programs, *extra()]):
            count = size or SIZES.get((program, name))
            tasks.setdefault(name, []).append((program, commands[program], f"{name}:{count}" if count else name))
    out = Path(os.environ.get("OUT") or peers.TARGET / "results.jsonl")
    print(f"load {machine.load()}; {reps} repetitions; results in {out}", file=sys.stderr)
    records = []
    with open(out, "a") as lines:
        def keep(record):
            records.append(record)
            lines.write(json.dumps(record) + "\n")
            lines.flush()
        run.paired(tasks, reps, keep)
    print(table.each_program(records))
    return 0


def main():
    command, arguments = (sys.argv[1:2] or [""])[0], sys.argv[2:]
    if command == "compare":
        return compare(arguments)
    if command == "each":
        return each(arguments)
    if command == "build":
        ready(wanted())
        return 0
    if command == "--table":
        files = [word for word in arguments if word != "--spread"] or [peers.TOP / "build" / "bench" / "results.jsonl"]
        print(table.plain(*read(files[0]), spread="--spread" in arguments))
        return 0
    if command == "--each" and arguments:
        records = [json.loads(line) for path in arguments for line in Path(path).read_text().splitlines()]
        print(table.each_program([record for record in records if "run" not in record]))
        return 0
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
