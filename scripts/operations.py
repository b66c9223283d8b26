#!/usr/bin/env python3
"""The table of docs/bindings.md: which operation of the conformance suite goes through which language, and how many of its
scenarios give the recorded trace there. Made of what the executors say (--operations) and of a test run's results.

usage: operations.py check RESULTS    status 1, and the difference, when the document has another table
       operations.py write RESULTS    writes it there
RESULTS is the folder with the results of the stages of conformance (scripts/test.sh), all of which must have run.
"""
import difflib, re, subprocess, sys
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
DOCUMENT = TOP / "docs" / "bindings.md"
BEGIN, END = "<!-- made by scripts/operations.py -->\n", "<!-- until here -->\n"

# Each language: its executor, and the stage that runs the suite through it.
LANGUAGES = {
    "C": (["build/regrow-conformance"], "conformance-2"),
    "C++": (["build/regrow-conformance-cpp"], "cpp"),
    "Erlang": (["python3", "bindings/erlang/conformance/executor.py"], "conformance-erlang"),
    "Elixir": (["python3", "bindings/elixir/conformance/executor.py"], "conformance-elixir"),
    "Gleam": (["python3", "bindings/gleam/conformance/executor.py"], "conformance-gleam"),
    "Python": (["build/python/bin/python", "bindings/python/conformance/executor.py"], "conformance-python"),
}

# What an operation is about, by its name; the first that fits.
SUBJECTS = {
    "tables": "ets_.*",
    "registries": "reg_.*",
    "agents": "agent_.*",
    "tasks": "task_.*",
    "groups and topics": "join|leave|members|publish|subscribe|unsubscribe",
    "supervisors": "start|.*_child|.*_children|get_childspec",
    "processes": ".*",
}


def operations(executor):
    said = subprocess.run(executor + ["--operations"], cwd=TOP, check=True, capture_output=True, text=True)
    return set(said.stdout.split()) - {"do"}


def scenarios(results, stage):
    """How many of the suite gave their trace: those that neither failed nor were skipped."""
    lines = (results / f"{stage}.results").read_text().splitlines()
    suite = len(list((TOP / "tests/conformance/scenarios").glob("*.scn")) + list((TOP / "tests/conformance/random").glob("*.scn")))
    return suite - sum(re.match("(skip|fail) scenario", line) is not None for line in lines), suite


def subject(operation):
    return next(name for name, pattern in SUBJECTS.items() if re.fullmatch(pattern, operation))


def table(results):
    known = {language: operations(executor) for language, (executor, _) in LANGUAGES.items()}
    rows = [["", *LANGUAGES], ["---", *[":-:"] * len(LANGUAGES)]]
    everything = set().union(*known.values())
    for name in reversed(SUBJECTS):
        rows.append([f"**{name}**", *[""] * len(LANGUAGES)])
        for operation in sorted(each for each in everything if subject(each) == name):
            rows.append([f"`{operation}`", *["yes" if operation in known[language] else "no" for language in LANGUAGES]])
    counts = {language: scenarios(results, stage) for language, (_, stage) in LANGUAGES.items()}
    of = next(iter(counts.values()))[1]
    rows.append([f"**scenarios, of {of}, with the recorded trace**", *[str(counts[language][0]) for language in LANGUAGES]])
    return "".join("| " + " | ".join(row) + " |\n" for row in rows)


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in ("check", "write"):
        sys.exit(__doc__)
    text = DOCUMENT.read_text()
    before, rest = text.split(BEGIN)
    made = before + BEGIN + "\n" + table(Path(sys.argv[2])) + "\n" + END + rest.split(END)[1]
    if sys.argv[1] == "write":
        DOCUMENT.write_text(made)
    elif made != text:
        sys.stdout.writelines(difflib.unified_diff(text.splitlines(True), made.splitlines(True), "docs/bindings.md", "this run"))
        sys.exit(1)


if __name__ == "__main__":
    main()
