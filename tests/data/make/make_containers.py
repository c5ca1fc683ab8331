"""Writes one small forest through every kind of file: make_containers.py DIRECTORY.

Adds the case "containers" to the cases.json that make_models.py left in DIRECTORY.
"""

import gzip
import io
import json
import pickle
import sys
from pathlib import Path

import joblib
import numpy as np
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier

from fixtures import save_case, without_time, write_json

out = Path(sys.argv[1])
directory = out / "containers"
directory.mkdir(parents=True, exist_ok=True)

iris = load_iris()
grid = np.rint(iris.data * 10)
model = RandomForestClassifier(n_estimators=3, max_depth=3, random_state=7)
model.fit(grid, iris.target)

files = []


def write(name, data):
    (directory / name).write_bytes(data)
    files.append(name)


def joblib_bytes(name, **options):
    """What joblib writes to a file: by path, as joblib compresses only to paths."""
    path = directory / name
    joblib.dump(model, path, **options)
    return path.read_bytes()


for protocol in (2, 3, 4, 5):
    write(f"pickle-{protocol}.pkl", pickle.dumps(model, protocol=protocol))

# The pickler written in Python frames its output differently.
stream = io.BytesIO()
pickle._Pickler(stream, protocol=4).dump(model)
write("pickle-python-4.pkl", stream.getvalue())

raw = joblib_bytes("joblib-raw.joblib")
write("joblib-raw.joblib", raw)
for protocol in (2, 3, 4, 5):
    name = f"joblib-raw-{protocol}.joblib"
    write(name, joblib_bytes(name, protocol=protocol))

# Python 3.13 prints an ignored exception as lz4 closes its file; the file is complete.
for method in ("zlib", "gzip", "bz2", "xz", "lzma", "lz4"):
    name = f"joblib-{method}.joblib"
    write(name, without_time(joblib_bytes(name, compress=(method, 3))))
write(
    "joblib-zlib-2.joblib",
    joblib_bytes("joblib-zlib-2.joblib", compress=("zlib", 9), protocol=2),
)

# joblib >= 1.2 aligns arrays to the position in the file, here one with seven bytes
# before the model. The padding written stays right without them.
stream = io.BytesIO(b"\0" * 7)
stream.seek(7)
joblib.dump(model, stream)
write("joblib-offset-7.joblib", stream.getvalue()[7:])

# gzip files may be joined end to end. The gzip tools read that, joblib itself does not.
half = len(raw) // 2
write(
    "joblib-gzip-members.joblib",
    gzip.compress(raw[:half], mtime=0) + gzip.compress(raw[half:], mtime=0),
)

for name in files:
    path = directory / name
    if path.suffix == ".pkl":
        loaded = pickle.loads(path.read_bytes())
    elif name == "joblib-gzip-members.joblib":
        loaded = joblib.load(io.BytesIO(gzip.decompress(path.read_bytes())))
    else:
        loaded = joblib.load(path)
    assert (loaded.predict_proba(grid) == model.predict_proba(grid)).all()

listing = out / "cases.json"
entries = json.loads(listing.read_text(encoding="utf-8"))
entries.append(
    save_case(
        out,
        "containers",
        model,
        grid,
        "One forest in every pickle protocol, joblib protocol and compression.",
        files=files,
        splits=12,
    )
)
write_json(listing, entries)
