"""Writes numbers, texts, None, lists and dicts as pickle and joblib keep them: make_values.py DIRECTORY.

values.json lists each case with its files and what is in them, by type: ["int", "12"], ["real", "3ff8000000000000"],
["text", "a"], ["bytes", "00ff"], ["list", [...]], ["dict", [[key, value], ...]], ["bool", true], ["null"].
"""

import collections
import datetime
import json
import pickle
import struct
import sys
from pathlib import Path

import joblib
import numpy as np
import sklearn

out = Path(sys.argv[1])
out.mkdir(parents=True, exist_ok=True)


def tagged(value):
    """What petrify is expected to make of a value."""
    if value is None:
        return ["null"]
    if isinstance(value, (bool, np.bool_)):
        return ["bool", bool(value)]
    if isinstance(value, (int, np.integer)):
        return ["int", str(int(value))]
    if isinstance(value, (float, np.floating)):
        return ["real", struct.pack(">d", float(value)).hex()]
    if isinstance(value, str):
        return ["text", str(value)]
    if isinstance(value, (bytes, bytearray)):
        return ["bytes", bytes(value).hex()]
    if isinstance(value, (list, tuple)):
        return ["list", [tagged(one) for one in value]]
    if isinstance(value, dict):
        return ["dict", [[tagged(key), tagged(one)] for key, one in value.items()]]
    raise TypeError(type(value))


cases = []


def case(name, value, refused=None):
    """One value in every form; `refused`: what the message names."""
    files = []
    for protocol in (2, 3, 4, 5):
        file = f"{name}.{protocol}.pkl"
        (out / file).write_bytes(pickle.dumps(value, protocol=protocol))
        files.append(file)
    joblib.dump(value, out / f"{name}.joblib")
    joblib.dump(value, out / f"{name}.zlib.joblib", compress=3)
    files += [f"{name}.joblib", f"{name}.zlib.joblib"]
    entry = {"name": name, "files": files}
    if refused is None:
        entry["value"] = tagged(value)
    else:
        entry["refused"] = refused
    cases.append(entry)


case("none", None)
case("number", 3)
case("text", "größe 猫 \0 end")
case("empty_dict", {})
case("empty_list", [])
case("integers", [0, -1, 255, 256, 65536, -(2**31), 2**31, 2**63 - 1, -(2**63), 2**63, -(2**63) - 1, 2**64, -(2**200), 10**40])
case("reals", [0.0, -0.0, 0.1, 1e308, 5e-324, float("inf"), float("-inf"), float("nan")])
case("bytes", [b"", b"\0\xff", bytearray(b"abc"), bytes(range(256))])
case("nested", {"a": [1, [2, (3, {"b": None})], {}], "c": {"d": {"e": [True, False]}}, "": ()})
case("keys", {1: "int", "1": "text", None: "none", (1, "a"): "tuple", 2.5: "real", b"x": "bytes", True + 1: "two"})
case("ordered", collections.OrderedDict([("z", 1), ("a", 2)]))
case("counted", collections.defaultdict(list, {"k": [1, 2]}))
case(
    "numpy",
    {
        "bool": np.bool_(True),
        "i1": np.int8(-3),
        "i8": np.int64(-(2**63)),
        "u8": np.uint64(2**64 - 1),
        "f2": np.float16(0.1),
        "f4": np.float32(0.1),
        "f8": np.float64(0.1),
        "str": np.str_("grün"),
        "big": np.dtype(">u8").type(2**63),
    },
)
case(
    "search",
    {
        "best_params": {"max_depth": 7, "min_samples_leaf": 0.01, "criterion": "gini", "bootstrap": True},
        "metrics": [{"fold": i, "auc": 0.9 + i / 1000, "time": None} for i in range(5)],
        "features": [f"column {i}" for i in range(40)],
        "trained_on": "2026-11-24",
    },
)
shared = ["shared", 1]
case("shared", [shared, shared, {"again": shared}])
case("set", {"ok": 1, "bad": {"inner": {1, 2}}}, refused="key \"bad\" key \"inner\"")
case("complex", [1, 2 + 3j], refused="complex")
case("date", {"when": datetime.date(2026, 11, 24)}, refused="datetime.date")
case("surrogate", ["fine", "\udc80"], refused="lone surrogate")

listing = {"joblib": joblib.__version__, "numpy": np.__version__, "scikit-learn": sklearn.__version__, "cases": cases}
(out / "values.json").write_text(json.dumps(listing, indent=1, ensure_ascii=True) + "\n", encoding="utf-8")
