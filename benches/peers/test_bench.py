"""Tests of the comparison itself, and a short run of it: scripts/test.sh bench.

Numbers are not looked at, but for whether what is shown is what was measured."""
import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
import unittest
import unittest.mock as mock
import xml.dom.minidom
from pathlib import Path

sys.dont_write_bytecode = True

import bench
import build
import drawing
import peers
import publish
import rows
import table

# Stands for a program: what it prints is what its first argument that is no workload says.
STUB = """#!{python}
import json, sys, time
word = sys.argv[-1].partition(":")
rate = {{"workers=1": 100.0, "workers=2": 300.0}}.get(sys.argv[1], 200.0)
line = {{"peer": "x", "workload": word[0], "n": int(word[2] or 1), "seconds": 1.0, "per_sec": rate, "extra": {{"p50_ns": 1e6 / rate}}}}
{what}
"""
PRINTS = "print(json.dumps(line))"


def needs(workload):
    return {
        "timers": 20, "idle": 200, "restart": 20, "dynsup": 50, "table_select": 1000, "big": 10, "large_list": 50,
        "large_list_copy": 20, "large_bin": 50,
    }.get(workload, 500)


class Folder(unittest.TestCase):
    def setUp(self):
        made = tempfile.TemporaryDirectory()
        self.addCleanup(made.cleanup)
        self.folder = Path(made.name)

    def program(self, name, what=PRINTS):
        path = self.folder / name
        path.write_text(STUB.format(python=sys.executable, what=what))
        path.chmod(0o755)
        return path

    def compare(self, *words, **environment):
        """Runs `bench.py compare`; the results are in self.folder."""
        clean = {name: value for name, value in os.environ.items()
                 if name not in ("PEERS", "REPS", "EXTRA", "WORKERS", "SPREAD", "OUT", "LIMIT_S", "REGROW")}
        environment = {**clean, "RESULTS": str(self.folder / "results"), "QUICK": "1", "REPS": "1", **environment}
        return subprocess.run([sys.executable, str(peers.HERE / "bench.py"), "compare", *words], env=environment,
                              capture_output=True, text=True, timeout=100)

    def results(self):
        return bench.read(self.folder / "results" / "results.jsonl")

    def well_formed(self):
        """What was written: lines that parse, a table without holes, a drawing."""
        about, records = self.results()
        for record in records:
            self.assertTrue("error" in record or record["per_sec"] > 0 and record["n"] > 0 and record["seconds"] > 0, record)
        text = (self.folder / "results" / "table.md").read_text()
        grid = [line for line in text.splitlines() if line.startswith("|")]
        self.assertEqual(len({line.count("|") for line in grid}), 1, text)
        self.assertGreater(len(grid), 2)
        drawn = xml.dom.minidom.parse(str(self.folder / "results" / "results.svg"))
        self.assertEqual(drawn.documentElement.tagName, "svg")
        return about, records, text


