"""One contender, one question, in a fresh process: worker.py CONTENDER QUESTION FILE [OPTION...]

Prints one JSON object on one line. The contenders in C++ are in petrify_process, which takes the same words.

QUESTION
  make     write FILE with --floats N elements of float32, element i is i mod 2^24; --row-floats N makes rows of N
  first    open, read element I, the middle if not said; once, then again and again for --seconds
  row      open, then the sum of row I, which is the middle one if not said
  columns  open, then the sum of columns 0 to 3 of all rows
  scan     open, then the sum of all elements
  halves   open, then the sums of the first half of the rows and of the others: exact up to 8 GiB
  hold     as scan, then wait until the standard input ends: others look at this process's memory meanwhile

Imports are not counted: they are done before the clock starts. Nor is closing: the clock stops before it. Exit status
77: skipped, "skipped" says why.
"""

import argparse
import json
import os
import resource
import sys
from pathlib import Path

import numpy as np

from clock import again, opening, timed

PERIOD = 1 << 24  # element i is i mod this: every value is exact in float32
NAME = "array"


class Array:
    """What is asked of a numpy array, mapped or not."""

    def __init__(self, array):
        self.array = array

    def num_bytes(self):
        return self.array.nbytes

    def num_rows(self):
        return self.array.shape[0]

    def element(self, index):
        if self.array.ndim == 1:
            return float(self.array[index])
        return float(self.array[index // self.array.shape[1], index % self.array.shape[1]])

    def row(self, index):
        return float(np.sum(self.array[index], dtype=np.float64))

    def columns(self):
        return float(np.sum(self.array[:, :4], dtype=np.float64))

    def scan(self):
        return float(np.sum(self.array, dtype=np.float64))

    def halves(self):
        half = self.array.shape[0] // 2
        return [float(np.sum(part, dtype=np.float64)) for part in (self.array[:half], self.array[half:])]


class Tensor:
    """The same of a tensor that safetensors has open: a slice of it is copied out of the map."""

    def __init__(self, file):
        self.file = file
        self.part = file.get_slice(NAME)
        self.shape = self.part.get_shape()

    def num_bytes(self):
        return 4 * int(np.prod(self.shape))

    def num_rows(self):
        return self.shape[0]

    def element(self, index):
        if len(self.shape) == 1:
            return float(self.part[index : index + 1][0])
        row, column = divmod(index, self.shape[1])
        return float(self.part[row : row + 1, column : column + 1][0, 0])

    def row(self, index):
        return float(np.sum(self.part[index : index + 1], dtype=np.float64))

    def columns(self):
        return float(np.sum(self.part[:, :4], dtype=np.float64))

    def scan(self):
        return float(np.sum(self.file.get_tensor(NAME), dtype=np.float64))

    def halves(self):
        half = self.shape[0] // 2
        return [float(np.sum(self.part[part], dtype=np.float64)) for part in (slice(0, half), slice(half, None))]


def pickle5():
    import pickle

    def save(array, path):
        with open(path, "wb") as out:
            pickle.dump(array, out, protocol=5)

    def load(path):
        with open(path, "rb") as file:
            return Array(pickle.load(file))

    return save, load


def joblib_with(mmap_mode=None, compress=0):
    import joblib

    if mmap_mode:
        import mmap  # noqa: F401 what numpy would import on its way
    if isinstance(compress, tuple):
        import lz4.frame  # noqa: F401 what joblib would import on its way
    return (
        lambda array, path: joblib.dump(array, path, compress=compress),
        lambda path: Array(joblib.load(path, mmap_mode=mmap_mode)),
    )


def npy(mmap_mode=None):
    if mmap_mode:
        import mmap  # noqa: F401 what numpy would import on its way

    def save(array, path):
        with open(path, "wb") as out:  # np.save(path) would add an ending of its own
            np.save(out, array)

    return save, lambda path: Array(np.load(path, mmap_mode=mmap_mode))


def npz():
    import zipfile  # noqa: F401 what numpy would import on its way

    def save(array, path):
        with open(path, "wb") as out:
            np.savez(out, **{NAME: array})

    def load(path):
        with np.load(path) as file:
            return Array(file[NAME])

    return save, load


def safetensors():
    from safetensors.numpy import load_file, save_file

    return lambda array, path: save_file({NAME: array}, path), lambda path: Array(load_file(path)[NAME])


def safetensors_open():
    from safetensors import safe_open
    from safetensors.numpy import save_file

    return lambda array, path: save_file({NAME: array}, path), lambda path: Tensor(safe_open(path, framework="np"))


# Each gives (save, load) and imports only what it needs: the memory of a process is measured too.
CONTENDERS = {
    "pickle5": pickle5,
    "joblib": joblib_with,
    "joblib_mmap": lambda: joblib_with(mmap_mode="r"),
    "joblib_compressed": lambda: joblib_with(compress=3),
    "joblib_lz4": lambda: joblib_with(compress=("lz4", 3)),
    "npy": npy,
    "npy_mmap": lambda: npy(mmap_mode="r"),
    "npz": npz,
    "safetensors": safetensors,
    "safetensors_open": safetensors_open,
}


def memory_kib(key):
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1])
    raise RuntimeError(f"/proc/self/status has no {key}")


