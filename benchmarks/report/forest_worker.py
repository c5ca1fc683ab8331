"""From a model's file to its first prediction, in a fresh process, by what people use for that from Python.

forest_worker.py CONTENDER first-prediction FILE --row CSV [--seconds S]

Prints one JSON object on one line: open_s, first_s and again_s (medians of repetitions of all of it), the answer as a
list of doubles, and memory. Imports are not counted: they are done before the clock starts. Nor is closing: the clock
stops before it. One thread.
"""

import argparse
import json
import os
import resource
import sys
import time

os.environ["OMP_NUM_THREADS"] = "1"  # before OpenMP is loaded

import numpy as np

from clock import again, opening
from worker import forget_peak, memory_kib


def scikit_learn(load):
    import sklearn
    import sklearn.ensemble  # noqa: F401 what unpickling would import on its way
    import sklearn.tree  # noqa: F401

    sklearn.set_config(assume_finite=True)
    return load, lambda model, row: model.predict(row)


def joblib_with(mmap_mode=None):
    import joblib

    if mmap_mode:
        import mmap  # noqa: F401 what numpy would import on its way
    return scikit_learn(lambda path: joblib.load(path, mmap_mode=mmap_mode))


def pickle5():
    import pickle

    def load(path):
        with open(path, "rb") as file:
            return pickle.load(file)

    return scikit_learn(load)


def xgboost():
    import xgboost

    def load(path):
        booster = xgboost.Booster({"nthread": 1})
        booster.load_model(path)
        return booster

    return load, lambda booster, row: booster.inplace_predict(row, predict_type="margin")


def lightgbm():
    import lightgbm

    return (
        lambda path: lightgbm.Booster(model_file=path),
        lambda booster, row: booster.predict(row, raw_score=True, num_threads=1),
    )


def onnx():
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1

    def predict(session, row):
        return session.run(None, {session.get_inputs()[0].name: row})[-1]

    return lambda path: onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"]), predict


def treelite():
    import treelite

    def predict(model, row):
        return treelite.gtil.predict(model, row.astype(model.input_type), nthread=1, pred_margin=True)

    return treelite.Model.deserialize, predict


CONTENDERS = {
    "joblib": joblib_with,
    "joblib_mmap": lambda: joblib_with("r"),
    "pickle5": pickle5,
    "xgboost_ubj": xgboost,
    "xgboost_json": xgboost,
    "lightgbm": lightgbm,
    "onnxruntime": onnx,
    "treelite": treelite,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("contender", choices=CONTENDERS)
    parser.add_argument("question", choices=["first-prediction"])
    parser.add_argument("file")
    parser.add_argument("--row", required=True, help="numbers with commas between them")
    parser.add_argument("--seconds", type=float, default=0.2)
    words = sys.argv[1:]
    if "--row" in words[:-1]:  # a row that begins with a minus is no option
        at = words.index("--row")
        words[at : at + 2] = [f"--row={words[at + 1]}"]
    wanted = parser.parse_args(words)
    row = np.array([[float(word) for word in wanted.row.split(",")]], dtype=np.float32)
    load, predict = CONTENDERS[wanted.contender]()

    forget_peak()
    before, usage = memory_kib("VmRSS"), resource.getrusage(resource.RUSAGE_SELF)
    start = time.perf_counter()
    model = load(wanted.file)
    opened = time.perf_counter()
    answer = predict(model, row)
    first = time.perf_counter()
    del model
    repeated = again(opening(lambda: load(wanted.file), lambda model: predict(model, row)), wanted.seconds)
    after = resource.getrusage(resource.RUSAGE_SELF)
    record = {
        "contender": wanted.contender,
        "language": "python",
        "question": wanted.question,
        "file": wanted.file,
        "bytes": os.path.getsize(wanted.file),
        "open_s": opened - start,
        "first_s": first - start,
        **repeated,
        "answer": [float(value) for value in np.ravel(answer)],
        "rss_before_kib": before,
        "peak_rss_kib": memory_kib("VmHWM"),
        "minor_faults": after.ru_minflt - usage.ru_minflt,
        "major_faults": after.ru_majflt - usage.ru_majflt,
    }
    print(json.dumps(record), flush=True)


if __name__ == "__main__":
    sys.exit(main())