class ShortRun(Folder):
    def test_regrow_takes_every_workload_and_has_a_number_in_every_row(self):
        done = self.compare(*(f"{name}:{needs(name)}" for name in rows.REGROW), PEERS="none", WORKERS="1 2")
        self.assertEqual(done.returncode, 0, done.stderr)
        _, records, _ = self.well_formed()
        for line in table.lines(records):
            self.assertEqual(set(line.cells), {"regrow1", "regrow2"}, line.row.title)
        self.assertEqual(len(table.lines(records)), len(rows.ROWS))
        for record in records:
            self.assertNotIn("error", record)

    def test_whichever_peers_are_there_run_beside_it(self):
        present = [name for name in peers.FAMILIES if not peers.missing(name) or name in ("erlang", "elixir")]
        words = ["pingpong:500", "call_actor:500", "call_thread:200", "restart:20", "task:200", "reg_ets:1000"]
        done = self.compare(*words, PEERS=",".join(present) or "none", WORKERS="1")
        self.assertEqual(done.returncode, 0, done.stderr)
        about, records, text = self.well_formed()
        self.assertEqual([record for record in records if "error" in record], [], done.stderr)
        for name in present:
            if peers.FAMILIES[name].title not in about["left_out"]:
                self.assertIn(f" {peers.FAMILIES[name].title} |", text)
                self.assertTrue(about["versions"][peers.FAMILIES[name].title])
        for key in ("cpu", "cores", "memory_mib", "kernel"):
            self.assertTrue(about["machine"][key], key)
        for key in ("date", "load_before", "load_after", "minutes", "stolen_percent"):
            self.assertIn(key, about)

    def test_peers_that_are_not_there_are_left_out_by_name(self):
        done = self.compare("pingpong:1", PEERS="erlang,go,caf", PATH="/nowhere", TARGET=str(self.folder / "t"),
                            REGROW=str(self.program("regrow")))
        self.assertEqual(done.returncode, 0, done.stderr)
        about, _, text = self.well_formed()
        self.assertEqual(about["left_out"]["Erlang"], "not installed (erlang-base)")
        self.assertEqual(about["left_out"]["Go"], "not installed (golang-go)")
        self.assertEqual(about["left_out"]["CAF"], "not installed (libcaf-dev)")
        self.assertEqual(about["left_out"]["Elixir"], "not asked for")
        self.assertIn("Left out: Erlang, not installed (erlang-base); ", text)
        self.assertIn("left out: Go", done.stderr)

    def test_what_nobody_has_asked_right_is_an_error(self):
        for words, environment, said in (
                (["pinpong"], {}, "no workload is called pinpong"),
                (["pingpong:0"], {}, "above 0"), (["pingpong:many"], {}, "above 0"), (["pingpong:"], {}, "above 0"),
                (["pingpong:1"], {"PEERS": "golang"}, "no peer is called golang"),
                (["pingpong:1"], {"PEERS": "none", "REPS": "0"}, "REPS"),
                (["pingpong:1"], {"PEERS": "none", "WORKERS": "two"}, "WORKERS"),
                (["pingpong:1"], {"PEERS": "none", "REGROW": "/nowhere/regrow"}, "is not there")):
            done = self.compare(*words, **environment)
            self.assertEqual(done.returncode, 2, (words, environment, done.stderr))
            self.assertIn(said, done.stderr)
        self.assertFalse((self.folder / "results").exists())

    def test_a_program_that_fails_is_shown_as_that(self):
        bad = {
            "hangs": "import os; os.fork(); time.sleep(600)", "crashes": "print(json.dumps(line)); sys.exit(3)", "silent": "pass",
            "nonsense": "print('{\"peer\": ')", "endless": "line['per_sec'] = float('inf'); print(json.dumps(line))",
            "nothing": "line['per_sec'] = 0; print(json.dumps(line))"}
        extra = "; ".join(f"{name}={self.program(name, what)}" for name, what in bad.items())
        # Longer and longer, until the machine has let all others come to their end by then.
        for limit in (1, 4, 16):
            done = self.compare("pingpong:1", PEERS="none", REGROW=str(self.program("regrow")), EXTRA=extra, LIMIT_S=str(limit),
                                REPS="2")
            _, records = self.results()
            errors = {record["peer"]: record["error"] for record in records if "error" in record}
            if not any("over" in error for name, error in errors.items() if name != "hangs"):
                break
        self.assertEqual(done.returncode, 0, done.stderr)
        _, records, text = self.well_formed()
        self.assertEqual(set(errors), set(bad))
        self.assertEqual(len([record for record in records if "error" in record]), len(bad))  # and not asked again
        self.assertIn(f"over {limit} s", errors["hangs"])
        self.assertIn("status 3", errors["crashes"])
        self.assertEqual(text.count(" failed |"), len([1 for name in bad]) * text.count("| ping-pong"))
        failing = self.compare("pingpong:1", PEERS="none", REGROW=str(self.program("regrow", "sys.exit(1)")))
        self.assertEqual(failing.returncode, 1, failing.stderr)


def line(peer, workload, per_sec, **extra):
    return {"peer": peer, "workload": workload, "n": 10, "seconds": 1.0, "per_sec": per_sec, "extra": extra, "repetition": 0}


