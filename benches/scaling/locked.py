#!/usr/bin/env python3
"""How many instructions an operation takes, and how many of them are locked: what docs/scaling.md reckons with.

usage: locked.py [--where] [WORKLOAD...]     `build/regrow-bench workers=1`, under valgrind; with the functions

A locked instruction (an atomic read-modify-write, or an exchange with memory) is what can wait for a cache line that
another core has: everything else that is shared is plain loads and stores. Each workload runs with two sizes, and the
difference is divided by the difference of the sizes, so that what happens once does not count. Waiting in vain does: the
numbers of what sleeps and wakes are those under valgrind, where one thread runs at a time."""
import collections
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
# {workload: (few, many, operations for each of n)}: what is counted is all that it does for one operation.
SIZES = {
    "pingpong": (500, 2500, 1), "counting": (1000, 9000, 1), "fanin": (500, 2500, 8), "threadring": (1000, 5000, 1),
    "big": (10, 30, 120), "chameneos": (500, 2500, 1), "call_actor": (1000, 5000, 1.3), "call_thread": (1000, 5000, 1.4),
    "spawn": (1000, 5000, 1), "restart": (100, 500, 1), "dynsup": (200, 1000, 1), "task": (400, 2000, 3),
    "agent": (400, 2000, 6), "large_bin": (500, 2500, 1),
}


def costs(command):
    """{(object file, address): how often it ran}."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        subprocess.run(["valgrind", "--tool=callgrind", "--dump-instr=yes", "--dump-line=no", f"--callgrind-out-file={out}",
                        *command], check=True, capture_output=True)
        found, names, current, at, is_call = collections.Counter(), {}, "", 0, False
        for text in out.read_text().splitlines():
            name = re.match(r"(c?ob)=\((\d+)\)(?: (.*))?$", text)
            if name:
                if name.group(3):
                    names[name.group(2)] = name.group(3)
                if name.group(1) == "ob":
                    current = names[name.group(2)]
            elif text.startswith("calls="):
                is_call = True  # the next line is what was called, counted where it is
            elif re.match(r"[0-9+*-]", text):
                place, *_, count = text.split()
                if place.startswith("0x"):
                    at = int(place, 16)
                elif place != "*":
                    at += int(place, 0)
                if is_call:
                    is_call = False
                else:
                    found[current, at] += int(count)
        return found


def locked_places(object_file):
    """{address: (function, instruction)} of the locked ones."""
    places, function = {}, ""
    said = subprocess.run(["objdump", "-d", "--no-show-raw-insn", "-C", object_file], capture_output=True, text=True)
    for text in said.stdout.splitlines():
        begin = re.match(r"[0-9a-f]+ <(.*)>:$", text)
        if begin:
            function = begin.group(1)
            continue
        instruction = re.match(r"\s*([0-9a-f]+):\s+(.*)$", text)
        if instruction and re.match(r"lock |xchg\s.*\(|mfence", instruction.group(2)):
            places[int(instruction.group(1), 16)] = (function, instruction.group(2))
    return places


def measure(name, known={}):
    few, many, each = SIZES[name]
    command = [str(TOP / "build" / "regrow-bench"), "workers=1"]
    before, after = (costs([*command, f"{name}:{size}"]) for size in (few, many))
    per = {place: (count - before.get(place, 0)) / ((many - few) * each) for place, count in after.items()}
    where = collections.Counter()
    for object_file in {place[0] for place in per if os.path.exists(place[0])}:
        if object_file not in known:
            known[object_file] = locked_places(object_file)
        for (own, address), count in per.items():
            if own == object_file and address in known[object_file] and count >= 0.005:
                where[known[object_file][address]] += count
    return sum(per.values()), sum(where.values()), where


def main():
    words = sys.argv[1:]
    for name in [word for word in words if word != "--where"] or SIZES:
        instructions, locked, where = measure(name)
        print(f"{name}: {instructions:.0f} instructions, {locked:.1f} of them locked", flush=True)
        if "--where" in words:
            for (function, instruction), count in where.most_common(20):
                print(f"    {count:.2f}  {function[:80]}  {' '.join(instruction.split())}")


if __name__ == "__main__":
    main()
