"""Loads a model that joblib saved and predicts one row: python_opening.py DIRECTORY NAME warm|cold

Prints the microseconds until it was loaded and until the row was predicted. Imports are not counted. Cold: the file is
dropped from the page cache before. One process a measurement: the second load in a process finds memory that the first
one left.
"""

import os
import sys
import time
from pathlib import Path

import joblib
import numpy as np
import sklearn

from peer_models import model_path


def main():
    path = model_path(Path(sys.argv[1]), sys.argv[2])
    row = np.ascontiguousarray(np.load(Path(sys.argv[1]) / f"{sys.argv[2]}.x.npy", mmap_mode="r")[:1])
    # What joblib.load would import on its way.
    import sklearn.ensemble  # noqa: F401
    import sklearn.tree  # noqa: F401

    sklearn.set_config(assume_finite=True)
    file = os.open(path, os.O_RDONLY)
    if sys.argv[3] == "cold":
        os.fsync(file)
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
    else:
        while os.read(file, 1 << 20):
            pass
    os.close(file)
    start = time.perf_counter()
    model = joblib.load(path)
    loaded = time.perf_counter()
    method = next(
        getattr(model, name) for name in ("decision_function", "predict_proba", "predict") if hasattr(model, name)
    )
    method(row)
    print(1e6 * (loaded - start), 1e6 * (time.perf_counter() - start))


if __name__ == "__main__":
    main()
