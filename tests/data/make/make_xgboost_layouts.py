"""Writes dart models of XGBoost 3.2 as 3.3 and 3.4 do: make_xgboost_layouts.py MODELS.

Up to 3.2 a dart booster is named "dart" and has a whole gbtree booster beside its
weights. From 3.3 on it is named "gbtree" and holds the model itself; the weights lie
beside the model in 3.3 and within it from 3.4 on. Here they are moved there. Rows and
outputs are those of 3.2.
"""

import copy
import json
import shutil
import sys
from pathlib import Path

models = Path(sys.argv[1])
source = models / "xgboost-3.2"
out = models / "xgboost-layouts"
CASES = ["dart", "dart_softprob", "dart_limited", "categories_dart"]


def beside_model(booster):
    return {
        "name": "gbtree",
        "model": booster["gbtree"]["model"],
        "weight_drop": booster["weight_drop"],
    }


def within_model(booster):
    model = dict(booster["gbtree"]["model"], weight_drop=booster["weight_drop"])
    return {"name": "gbtree", "model": model}


def rewritten(text, layout, version):
    file = json.loads(text)
    booster = copy.deepcopy(file["learner"]["gradient_booster"])
    assert booster["name"] == "dart" and any(weight != 1 for weight in booster["weight_drop"])
    file["learner"]["gradient_booster"] = layout(booster)
    file["version"] = version
    return json.dumps(file, separators=(",", ":"), ensure_ascii=False)


entries = []
for entry in json.loads((source / "cases.json").read_text(encoding="utf-8")):
    if entry["name"] not in CASES:
        continue
    directory = out / entry["name"]
    directory.mkdir(parents=True)
    text = (source / entry["name"] / "model.json").read_text(encoding="utf-8")
    for name, layout, version in (
        ("model-3.3.json", beside_model, [3, 3, 0]),
        ("model-3.4.json", within_model, [3, 4, 0]),
    ):
        (directory / name).write_text(rewritten(text, layout, version), encoding="utf-8")
    for suffix in entry["sets"]:
        for kind in ("x", "raw", "proba", "leaf"):
            name = f"{kind}{suffix}.npy"
            shutil.copyfile(source / entry["name"] / name, directory / name)
    entries.append(dict(entry, models=["model-3.3.json", "model-3.4.json"]))

assert [entry["name"] for entry in entries] == sorted(CASES, key=[e["name"] for e in entries].index)
lines = [json.dumps(entry, ensure_ascii=False) for entry in entries]
(out / "cases.json").write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")
shutil.copyfile(source / "versions.json", out / "versions.json")
