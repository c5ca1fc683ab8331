"""Every contender that is called from Python gives right answers: needs the peers, and is run by hand.

build/peers/bin/python benchmarks/report/worker_test.py [DIRECTORY OF petrify_process]

With that folder the contenders in C++ are asked the same. On arrays of 1 MiB.
"""

import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import page_cache
import sizes
from contenders import ARRAYS
from workers import Failed, Workers

BIN = Path(sys.argv.pop(1)) if len(sys.argv) > 1 and not sys.argv[1].startswith("-") else None
NAMES = [name for name in ARRAYS if BIN or ARRAYS[name].language == "python"]
FLOATS = sizes.MIB // 4


class Answers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        cls.workers = Workers(BIN or Path("no such folder"))

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    def made(self, name, *options):
        file = Path(self.scratch.name) / name
        record = self.workers.ask(name, "make", file, "--floats", FLOATS, *options)
        return file, record

    def test_of_rows(self):
        for name in NAMES:
            with self.subTest(name):
                file, record = self.made(name, "--row-floats", sizes.ROW_FLOATS)
                self.assertEqual(record["file_bytes"], file.stat().st_size)
                self.assertGreater(record["seconds"], 0)
                ask = lambda question, *options: self.workers.ask(name, question, file, *options)  # noqa: B023, E731
                for index in (0, 1000, FLOATS - 1):
                    answer = ask("first", "--index", index, "--seconds", 0.01)
                    self.assertEqual(answer["answer"], sizes.element(index))
                    self.assertGreaterEqual(answer["again_n"], 1)
                    self.assertEqual(answer["bytes"], sizes.MIB)
                self.assertEqual(ask("first")["answer"], sizes.element(FLOATS // 2))
                rows = FLOATS // sizes.ROW_FLOATS
                self.assertEqual(ask("row", "--index", rows - 1)["answer"], sizes.sum_of_row(rows - 1))
                self.assertEqual(ask("row")["answer"], sizes.sum_of_row(rows // 2))
                self.assertEqual(ask("columns")["answer"], sizes.sum_of_columns(FLOATS))
                scan = ask("scan")
                self.assertEqual(scan["answer"], sizes.sum_of_elements(FLOATS))
                self.assertEqual(ask("halves")["answer"], sizes.sums_of_halves(FLOATS))
                self.assertGreaterEqual(scan["peak_rss_kib"], scan["rss_before_kib"])

    def test_of_rank_1(self):
        for name in NAMES:
            with self.subTest(name):
                file, _ = self.made(name)
                self.assertEqual(self.workers.ask(name, "first", file, "--index", 77)["answer"], 77.0)
                self.assertEqual(self.workers.ask(name, "scan", file)["answer"], sizes.sum_of_elements(FLOATS))

    def test_held_by_two_processes(self):
        for name in NAMES:
            with self.subTest(name):
                file, _ = self.made(name, "--row-floats", sizes.ROW_FLOATS)
                record = self.workers.hold(name, file, 2)
                self.assertEqual(record["answers"], [sizes.sum_of_elements(FLOATS)] * 2)
                self.assertGreater(record["pss_kib"], 0)

    def test_a_missing_file_is_a_failure(self):
        for name in NAMES:
            with self.subTest(name), self.assertRaises(Failed):
                self.workers.ask(name, "first", Path(self.scratch.name) / "missing")

    def test_page_cache_is_told_apart(self):
        file = Path(self.scratch.name) / "bytes"
        file.write_bytes(b"x" * (8 << 20))
        self.assertTrue(page_cache.read(file))
        if not page_cache.drop(file):
            self.skipTest("the file system keeps files in memory")
        self.assertEqual(page_cache.cached_fraction(file), 0.0)
        self.assertTrue(page_cache.read(file))


if __name__ == "__main__":
    unittest.main()
