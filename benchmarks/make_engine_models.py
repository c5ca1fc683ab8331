"""Trains the models that benchmarks/compare measures: make_engine_models.py DIRECTORY [NAME...].

For each model NAME.EXT, as its library saves it: NAME.x.npy, float32 rows drawn from the distribution that it was
trained on, and NAME.raw.npy, its library's raw scores of them. The model is written last: where it is, the rest is too.
A model that is there already is left alone. Run it by ./dev bench compare; all of them take about ten minutes.
"""

import os
import sys
from pathlib import Path

import joblib
import lightgbm as lgb
import numpy as np
import xgboost as xgb
from sklearn.datasets import load_digits
from sklearn.ensemble import (
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
)

NUM_JOBS = 2
NUM_ROWS = 100_000
NUM_ROWS_OF_LARGE_FORESTS = 34_000


def rows_and_target(seed, num_rows, num_columns):
    """Rows of independent normal columns, and a target that trees approximate for long: smooth, with interactions."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(num_rows, num_columns)).astype(np.float32)
    waves = np.sin(3 * X[:, 1]) + np.cos(2 * X[:, 0] * X[:, 3])
    weights = np.linspace(1, 0.1, num_columns)
    return X, X @ weights + 2 * waves + X[:, 2] * X[:, 3] + 0.5 * rng.normal(size=num_rows)


def fresh_rows(seed, num_rows, num_columns):
    return np.random.default_rng(seed + 1000).normal(size=(num_rows, num_columns)).astype(np.float32)


def without_some(X, share, seed):
    """A copy in which `share` of the values are missing."""
    out = X.copy()
    out[np.random.default_rng(seed).random(X.shape) < share] = np.nan
    return out


def xgboost_model(X, y, trees, **parameters):
    parameters = {"max_depth": 6, "tree_method": "hist", "nthread": NUM_JOBS, **parameters}
    return xgb.train(parameters, xgb.DMatrix(X, y), trees)


def margins(booster, x):
    return booster.predict(xgb.DMatrix(x), output_margin=True)


def save_xgboost(booster, path):
    booster.set_param({"nthread": 1})
    # The name decides the format, so the temporary one ends as `path` does.
    booster.save_model(path)


def make_d():
    X, y = rows_and_target(1, 100_000, 30)
    x = fresh_rows(1, NUM_ROWS, 30)
    booster = xgboost_model(X, y, 100, objective="reg:squarederror", eta=0.1)
    return "ubj", lambda path: save_xgboost(booster, path), x, margins(booster, x)


def make_m():
    X, y = rows_and_target(2, 100_000, 30)
    x = without_some(fresh_rows(2, NUM_ROWS, 30), 0.1, 3)
    booster = xgboost_model(without_some(X, 0.1, 4), y, 100, objective="reg:squarederror", eta=0.1)
    return "ubj", lambda path: save_xgboost(booster, path), x, margins(booster, x)


def make_c():
    X, y = rows_and_target(5, 100_000, 50)
    x = fresh_rows(5, NUM_ROWS, 50)
    booster = xgboost_model(X, y > np.median(y), 1000, objective="binary:logistic", eta=0.02)
    return "ubj", lambda path: save_xgboost(booster, path), x, margins(booster, x)


def make_x():
    """100 trees of depth 6 have 6300 splits at most: with three columns each gets some thousand distinct cuts."""
    X, y = rows_and_target(6, 50_000, 4)
    X, x = X[:, :3], fresh_rows(6, NUM_ROWS, 3)
    booster = xgboost_model(X, y, 100, objective="reg:squarederror", eta=0.1, tree_method="exact")
    return "ubj", lambda path: save_xgboost(booster, path), x, margins(booster, x)


def make_b():
    X, y = load_digits(return_X_y=True)
    rng = np.random.default_rng(7)
    noise = rng.integers(-2, 3, size=(NUM_ROWS, X.shape[1]))
    x = np.clip(X[rng.integers(0, len(X), NUM_ROWS)] + noise, 0, 16).astype(np.float32)
    model = RandomForestClassifier(100, max_depth=8, random_state=1, n_jobs=NUM_JOBS).fit(X, y)
    model.n_jobs = 1  # several threads add the trees' votes in the order in which they finish
    return "joblib", lambda path: joblib.dump(model, path), x, model.predict_proba(x)


def make_a():
    X, y = rows_and_target(8, 20_000, 20)
    x = fresh_rows(8, NUM_ROWS_OF_LARGE_FORESTS, 20)
    classes = np.digitize(y, np.quantile(y, [1 / 3, 2 / 3]))
    model = RandomForestClassifier(500, random_state=1, n_jobs=NUM_JOBS).fit(X, classes)
    model.n_jobs = 1
    return "joblib", lambda path: joblib.dump(model, path), x, model.predict_proba(x)


def make_e():
    X, y = rows_and_target(9, 200_000, 20)
    x = fresh_rows(9, NUM_ROWS_OF_LARGE_FORESTS, 20)
    model = RandomForestRegressor(100, random_state=1, n_jobs=NUM_JOBS).fit(X, y)
    model.n_jobs = 1
    return "joblib", lambda path: joblib.dump(model, path), x, model.predict(x)


def lightgbm_model(seed, trees, leaves):
    X, y = rows_and_target(seed, 100_000, 30)
    x = fresh_rows(seed, NUM_ROWS, 30)
    parameters = {"objective": "regression", "num_leaves": leaves, "learning_rate": 0.1 if trees <= 100 else 0.02}
    parameters |= {"num_threads": NUM_JOBS, "verbose": -1}
    booster = lgb.train(parameters, lgb.Dataset(X, y), trees)
    return "txt", booster.save_model, x, booster.predict(x, raw_score=True, num_threads=1)


def make_l100():
    return lightgbm_model(10, 100, 31)


def make_l1000():
    return lightgbm_model(11, 1000, 63)


def make_gb():
    X, y = rows_and_target(12, 20_000, 20)
    x = fresh_rows(12, NUM_ROWS, 20)
    model = GradientBoostingRegressor(n_estimators=100, max_depth=3, random_state=1).fit(X, y)
    return "joblib", lambda path: joblib.dump(model, path), x, model.predict(x)


def make_hgb():
    X, y = rows_and_target(13, 100_000, 20)
    x = fresh_rows(13, NUM_ROWS, 20)
    model = HistGradientBoostingClassifier(max_iter=100, early_stopping=False, random_state=1)
    model.fit(X, y > np.median(y))
    return "joblib", lambda path: joblib.dump(model, path), x, model.decision_function(x)


# The large ones last.
MODELS = {
    "d": make_d,
    "c": make_c,
    "m": make_m,
    "x": make_x,
    "b": make_b,
    "l100": make_l100,
    "l1000": make_l1000,
    "gb": make_gb,
    "hgb": make_hgb,
    "a": make_a,
    "e": make_e,
}


def write_whole(path, write):
    """`write` to a temporary name, so that nobody finds half a file."""
    partial = path.with_name(f"partial-{os.getpid()}-{path.name}")
    write(str(partial))
    partial.rename(path)


def make(out, name):
    if any(path.suffix != ".npy" for path in out.glob(f"{name}.*") if path.suffix in (".ubj", ".joblib", ".txt")):
        return
    extension, save_model, x, raw = MODELS[name]()
    write_whole(out / f"{name}.x.npy", lambda path: np.save(path, x))
    write_whole(out / f"{name}.raw.npy", lambda path: np.save(path, np.asarray(raw)))
    model = out / f"{name}.{extension}"
    write_whole(model, save_model)
    print(f"{model.name}: {model.stat().st_size / 1e6:.1f} MB, {len(x)} rows of {x.shape[1]} columns", flush=True)


def main():
    if len(sys.argv) < 2 or not set(sys.argv[2:]) <= set(MODELS):
        sys.exit(f"usage: make_engine_models.py DIRECTORY [NAME...], of {' '.join(MODELS)}")
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[2:] or MODELS:
        make(out, name)


if __name__ == "__main__":
    main()
