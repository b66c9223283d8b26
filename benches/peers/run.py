"""Runs programs in pairs: in each repetition of a workload every program runs once, before the next repetition, so that
what else the machine does meets all of them. The order is turned round each time, so that none always follows the same."""
import json
import os
import shlex
import signal
import subprocess
import sys
import time

LIMIT_S = int(os.environ.get("LIMIT_S", "60"))
CALLED_FROM = os.environ.get("CALLED_FROM", os.getcwd())


class Refused(Exception):
    """What a program did in place of its work, for people."""


def _output(arguments, folder):
    """What the program prints. It and all that it has started end at the limit."""
    try:
        program = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True, cwd=folder, start_new_session=True)
    except OSError as error:
        raise Refused(f"does not start: {error}") from error
    try:
        out, errors = program.communicate(timeout=LIMIT_S)
    except BaseException as why:
        os.killpg(program.pid, signal.SIGKILL)
        program.wait()
        if isinstance(why, subprocess.TimeoutExpired):
            raise Refused(f"over {LIMIT_S} s, ended") from why
        raise
    if program.returncode:
        raise Refused(f"status {program.returncode}: {errors.strip()[-200:]}")
    return out, errors


def one(name, command, word, own_names=True):
    """The lines of one run. `own_names`: the line's `peer` is the name here; else the program's own stay."""
    folder = CALLED_FROM if os.path.exists(os.path.join(CALLED_FROM, shlex.split(command)[0])) else "/"
    out, errors = _output(shlex.split(command) + ([word] if word else []), folder)
    lines = []
    for text in out.splitlines():
        if not text.startswith("{"):
            continue
        try:
            line = json.loads(text)
            rate = float(line["per_sec"])
        except (ValueError, KeyError, TypeError) as error:
            raise Refused(f"a line that is none: {text[:100]}") from error
        if not 0 < rate < float("inf"):
            raise Refused(f"a line that cannot be: {text[:100]}")
        lines.append({**line, "peer": name} if own_names else line)
    if not lines:
        raise Refused(errors.strip()[-200:] or "no line")
    if errors.strip():
        print(f"{name} {word}: {errors.strip()[:300]}", file=sys.stderr)
    return lines


def paired(tasks, reps, keep, say=lambda text: print(text, file=sys.stderr, flush=True)):
    """`tasks`: {workload: [(program, command, word)]}. Each line goes to `keep`; what a program refuses is a line with
    `error`, and the program does not run that workload again."""
    for number, (workload, programs) in enumerate(tasks.items(), 1):
        began, out_of_it = time.monotonic(), set()
        for repetition in range(reps):
            for name, command, word in (programs if repetition % 2 == 0 else reversed(programs)):
                if name in out_of_it:
                    continue
                try:
                    for line in one(name, command, word):
                        keep({**line, "repetition": repetition})
                except Refused as why:
                    out_of_it.add(name)
                    say(f"{name} {word}: {why}")
                    keep({"peer": name, "workload": workload, "repetition": repetition, "error": str(why)})
        say(f"[{number}/{len(tasks)}] {workload}: {len(programs)} programs, {time.monotonic() - began:.1f} s")
