"""The report, from figures that are stored: tables, verdicts, losses, plots. Needs nothing but Python 3.

What needs a run of the contenders is in worker_test.py.
"""

import contextlib
import io
import json
import os
import re
import sys
import tempfile
import types
import unittest
import xml.etree.ElementTree
from pathlib import Path
from unittest import mock

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import clock
import page
import page_cache
import run
import sizes
import svg
import verdicts
from plots import all_plots
from results import Results, sample_of
from words import duration, kib, power_of_ten, times

CONTENT = json.loads((HERE / "testdata/results.json").read_text())


def without(*names):
    """The stored content without these contenders."""
    return CONTENT | {"records": [record for record in CONTENT["records"] if record["contender"] not in names]}


class Sums(unittest.TestCase):
    """What answers are compared with, against sums that are added up one by one."""

    def test_of_all_elements(self):
        for count in (1, 255, 256, 1000, (1 << 24) + 3):
            self.assertEqual(sizes.sum_of_elements(count), sum(i & 0xFFFFFF for i in range(count)))

    def test_of_columns_and_rows(self):
        width = sizes.ROW_FLOATS
        for rows in (1, 2, 700, (1 << 24) // width + 5):
            expected = sum((row * width + i) & 0xFFFFFF for row in range(rows) for i in range(4))
            self.assertEqual(sizes.sum_of_columns(rows * width), expected)
        row = (1 << 24) // width + 1
        self.assertEqual(sizes.sum_of_row(row), sum((row * width + i) & 0xFFFFFF for i in range(width)))

    def test_every_size_is_whole_rows(self):
        for plan in (sizes.SHORT, sizes.FULL):
            for size in [*plan.sizes, plan.question_size, plan.held_size]:
                self.assertEqual(size % (4 * sizes.ROW_FLOATS), 0)
            self.assertIn(plan.question_size, plan.sizes)


class FakeWorkers:
    """Says what is right, but for those of whom it is told that they are wrong."""

    def __init__(self, wrong=(), wrong_processes=()):
        self.wrong, self.wrong_processes, self.asked = wrong, wrong_processes, []

    def warm(self):
        pass

    def ask(self, name, question, file, *options):
        self.asked.append((name, question))
        record = {"contender": name, "question": question, "process_s": 0.0, "open_s": 0.1, "seconds": 0.2}
        if question == "make":
            Path(file).write_bytes(b"x")
        answer = sizes.sums_of_halves(sizes.MIB // 4)
        return record | {"answer": [answer[0], answer[1] + 1] if name in self.wrong else answer}

    def hold(self, name, file, processes):
        right = sizes.sum_of_elements(sizes.MIB // 4)
        answers = [right + (i in self.wrong_processes and name in self.wrong) for i in range(processes)]
        return {"contender": name, "question": "hold", "processes": processes, "answer": right, "answers": answers}


class AnswersFirst(unittest.TestCase):
    NAMES = ["petrify", "stream_bulk", "stream_elements", "npy", "npy_mmap"]

    def a_run(self, **told):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        plan = sizes.largest(sizes.MIB, sizes.SHORT)
        one = run.Run(types.SimpleNamespace(names=self.NAMES, bin=Path("none")), plan, Path(scratch.name))
        one.workers, one.write = FakeWorkers(**told), lambda: None
        return one

    def make_and_check(self, **told):
        one = self.a_run(**told)
        with contextlib.redirect_stdout(io.StringIO()):
            right = one.check_arrays(one.make_arrays(self.NAMES, sizes.MIB), sizes.MIB)
        return one, list(right), {record["contender"] for record in one.results["records"]}

    def test_all_are_right(self):
        one, right, saved = self.make_and_check()
        self.assertEqual(right, self.NAMES)
        self.assertEqual(saved, {"petrify", "stream_bulk", "stream_elements", "npy"})
        # Its file was there before the other stream took its place.
        words = one.workers.asked
        self.assertLess(words.index(("stream_bulk", "halves")), words.index(("stream_elements", "make")))

    def test_who_saves_wrongly_has_no_figures_of_saving(self):
        for wrong in ("stream_bulk", "stream_elements", "npy"):
            one, right, saved = self.make_and_check(wrong=[wrong])
            self.assertNotIn(wrong, right)
            self.assertNotIn(wrong, saved)
            self.assertIn("petrify", saved)
            self.assertTrue(any(wrong in skipped["why"] for skipped in one.results["skipped"]))

    def test_a_wrong_answer_of_petrify_ends_the_run(self):
        with self.assertRaises(run.WrongAnswer):
            self.make_and_check(wrong=["petrify"])

    def test_each_process_that_holds_a_file_is_compared(self):
        for process in (0, 3):
            one = self.a_run(wrong=["npy_mmap"], wrong_processes=[process])
            with contextlib.redirect_stdout(io.StringIO()):
                one.hold()
            held = {record["contender"] for record in one.results["records"]}
            self.assertEqual(held, set(self.NAMES) - {"npy_mmap"})

    def test_halves_are_exact_beyond_4_gib(self):
        floats = max(sizes.FULL.sizes) // 4
        self.assertGreater(sizes.sum_of_elements(floats), 1 << 53)
        self.assertLess(max(sizes.sums_of_halves(floats)), 1 << 53)
        self.assertEqual(sum(sizes.sums_of_halves(floats)), sizes.sum_of_elements(floats))


class Scratch(unittest.TestCase):
    def parent(self, kind, asked=None):
        with mock.patch.object(run, "filesystem", lambda _: kind):
            return run.scratch_parent(types.SimpleNamespace(dir=asked, out=Path("build/bench")))

    def test_is_on_a_disk_unless_asked_for(self):
        for kind in ("tmpfs", "ramfs"):
            self.assertEqual(self.parent(kind), Path("build/bench"))
            self.assertEqual(self.parent(kind, Path("there")), Path("there"))
        self.assertEqual(self.parent("ext4"), Path(tempfile.gettempdir()))


class Warm(unittest.TestCase):
    """What is done to a file's pages; the calls are put down, the file system is not asked."""

    def setUp(self):
        self.done, self.cached = [], 1.0
        for name, act in (
            ("drop", lambda path: self.done.append("drop") or True),
            ("read", lambda path: self.done.append("read") or True),
            ("cached_fraction", lambda path: self.cached),
        ):
            patch = mock.patch.object(page_cache, name, act)
            patch.start()
            self.addCleanup(patch.stop)
        file = tempfile.NamedTemporaryFile()
        self.addCleanup(file.close)
        self.file, self.warmed = file.name, page_cache.Warmed()

    def test_a_file_is_read_from_the_disk_once(self):
        for _ in range(3):
            self.assertTrue(self.warmed.warm(self.file))
        self.assertEqual(self.done, ["drop", "read"])

    def test_again_when_it_was_evicted_dropped_or_written(self):
        self.warmed.warm(self.file)
        self.cached = 0.5
        self.warmed.warm(self.file)
        self.cached = 1.0
        self.assertEqual(self.done, ["drop", "read"] * 2)
        self.warmed.drop(self.file)
        self.warmed.warm(self.file)
        self.assertEqual(self.done, ["drop", "read"] * 2 + ["drop", "drop", "read"])
        os.utime(self.file, ns=(1, 1))
        self.warmed.warm(self.file)
        self.assertEqual(self.done[-2:], ["drop", "read"])


class Clock(unittest.TestCase):
    """By a clock that moves when something is done: opening takes 2 s, the answer 1 s, closing 100 s."""

    def setUp(self):
        self.now = 0.0
        test = self

        class Opened:
            def __init__(self):
                test.now += 2

            def element(self):
                test.now += 1
                return 7.0

            def __del__(self):
                test.now += 100

        self.work = clock.opening(Opened, Opened.element)
        patch = mock.patch.object(clock.time, "perf_counter", lambda: self.now)
        patch.start()
        self.addCleanup(patch.stop)

    def test_closing_is_not_counted(self):
        (answer, opened), seconds = clock.timed(self.work)
        self.assertEqual((answer, seconds), (7.0, 3.0))
        del opened
        self.assertEqual(self.now, 103.0)

    def test_again_closes_each_before_the_next_is_opened(self):
        self.assertEqual(clock.again(self.work, 250), {"again_s": 3.0, "again_n": 3})
        self.assertEqual(self.now, 309.0)

    def test_not_again(self):
        self.assertEqual(clock.again(self.work, 0), {})


class Words(unittest.TestCase):
    def test_three_digits(self):
        self.assertEqual(duration(53.84e-6), "53.8 µs")
        self.assertEqual(duration(1.2), "1.20 s")
        self.assertEqual(duration(5e-9), "5.00 ns")
        self.assertEqual(kib(2048), "2.00 MiB")
        self.assertEqual(times(12345.6), "12,346×")
        self.assertEqual(times(0.25), "0.25×")
        self.assertEqual(power_of_ten(10_000_000), "10⁷")
        self.assertEqual(sizes.size_in_words(2_000_000_000), "2 GB")
        self.assertEqual(sizes.size_in_words(4 * sizes.GIB + 4 * sizes.MIB), "4 GiB")

    def test_samples(self):
        sample = sample_of([3.0, 1.0, 2.0])
        self.assertEqual((sample.median, sample.low, sample.high, sample.count), (2.0, 1.0, 3.0, 3))
        self.assertIsNone(sample_of([]))


class Tables(unittest.TestCase):
    def setUp(self):
        self.text = page.markdown(CONTENT, all_plots(Results(CONTENT)))

    def test_facts_stand_above(self):
        self.assertTrue(self.text.startswith("| | |\n|---|---|\n| date | 2026-01-02 |\n"))

    def test_medians_ratios_and_range(self):
        self.assertIn("|  | 1 MiB | 2 GB |\n", self.text)
        line = "| naive stream | – | 9.50 s (190,000×) <sub>9.00 s – 10.0 s</sub> |"
        self.assertIn(line, self.text)
        self.assertIn("| **petrify** | 50.0 µs <sub>40.0 µs – 60.0 µs</sub> |", self.text)
        self.assertIn("| np.load(mmap_mode='r') | 700 µs (14×) <sub>600 µs – 900 µs</sub> |", self.text)

    def test_processes_count_the_file_once(self):
        self.assertIn("| **petrify** | 1.00 GiB | 1.000 | 0.982 | 1.00 MiB |", self.text)
        self.assertIn("| np.load(mmap_mode='r') | 1.25 GiB | 1.250 | 1.000 | 1.00 MiB |", self.text)

    def test_programs_give_medians_and_no_errors(self):
        self.assertIn("| save synced: stream elements | 4.00 ms (4.0×) |", self.text)
        self.assertNotIn("flatbuffer | 0", self.text)

    def test_what_was_left_out_is_said(self):
        self.assertIn("- flatbuffer 2 GB: a FlatBuffer is smaller than 2 GiB\n", self.text)

    def test_another_cache_than_wanted_is_left_out_and_said(self):
        wrong = dict(CONTENT["records"][0], first_s=1e-9, cache="cold, but 12% cached")
        content = CONTENT | {"records": [*CONTENT["records"], wrong, wrong]}
        text = page.markdown(content, {})
        self.assertEqual(text.count("2 turns of petrify first 1 MiB: should have been cold, but 12% cached\n"), 1)
        self.assertNotIn("1.00 ns", text)

    def test_saving_is_timed_twice_for_all(self):
        self.assertIn("| **petrify** | 1.00 s, 2.00 GB/s | 1.50 s, 1.33 GB/s |", self.text)

    def test_every_row_of_a_table_is_as_long_as_its_head(self):
        for block in re.findall(r"(?:^\|.*\n)+", self.text, re.MULTILINE):
            widths = {line.count("|") for line in block.splitlines()}
            self.assertEqual(len(widths), 1, block)

    def test_nothing_measured_is_a_page_too(self):
        empty = {"plan": "short", "facts": {}, "records": [], "skipped": [], "programs": {}, "models": {}}
        text = page.markdown(empty, all_plots(Results(empty)))
        self.assertIn(verdicts.UNMEASURED, text)


class Losses(unittest.TestCase):
    def test_what_is_beyond_the_spread_is_listed(self):
        text = verdicts.loss_lines(Results(CONTENT))
        self.assertIn(
            "- **open and first element**\n"
            "  - mmap by hand, no checks: 32.0 µs for 50.0 µs (1 MiB), 32.0 µs for 50.0 µs (2 GB)\n",
            text,
        )
        self.assertIn("  - joblib.dump, zlib 3: 262 kB for 1.05 MB (1 MiB)\n", text)
        self.assertIn(
            "- **memory that one element takes**\n  - np.load(mmap_mode='r'): 512 KiB for 2.00 MiB (1 MiB)\n", text
        )

    def test_overlap_is_no_loss(self):
        found = {(what, name) for what, _, name, *_ in verdicts.losses(Results(CONTENT))}
        self.assertNotIn(("open and first element, cold", "npy_mmap"), found)

    def test_of_the_programs_count_beyond_the_least_and_the_most(self):
        text = verdicts.loss_lines(Results(CONTENT))
        self.assertIn(
            "- **in one process, all elements: scan**\n  - read bulk: 70.0 µs for 100 µs (256 MiB)\n", text
        )
        self.assertNotIn("stream bulk: 95.0 µs", text)  # its slowest is above petrify's fastest
        self.assertIn("  - write: 950 µs for 1.00 ms (256 MiB)\n", text)
        self.assertNotIn("  - write", verdicts.loss_lines(Results(CONTENT | {"is_in_memory": True})))

    def test_of_the_disk_are_none_in_memory(self):
        found = {what for what, *_ in verdicts.losses(Results(CONTENT))}
        self.assertIn("save until the disk has it", found)
        found = {what for what, *_ in verdicts.losses(Results(CONTENT | {"is_in_memory": True}))}
        self.assertNotIn("save until the disk has it", found)

    def test_without_any_it_says_so(self):
        content = without("mmap_raw", "joblib_compressed", "stream_bulk", "npy_mmap") | {"programs": {}}
        text = verdicts.loss_lines(Results(content))
        self.assertTrue(text.startswith("Nothing was faster"), text)


class Promises(unittest.TestCase):
    def setUp(self):
        self.seen = {promise: (said, verdict) for promise, said, verdict in verdicts.promises(Results(CONTENT))}

    def verdict(self, start):
        return next(value for promise, value in self.seen.items() if promise.startswith(start))

    def test_kept(self):
        self.assertEqual(self.verdict("open + first element of 2 GB")[1], "kept")
        self.assertEqual(self.verdict("the same at any size"), ("20.0 µs to 30.0 µs (1.5×), 1 MiB to 2 GB", "kept"))
        self.assertEqual(self.verdict("10,000× faster than naive stream"), ("190,000×", "kept"))
        self.assertEqual(
            self.verdict("sum of all elements through the map: at least 80 % of the speed in a std::vector"),
            ("95% (256 MiB, all touched before)", "kept"),
        )
        self.assertEqual(self.verdict("save: at least 90 %"), ("95% (256 MiB)", "kept"))
        self.assertEqual(
            self.verdict("the writer's memory"), ("peak of 12.7 MiB to 13.7 MiB, 256 MiB to 2 GB", "kept")
        )
        self.assertEqual(self.verdict("8 processes"), ("8 processes: 1.000 × the file", "kept"))

    def test_not_kept(self):
        self.assertEqual(
            self.verdict("sum of all elements through the map: at least 80 % of the speed in memory in huge pages"),
            ("70% (256 MiB, all touched before)", "**not kept**"),
        )
        self.assertEqual(
            self.verdict("save: at least 10× faster than the naive stream, both with")[1], "**not kept**"
        )

    def test_a_smaller_size_keeps_nothing(self):
        small = [record for record in CONTENT["records"] if record.get("size", 0) < 1_000_000_000]
        judged = []
        for promise, said, verdict in verdicts.promises(Results(CONTENT | {"records": small})):
            if "2 GB" in promise or "1 GiB" in promise:
                judged.append(promise)
                self.assertEqual(verdict, "", promise)
        self.assertEqual(len(judged), 4, judged)

    def test_the_same_is_a_bound_on_the_ratio_and_on_the_largest(self):
        for large, expected in ((29e-6, "kept"), (31e-6, "**not kept**")):
            self.assertEqual(self.same_at_any_size(20e-6, large)[1], expected)
        self.assertEqual(self.same_at_any_size(50e-6, 59e-6)[1], "kept")
        self.assertEqual(self.same_at_any_size(50e-6, 61e-6)[1], "**not kept**")

    def same_at_any_size(self, small, large):
        again = {sizes.MIB: small, 2_000_000_000: large}
        records = [
            record | {"again_s": again[record["size"]]}
            if (record["contender"], record["question"]) == ("petrify", "first") and "again_s" in record
            else record
            for record in CONTENT["records"]
        ]
        found = verdicts.promises(Results(CONTENT | {"records": records}))
        return next((said, verdict) for promise, said, verdict in found if promise.startswith("the same"))

    def test_no_fsync_is_judged_in_memory(self):
        found = list(verdicts.promises(Results(CONTENT | {"is_in_memory": True})))
        synced = [(said, verdict) for promise, said, verdict in found if "both with fsync" in promise]
        self.assertEqual([verdict for _, verdict in synced], ["", ""])
        for said, _ in synced:
            self.assertIn("the file system is memory", said)

    def test_every_promise_has_a_row(self):
        names = [promise for promise, *_ in verdicts.promises(Results(CONTENT))]
        self.assertEqual(len(names), len(set(names)))
        missing = CONTENT | {"programs": {}}
        self.assertEqual([promise for promise, *_ in verdicts.promises(Results(missing))], names)
        for promise, said, verdict in verdicts.promises(Results(missing)):
            if promise.startswith(("save:", "sum of")):
                self.assertEqual((said, verdict), (verdicts.UNMEASURED, ""))

    def test_not_measured(self):
        seen = {promise: said for promise, said, _ in verdicts.promises(Results(without("joblib")))}
        self.assertEqual(seen["1,000× faster than joblib.load, at 2 GB"], verdicts.UNMEASURED)


class Page(unittest.TestCase):
    def test_only_what_is_between_the_markers_changes(self):
        before = f"title\n{page.BEGIN}\nold\n{page.END}\nrest <!-- end -->\n"
        self.assertEqual(page.replaced(before, "new"), f"title\n{page.BEGIN}\n\nnew\n{page.END}\nrest <!-- end -->\n")

    def test_without_markers_it_does_not_guess(self):
        with self.assertRaises(ValueError):
            page.replaced("no markers", "new")

    def test_the_page_in_the_tree_has_them_before_the_other_part(self):
        text = (HERE.parents[1] / "docs/benchmarks.md").read_text()
        places = [
            text.index(words)
            for words in (page.BEGIN, page.END, "<!-- written by ./dev bench compare --docs: begin -->")
        ]
        self.assertEqual(places, sorted(places))


class Plots(unittest.TestCase):
    def test_equal_figures_give_equal_bytes_and_xml(self):
        plots = all_plots(Results(CONTENT))
        self.assertEqual(plots, all_plots(Results(json.loads(json.dumps(CONTENT)))))
        self.assertEqual(
            set(plots),
            {"load-time.svg", "load-time-cold.svg", "memory.svg", "memory-processes.svg", "first-prediction.svg"},
        )
        for text in plots.values():
            xml.etree.ElementTree.fromstring(text)

    def test_every_colour_stands_out_from_both_pages(self):
        for name, (light, dark) in svg.COLOURS.items():
            if name == "grid":
                continue
            self.assertGreater(svg.contrast(light, svg.LIGHT_PAGE), 4.5, name)
            self.assertGreater(svg.contrast(dark, svg.DARK_PAGE), 4.5, name)
            # The scheme was told wrongly.
            self.assertGreater(svg.contrast(light, svg.DARK_PAGE), 3, name)
            self.assertGreater(svg.contrast(dark, svg.LIGHT_PAGE), 3, name)

    def test_labels_do_not_touch(self):
        places = svg.spread([10, 12, 13, 50, 52, 300], 17, 0, 310)
        self.assertTrue(all(b - a >= 17 - 1e-9 for a, b in zip(places, places[1:])), places)
        self.assertGreaterEqual(places[0], 0)
        self.assertEqual(places[-1], 300)


if __name__ == "__main__":
    unittest.main()