RECORDS = [
    line("regrow1", "call_actor", 100, p50_ns=50), line("regrow1", "call_actor", 120, p50_ns=40),
    line("regrow1", "call_actor", 500, p50_ns=45), line("regrow2", "call_actor", 300, p50_ns=90),
    line("regrow2_inline", "call_actor", 900, p50_ns=10),
    line("erlang", "call_actor", 60, p50_ns=80), line("erlang1", "call_actor", 200, p50_ns=100),
    line("go", "call_actor", 150, p50_ns=30), line("erlang", "reg_ets", 5, lookup1_per_sec=7.0),
    {"peer": "elixir", "workload": "call_actor", "repetition": 0, "error": "over 60 s, ended"},
]
RUN = {
    "date": "2026-01-01 00:00 UTC", "machine": {"cpu": "A <CPU> & Co", "cores": 2, "virtual": True, "memory_mib": 8192, "kernel": "L"},
    "versions": {"regrow": "0", "Go": "1"}, "left_out": {"CAF": "not installed (libcaf-dev)"}, "reps": 3, "whole": True,
    "load_before": 0.1, "load_after": 1.0, "minutes": 9.5, "stolen_percent": 0.0,
}


class Builds(Folder):
    def test_a_library_without_its_header_is_not_installed_and_a_log_is_a_build_that_failed(self):
        caf = peers.FAMILIES["caf"]
        header, built, log = (self.folder / name for name in ("all.hpp", "caf_peers", "caf.log"))
        with mock.patch.multiple(caf, header=header, built=built), mock.patch.object(peers, "TARGET", self.folder), \
                mock.patch.object(peers.shutil, "which", lambda name: name):
            self.assertEqual(peers.missing("caf"), "not installed (libcaf-dev)")
            header.touch()
            self.assertEqual(peers.missing("caf"), "not built")
            built.touch()
            self.assertIsNone(peers.missing("caf"))
            log.touch()
            self.assertIn("does not build", peers.missing("caf"))

    def test_what_is_built_is_built_again_when_it_or_its_sources_change(self):
        source, made, runs = self.folder / "source", self.folder / "t" / "caf_peers", []
        made.parent.mkdir()

        def make():
            runs.append(1)
            made.write_text(f"built {len(runs)}" if len(runs) < 4 else "")
            return len(runs) < 4

        with mock.patch.object(build, "TARGET", made.parent), mock.patch.object(peers.FAMILIES["caf"], "built", made):
            again = lambda: build._unless_built("caf", [source], make)
            source.write_text("one")
            again(), again()
            self.assertEqual(len(runs), 1)
            os.utime(source)
            again()
            self.assertEqual(len(runs), 1)  # as new, and the same
            source.write_text("two")
            again()
            self.assertEqual(len(runs), 2)
            made.write_text("by somebody else")
            again(), again()
            self.assertEqual(len(runs), 3)
            source.write_text("wrong")
            again(), again()
            self.assertEqual(len(runs), 5)  # what does not build is tried again
            build._unless_built("caf", [source], make, quickly=True)
            self.assertEqual((len(runs), build.old), (5, {"caf"}))
            build.old.clear()


