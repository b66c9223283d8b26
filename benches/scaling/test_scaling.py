"""Tests of the reckoning, and a short run of what it is about: scripts/test.sh bench."""
import json
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True

import scaling
from shared import NAMES, SHARED


class Scaling(unittest.TestCase):
    def test_copies_of_every_workload_run_at_once(self):
        for options in (["workers=1", "copies=1"], ["workers=2", "copies=2"], ["workers=2", "copies=16"]):
            words = [f"{name}:200" for name in SHARED]
            said = subprocess.run([scaling.SCALING, *options, "keys=1600", *words], capture_output=True, text=True, timeout=60,
                                  check=True)
            lines = [json.loads(line) for line in said.stdout.splitlines()]
            self.assertEqual([line["workload"] for line in lines], list(SHARED))
            self.assertTrue(all(line["per_sec"] > 0 for line in lines))

    def test_what_regrow_scaling_does_not_know_is_an_error(self):
        for words in (["copies=17"], ["copies=0"], ["keys=1"], ["colour=1"], ["nothing:1"]):
            self.assertEqual(subprocess.run([scaling.SCALING, *words], capture_output=True, timeout=60).returncode, 2, words)

    def test_every_workload_has_a_name(self):
        self.assertEqual(set(NAMES) | {"one_line", "one_barrier"}, set(SHARED))

    def test_one_worker_does_what_was_measured_and_many_no_more_than_the_busiest_line(self):
        for name in SHARED:
            self.assertAlmostEqual(scaling.reckoned(name, 1e6, 1, 40, 1000), min(1e6, scaling.ceiling(name, 40)[0]))
            before = 0
            for workers in (2, 8, 32, 64):
                rate = scaling.reckoned(name, 1e6, workers, 100, 1000)
                self.assertLessEqual(rate, workers * 1e6)
                self.assertLessEqual(rate, scaling.ceiling(name, 100)[0])
                self.assertGreater(rate * 1.5, before)  # grows, or stays; barriers may take a little
                before = rate
        self.assertEqual(scaling.ceiling("ordered_get", 100)[0], 1e9 / 200)
        self.assertLess(scaling.reckoned("tasks", 1e6, 64, 100, 1000), scaling.reckoned("tasks", 1e6, 64, 40, 1000))

    def test_the_document_shows_what_was_measured(self):
        found = json.loads(scaling.RESULTS.read_text())
        text = scaling.DOCUMENT.read_text()
        self.assertEqual(scaling.with_tables(text, found), text)


if __name__ == "__main__":
    unittest.main(verbosity=2)
