#!/usr/bin/env python3
"""Checks that tools/bench_document.py tells what was not held or not measured, and that plots are
well-formed. Run by ctest as `bench_document`."""

import tempfile
import unittest
import xml.etree.ElementTree
from pathlib import Path

import bench_document
import plot

RUN = {"commit": "0123456789", "at": "2026-11-25", "quick": False, "part": "check",
       "machine": {"processor": "P", "cores": 2, "memory_gib": 4, "system": "S", "kernel": "6",
                   "compiler": "C", "nginx": "1", "node": "18"}}


def line(name, value, **fields):
    return {"name": name, "value": value, "unit": "us", **RUN, **fields}


def compared(name, ratio, **fields):
    return line(name, ratio * 10, reference="the other", reference_value=10, ratio=ratio, **fields)


class Goals(unittest.TestCase):
    def test_at_most_is_the_default(self):
        self.assertTrue(bench_document.is_held(compared("P1 a", 0.85, goal=0.85)))
        self.assertFalse(bench_document.is_held(compared("P1 a", 0.86, goal=0.85)))

    def test_at_least(self):
        self.assertTrue(bench_document.is_held(compared("P8 a", 20, goal=20, goal_is="at least")))
        self.assertFalse(bench_document.is_held(
            compared("P8 a", 19.9, goal=20, goal_is="at least")))

    def test_without_a_ratio_the_value_counts(self):
        self.assertFalse(bench_document.is_held(line("P3 a", 49, goal=48)))
        self.assertTrue(bench_document.is_held(line("P3 a", 48, goal=48)))

    def test_what_is_missing_or_not_held_stands_in_the_table(self):
        lines = [compared("P1 a", 0.9, goal=0.85), compared("P7 b", 0.9, goal=1.0)]
        for text in (bench_document.goals_table(lines), bench_document.goals_text(lines)):
            rows = text.splitlines()
            self.assertEqual(sum("not held" in row for row in rows), 1, text)
            self.assertEqual(sum("not measured" in row for row in rows),
                             len(bench_document.GOALS) - 2, text)
            self.assertTrue(any("P7" in row and "held" in row and "not held" not in row
                                for row in rows), text)

    def test_every_result_stands_in_one_table(self):
        lines = [compared("P1 a", 0.9, goal=0.85), line("some detail", 3),
                 line("P10 no goal", 4), line("a point", 5, series="s", x=10)]
        text = bench_document.goals_table(lines) + bench_document.details_table(lines)
        self.assertIn("| p99 7.00, most 9.00 us; a note |", bench_document.details_table(
            [line("some detail", 3, p99=7, max=9, note="a note", bottleneck="server")]))
        for name, count in (("| P1 | a:", 1), ("| some detail |", 1), ("| P10 no goal |", 1),
                            ("a point", 0)):
            self.assertEqual(text.count(name), count, name)


class Document(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        (self.root / "docs/images").mkdir(parents=True)
        (self.root / "docs/operating").mkdir()
        self.files = [self.root / "docs/performance.md", self.root / "docs/operating/sizing.md"]
        for file in self.files:
            file.write_text(f"before\n{bench_document.BEGIN}\nold\n{bench_document.END}\nafter\n")

    def test_only_what_is_between_the_marks_is_made_anew(self):
        bench_document.write(self.root, [line("P3 index memory, resident", 45)])
        for file in self.files:
            text = file.read_text()
            self.assertTrue(text.startswith("before\n") and text.endswith("\nafter\n"), text)
            self.assertNotIn("old", text)
            self.assertIn("45.0 us", text)
            self.assertIn("Commit 0123456789, 2026-11-25.", text)

    def test_a_document_without_marks_is_left_alone(self):
        self.files[0].write_text("all by hand")
        with self.assertRaises(SystemExit):
            bench_document.write(self.root, [line("a", 1)])
        self.assertEqual(self.files[0].read_text(), "all by hand")

    def test_parts_of_several_commits_are_told_apart(self):
        text = bench_document.where([line("a", 1), {**line("b", 1), "commit": "fedcba9876",
                                                    "part": "proxy", "quick": True}])
        self.assertIn("check: 0123456789, 2026-11-25; proxy: fedcba9876, 2026-11-25, quick", text)

    def test_a_busy_machine_is_told(self):
        self.assertNotIn("Other programs", bench_document.where([line("a", 1, load_average=1.2)]))
        self.assertIn("load average was 7.5", bench_document.where(
            [line("a", 1, load_average=7.5), line("b", 1, load_average=0.3)]))

    def test_plots_are_drawn_of_what_there_is(self):
        self.assertEqual(plot.draw(self.root / "docs/images", [line("a", 1)]), [])
        percentiles = {"p50": 10, "p90": 20, "p99": 300, "p99_9": 4000, "max": 50000}
        lines = [line("x", 10, series="our proxy", case="one client", **percentiles)]
        lines += [line("x", 400 + n, series="check in process", x=10 ** n, reference_value=300)
                  for n in range(3, 8)]
        drawn = plot.draw(self.root / "docs/images", lines)
        self.assertEqual([name for name, _ in drawn], ["latency-proxy.svg", "check-by-tokens.svg"])
        for name, title in drawn:
            tree = xml.etree.ElementTree.parse(self.root / "docs/images" / name)
            space = "{http://www.w3.org/2000/svg}"
            self.assertEqual(tree.find(f"{space}title").text, title)
            for curve in tree.findall(f"{space}polyline"):
                self.assertEqual(len(curve.get("points").split()), 5)


if __name__ == "__main__":
    unittest.main()
