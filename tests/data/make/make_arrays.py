"""Makes pickled and joblib-dumped NumPy arrays: make_arrays.py DIRECTORY.

arrays.json has an entry for each case: its files, which all hold the same object; the
arrays in that object, each with the path of keys and indices that leads to it and the
.npy with the values to expect; or, for what is to be refused, the reason. Paths in
"others" lead to values that are no arrays.
"""

import pickle
import sys
from pathlib import Path

import joblib
import numpy as np

from fixtures import write_json

out = Path(sys.argv[1])
out.mkdir(parents=True, exist_ok=True)
entries = []


def write_files(name, value):
    for protocol in (2, 4, 5):
        (out / f"{name}.{protocol}.pkl").write_bytes(pickle.dumps(value, protocol=protocol))
    joblib.dump(value, out / f"{name}.joblib")
    joblib.dump(value, out / f"{name}.zlib.joblib", compress=("zlib", 3))
    return [f"{name}.{end}" for end in ("2.pkl", "4.pkl", "5.pkl", "joblib", "zlib.joblib")]


def write_expected(name, array):
    """The same values in the machine's byte order, text instead of objects."""
    if array.dtype == object:
        array = array.astype(str)
    np.save(out / f"{name}.npy", array.astype(array.dtype.newbyteorder("<"), copy=False))
    return f"{name}.npy"


def arrays_in(value, path=()):
    """The arrays of nested dicts, lists and tuples, and the paths of all other values."""
    if isinstance(value, np.ndarray):
        return [(path, value)], []
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, (list, tuple)):
        items = enumerate(value)
    else:
        return [], [path]
    arrays, others = [], []
    for key, item in items:
        inner_arrays, inner_others = arrays_in(item, (*path, key))
        arrays += inner_arrays
        others += inner_others
    return arrays, others


def accepted(name, value, why):
    arrays, others = arrays_in(value)
    entries.append(
        {
            "name": name,
            "why": why,
            "files": write_files(name, value),
            "arrays": [
                {
                    "path": list(path),
                    "dtype": array.dtype.str,
                    "shape": list(array.shape),
                    "npy": write_expected("-".join([name, *map(str, path)]), array),
                }
                for path, array in arrays
            ],
            "others": [list(path) for path in others],
        }
    )


def refused(name, value, why):
    entries.append({"name": name, "why": why, "files": write_files(name, value), "refused": True})


ramp = np.linspace(-1.0, 2.0, 7)
matrix = np.arange(12, dtype=np.float64).reshape(3, 4) / 8

accepted("f8", ramp, "One dimension.")
accepted("f8_c", matrix, "Two dimensions, row by row.")
accepted("f8_f", np.asfortranarray(matrix), "Two dimensions, column by column.")
accepted("f8_3d_f", np.asfortranarray(np.arange(24.0).reshape(2, 3, 4)), "Three dimensions.")
accepted("f8_3d_axes", np.arange(24.0).reshape(2, 3, 4).transpose(1, 0, 2), "Permuted axes.")
accepted("f8_strided", np.arange(24.0).reshape(4, 6)[::2, 1::2], "A slice with gaps.")
accepted("f8_reversed", np.arange(6.0)[::-1], "A slice backwards.")
accepted("f8_0d", np.array(2.5), "No dimension.")
accepted("f8_empty", np.empty((0, 3)), "No element.")
accepted(
    "f8_special",
    np.array([0.0, -0.0, np.nan, -np.nan, np.inf, -np.inf, 5e-324, 0.1]),
    "Values whose bits must survive.",
)
for code in ("f2", "f4", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"):
    if code[0] == "f":
        values = np.array([0.5, -2.0, 60000.0], dtype=code)
    else:
        values = np.array([np.iinfo(code).min, 1, np.iinfo(code).max], dtype=code)
    accepted(code, values, "A plain numeric type with its extremes.")
accepted("b1", np.array([True, False, True]), "Booleans.")
accepted("c8", np.array([1 + 2j, -0.5j], dtype=np.complex64), "Complex numbers.")
accepted("c16", np.array([1 + 2j, -0.5j]), "Complex numbers of double precision.")
accepted("i4_big", np.array([1, -2, 2**30], dtype=">i4"), "The other byte order.")
accepted("f8_big", np.array([[1.5, -2.0], [0.1, 4.0]], dtype=">f8"), "The other byte order.")
accepted("text", np.array(["", "größe", "猫", "abcde"]), "Text of fixed width.")
accepted("text_big", np.array(["größe", "猫"], dtype=">U5"), "Text of the other byte order.")
accepted("bytes", np.array([b"ab", b"wxyz", b""]), "Bytes of fixed width.")
repeated = "größe"
accepted(
    "objects",
    np.array([repeated, "猫", repeated, "x", ""], dtype=object),
    "Text objects, one of them twice.",
)
accepted(
    "objects_2d",
    np.asfortranarray(np.array([["a", "b", "c"], ["d", "e", "f"]], dtype=object)),
    "Text objects, column by column.",
)
read_only = np.arange(5, dtype=np.uint8)
read_only.flags.writeable = False
accepted("read_only", read_only, "A read-only array is pickled as bytes, others as bytearray.")

features = {"mean": ramp[:3], "scale": np.array([1, 2, 3], dtype=np.int32)}
accepted("dict", {**features, "names": np.array(["a", "b"])}, "A dict of arrays.")
accepted("list", [ramp, matrix], "A list of arrays.")
accepted("tuple", (matrix, read_only), "A tuple of arrays.")
accepted("same_twice", {"first": ramp, "second": ramp}, "One array under two keys.")
accepted("nested", {"scaler": features, "rows": [ramp, {"last": matrix}]}, "Nested containers.")
accepted(
    "mixed",
    {
        "count": 3,
        "title": "größe",
        "nothing": None,
        "rate": 0.25,
        "large": 2**70,
        "scalar": np.float64(1.5),
        "x": ramp,
    },
    "Arrays beside values that are none.",
)

packed = np.dtype([("id", "<i4"), ("weight", "<f8")])
refused("structured", np.array([(1, 0.5), (2, 1.5)], dtype=packed), "A structured type.")
refused("datetime", np.array(["2024-05-01"], dtype="datetime64[D]"), "Dates.")
refused("timedelta", np.array([3, 4], dtype="timedelta64[s]"), "Spans of time.")
refused("objects_mixed", np.array(["a", 1, None, 2.5], dtype=object), "Objects besides text.")
refused("long_double", np.zeros(2, dtype=np.longdouble), "A type that depends on the machine.")
refused("masked", np.ma.array([1.0, 2.0], mask=[False, True]), "A subclass with a mask.")
if np.lib.NumpyVersion(np.__version__) >= "2.0.0":
    refused(
        "string_dtype",
        np.array(["a", "größe"], dtype=np.dtypes.StringDType()),
        "NumPy's text of variable width.",
    )

write_json(out / "arrays.json", entries)
