"""Makes the LightGBM models of one release: make_lightgbm.py DIRECTORY.

Each case is a directory with the model as text and as a pickle, the rows to predict and
what LightGBM predicts for them. cases.json lists the cases, one on a line.
"""

import json
import pickle
import sys
import warnings
from pathlib import Path

import lightgbm as lgb
import numpy as np

from fixtures import save_array, write_json, write_versions

warnings.filterwarnings("ignore")

out = Path(sys.argv[1])
version = tuple(int(part) for part in lgb.__version__.split(".")[:2])
rng = np.random.RandomState(7)
entries = []

# LightGBM takes values of at most this magnitude for zero.
ZERO = float(np.float32(1e-35))

BASE = {
    "verbose": -1,
    "num_threads": 1,
    "num_leaves": 6,
    "min_data_in_leaf": 5,
    "deterministic": True,
    "seed": 1,
}

EDGES = [np.nan, 0.0, -0.0, 1e-35, -1e-35, ZERO, -ZERO, 1e-36, -1e-36, 5e-324, np.inf, -np.inf]
EDGES += [np.nextafter(ZERO, 1), np.nextafter(ZERO, 0), np.nextafter(-ZERO, -1), 1e300]
EDGES += [np.nextafter(-ZERO, 0)]

# Known, unseen, negative, fractional, and beyond what an int32 holds.
CATEGORIES = [0, 1, 31, 32, 33, 39, 1000, -1, -0.5, -0.0, 0.5, 255, 256, 300.7]
CATEGORIES += [2**31 - 1, 2**31, 2**40, 1e20, np.inf, -np.inf, np.nan]


def thresholds(booster):
    lines = booster.model_to_string().splitlines()
    listed = [line[10:].split() for line in lines if line.startswith("threshold=")]
    return [float(value) for values in listed for value in values]


def make_rows(booster, X, categories):
    """Training rows, split boundaries and edge values in one column, categories of all kinds."""
    rows = [X[index] for index in range(6)]
    values = list(EDGES)
    for threshold in thresholds(booster)[:12]:
        values += [threshold, np.nextafter(threshold, np.inf), np.nextafter(threshold, -np.inf)]
    places = [(number % X.shape[1], value) for number, value in enumerate(values)]
    places += [(column, value) for column in categories for value in CATEGORIES]
    for column, value in places:
        row = X[rng.randint(len(X))].copy()
        row[column] = value
        rows.append(row)
    return np.array(rows)


def whole(rows):
    """The rows as integers, for the matrix type that LightGBM takes too."""
    finite = np.nan_to_num(rows * 3, posinf=9, neginf=-9)
    return finite.clip(-1e6, 1e6).astype(np.int64)


def case(name, booster, X, why, *, wrapper=None, categories=(), limit=None, iterations=None):
    directory = out / name
    directory.mkdir(parents=True, exist_ok=True)
    files = []
    if wrapper is None:
        booster.save_model(str(directory / "model.txt"))
        files.append("model.txt")
    if limit is None:
        (directory / "model.pkl").write_bytes(pickle.dumps(wrapper or booster))
        files.append("model.pkl")
    rows = make_rows(booster, X, categories)
    sets = {"64": rows, "32": rows.astype(np.float32), "i64": whole(rows)}
    options = {} if limit is None else {"num_iteration": limit}
    for suffix, x in sets.items():
        save_array(directory / f"x{suffix}.npy", x)
        save_array(directory / f"raw{suffix}.npy", booster.predict(x, raw_score=True, **options))
        leaves = np.asarray(booster.predict(x, pred_leaf=True, **options)).reshape(len(x), -1)
        save_array(directory / f"leaf{suffix}.npy", leaves.astype(np.int16))
        if hasattr(wrapper, "classes_"):
            save_array(directory / f"proba{suffix}.npy", wrapper.predict_proba(x))
            save_array(directory / f"predict{suffix}.npy", wrapper.predict(x))
        else:
            save_array(directory / f"proba{suffix}.npy", booster.predict(x, **options))
    entry = {
        "name": name,
        "models": files,
        "library": "lightgbm " + lgb.__version__,
        "estimator": type(wrapper or booster).__name__,
        "why": why,
        "sets": list(sets),
        "raw_exact": True,
        "num_trees": booster.num_trees(),
        "iterations": limit or iterations,
    }
    if limit is not None:
        entry["limit"] = True
    entries.append(entry)


def rows_with(holes, count=300):
    X = rng.normal(size=(count, 4))
    X[rng.uniform(size=X.shape) < 0.15] = 0.0
    if holes:
        X[rng.uniform(size=X.shape) < 0.15] = np.nan
    known = np.nan_to_num(X)
    return X, known[:, 0] + np.isnan(X[:, 1]) + (known[:, 2] > 0) * known[:, 3]


X, y = rows_with(holes=True)
X0, y0 = rows_with(holes=False)
positive = np.exp(y / 3)
thirds = np.digitize(y, [-0.5, 0.5])