def forget_peak():
    """Makes VmHWM start anew from what is resident now."""
    Path("/proc/self/clear_refs").write_text("5")


def sample(num_floats, row_floats):
    """Filled in place, piece by piece: the writer's memory is one array and no copies of it."""
    array = np.empty(num_floats, dtype=np.float32)
    piece = np.arange(min(PERIOD, num_floats), dtype=np.float32)
    for begin in range(0, num_floats, PERIOD):
        part = array[begin : begin + PERIOD]
        part[:] = piece[: len(part)]
    return array.reshape(-1, row_floats) if row_floats else array


def make(save, wanted):
    array = sample(wanted.floats, wanted.row_floats)
    forget_peak()
    before = memory_kib("VmRSS")
    seconds = timed(lambda: save(array, wanted.file))[1]

    def make_durable():
        file = os.open(wanted.file, os.O_RDONLY)
        os.fsync(file)
        os.close(file)

    sync_s = timed(make_durable)[1]
    return {
        "bytes": array.nbytes,
        "seconds": seconds,
        "durable_s": seconds + sync_s,
        "rss_before_kib": before,
        "file_bytes": os.path.getsize(wanted.file),
    }


def ask(load, wanted):
    forget_peak()
    usage = resource.getrusage(resource.RUSAGE_SELF)
    record = {"rss_before_kib": memory_kib("VmRSS")}
    if wanted.question == "first":
        index = wanted.index

        def element(opened):
            # Of a file whose size is only known when it is open: the middle.
            return opened.element(index if index is not None else opened.num_bytes() // 8)

        work = opening(lambda: load(wanted.file), element)
        (record["answer"], opened), record["first_s"] = timed(work)
        record["bytes"] = opened.num_bytes()
        del opened  # only one of them is there at a time
        record |= again(work, wanted.seconds)
    else:
        opened, record["open_s"] = timed(lambda: load(wanted.file))
        record["bytes"] = opened.num_bytes()
        question = "scan" if wanted.question == "hold" else wanted.question
        work = {
            "row": lambda: opened.row(wanted.index if wanted.index is not None else opened.num_rows() // 2),
            "columns": opened.columns,
            "scan": opened.scan,
            "halves": opened.halves,
        }[question]
        record["answer"], record[f"{question}_s"] = timed(work)
        wanted.keep_alive = opened
    after = resource.getrusage(resource.RUSAGE_SELF)
    record["minor_faults"] = after.ru_minflt - usage.ru_minflt
    record["major_faults"] = after.ru_majflt - usage.ru_majflt
    return record


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("contender", choices=CONTENDERS)
    parser.add_argument("question", choices=["make", "first", "row", "columns", "scan", "halves", "hold"])
    parser.add_argument("file")
    parser.add_argument("--seconds", type=float, default=0.2)
    parser.add_argument("--index", type=int)
    parser.add_argument("--row-floats", type=int, default=0)
    parser.add_argument("--floats", type=int)
    wanted = parser.parse_args()
    if wanted.question == "make" and not wanted.floats:
        parser.error("make needs --floats")
    return wanted


def main():
    wanted = arguments()
    save, load = CONTENDERS[wanted.contender]()
    record = {
        "contender": wanted.contender,
        "language": "python",
        "question": wanted.question,
        "file": wanted.file,
        **(make(save, wanted) if wanted.question == "make" else ask(load, wanted)),
        "peak_rss_kib": memory_kib("VmHWM"),
    }
    if wanted.question == "hold":
        record["ready"] = True
    print(json.dumps(record), flush=True)
    if wanted.question == "hold":
        sys.stdin.read()


if __name__ == "__main__":
    main()
