#!/usr/bin/env python3
"""Takes a run of `make bench` as the one that the project shows: benches/results, and the table in README.md.

usage: publish.py            copies build/bench, which must be of a whole run, and writes the table into README.md
       publish.py check      status 1 when README.md or the drawing shows anything but what is recorded in benches/results"""
import os
import shutil
import sys
from pathlib import Path

sys.dont_write_bytecode = True

import bench
import drawing
import peers
import rows
import table

README = peers.TOP / "README.md"
RECORDED = peers.TOP / "benches" / "results"
BEGIN, END = "<!-- made by benches/peers/publish.py -->\n", "<!-- until here -->\n"
NOTHING = "\nNo run is recorded yet: `make bench`, then `make bench-publish`.\n\n"


def section(run, records):
    return "\n![Each workload, and how many times the best peer regrow is](benches/results/results.svg)\n\n" \
           f"{table.markdown(run, records)}\n"


def with_section(text, made):
    before, rest = text.split(BEGIN)
    return before + BEGIN + made + END + rest.split(END)[1]


def of_all(run, records):
    """Why these are not the results of a whole run, in words; nothing when they are."""
    if not run["whole"]:
        yield "it was narrowed (BENCHES, PEERS or REPS)"
        return
    for record in records:
        if "error" in record and record["peer"].startswith("regrow"):
            yield f"{record['peer']} failed in {record['workload']}: {record['error']}"
    found = {record["workload"] for record in records if record["peer"].startswith("regrow") and "error" not in record}
    for name, variants in rows.REGROW.items():
        for line in variants.values():
            if not any(f"{each}_".startswith(f"{line}_") for each in found):
                yield f"regrow has no number of {name}"


def shown_otherwise(folder, readme):
    """What does not show the lines in the folder as they are; without a folder README.md shows nothing."""
    if not folder.exists():
        if readme.read_text() != with_section(readme.read_text(), NOTHING):
            yield readme.name
        return
    run, records = bench.read(folder / "results.jsonl")
    if (folder / "table.md").read_text() != table.markdown(run, records):
        yield "table.md"
    if (folder / "results.svg").read_text() != drawing.svg(run, records):
        yield "results.svg"
    if readme.read_text() != with_section(readme.read_text(), section(run, records)):
        yield readme.name


def publish(run_folder, folder, readme):
    run, records = bench.read(run_folder / "results.jsonl")
    reasons = list(of_all(run, records))
    if reasons:
        bench.fail(f"not a run to publish: {'; '.join(reasons)}")
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(run_folder / "results.jsonl", folder)
    (folder / "table.md").write_text(table.markdown(run, records))
    (folder / "results.svg").write_text(drawing.svg(run, records))
    readme.write_text(with_section(readme.read_text(), section(run, records)))


def main():
    if sys.argv[1:] == ["check"]:
        wrong = list(shown_otherwise(RECORDED, README))
        for name in wrong:
            print(f"{name} does not show what benches/results/results.jsonl has (publish.py does that)")
        return 1 if wrong else 0
    if sys.argv[1:]:
        print(__doc__, file=sys.stderr)
        return 2
    publish(Path(os.environ.get("RESULTS") or peers.TOP / "build" / "bench"), RECORDED, README)
    print("in benches/results and README.md; commit both")
    return 0


if __name__ == "__main__":
    sys.exit(main())
