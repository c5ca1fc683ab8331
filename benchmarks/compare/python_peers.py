"""Measures the peers that are called from Python: python_peers.py DIRECTORY RECORDS SECONDS MODES NAME...

Appends to RECORDS what petrify_compare appends: answers compared first, single rows with a warm and a cold second-level
cache, batches, with one thread and with two. MODES are row, cold and batch, with commas between them.
"""

import json
import os
import sys
import time
from pathlib import Path

os.environ["OMP_WAIT_POLICY"] = "passive"  # before OpenMP is loaded; petrify_compare says why

import joblib
import numpy as np
import onnxruntime
import sklearn
import treelite
from threadpoolctl import threadpool_limits

from peer_models import is_large, load_rows, load_treelite, load_xgboost, model_path

TOLERANCE = 1e-4


class ScikitLearn:
    """Without its check for infinities and NaN, and with its own methods' parallelism."""

    def __init__(self, path, x):
        self.model = joblib.load(path)
        self.x = x
        for method in ("decision_function", "predict_proba", "predict"):
            if hasattr(self.model, method):
                self.method = getattr(self.model, method)
                self.name = f"scikit-learn {method}"
                break

    def use_threads(self, threads):
        self.limits = threadpool_limits(threads)
        if hasattr(self.model, "n_jobs"):
            self.model.n_jobs = threads

    def predict(self, first, count):
        return self.method(self.x[first : first + count])


class XGBoostInplace:
    name = "XGBoost inplace_predict (Python)"

    def __init__(self, path, x):
        self.booster = load_xgboost(path)
        self.x = x

    def use_threads(self, threads):
        self.booster.set_param({"nthread": threads})

    def predict(self, first, count):
        return self.booster.inplace_predict(self.x[first : first + count], predict_type="margin")


class TreeliteGtil:
    name = "Treelite GTIL (Python)"

    def __init__(self, path, x):
        self.model = load_treelite(path)
        self.x = x.astype(self.model.input_type)

    def use_threads(self, threads):
        self.threads = threads

    def predict(self, first, count):
        return treelite.gtil.predict(
            self.model, self.x[first : first + count], nthread=self.threads, pred_margin=True
        )


class OnnxRuntime:
    """`probability`: the model gives those of a binary classifier, whose raw score is the margin."""

    name = "ONNX Runtime (Python)"

    def __init__(self, path, x):
        self.path = str(path.with_name(f"{path.stem}.onnx"))
        self.x = x
        self.use_threads(1)

    def use_threads(self, threads):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self.session = onnxruntime.InferenceSession(self.path, options, providers=["CPUExecutionProvider"])
        self.input = self.session.get_inputs()[0].name
        self.output = [self.session.get_outputs()[-1].name]  # of a classifier the first are labels

    def predict(self, first, count):
        return self.session.run(self.output, {self.input: self.x[first : first + count]})[0]


def as_margins(seen, expected):
    """Peers that only give two probabilities are compared by the margin of those."""
    seen = np.asarray(seen, dtype=np.float64)
    if expected.ndim == 1 and seen.ndim == 2 and seen.shape[1] == 2:
        with np.errstate(divide="ignore"):
            return np.log(seen[:, 1]) - np.log(seen[:, 0])
    return seen.reshape(expected.shape)


def agreement(peer, expected):
    seen = as_margins(peer.predict(0, len(expected)), expected)
    difference = np.abs(seen - expected)
    wrong = ~(difference <= TOLERANCE * np.maximum(1, np.abs(expected)))
    return int(wrong.reshape(len(expected), -1).any(axis=1).sum()), float(np.nanmax(difference))


