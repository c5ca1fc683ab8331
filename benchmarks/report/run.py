"""Measures loading and saving of arrays and forests with petrify and what else is used, and writes the page about it.

./dev bench runs it: some minutes, arrays up to 256 MiB. ./dev bench --full: up to 4 GiB and 10^7 nodes, an hour.
Figures go to build/bench/results.json, tables to docs/benchmarks.md, plots to docs/plots.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE.parent))

import page
import page_cache
import sizes
from contenders import ARRAYS, FORESTS
from machine_facts import facts_of_machine, filesystem
from sizes import GIB, LARGE, ROW_FLOATS, SLOW_S, VERY_SLOW_S, size_in_words
from workers import Failed, Skipped, Workers

STEPS = ["arrays", "hold", "programs", "forests"]
# Google Benchmark programs: what one process can tell that has everything loaded.
PROGRAMS = ["first_element", "random_row", "columns", "scan", "save", "verify", "advice"]
# Answers of these are float32 sums in another order; of all others every bit is compared.
TOLERANCE = {"onnxruntime": 1e-4, "treelite": 1e-5}


def arguments():
    parser = argparse.ArgumentParser(
        prog="./dev bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--full", action="store_true", help="arrays up to 4 GiB, forests up to 10^7 nodes")
    parser.add_argument("--steps", default=",".join(STEPS), help="what to measure (all): %(default)s")
    parser.add_argument("--contenders", help="only these beside petrify, with commas between them; of arrays")
    parser.add_argument("--largest-mb", type=int, help="no array above so many MiB")
    parser.add_argument("--forests", help="only these models: LIBRARY-NODES,..., as make_forests.py names them")
    parser.add_argument("--dir", type=Path, help="scratch folder for arrays ($TMPDIR, or --out where that is memory)")
    parser.add_argument("--bin", type=Path, default=ROOT / "build/release/bin", help="where petrify_process is")
    parser.add_argument(
        "--models", type=Path, default=ROOT / "build/bench/models", help="where models are, or are made"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "build/bench", help="where results.json goes")
    parser.add_argument(
        "--report", action="store_true", help="measure nothing: the page of the results.json there is"
    )
    parser.add_argument("--no-docs", action="store_true", help="tables and plots to --out, not to docs/")
    wanted = parser.parse_args()
    wanted.steps = wanted.steps.split(",")
    if unknown := set(wanted.steps) - set(STEPS):
        parser.error(f"no such step: {', '.join(sorted(unknown))}")
    wanted.names = list(ARRAYS)
    if wanted.contenders:
        asked = wanted.contenders.split(",")
        if unknown := set(asked) - set(ARRAYS):
            parser.error(f"no such contender: {', '.join(sorted(unknown))}; there are {', '.join(ARRAYS)}")
        wanted.names = [name for name in ARRAYS if name == "petrify" or name in asked]
    return wanted


def available_memory():
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) << 10
    raise RuntimeError("/proc/meminfo has no MemAvailable")


def is_in_memory(folder):
    """Whether what is written there stays in memory: nothing waits for a disk, and nothing can be dropped."""
    return filesystem(folder) in ("tmpfs", "ramfs")


def scratch_parent(wanted):
    """Where files are measured: as asked for, else $TMPDIR, else beside the results when that is memory."""
    if wanted.dir:
        return wanted.dir
    return wanted.out if is_in_memory(tempfile.gettempdir()) else Path(tempfile.gettempdir())


class WrongAnswer(Exception):
    pass


class Run:
    def __init__(self, wanted, plan, scratch):
        self.wanted, self.plan, self.scratch = wanted, plan, scratch
        self.names = [name for name in wanted.names if name not in plan.left_out]
        self.workers = Workers(wanted.bin)
        self.cached = page_cache.Warmed()
        self.started = time.monotonic()
        self.results = {"plan": plan.name, "facts": {}, "records": [], "skipped": [], "programs": {}, "models": {}}
        self.results["is_in_memory"] = is_in_memory(scratch)

    def say(self, text):
        print(f"{time.monotonic() - self.started:6.0f} s  {text}", flush=True)

    def skip(self, what, why):
        self.results["skipped"].append({"what": what, "why": why})
        self.say(f"left out: {what}: {why}")

    def write(self):
        self.results["facts"] = facts_of_machine(ROOT, self.environment, self.scratch) | {
            "run": f"{self.plan.name}, {(time.monotonic() - self.started) / 60:.0f} minutes"
        }
        partial = self.wanted.out / "results.json.partial"
        partial.write_text(json.dumps(self.results, indent=0) + "\n")
        partial.rename(self.wanted.out / "results.json")

    def record(self, record, **more):
        record.pop("file", None)
        self.results["records"].append({**record, **more})

    # ---- turns

    def turns(self, names, rounds, ask):
        """A B C A B C: ask(name, turn) gives a record, or None when the contender cannot go on.

        What else the machine does hits all alike. Who is slow gets fewer turns. Gives the names of those who could.
        """
        names, last = list(names), {}
        for turn in range(rounds):
            for name in list(names):
                if turn >= (1 if last.get(name, 0) > VERY_SLOW_S else 2 if last.get(name, 0) > SLOW_S else rounds):
                    continue
                record = ask(name, turn)
                if record is None:
                    names.remove(name)
                else:
                    last[name] = record["process_s"]
        return names

    def guarded(self, what, work):
        """None for what its contender does not do, or does not manage; petrify has to."""
        try:
            return work()
        except Skipped as reason:
            self.skip(what, str(reason))
        except (Failed, WrongAnswer) as reason:
            if " petrify " in f" {what} ":
                raise
            self.skip(what, f"failed: {reason}")
        return None

    def prepare(self, file, cache):
        if cache == "warm":  # so is the program: who reads gigabytes pushes out what of it is seldom used
            self.workers.warm()
        is_done = self.cached.warm(file) if cache == "warm" else self.cached.drop(file)
        return cache if is_done else f"{cache}, but {page_cache.cached_fraction(file):.0%} cached"

    # ---- arrays

    def file_of(self, name):
        return self.scratch / f"array.{ARRAYS[name].format}"

    def fitting(self, size):
        """Contenders for which disk and memory have room."""
        names = []
        for name in self.names:
            contender = ARRAYS[name]
            if contender.is_compressed and size > GIB:
                self.skip(f"{name} {size_in_words(size)}", "compressing so much takes minutes")
            elif not contender.is_mapped and 2.3 * size > available_memory():
                self.skip(f"{name} {size_in_words(size)}", "may need more memory than there is")
            else:
                names.append(name)
        needed = int(1.05 * size * len({ARRAYS[name].format for name in names})) + size + GIB
        if (free := shutil.disk_usage(self.scratch).free) < needed:
            self.skip(
                f"arrays of {size_in_words(size)}", f"need {needed / GIB:.0f} GiB of disk, {free / GIB:.0f} are free"
            )
            return []
        return names

    def make_arrays(self, names, size):
        floats = size // 4
        writers = {}
        for name in names:
            writers.setdefault(ARRAYS[name].writer, name)
        # Another writer puts its file in the same place: this one's is looked at before.
        last = {ARRAYS[name].format: name for name in writers.values()}
        overwritten = [name for name in writers.values() if last[ARRAYS[name].format] != name]

        def make(name, turn):
            if turn and ARRAYS[name].is_compressed:
                return None  # once is long enough
            file = self.file_of(name)
            file.unlink(missing_ok=True)  # each begins with nothing
            what = f"{name} make {size_in_words(size)}"
            options = ["--floats", floats, "--row-floats", ROW_FLOATS]
            record = self.guarded(what, lambda: self.workers.ask(name, "make", file, *options))
            if record and turn == 0 and name in overwritten and self.check_array(name, size) is None:
                record = None
            if record:
                self.record(record, question="make", size=size, turn=turn, cache="warm")
            return record

        self.turns(writers.values(), self.plan.save_rounds if size <= LARGE else 1, make)
        return [name for name in names if self.file_of(name).exists()]

    def checked(self, name, record, expected):
        if record["answer"] != expected:
            raise WrongAnswer(f"{name}: {record['question']}: answered {record['answer']!r}, expected {expected!r}")
        return record

    def check_array(self, name, size):
        """How long it took to open its file, when that holds what it must; else None."""

        def check():
            # In halves: the float64 sum of 4 GiB depends on its order.
            record = self.workers.ask(name, "halves", self.file_of(name))
            return self.checked(name, record, sizes.sums_of_halves(size // 4))["open_s"]

        return self.guarded(f"{name} {size_in_words(size)}", check)

    def check_arrays(self, names, size):
        """Those whose file holds what it must, and how long it took to open it. Who wrote a wrong one is not timed."""
        taken = {name: self.check_array(name, size) for name in names}
        right = {name: seconds for name, seconds in taken.items() if seconds is not None}
        self.results["records"] = [
            record
            for record in self.results["records"]
            if record["question"] != "make" or record["size"] != size or record["contender"] in right
        ]
        return right

    def measure_first(self, right, size):
        floats = size // 4
        index = floats // 2
        mapped = [name for name in right if ARRAYS[name].is_mapped]
        reading = [name for name in right if name not in mapped]
        # Apart: copies of gigabytes take memory from whoever comes next, of which microseconds become milliseconds.
        for cache, names, rounds in (
            ("warm", mapped, self.plan.mapped_rounds),
            ("warm", reading, self.plan.warm_rounds),
            ("cold", list(right), self.plan.cold_rounds),
        ):

            def first(name, turn):
                file = self.file_of(name)
                # What takes long once need not be repeated in its process too.
                repeat = self.plan.again_s if cache == "warm" and right[name] < 1 else 0
                state = self.prepare(file, cache)
                options = ["--index", index, "--seconds", repeat]
                record = self.guarded(
                    f"{name} first {size_in_words(size)}",
                    lambda: self.checked(name, self.workers.ask(name, "first", file, *options), sizes.element(index)),
                )
                if record:
                    self.record(record, size=size, turn=turn, cache=state, file_bytes=os.path.getsize(file))
                return record

            if size > LARGE:
                rounds = min(rounds, 2 if cache == "cold" else 5 if names is mapped else 3)
            self.turns(names, rounds, first)
            self.say(f"{size_in_words(size)}, {cache}: opened and first element read by {len(names)} contenders")

    def measure_questions(self, right, size):
        floats = size // 4
        picks = random.Random(7)
        rows = [picks.randrange(floats // ROW_FLOATS) for _ in range(self.plan.question_rounds)]
        for question, cache in (
            ("row", "warm"),
            ("row", "cold"),
            ("columns", "warm"),
            ("scan", "warm"),
            ("scan", "cold"),
        ):

            def ask(name, turn):
                expected = {
                    "row": lambda: sizes.sum_of_row(rows[turn]),
                    "columns": lambda: sizes.sum_of_columns(floats),
                    "scan": lambda: sizes.sum_of_elements(floats),
                }[question]()
                file = self.file_of(name)
                state = self.prepare(file, cache)
                options = ["--index", rows[turn]] if question == "row" else []
                record = self.guarded(
                    f"{name} {question} {size_in_words(size)}",
                    lambda: self.checked(name, self.workers.ask(name, question, file, *options), expected),
                )
                if record:
                    self.record(record, size=size, turn=turn, cache=state)
                return record

            self.turns(right, self.plan.question_rounds if cache == "warm" else self.plan.cold_question_rounds, ask)
            self.say(f"{size_in_words(size)}, {cache}: {question}")

    def arrays(self):
        for size in self.plan.sizes:
            names = self.make_arrays(self.fitting(size), size)
            self.say(f"{size_in_words(size)}: {len(names)} contenders have written their files")
            right = self.check_arrays(names, size)
            self.measure_first(right, size)
            if size == self.plan.question_size:
                # What is compressed has to be opened as a whole, which was measured just now.
                self.measure_questions([name for name in right if not ARRAYS[name].is_compressed], size)
            self.remove_arrays()
            self.write()

    def remove_arrays(self):
        for file in self.scratch.glob("array.*"):
            file.unlink()

    # ---- several processes on one file

    def hold(self):
        """Of a small file too: what is left then is the processes themselves, interpreters and all."""
        size, processes = self.plan.held_size, self.plan.held_processes
        for name in self.names:
            if ARRAYS[name].is_compressed:
                continue
            copies = 1 if ARRAYS[name].is_mapped else processes + 1
            if copies * size * 1.2 + 2 * GIB * (size > 256 << 20) > available_memory():
                self.skip(
                    f"{name} in {processes} processes", f"{processes} copies of {size_in_words(size)} do not fit"
                )
                continue
            if 2.1 * size > shutil.disk_usage(self.scratch).free:
                self.skip(f"{name} in {processes} processes", "the disk has no room for the file")
                continue
            for held in (sizes.MIB, size):
                file = self.file_of(name)

                def work():
                    options = ["--floats", held // 4, "--row-floats", ROW_FLOATS]
                    self.workers.ask(name, "make", file, *options)
                    self.prepare(file, "warm")
                    record = self.workers.hold(name, file, processes)
                    for answer in record.pop("answers"):
                        self.checked(name, record | {"answer": answer}, sizes.sum_of_elements(held // 4))
                    return record

                record = self.guarded(f"{name} hold {size_in_words(held)}", work)
                if record:
                    self.record(record, size=held, cache="warm", file_bytes=os.path.getsize(file))
                self.remove_arrays()
        self.say(f"{processes} processes on one file of {size_in_words(size)}")
        self.write()

    # ---- the Google Benchmark programs

    def programs(self):
        for name in PROGRAMS:
            program = self.wanted.bin / f"petrify_bench_{name}"
            if not program.exists():
                self.skip(program.name, "is not built")
                continue
            out = self.wanted.out / f"{name}.json"
            asked = self.plan.google_sizes_mb
            if name == "advice":  # empties or fills the page cache before each figure
                asked = max((word for word in asked.split(",") if int(word) <= 256), key=int)
            command = [program, "--sizes-mb", asked, "--dir", self.scratch]
            command += [f"--benchmark_out={out}", "--benchmark_out_format=json", *self.plan.google_flags]
            done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
            if done.returncode != 0:
                raise Failed(f"{program.name}: status {done.returncode}: {done.stderr.strip()[-600:]}")
            self.results["programs"][name] = json.loads(out.read_text())["benchmarks"]
            out.unlink()
            self.say(program.name)
        self.write()

    # ---- forests

    def forest_contenders(self, model):
        """(contender, file) of those that have a file of this model."""
        library = model.split("-")[0]
        own = {
            "sklearn": ("joblib", "joblib_mmap", "pickle5"),
            "xgboost": ("xgboost_ubj", "xgboost_json"),
            "lightgbm": ("lightgbm",),
        }
        for name in (
            "petrify",
            "petrify_trust",
            "naive_bulk",
            "naive_elements",
            *own[library],
            "onnxruntime",
            "treelite",
        ):
            file = self.wanted.models / f"{model}.{FORESTS[name].format}"
            if file.exists():
                yield name, file
            elif FORESTS[name].format != "naive":  # which has said why
                self.skip(f"{name} {model}", "has no file of this model: it was not converted")

    def check_forest(self, name, record, expected):
        tolerance = TOLERANCE.get(name, 0.0)
        seen = record["answer"]
        difference = max((abs(a - b) for a, b in zip(seen, expected)), default=0.0)
        largest = max(1.0, *(abs(value) for value in expected))
        if len(seen) != len(expected) or not difference <= tolerance * largest:
            raise WrongAnswer(f"{name}: answered {seen!r}, expected {expected!r}")
        return record | {"difference": difference}

    def forests(self):
        run = lambda *command: subprocess.run([str(word) for word in command], check=True)  # noqa: E731
        run(sys.executable, HERE / "make_forests.py", self.wanted.models, *self.plan.forests)
        self.say("models are there")
        for model in self.plan.forests:
            where = self.wanted.models / model
            own = next(file for ending in ("joblib", "ubj", "txt") if (file := Path(f"{where}.{ending}")).exists())
            command = [self.wanted.bin / "petrify", "convert", own, f"{where}.stone"]
            done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
            if done.returncode != 0:
                raise Failed(f"petrify convert {own.name}: {done.stderr.strip()}")
            plain = Path(f"{where}.naive")
            self.guarded(
                f"naive_bulk make-forest {model}",
                lambda: self.workers.ask("naive_bulk", "make-forest", plain, "--from", f"{where}.stone"),
            )
            row = Path(f"{where}.row.txt").read_text().strip()
            expected = [float(word) for word in Path(f"{where}.raw.txt").read_text().split(",")]
            files = dict(self.forest_contenders(model))
            self.results["models"][model] = {
                "nodes": int(Path(f"{where}.nodes.txt").read_text()),
                "file_bytes": {name: os.path.getsize(file) for name, file in files.items()},
            }

            def ask(name, turn, cache, seconds):
                state = self.prepare(files[name], cache)
                options = ["--row", row, "--seconds", seconds]
                record = self.guarded(
                    f"{name} {model}",
                    lambda: self.check_forest(
                        name, self.workers.ask(name, "first-prediction", files[name], *options), expected
                    ),
                )
                if record:
                    self.record(record, model=model, turn=turn, cache=state)
                return record

            # A figure is kept when its answer was right; who gave another one is out.
            right = self.turns(
                files, self.plan.forest_rounds, lambda name, turn: ask(name, turn, "warm", self.plan.again_s)
            )
            self.turns(right, self.plan.cold_forest_rounds, lambda name, turn: ask(name, turn, "cold", 0))
            self.say(f"{model}: first prediction of {len(right)} contenders")
        self.write()

    def all(self):
        self.environment = self.workers.environment()
        if self.plan.left_out:
            self.skip(", ".join(self.plan.left_out), f"not in the {self.plan.name} run")
        for step in STEPS:
            if step in self.wanted.steps:
                getattr(self, step)()


def main():
    wanted = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # through the end of what is open: large files go
    wanted.out.mkdir(parents=True, exist_ok=True)
    if not wanted.report:
        plan = sizes.FULL if wanted.full else sizes.SHORT
        if wanted.largest_mb:
            plan = sizes.largest(wanted.largest_mb << 20, plan)
        if wanted.forests:
            plan = replace(plan, forests=wanted.forests.split(","))
        with tempfile.TemporaryDirectory(prefix="petrify-bench-", dir=scratch_parent(wanted)) as scratch:
            try:
                Run(wanted, plan, Path(scratch)).all()
            except (Failed, WrongAnswer) as reason:
                sys.exit(f"./dev bench: {reason}")
    results = json.loads((wanted.out / "results.json").read_text())
    for written in page.write(results, None if wanted.no_docs else ROOT / "docs", wanted.out):
        print(f"{written}: written")


if __name__ == "__main__":
    main()
