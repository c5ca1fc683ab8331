"""Makes models of 100 MB and more for petrify_bench_import: make_models.py DIRECTORY [MEGABYTES].

For each model NAME.EXT: rows NAME.x.npy, and what its library says of them in NAME.raw.npy.
A model that is there already is left alone. Run it by ./dev bench import.
"""

import sys
from pathlib import Path

import joblib
import lightgbm as lgb
import numpy as np
import xgboost as xgb
from sklearn.ensemble import (
    GradientBoostingRegressor,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)

out = Path(sys.argv[1])
goal = float(sys.argv[2]) * 1e6 if len(sys.argv) > 2 else 104e6
out.mkdir(parents=True, exist_ok=True)
rng = np.random.default_rng(7)
X = rng.normal(size=(100_000, 20)).astype(np.float32)
y = X[:, 0] + np.sin(3 * X[:, 1]) + X[:, 2] * X[:, 3] + rng.normal(size=len(X))
probe = rng.normal(size=(64, 20)).astype(np.float32)


def save(name, file, raw):
    np.save(out / f"{name}.x.npy", probe)
    np.save(out / f"{name}.raw.npy", np.asarray(raw))
    print(f"{file.name}: {file.stat().st_size / 1e6:.0f} MB", flush=True)


def missing(*names):
    return not all((out / name).exists() for name in names)


if missing("forest.joblib", "forest.raw.npy"):
    classes = np.digitize(y, [-1, 0, 1])
    trees = max(1, int(goal / 4.1e6))
    model = RandomForestClassifier(trees, random_state=1).fit(X, classes)
    joblib.dump(model, out / "forest.joblib")
    save("forest", out / "forest.joblib", model.predict_proba(probe))

if missing("boosting.joblib", "boosting.raw.npy"):
    stages = max(1, int(goal / 13e6))
    model = GradientBoostingRegressor(n_estimators=stages, max_depth=None, random_state=1).fit(X, y)
    joblib.dump(model, out / "boosting.joblib")
    save("boosting", out / "boosting.joblib", model.predict(probe))

if missing("hist.joblib", "hist.raw.npy"):
    leaves = 8191
    model = HistGradientBoostingRegressor(
        max_iter=max(1, int(goal / (112 * leaves))),
        max_leaf_nodes=leaves,
        min_samples_leaf=2,
        max_bins=63,
        early_stopping=False,
    ).fit(X, y)
    joblib.dump(model, out / "hist.joblib")
    save("hist", out / "hist.joblib", model.predict(probe))

if missing("xgboost.json", "xgboost.ubj", "xgboost.raw.npy"):
    params = {
        "tree_method": "hist",
        "grow_policy": "lossguide",
        "max_leaves": 8192,
        "max_bin": 63,
        "max_depth": 0,
        "min_child_weight": 1,
        "eta": 0.05,
    }
    data = xgb.DMatrix(X, y)
    booster = xgb.train(params, data, max(1, int(goal / (66 * 8192))))
    for name in ("xgboost.json", "xgboost.ubj"):
        booster.save_model(out / name)
    save("xgboost", out / "xgboost.json", booster.predict(xgb.DMatrix(probe), output_margin=True))
    save("xgboost", out / "xgboost.ubj", booster.predict(xgb.DMatrix(probe), output_margin=True))

if missing("lightgbm.txt", "lightgbm.raw.npy"):
    params = {"num_leaves": 8192, "max_bin": 63, "min_data_in_leaf": 2, "learning_rate": 0.05, "verbose": -1}
    booster = lgb.train(params, lgb.Dataset(X, y), max(1, int(goal / (99 * 8192))))
    booster.save_model(out / "lightgbm.txt")
    save("lightgbm", out / "lightgbm.txt", booster.predict(probe, raw_score=True))
