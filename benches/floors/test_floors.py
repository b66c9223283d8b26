"""Tests of the counting: scripts/test.sh bench."""
import subprocess
import sys
import unittest
import unittest.mock as mock

sys.dont_write_bytecode = True

import floors

# Two files, of which the second is named where it is called.
COUNTS = """positions: instr line
events: Ir Dr Dw I1mr D1mr D1mw ILmr DLmr DLmw

ob=(1) {program}
fl=(1) a.c
fn=(1) main
0x1000 10 5 1 1 0 1 1 0 1
+12 10 7
cob=(2) {library}
cfn=(2) helper
calls=3 0x2000
* 10 999 9 9 9 9 9 9 9 9
-12 11 2

ob=(2)
fn=(2)
0x2000 20 11 0 0 0 0 2
"""


class Counting(unittest.TestCase):
    def test_what_a_callee_costs_is_counted_once_and_locks_are_told_by_file_and_address(self):
        locks = {sys.executable: {0x100c}, __file__: {0x2000, 0x1000}}
        text = COUNTS.format(program=sys.executable, library=__file__)
        total = floors.added_up(text.splitlines(), locks.__getitem__)
        self.assertEqual(total, {"instructions": 25, "locked": 18, "near": 4, "far": 1})

    def test_a_program_has_locked_instructions_and_others(self):
        addresses = floors.locked("build/libregrow.so")
        self.assertGreater(len(addresses), 100)

    def test_a_row_is_of_one_operation(self):
        with mock.patch.dict(floors.WORKLOADS, {"hop": (floors.BENCH, "threadring", 2000, 1)}):
            cells = [cell.strip() for cell in floors.row("hop").split("|")[1:-1]]
        self.assertEqual(cells[0], "hop")
        self.assertTrue(100 < int(cells[2].replace(",", "")) < 5000, cells)
        self.assertTrue(0 < float(cells[3]) < 50, cells)

    def test_every_phase_is_one_that_the_program_knows(self):
        agents = [workload for program, workload, *_ in floors.WORKLOADS.values() if program == floors.PHASES]
        for workload in agents + [workload for workload, _ in floors.ENTRIES.values()]:
            self.assertGreater(floors.timed([*floors.PHASES, "rows=100", f"{workload}:1000"])[0], 0)

    def test_a_row_of_entries_is_of_one_operation(self):
        with mock.patch.multiple(floors, ENTRIES={"found": ("names_text", 2000)}, REPETITIONS=1):
            cells = [cell.strip() for cell in floors.row_of_entries("found", many=1000).split("|")[1:-1]]
        self.assertEqual(cells[0], "found")
        self.assertTrue(0 < int(cells[1]) < 1000 and 0 < int(cells[2]) < 1000, cells)
        self.assertTrue(all(50 < int(cells[column].replace(",", "")) < 1000 for column in (3, 4)), cells)

    def test_of_timers_each_half_is_counted_alone(self):
        command = lambda workload: lambda n: [*floors.PHASES, "rows=100", f"{workload}:{n}"]
        each = {workload: floors.of_one(command(workload), 1000, within=within)["instructions"]
                for workload, within in floors.WITHIN.items()}
        both = floors.of_one(command("timers_start"), 1000)["instructions"]
        self.assertTrue(0.9 * both < sum(each.values()) < 1.1 * both, (each, both))
        self.assertTrue(all(100 < one < 0.8 * both for one in each.values()), (each, both))

    def test_what_is_unknown_is_said_to_be(self):
        with self.assertRaises(SystemExit):
            floors.main(["no such row"])
        unknown = ["names_x", "timers_x", "agent_x", "set_x", "x_lookup"]
        for workload in unknown:
            run = subprocess.run([*floors.PHASES, "rows=100", f"{workload}:1000"], capture_output=True)
            self.assertNotEqual(run.returncode, 0, workload)


if __name__ == "__main__":
    unittest.main()
