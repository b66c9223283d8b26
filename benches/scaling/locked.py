#!/usr/bin/env python3
"""How many instructions an operation takes, and how many of them are locked: what docs/scaling.md reckons with.

usage: locked.py [--where] [WORKLOAD...]     `build/regrow-scaling workers=1`, under valgrind; with the lines of source

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
SIZES = {  # few, many
    "messages": (500, 2500), "calls": (500, 2500), "calls_5s": (500, 2500), "calls_inline": (1000, 5000), "agent_get": (500, 2500),
    "spawns": (1000, 4000), "children": (200, 1000), "tasks": (500, 2500), "timers": (1000, 5000), "lookups": (1000, 5000),
    "registers": (500, 2500), "set_get": (1000, 5000), "set_insert": (1000, 5000), "ordered_get": (1000, 5000),
    "ordered_insert": (1000, 5000), "one_server": (1000, 5000),
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
    """{address} of the locked ones."""
    said = subprocess.run(["objdump", "-d", "--no-show-raw-insn", object_file], capture_output=True, text=True)
    found = re.findall(r"^\s*([0-9a-f]+):\s+(?:lock |xchg\s.*\(|mfence)", said.stdout, re.M)
    return {int(address, 16) for address in found}


def source(object_file, address):
    """The line of the library's source that an instruction is of, and who called that if it says nothing by itself."""
    said = subprocess.run(["addr2line", "-i", "-e", object_file, hex(address)], capture_output=True, text=True)
    lines = [re.sub(r" \(.*", "", text) for text in said.stdout.split("\n") if text]
    own = [text.removeprefix(f"{TOP}/src/") for text in lines if text.startswith(f"{TOP}/src/")]
    return " < ".join(own[:3]) or os.path.basename(object_file)


def measure(name, known={}):
    few, many = SIZES[name]
    command = [str(TOP / "build" / "regrow-scaling"), "workers=1", "copies=1", "keys=1600"]
    before, after = (costs([*command, f"{name}:{size}"]) for size in (few, many))
    per = {place: (count - before.get(place, 0)) / (many - few) for place, count in after.items()}
    where = collections.Counter()
    for object_file in {place[0] for place in per if os.path.exists(place[0])}:
        if object_file not in known:
            known[object_file] = locked_places(object_file)
        for (own, address), count in per.items():
            if own == object_file and address in known[object_file] and count >= 0.005:
                where[own, address] += count
    return sum(per.values()), sum(where.values()), where


def main():
    words = sys.argv[1:]
    for name in [word for word in words if word != "--where"] or SIZES:
        instructions, locked, where = measure(name)
        print(f"{name}: {instructions:.0f} instructions, {locked:.1f} of them locked", flush=True)
        if "--where" in words:
            lines = collections.Counter()
            for (object_file, address), count in where.items():
                lines[source(object_file, address)] += count
            for line, count in lines.most_common(40):
                print(f"    {count:.2f}  {line}")


if __name__ == "__main__":
    main()