class Shown(Folder):
    def row(self, title):
        return next(line for line in table.lines(RECORDS) if line.row.title == title)

    def test_a_number_is_the_median_and_a_peer_has_the_better_of_its_programs(self):
        cells = self.row("from a process").cells
        self.assertEqual((cells["regrow1"].least, cells["regrow1"].median, cells["regrow1"].greatest), (100, 120, 500))
        self.assertEqual((cells["erlang"].median, cells["erlang"].program), (200, "erlang1"))
        self.assertEqual(self.row("from a process, p50 (ns)").cells["erlang"].program, "erlang")
        self.assertEqual(self.row("lookup, text key, 1 thread").cells["erlang"].median, 7)

    def test_the_ratio_is_of_the_better_and_turned_over_where_less_is_better(self):
        self.assertEqual(self.row("from a process").ratio, 300 / 200)
        self.assertEqual(self.row("from a process, inline").ratio, 900 / 200)
        self.assertEqual(self.row("from a process, p50 (ns)").ratio, 30 / 45)
        self.assertIsNone(self.row("lookup, text key, 1 thread").ratio)

    def test_the_best_of_each_row_is_marked_whoever_it_is(self):
        text = table.markdown(RUN, RECORDS)
        self.assertIn("| from a process | 120 | **300** | 200¹ | failed | 150 | 1.50 |", text)
        self.assertIn("| from a process, p50 (ns) | 45 | 90 | 80 |  | **30** | 0.67 |".replace("80 |  |", "80 | failed |"), text)
        self.assertIn("| from a process, inline |  | **900** | 200¹ | failed | 150 | 4.50 |", text)
        self.assertIn("Left out: CAF, not installed (libcaf-dev).", text)
        self.assertIn("120 (100 to 500)", table.markdown(RUN, RECORDS, spread=True))
        self.assertIn("*300", table.plain(RUN, RECORDS))

    def test_numbers_have_three_figures(self):
        for value, text in ((5.678, "5.68"), (99.96, "100"), (123.4, "123"), (9999, "9,999"), (12345, "12.3k"),
                            (999_999, "1.00M"), (1_234_567, "1.23M"), (12_345_678, "12.3M"), (123_456_789, "123M"), (2e9, "2.00G")):
            self.assertEqual(table.number(value), text)

    def test_the_drawing_is_a_document_whatever_the_names_are(self):
        drawn = xml.dom.minidom.parseString(drawing.svg(RUN, RECORDS))
        self.assertIn("A <CPU> & Co", "".join(each.firstChild.data for each in drawn.getElementsByTagName("text")))
        bars = [each for each in drawn.getElementsByTagName("rect") if each.getElementsByTagName("title")]
        self.assertEqual(len(bars), 6)  # three rows that have peers and two numbers of workers; inline has one
        for bar in bars:
            self.assertGreater(float(bar.getAttribute("width")), 0)
        xml.dom.minidom.parseString(drawing.svg(RUN, []))

    def test_every_row_is_of_a_workload_that_regrow_and_a_peer_have(self):
        workloads = {name for family in peers.FAMILIES.values() for name in family.workloads}
        self.assertEqual(set(rows.WORKLOADS), workloads)
        for program, workload in rows.SIZES:
            self.assertTrue(peers.has(program, workload), (program, workload))
        for workload, programs in rows.ONCE.items():
            self.assertTrue(all(peers.has(program, workload) for program in programs))


class Published(Folder):
    def recorded(self, run=RUN, records=RECORDS):
        (self.folder / "run").mkdir(exist_ok=True)
        text = "".join(json.dumps(each) + "\n" for each in [{"run": run}, *records])
        (self.folder / "run" / "results.jsonl").write_text(text)
        (self.folder / "README.md").write_text(f"before\n{publish.BEGIN}old\n{publish.END}after\n")

    def all_of_regrow(self):
        names = {name for variants in rows.REGROW.values() for name in variants.values()} - {"call_actor"}
        return RECORDS + [line("regrow2", name, 1) for name in sorted(names)]

    def publish(self):
        publish.publish(self.folder / "run", self.folder / "shown", self.folder / "README.md")

    def test_what_is_published_is_shown_and_a_better_number_is_noticed(self):
        self.recorded(records=self.all_of_regrow())
        self.publish()
        readme, shown = self.folder / "README.md", self.folder / "shown"
        self.assertEqual(list(publish.shown_otherwise(shown, readme)), [])
        self.assertTrue(readme.read_text().startswith("before\n") and readme.read_text().endswith("after\n"))
        readme.write_text(readme.read_text().replace("**300**", "**3.00M**"))
        self.assertEqual(list(publish.shown_otherwise(shown, readme)), ["README.md"])
        for name in ("table.md", "results.svg"):
            (shown / name).write_text((shown / name).read_text() + " ")
        self.assertEqual(len(list(publish.shown_otherwise(shown, readme))), 3)

    def test_a_narrowed_or_failed_run_is_not_published(self):
        failed = {"peer": "regrow1", "workload": "spawn", "repetition": 0, "error": "status 1"}
        for run, records in (({**RUN, "whole": False}, self.all_of_regrow()), (RUN, self.all_of_regrow() + [failed]), (RUN, RECORDS)):
            self.recorded(run, records)
            with self.assertRaises(SystemExit), contextlib.redirect_stderr(io.StringIO()):
                self.publish()
        shown, readme = self.folder / "shown", self.folder / "README.md"
        self.assertFalse(shown.exists())
        self.assertEqual(list(publish.shown_otherwise(shown, readme)), ["README.md"])  # nothing is recorded
        self.assertIn("old", (self.folder / "README.md").read_text())

    def test_readme_shows_what_is_recorded(self):
        self.assertEqual(list(publish.shown_otherwise(publish.RECORDED, publish.README)), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
