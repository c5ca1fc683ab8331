"""Runs workers: one process for one contender and one question, and takes its one line of JSON."""

import json
import subprocess
import sys
import time
from pathlib import Path

import page_cache
from contenders import ARRAYS, FORESTS

HERE = Path(__file__).resolve().parent
SKIPPED = 77


class Skipped(Exception):
    """The contender has said why it cannot do this."""


class Failed(Exception):
    """A worker ended with an error, or said nothing that is understood."""


def parse(out, command):
    try:
        return json.loads(out.strip().splitlines()[-1])
    except (IndexError, ValueError):
        raise Failed(f"{' '.join(command)}: said {out[:200]!r}, expected one line of JSON") from None


class Workers:
    def __init__(self, bin_directory):
        self.program = str(bin_directory / "petrify_process")

    def warm(self):
        """Brings the program into the page cache."""
        page_cache.read(self.program)

    def command(self, contender, question, file, options):
        if question not in ("first-prediction", "make-forest"):
            is_python, script = ARRAYS[contender].language == "python", "worker.py"
        else:
            is_python, script = FORESTS[contender].language == "python", "forest_worker.py"
        words = [sys.executable, str(HERE / script)] if is_python else [self.program]
        # The same file, in which petrify leaves its check of the nodes out.
        trust = ["--trust"] if contender == "petrify_trust" else []
        name = "petrify" if contender == "petrify_trust" else contender
        return [*words, name, question, str(file), *(str(word) for word in options), *trust]

    def ask(self, contender, question, file, *options):
        """Its record, with the seconds that the whole process took."""
        command = self.command(contender, question, file, options)
        start = time.monotonic()
        done = subprocess.run(command, capture_output=True, text=True)
        taken = time.monotonic() - start
        if done.returncode == SKIPPED:
            raise Skipped(parse(done.stdout, command).get("skipped", "not applicable"))
        if done.returncode != 0:
            raise Failed(f"{' '.join(command)}: status {done.returncode}: {done.stderr.strip()[-600:]}")
        return parse(done.stdout, command) | {"contender": contender, "process_s": taken}

    def environment(self):
        command = [self.program, "environment"]
        return parse(subprocess.run(command, check=True, capture_output=True, text=True).stdout, command)

    def hold(self, contender, file, processes):
        """`processes` of them that have read all of one file and wait: what each adds to the machine's memory."""
        command = self.command(contender, "hold", file, [])
        running, answers = [], []
        try:
            for _ in range(processes):
                one = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
                running.append(one)
                record = parse(one.stdout.readline(), command)  # one after the other: their peaks do not add up
                if not record.get("ready"):
                    raise Skipped(record.get("skipped", "not ready"))
                answers.append(record["answer"])
            maps = [rollup(one.pid) for one in running]
        finally:
            for one in running:
                one.stdin.close()
            for one in running:
                one.wait()
                one.stdout.close()
        return record | {
            "contender": contender,
            "processes": processes,
            "answers": answers,  # of each
            "pss_kib": sum(one["Pss"] for one in maps),
            "private_kib": sum(one["Private_Clean"] + one["Private_Dirty"] for one in maps),
            "rss_kib": sum(one["Rss"] for one in maps),
        }


def rollup(pid):
    """/proc/PID/smaps_rollup in KiB. Pss: each page divided by the number of processes that map it."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    return {line.split(":")[0]: int(line.split()[1]) for line in lines}