def train(params, target=y, rounds=3, rows=X, **dataset):
    data = lgb.Dataset(rows, label=np.asarray(target, dtype=float), **dataset)
    return lgb.train({**BASE, **params}, data, rounds)


for objective in ["regression", "regression_l1", "huber", "fair", "quantile"]:
    case("objective_" + objective, train({"objective": objective}), X, "The objective " + objective)
for objective in ["mape", "poisson", "gamma", "tweedie"]:
    booster = train({"objective": objective}, positive)
    case("objective_" + objective, booster, X, "The objective " + objective)
for objective in ["cross_entropy", "cross_entropy_lambda"]:
    case("objective_" + objective, train({"objective": objective}, y > 0), X, "The objective " + objective)
case("sqrt", train({"reg_sqrt": True}, positive), X, "A regression on square roots.")
binary = {"objective": "binary", "sigmoid": 0.7, "is_unbalance": True}
case("binary", train(binary, y > 0), X, "Two classes, with a sigmoid of another slope.")
several = {"objective": "multiclass", "num_class": 3}
case("multiclass", train(several, thirds), X, "Three classes by softmax.")
each = {"objective": "multiclassova", "num_class": 3, "sigmoid": 0.5}
case("multiclassova", train(each, thirds), X, "Three classes, each against the others.")
ranks = lgb.train({**BASE, "objective": "lambdarank"}, lgb.Dataset(X, thirds, group=[30] * 10), 3)
case("lambdarank", ranks, X, "A ranking.")

case("missing_zero", train({"zero_as_missing": True}), X, "Zeros are missing: values near zero too.")
case("missing_none", train({"use_missing": False}), X, "NaN counts as zero.")
case("complete", train({}, y0, rows=X0), X0, "Trained without missing values.")

bagging = {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.6}
case("forest", train(bagging), X, "A random forest: transformed outputs are averages, raw ones sums.")
case("forest_limited", train(bagging), X, "Two trees of a forest.", limit=2)
case("dart", train({"boosting": "dart", "drop_rate": 0.9, "skip_drop": 0}, rounds=6), X, "Dart.")
case("goss", train({"boosting": "goss"}, rounds=4), X, "One-sided sampling.")
case("constant", train({}, np.full(len(X), 3.5)), X, "A constant target: trees of one leaf.")
case("limited", train({}, rounds=5), X, "Three iterations of five.", limit=3)

Xc = X.copy()
Xc[:, 3] = rng.randint(0, 50, len(X))
Xc[:, 2] = rng.choice([0, 1, 2, 1000], len(X))
yc = np.nan_to_num(Xc[:, 0]) + 2 * np.isin(Xc[:, 3], [1, 5, 33, 40, 41, 42]) + (Xc[:, 2] == 1000)
for name, most in (("categories", 1), ("categories_one_hot", 100)):
    params = {"max_cat_to_onehot": most, "min_data_per_group": 3, "cat_smooth": 1}
    booster = train(params, yc, rows=Xc, categorical_feature=[2, 3])
    case(name, booster, Xc, "Sets of categories beyond 32 and 1000.", categories=(2, 3))

if version >= (3, 3):
    case("linear", train({"linear_tree": True}, rounds=4), X, "Linear leaves; NaN falls back.")
    case("linear_complete", train({"linear_tree": True}, y0, rows=X0), X0, "Linear leaves.")

# 2.3 refuses names beyond ASCII.
names = ["a=b", "size" if version == (2, 3) else "größe", "c", "d"]
case("names", train({}, feature_name=names), X, "Names of columns with = and beyond ASCII.")

small = {"n_estimators": 2, "num_leaves": 5, "n_jobs": 1, "min_child_samples": 5}
for name, labels in (("labels_text", ["a", "b", "c"]), ("labels_int", [-3, 5, 9])):
    model = lgb.LGBMClassifier(**small).fit(X, np.array(labels)[thirds])
    case(name, model.booster_, X, "Class labels of another kind.", wrapper=model)
model = lgb.LGBMClassifier(**small).fit(X, np.array(["no", "yes"])[(y > 0).astype(int)])
case("labels_two", model.booster_, X, "Two class labels.", wrapper=model)

model = lgb.LGBMRegressor(n_estimators=30, num_leaves=5, n_jobs=1, learning_rate=0.9)
stop = {"eval_set": [(X[150:], y[150:])]}
if version >= (4, 0):
    model.fit(X[:150], y[:150], callbacks=[lgb.early_stopping(2, verbose=False)], **stop)
else:
    model.fit(X[:150], y[:150], early_stopping_rounds=2, verbose=False, **stop)
why = "Stopped early: predicts with its best iterations."
case("early_stopping", model.booster_, X, why, wrapper=model, iterations=model.best_iteration_)

lines = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in entries)
(out / "cases.json").write_text("[\n" + lines + "\n]\n", encoding="utf-8")
write_versions(out)
versions = json.loads((out / "versions.json").read_text(encoding="utf-8"))
write_json(out / "versions.json", {**versions, "lightgbm": lgb.__version__})