def time_rows(peers, num_rows, is_cold, seconds, num_given):
    """Turns, as in petrify_compare; nanoseconds of each row."""
    filler = np.ones(4 << 20, dtype=np.uint8)
    out = {peer.name: [] for peer in peers}
    turns = 5
    for turn in range(turns):
        for peer in peers:
            peer.use_threads(1)
            first = turn * (num_rows // turns)
            for i in range(5):
                peer.predict(first + i, 1)
            end = time.perf_counter() + seconds / turns
            for i in range(num_rows // turns):
                row = (first + i) % num_given
                if is_cold:
                    filler.max()
                    peer.x[row].sum()
                start = time.perf_counter_ns()
                peer.predict(row, 1)
                out[peer.name].append(time.perf_counter_ns() - start)
                if time.perf_counter() > end and i >= 20:
                    break
    return out


def affordable_batch(peer, count, seconds):
    """As many rows of `count` as one call predicts in that time, but not fewer than 1000."""
    few = min(count, 1000)
    peer.predict(0, few)
    start = time.perf_counter()
    peer.predict(0, few)
    each = (time.perf_counter() - start) / few
    return min(count, max(few, int(seconds / each)))


def time_batches(peers, count, threads, seconds, num_given):
    """Nanoseconds a row, one figure a turn."""
    out = {}
    for peer in peers:
        peer.use_threads(threads)
        size = affordable_batch(peer, min(count, num_given), 8 * seconds)
        figures = []
        for turn in range(7):
            calls, first = 0, 0
            start = time.perf_counter()
            while True:
                peer.predict(first, size)
                calls += 1
                first = first + size if first + 2 * size <= num_given else 0
                taken = time.perf_counter() - start
                if taken > seconds / 7:
                    break
            figures.append(taken * 1e9 / (calls * size))
            if sum(f * size for f in figures) > 5 * seconds * 1e9 and turn >= 2:
                break
        out[peer.name] = figures
    return out


def make_peers(path, x):
    kinds = []
    if path.suffix == ".joblib":
        kinds.append(ScikitLearn)
    if path.suffix == ".ubj":
        kinds.append(XGBoostInplace)
    if not is_large(path):
        kinds.append(TreeliteGtil)
    if path.with_name(f"{path.stem}.onnx").exists():
        kinds.append(OnnxRuntime)
    for kind in kinds:
        try:
            yield kind(path, x)
        except Exception as failure:  # of a library that is not petrify's: whatever it throws, the peer is left out
            print(f"{path.stem}: without {kind.__name__}: {type(failure).__name__}: {failure}", flush=True)


def measure(directory, name, seconds, modes, record):
    x, expected = load_rows(directory, name)
    peers = []
    for peer in make_peers(model_path(directory, name), x):
        peer.use_threads(1)
        compared = expected[: 2000 if is_large(model_path(directory, name)) else 10_000]
        differing, largest = agreement(peer, compared)
        record(mode="answers", model=name, name=peer.name, rows=len(compared), differing=differing, largest=largest)
        print(
            f"{name}: {peer.name}: {differing} of {len(compared)} rows differ, by {largest:.3g} at most", flush=True
        )
        if differing * 100 < len(compared):
            peers.append(peer)

    def times(mode, rows, threads, samples):
        for peer, ns in samples.items():
            p50, p99 = np.quantile(ns, [0.5, 0.99]) / 1e3
            record(
                mode=mode,
                model=name,
                name=peer,
                rows=rows,
                threads=threads,
                samples=len(ns),
                p50_us=round(p50, 4),
                p99_us=round(p99, 4),
                mean_us=round(np.mean(ns) / 1e3, 4),
            )

    if "row" in modes:
        times("row", 1, 1, time_rows(peers, 5000, False, seconds, len(x)))
    if "cold" in modes:
        times("cold", 1, 1, time_rows(peers, 2000, True, seconds, len(x)))
    if "batch" in modes:
        for threads in (1, 2):
            for count in (1, 64, 1000, 100_000):
                if threads == 1 or count > 1:
                    times("batch", count, threads, time_batches(peers, count, threads, seconds, len(x)))


def main():
    if len(sys.argv) < 6:
        sys.exit(__doc__)
    sklearn.set_config(assume_finite=True)
    directory, seconds, modes = Path(sys.argv[1]), float(sys.argv[3]), sys.argv[4].split(",")
    with open(sys.argv[2], "a") as records:

        def record(**fields):
            print(json.dumps(fields, default=float), file=records, flush=True)

        for name in sys.argv[5:]:
            measure(directory, name, seconds, modes, record)


if __name__ == "__main__":
    main()
