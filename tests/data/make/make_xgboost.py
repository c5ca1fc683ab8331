"""Makes the XGBoost models of one release: make_xgboost.py DIRECTORY.

Each case is a directory with the model in one or several files, the rows to predict
and what XGBoost predicts for them. cases.json lists the cases. One script serves all
releases; what a release does not have is left out there.

All outputs come from Booster.predict on a DMatrix, also those of the scikit-learn
wrappers: up to 3.2 their default path, inplace_predict, adds up dart trees in another way.
"""

import json
import pickle
import platform
import sys
import tempfile
import warnings
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import sklearn
import xgboost as xgb

from fixtures import FLT_DENORMAL, FLT_MAX, edge_values, near32, near64, save_array, write_json

warnings.filterwarnings("ignore")

out = Path(sys.argv[1])
out.mkdir(parents=True, exist_ok=True)
version = tuple(int(part) for part in xgb.__version__.split(".")[:2])
entries = []

# The wrappers predict from a DMatrix then.
xgb.XGBModel._can_use_inplace_predict = lambda self: False

HAS_UBJ = version >= (1, 6)
# Before 1.3 a pickle holds the model in the legacy binary format.
HAS_PICKLE = version >= (1, 3)
# From 1.4 on a DMatrix refuses infinity, and what becomes infinity as float32.
TAKES_INFINITY = version < (1, 4)

# To keep the fixtures small, most releases do without the cases that are marked as extra,
# and those that differ little from their neighbours have only the cases named here.
HAS_EXTRAS = version in ((1, 7), (3, 2))
SOME = {
    "base_auto_regression",
    "base_auto_softprob",
    "binary",
    "categories_dart",
    "categories_frame",
    "categories_one_hot",
    "categories_partition",
    "dart",
    "early_stopping_regressor",
    "grid",
    "labels_bool",
    "limited",
    "missing_minus_one",
    "objective_binary_logistic",
    "objective_multi_softprob",
    "objective_reg_quantileerror",
    "parallel_trees",
    "regressor",
    "splits",
    "targets",
    "vector_leaf",
    "vector_leaf_single",
    "vector_leaf_softprob",
}
FEW = {
    "base_auto_regression",
    "binary",
    "categories_partition",
    "dart",
    "early_stopping_regressor",
    "objective_reg_quantileerror",
    "splits",
    "targets",
    "vector_leaf",
}
# 1.3 began to add leaves to the base score in order, 1.4 did so for dart; 1.3.1 took
# the base score of binary:logitraw for a margin.
ORDER = {
    "base_logistic",
    "base_logitraw",
    "dart",
    "deleted_nodes",
    "no_trees",
    "objective_multi_softprob",
    "splits",
}
# 1.7.3 began to send invalid categories to the left, not to the default side.
INVALID_CATEGORIES = {"categories_one_hot", "categories_partition"}
# 3.3 put dart's weights beside the model, 3.4 within it. 3.3 brought expectiles, and vector
# leaves to dart and to categories; 3.4 sorts quantiles.
NEW_LAYOUT = {
    "base_auto_regression",
    "base_expectile",
    "base_expectiles",
    "binary",
    "categories_dart",
    "categories_frame",
    "dart",
    "dart_continued",
    "dart_limited",
    "dart_softprob",
    "dart_undropped",
    "dart_wrapper",
    "dart_zero",
    "early_stopping_dart",
    "early_stopping_regressor",
    "expectile_one",
    "objective_reg_expectileerror",
    "objective_reg_quantileerror",
    "quantiles_crossing",
    "quantiles_descending",
    "targets",
    "vector_leaf",
    "vector_leaf_categories",
    "vector_leaf_dart",
    "vector_leaf_expectiles",
    "vector_leaf_quantiles",
    "vector_leaf_single",
}
# The extras of 3.4, which has the objectives and wrappers of all kinds besides.
LATEST = NEW_LAYOUT | {
    "classifier_logitraw",
    "classifier_squarederror",
    "regressor_logistic",
    "regressor_softmax",
    "regressor_softprob",
    "base_auto_logistic",
    "base_auto_poisson",
    "base_hinge",
    "base_poisson",
    "categories_softprob",
    "frame",
    "labels_wrapper",
    "limited_parallel",
    "quantile_one",
    "ranker",
    "vector_leaf_labels",
    "vector_leaf_limited",
}
# 3.2 has the like of these.
NOT_IN_LATEST = {
    "base_all_0",
    "base_all_1",
    "deleted_nodes",
    "feature_names",
    "grid",
    "labels_bool",
    "missing_zero_wrapper",
    "one_class",
    "three",
}
ONLY = {
    (1, 2): ORDER,
    (1, 3): ORDER,
    (1, 4): ORDER,
    (1, 6): SOME,
    (2, 0): FEW,
    (2, 1): SOME,
    (3, 0): FEW,
    (3, 3): NEW_LAYOUT,
}.get(version)
ALSO = {(3, 3): NEW_LAYOUT, (3, 4): LATEST}.get(version, set())
# Later releases have the like of these, in files of the same kind or smaller.
NOT_IN_FIRST = {
    "dart_softprob",
    "labels_bool",
    "labels_float64",
    "labels_one",
    "missing_zero_wrapper",
    "parallel_trees",
}
if xgb.__version__ == "1.7.2":
    ONLY = INVALID_CATEGORIES

DTYPES = {"32": np.float32, "64": np.float64, "i64": np.int64}

# The margins of these start from a transformed base score: from its logit, its logarithm.
# Both are exactly zero where the base score is the value given here.
ZERO_MARGIN = {
    "reg:logistic": 0.5,
    "binary:logistic": 0.5,
    "count:poisson": 1.0,
    "reg:gamma": 1.0,
    "reg:tweedie": 1.0,
    "survival:cox": 1.0,
    "survival:aft": 1.0,
}
if version < (1, 3):
    ZERO_MARGIN["binary:logitraw"] = 0.5  # later its base score is a margin

# ---------------------------------------------------------------------------------------
# Reading models as XGBoost writes them


def booster_of(model):
    return model if isinstance(model, xgb.Booster) else model.get_booster()


def contents(booster):
    """The learner as it stands in the JSON file."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "model.json"
        booster.save_model(str(path))
        return json.loads(path.read_text(encoding="utf-8"))["learner"]


def tree_model(learner):
    booster = learner["gradient_booster"]
    return booster["gbtree"]["model"] if "gbtree" in booster else booster["model"]


def dart_weights(learner):
    """Beside the trees' model, and from 3.4 on within it."""
    booster = learner["gradient_booster"]
    return booster["weight_drop"] if version < (3, 4) else booster["model"]["weight_drop"]


def base_scores(learner):
    text = learner["learner_model_param"]["base_score"]
    return [float(part) for part in text.strip("[]").split(",")]


def raw_is_exact(learner):
    """Whether the raw score is made of float32 additions alone."""
    zero = ZERO_MARGIN.get(learner["objective"]["name"])
    if learner["objective"]["name"] == "reg:expectileerror":
        return len(base_scores(learner)) == 1  # the others start from a logarithm
    return zero is None or all(score == zero for score in base_scores(learner))


def reachable(tree):
    found, waiting = 0, [0]
    while waiting:
        node = waiting.pop()
        found += 1
        if tree["left_children"][node] != -1:
            waiting += [tree["left_children"][node], tree["right_children"][node]]
    return found


def thresholds(learner):
    found = []
    for tree in tree_model(learner)["trees"]:
        for condition, left in zip(tree["split_conditions"], tree["left_children"]):
            if left != -1:
                found.append(float(condition))
    return np.array(found)


class Split:
    def __init__(self, feature, threshold, categorical, reaching):
        self.feature = feature
        self.threshold = threshold
        self.categorical = categorical
        self.reaching = reaching


def splits_of(booster, learner, X, missing):
    """The splits of the model, each with the rows of X that come to it."""
    trees = tree_model(learner)["trees"]
    leaves = predict(booster, matrix(X, missing), pred_leaf=True).reshape(len(X), -1)
    splits = []
    for number, tree in enumerate(trees):
        parents = tree["parents"]
        reaching = {}
        for row in range(len(X)):
            node = int(leaves[row, number])
            while tree["split_indices"] and node != 0:
                node = parents[node]
                reaching.setdefault(node, []).append(row)
        kinds = tree.get("split_type", [0] * len(parents))
        for node in sorted(reaching):
            splits.append(
                Split(
                    tree["split_indices"][node],
                    np.float64(np.float32(tree["split_conditions"][node])),
                    int(kinds[node]) == 1,
                    reaching[node],
                )
            )
    return splits


# ---------------------------------------------------------------------------------------
# Predicting


def matrix(rows, missing=None, **arguments):
    return xgb.DMatrix(rows, missing=np.nan if missing is None else missing, nthread=1, **arguments)


def predict(booster, data, iterations=None, **arguments):
    if iterations is not None:
        if version < (1, 4):
            arguments["ntree_limit"] = iterations
        else:
            arguments["iteration_range"] = (0, iterations)
    return booster.predict(data, validate_features=False, **arguments)


def outputs(model, rows, missing, iterations):
    """What the model says of the rows: the arrays to store, by name."""
    booster = booster_of(model)
    data = matrix(rows, missing)
    raw = predict(booster, data, iterations, output_margin=True)
    proba = predict(booster, data, iterations)
    leaf = predict(booster, data, iterations, pred_leaf=True).reshape(len(rows), -1)
    assert raw.dtype == np.float32 and proba.dtype == np.float32
    found = {"raw": raw, "leaf": leaf.astype(np.int16)}
    assert (found["leaf"] == leaf).all()
    if isinstance(model, xgb.XGBModel):
        ranker = isinstance(model, xgb.XGBRanker) and version < (1, 1)
        unchecked = {} if ranker else {"validate_features": False}
        found["predict"] = model.predict(rows, **unchecked)
        margin = model.predict(rows, output_margin=True, **unchecked)
        assert same(np.asarray(margin), raw), "the wrapper uses other trees"
        if isinstance(model, xgb.XGBClassifier):
            proba = model.predict_proba(rows, **unchecked)
    found["proba"] = proba
    return found


def same(a, b):
    a, b = np.asarray(a), np.asarray(b)
    if a.dtype.kind in "OU":
        return a.tolist() == b.tolist()
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def in_place(booster, rows, missing, iterations):
    return booster.inplace_predict(
        rows,
        iteration_range=(0, iterations or 0),
        predict_type="margin",
        missing=np.nan if missing is None else missing,
        validate_features=False,
    )


# ---------------------------------------------------------------------------------------
# Rows


def category_values(dtype):
    """Values of a categorical column: known, unseen, and such as are no category."""
    values = [0, -0.0, 1, 2, 3, 5, 9, 31, 32, 33, 63, 64, 69, 70, 255, 256, 1e6, 16777215]
    if dtype != np.int64:
        values += [0.5, 2.7, 300.7, -0.5, np.nan, FLT_DENORMAL, -FLT_DENORMAL, FLT_MAX, -FLT_MAX]
    if dtype == np.float64:
        # They round to 1, to 16777216, and to zeros of either sign.
        values += [1 - 2.0**-40, 16777215.5, -1e-50, 1e-50]
    return values + [-1, -2, 16777216, 16777218, 2e7, 2.0**31, 2.0**32, 2.0**33 + 2**12]


def whole_numbers_near(threshold):
    low, high = np.floor(threshold), np.ceil(threshold)
    return [low - 1, low, high, high + 1]


def ties_below(threshold):
    """The whole numbers around the middle between a big threshold and the float32 below.

    Through a double, the first above the middle is rounded to the middle, then down.
    """
    below = np.nextafter(np.float32(threshold), np.float32(-np.inf))
    middle = (int(threshold) + int(below)) // 2
    return [middle - 1, middle, middle + 1]


# float32 does not hold them, and through a double the last but one comes out wrong.
BIG_NUMBERS = [2**24 + 1, 2**31, 2**53 + 1, 9007199791611905, -(2**63)]


def make_rows(splits, X, dtype, *, training_rows, limit, categorical, missing):
    """Rows to predict: training rows, split boundaries, edge values, and missing values.

    A boundary row is a training row that comes to the split, with the split's feature
    replaced, so that the comparison under test really decides the leaf.
    """
    rng = np.random.RandomState(20240501)
    X = np.asarray(X, dtype=np.float64)
    width = X.shape[1]
    if dtype == np.int64:
        X = X[np.isfinite(X).all(axis=1)]
    rows = [X[index] for index in rng.randint(len(X), size=training_rows)]

    def changed(feature, value, candidates=None):
        if candidates is None or dtype == np.int64:
            candidates = np.arange(len(X))
        row = X[rng.choice(candidates)].copy()
        row[feature] = value
        rows.append(row)

    def some(items, count):
        if len(items) <= count:
            return items
        kept = rng.choice(len(items), size=count, replace=False)
        return [items[index] for index in sorted(kept)]

    near = {np.float32: near32, np.float64: near64, np.int64: whole_numbers_near}[dtype]
    ordinary = [split for split in splits if not split.categorical]
    chosen = some(ordinary, (limit + 1) // 2 if dtype == np.float64 else limit)
    for split in chosen:
        for value in near(split.threshold):
            changed(split.feature, value, split.reaching)

    for feature in categorical:
        here = [split for split in splits if split.categorical and split.feature == feature]
        for value in category_values(dtype):
            reaching = here[rng.randint(len(here))].reaching if here else None
            changed(feature, value, reaching)

    if dtype == np.int64:
        exact = [np.array(row, dtype=np.int64) for row in rows]
        exact += [np.full(width, value, dtype=np.int64) for value in BIG_NUMBERS]
        for split in chosen:
            if 2**53 <= split.threshold < 2**60:
                exact += [np.full(width, value) for value in ties_below(split.threshold)]
        return np.ascontiguousarray(np.array(exact))

    edges = edge_values(dtype)
    if not TAKES_INFINITY:
        edges = [value for value in edges if np.isfinite(np.float32(value))]
    else:
        edges += [dtype(np.inf), dtype(-np.inf)]
        if dtype == np.float64:
            edges += [1e39, -1e300]  # infinite in float32
    rows += [np.full(width, value, dtype=np.float64) for value in edges]
    rows += [rng.choice(edges, size=width).astype(np.float64) for _ in range(2)]

    for split in some(splits, 5):
        changed(split.feature, np.nan, split.reaching)
        if missing is not None:
            changed(split.feature, missing, split.reaching)
    for feature in range(min(width, 4)):
        changed(feature, np.nan)
    rows.append(np.full(width, np.nan))
    rows.append(np.full(width, -np.nan))  # the sign of a NaN means nothing
    return np.ascontiguousarray(np.array(rows).astype(dtype))


# ---------------------------------------------------------------------------------------
# Cases


def save_model(model, path):
    if path.suffix == ".pkl":
        path.write_bytes(pickle.dumps(model, 4))
    elif path.suffix == ".joblib":
        joblib.dump(model, path)
    else:
        model.save_model(str(path))


def load_model(model, path):
    if path.suffix == ".pkl":
        return pickle.loads(path.read_bytes())
    if path.suffix == ".joblib":
        return joblib.load(path)
    if isinstance(model, xgb.Booster):
        loaded = xgb.Booster({"nthread": 1})
        loaded.load_model(str(path))
    else:
        loaded = type(model)(n_jobs=1)
        loaded.load_model(str(path))
        if model.missing is not None:
            loaded.missing = model.missing  # not in the file
    return loaded


JSON_AND_PICKLE = ["model.json"] + ["model.pkl"] * HAS_PICKLE
ALL_FILES = ["model.json"] + ["model.ubj"] * HAS_UBJ + ["model.pkl"] * HAS_PICKLE


def default_files(model):
    if isinstance(model, xgb.XGBModel) and HAS_PICKLE:
        return ["model.pkl"]
    return ["model.json"]


def case(
    name,
    model,
    X,
    why,
    *,
    files=None,
    sets=("32",),
    iterations=None,
    limit=False,
    missing=None,
    categorical=(),
    training_rows=8,
    splits=10,
    extra=False,
    **more
):
    """Saves a model with its rows and outputs, and returns its learner.

    The files must hold the same model, which is checked by loading each of them.
    """
    booster = booster_of(model)
    learner = contents(booster)
    if (extra and not HAS_EXTRAS and name not in ALSO) or (ONLY is not None and name not in ONLY):
        return learner
    if name in {(1, 0): NOT_IN_FIRST, (3, 4): NOT_IN_LATEST}.get(version, ()):
        return learner
    directory = out / name
    directory.mkdir(parents=True)
    files = default_files(model) if files is None else files
    reached = splits_of(booster, learner, np.asarray(X, dtype=np.float64), missing)
    loaded = {}
    for file in files:
        save_model(model, directory / file)
        loaded[file] = load_model(model, directory / file)
    for suffix in sets:
        rows = make_rows(
            reached,
            X,
            DTYPES[suffix],
            training_rows=training_rows,
            limit=splits,
            categorical=categorical,
            missing=missing,
        )
        expected = outputs(model, rows, missing, iterations)
        for file, other in loaded.items():
            for kind, array in outputs(other, rows, missing, iterations).items():
                assert same(array, expected[kind]), (name, file, kind, suffix)
        save_array(directory / f"x{suffix}.npy", rows)
        for kind, array in expected.items():
            save_array(directory / f"{kind}{suffix}.npy", array)
        # 3.3 refuses weighted trees of vector leaves there.
        if version >= (1, 5) and (name != "vector_leaf_dart" or version >= (3, 4)):
            margin = in_place(booster, rows, missing, iterations)
            if not same(margin.reshape(expected["raw"].shape), expected["raw"]):
                print(f"{out.name} {name}{suffix}: inplace_predict gives other bits")

    parameters = learner["learner_model_param"]
    entry = {
        "name": name,
        "models": files,
        "library": f"xgboost {xgb.__version__}",
        "estimator": type(model).__name__,
        "objective": learner["objective"]["name"],
        "why": why,
        "sets": list(sets),
        "raw_exact": raw_is_exact(learner),
        "num_trees": len(tree_model(learner)["trees"]),
        "num_features": int(parameters["num_feature"]),
        "num_outputs": 1 if expected["raw"].ndim == 1 else expected["raw"].shape[1],
        "base_score": parameters["base_score"],
        "iterations": iterations,
    }
    if isinstance(model, xgb.XGBClassifier):
        entry["classes"] = np.asarray(model.classes_).tolist()
    if limit:
        entry["limit"] = True
    if missing is not None:
        entry["missing"] = missing
    if categorical:
        entry["categorical"] = list(categorical)
    entry.update(more)
    entries.append(entry)
    return learner


def train(parameters, X, y=None, rounds=3, *, obj=None, data=None, xgb_model=None, **settings):
    """A Booster. What the parameters leave open is small and fixed."""
    common = {"nthread": 1, "verbosity": 0, "seed": 7, "max_depth": 3, "eta": 0.5}
    common["tree_method"] = "hist"
    common.update(parameters)
    if data is None:
        data = matrix(X, label=y, **settings)
    return xgb.train(common, data, rounds, obj=obj, xgb_model=xgb_model)


def wrapper(kind, **parameters):
    common = {"n_jobs": 1, "verbosity": 0, "random_state": 7, "max_depth": 3}
    common.update(n_estimators=3, learning_rate=0.5, tree_method="hist")
    common.update(parameters)
    return kind(**common)


# ---------------------------------------------------------------------------------------
# Data


def curve(rows, features, seed):
    """A smooth target with noise, and features with holes."""
    rng = np.random.RandomState(seed)
    X = rng.normal(size=(rows, features))
    y = np.sin(X[:, 0]) + X[:, 1] * X[:, 2] + 0.4 * X[:, 3] + rng.normal(scale=0.1, size=rows)
    X[rng.uniform(size=X.shape) < 0.1] = np.nan
    return X, y


X, y = curve(200, 4, seed=1)
positive = np.exp(y)
binary = (y > 0.3).astype(int)
share = 1 / (1 + np.exp(-y))
counts = np.floor(positive).astype(int)
three = np.digitize(y, [-0.5, 0.8])
pairs = np.column_stack([y, 100 - 30 * np.nan_to_num(X[:, 3])])

# Whole numbers: split points of "exact" lie half way, those of "hist" on the numbers.
rng = np.random.RandomState(2)
grid = rng.randint(-20, 20, size=(160, 3)).astype(np.float64)
grid_y = grid[:, 0] - np.abs(grid[:, 1]) + 0.1 * grid[:, 2] ** 2

# ---------------------------------------------------------------------------------------
# Objectives: each with a given base score, so that it decides less than the trees

objectives = [
    ("reg:squarederror", y, {"base_score": 0.5}, {}),
    ("reg:squaredlogerror", positive, {"base_score": 0.5}, {}),
    ("reg:logistic", share, {"base_score": 0.5}, {}),
    ("reg:gamma", positive, {"base_score": 1.0}, {}),
    ("reg:tweedie", counts, {"base_score": 1.0, "tweedie_variance_power": 1.3}, {}),
    ("count:poisson", counts, {"base_score": 1.0}, {}),
    ("survival:cox", np.where(binary, positive, -positive), {"base_score": 1.0}, {}),
    ("binary:logistic", binary, {"base_score": 0.5}, {}),
    ("binary:logitraw", binary, {"base_score": 0.5}, {}),
    ("binary:hinge", binary, {"base_score": 0.5}, {}),
    ("multi:softmax", three, {"num_class": 3, "base_score": 0.5}, {}),
    ("multi:softprob", three, {"num_class": 3, "base_score": 0.5}, {}),
    ("rank:pairwise", three, {"base_score": 0.5}, {"group": [20] * 10}),
    ("rank:ndcg", three, {"base_score": 0.5}, {"group": [20] * 10}),
    ("rank:map", binary, {"base_score": 0.5}, {"group": [20] * 10}),
]
if version >= (1, 5):
    objectives += [
        ("reg:pseudohubererror", y, {"base_score": 0.5}, {}),
        ("survival:aft", None, {"base_score": 1.0, "aft_loss_distribution": "logistic"}, {}),
    ]
if version >= (1, 7):
    objectives.append(("reg:absoluteerror", y, {}, {}))
if version >= (2, 0):
    objectives.append(
        ("reg:quantileerror", y, {"quantile_alpha": [0.1, 0.5, 0.9]}, {})
    )
if version >= (3, 3):
    objectives.append(("reg:expectileerror", y, {"expectile_alpha": [0.1, 0.5, 0.9]}, {}))

IN_ALL_RELEASES = (
    "binary:logistic",
    "binary:hinge",
    "count:poisson",
    "multi:softprob",
    "reg:absoluteerror",
    "reg:quantileerror",
)
for objective, target, parameters, settings in objectives:
    data = matrix(X, label=target)
    if "group" in settings:
        data.set_group(settings["group"])
    if objective == "survival:aft":
        data.set_float_info("label_lower_bound", positive)
        data.set_float_info("label_upper_bound", np.where(binary, np.inf, positive))
    parameters = dict(parameters, objective=objective, max_depth=2)
    case(
        "objective_" + objective.replace(":", "_"),
        train(parameters, X, rounds=2, data=data),
        X,
        f"The objective {objective}.",
        splits=8,
        extra=objective not in IN_ALL_RELEASES and version >= (1, 5) and version != (3, 4),
    )

if version >= (2, 0):
    case(
        "quantile_one",
        train({"objective": "reg:quantileerror", "quantile_alpha": 0.3}, X, y),
        X,
        "One quantile: a single output.",
        extra=True,
    )
if version >= (3, 3):
    crossing = {"objective": "reg:quantileerror", "eta": 1.0}
    model = train(dict(crossing, quantile_alpha=[0.45, 0.5, 0.55, 0.6]), X, y, 2)
    case(
        "quantiles_crossing",
        model,
        X,
        "Quantiles so near to each other that they cross, which 3.4 sorts.",
        training_rows=24,
    )
    margins = predict(model, matrix(X), output_margin=True)
    assert (np.diff(margins, axis=1) < 0).any()
    final = margins if version < (3, 4) else np.sort(margins, axis=1)
    assert same(final, predict(model, matrix(X)))
    case(
        "expectile_one",
        train({"objective": "reg:expectileerror", "expectile_alpha": 0.3}, X, y),
        X,
        "One expectile: a single output.",
    )
if version == (3, 3):
    case(
        "quantiles_descending",
        train({"objective": "reg:quantileerror", "quantile_alpha": [0.8, 0.2]}, X, y),
        X,
        "Quantiles that do not ascend, which 3.4 refuses to train and to load.",
    )


def log_cosh(predictions, data):
    residual = predictions - data.get_label()
    return np.tanh(residual), 1.01 - np.tanh(residual) ** 2


def log_cosh_of_wrapper(truth, predictions):
    residual = predictions - truth
    return np.tanh(residual), 1.01 - np.tanh(residual) ** 2


if version >= (3, 4):

    class LogCosh(xgb.objective.Objective):
        """The class that 3.4's wrappers take instead of a function."""

        def __call__(self, iteration, y_pred, dtrain):
            return log_cosh(y_pred, dtrain)

    case(
        "custom_objective_class",
        wrapper(xgb.XGBRegressor, objective=LogCosh(), max_depth=2).fit(X, y),
        X,
        "A custom objective, which the pickle holds as an object of a class of __main__.",
    )

case(
    "custom_objective",
    train({"max_depth": 2}, X, y, obj=log_cosh),
    X,
    "A custom objective: the file names the default one.",
)
if HAS_PICKLE:
    case(
        "custom_objective_wrapper",
        wrapper(xgb.XGBRegressor, objective=log_cosh_of_wrapper, max_depth=2).fit(X, y),
        X,
        "A custom objective, which the pickle refers to as a function of __main__.",
        extra=True,
    )

# ---------------------------------------------------------------------------------------
# Base scores


def base_case(name, parameters, target, why, **more):
    model = train(dict(parameters, max_depth=2), X, target, 2)
    case("base_" + name, model, X, why, splits=6, **more)


base_case("auto_regression", {}, y, "No base score given: a mean from 2.0 on.")
base_case(
    "auto_logistic",
    {"objective": "binary:logistic"},
    binary,
    "No base score given.",
    extra=True,
)
base_case(
    "auto_softprob", {"objective": "multi:softprob", "num_class": 3}, three, "No base score given."
)
base_case(
    "auto_poisson",
    {"objective": "count:poisson"},
    counts,
    "No base score given.",
    extra=True,
)
base_case(
    "negative",
    {"base_score": -1234.5},
    y,
    "A negative base score that swamps the leaves.",
    extra=True,
)
base_case(
    "logistic",
    {"objective": "binary:logistic", "base_score": 0.3},
    binary,
    "The margin starts from the logit of 0.3.",
)
base_case(
    "logitraw",
    {"objective": "binary:logitraw", "base_score": 0.3},
    binary,
    "The base score of binary:logitraw is a margin itself, but before 1.3.1 a probability.",
)
base_case(
    "hinge",
    {"objective": "binary:hinge", "base_score": 0.125},
    binary,
    "The base score of binary:hinge is a margin itself.",
    extra=True,
)
base_case(
    "poisson",
    {"objective": "count:poisson", "base_score": 0.7},
    counts,
    "The margin starts from the logarithm of 0.7.",
    extra=True,
)
base_case(
    "tweedie",
    {"objective": "reg:tweedie", "base_score": 3.25},
    counts,
    "The margin starts from the logarithm of 3.25.",
    extra=True,
)
base_case(
    "softprob",
    {"objective": "multi:softprob", "num_class": 3, "base_score": 0.1},
    three,
    "One base score for three classes, unlike any power of two.",
    extra=True,
)
if version >= (1, 5):
    # 1.0 writes six digits after the point, which makes a zero of it.
    base_case(
        "tiny_logistic",
        {"objective": "binary:logistic", "base_score": 1e-7},
        binary,
        "A base score below 1e-6, to which 3.2 raises it.",
    )
if version >= (3, 1):
    base_case(
        "vector",
        {"objective": "multi:softprob", "num_class": 3, "base_score": [0.1, 0.2, 0.7]},
        three,
        "A base score for each class.",
    )
if version >= (3, 3):
    expectiles = {"objective": "reg:expectileerror", "expectile_alpha": [0.2, 0.5, 0.9, 0.95]}
    base_case(
        "expectiles",
        dict(expectiles, base_score=[-0.3, 0.4, 0.4, 12.5]),
        y,
        "Base scores of expectiles: a gap, none, and one so large that its margin is the gap.",
    )
    base_case(
        "expectile",
        dict(expectiles, base_score=0.3),
        y,
        "One base score for four expectiles.",
    )
if version >= (3, 2) or version < (2, 0):
    for label in (0, 1):
        base_case(
            f"all_{label}",
            {"objective": "binary:logistic"},
            np.full(len(X), label),
            "Only one label: in 3.2 the base score is that label.",
        )

# ---------------------------------------------------------------------------------------
# Trees and their number

case(
    "splits",
    train({"max_depth": 4}, X, y),
    X,
    "Many splits, with missing values that go either way.",
    sets=("32", "64"),
    splits=24,
    files=ALL_FILES,
)
case(
    "grid",
    train({"tree_method": "exact"}, grid, grid_y),
    grid,
    "Whole numbers: split points lie half way between two of them.",
    sets=("32", "64", "i64"),
)
case(
    "grid_hist",
    train({"objective": "binary:logistic", "base_score": 0.5}, grid, (grid_y > 0) * 1),
    grid,
    "Whole numbers: split points are numbers of the data.",
    sets=("32", "i64"),
    extra=True,
)
signs = np.array([[-1, 1], [1, -1], [-1, -1], [1, 1]] * 8, dtype=np.float64)
learner = case(
    "zero_threshold",
    train({"tree_method": "exact", "min_child_weight": 0}, signs, np.tile([0.0, 1, 2, 5], 8)),
    signs,
    "Split points are zero: -0.0 and 0.0 both go right, a denormal below goes left.",
    sets=("32", "64"),
    extra=True,
)
assert (thresholds(learner) == 0).all() and len(thresholds(learner)) > 3
near_1024 = (1024 + np.spacing(np.float32(1024)) * np.arange(40.0))[:, None]
learner = case(
    "adjacent_floats",
    train({"tree_method": "exact", "max_depth": 4}, near_1024, np.arange(40) // 2 % 3),
    near_1024,
    "Feature values one float32 apart.",
    sets=("32", "64"),
    splits=8,
    extra=True,
)
assert len(np.unique(thresholds(learner))) > 5
big = (2.0**53 + 2.0**30 * np.arange(48))[:, None]
learner = case(
    "big_whole_numbers",
    train({"max_bin": 64}, big, np.arange(48) % 5 + np.arange(48) // 6 % 3),
    big,
    "Whole numbers next to each other as float32: int64 must not go through a double.",
    sets=("32", "64", "i64"),
    extra=version != (1, 5),
)
assert thresholds(learner).min() > 2**53
huge = np.random.RandomState(13).uniform(-1, 1, size=(60, 2)) * float(FLT_MAX)
learner = case(
    "huge_features",
    train({"max_depth": 4}, huge, np.arange(60) % 4),
    huge,
    "Split points near the largest float32.",
    sets=("32", "64"),
    splits=8,
    extra=True,
)
assert np.abs(thresholds(learner)).max() > 1e37
overflowing = train({"tree_method": "exact", "max_depth": 4}, huge, np.arange(60) % 4)
if version >= (1, 5):
    learner = case(
        "infinite_thresholds",
        overflowing,
        huge,
        "The middle between two such numbers overflows: Infinity in the file.",
        extra=True,
    )
    assert np.inf in thresholds(learner)
tiny = np.random.RandomState(14).uniform(-1, 1, size=(60, 2)) * 1e-40
learner = case(
    "denormal_features",
    train({}, tiny, np.sign(tiny[:, 0]) + (tiny[:, 1] > 3e-41)),
    tiny,
    "Split points that are denormal float32.",
    sets=("32", "64"),
    splits=8,
    extra=True,
)
assert 0 < np.abs(thresholds(learner)).max() < 1e-38
case(
    "lossguide",
    train({"grow_policy": "lossguide", "max_leaves": 7, "max_depth": 0}, X, y),
    X,
    "Grown best first, so that nodes are numbered in another order.",
    extra=True,
)
if version >= (1, 1):  # 1.0 does not read such a file of its own
    learner = case(
        "deleted_nodes",
        train({"tree_method": "exact", "max_depth": 4, "gamma": 2.0}, X, y),
        X,
        "Pruned after growing: deleted nodes remain in the file, not reachable.",
    )
    assert any(reachable(tree) < len(tree["parents"]) for tree in tree_model(learner)["trees"])
leaf_only = case(
    "single_leaf",
    train({"min_child_weight": 1e9, "lambda": 0.5, "base_score": 0.5}, X, y, 2),
    X,
    "Trees of one leaf.",
)
assert all(tree["left_children"] == [-1] for tree in tree_model(leaf_only)["trees"])
case(
    "one_class",
    train({"objective": "multi:softprob", "num_class": 1}, X, np.zeros(len(X)), 2),
    X,
    "One class: the only probability is 1.",
)
case(
    "two_classes",
    train({"objective": "multi:softprob", "num_class": 2}, X, binary),
    X,
    "Two classes by softmax: two trees an iteration.",
    extra=True,
)
case(
    "parallel_trees",
    train(
        {"num_parallel_tree": 2, "subsample": 0.7, "objective": "multi:softprob", "num_class": 3,
         "max_depth": 2},
        X,
        three,
        2,
    ),
    X,
    "Two trees a class in every iteration.",
)
case(
    "limited",
    train({"objective": "multi:softprob", "num_class": 3, "max_depth": 2}, X, three, 3),
    X,
    "Outputs of the first two of three iterations.",
    iterations=2,
    limit=True,
)
if version >= (1, 5):
    # The JSON files of 1.5 do not tell how many trees an iteration has; its pickles do.
    case(
        "limited_parallel",
        train({"num_parallel_tree": 3, "subsample": 0.7, "max_depth": 2}, X, y, 3),
        X,
        "Outputs of the first two of three iterations of three trees.",
        files=["model.json"] if version >= (1, 6) else ["model.pkl"],
        iterations=2,
        limit=True,
        extra=version >= (1, 6),
    )
case(
    "no_trees",
    train({"objective": "binary:logistic", "base_score": 0.5}, X, binary, 0),
    X,
    "Trained for no iteration at all.",
)

types = ["float", "q", "int", "i"]
names = ["Länge", 'a "b"', "c\\d\t", "e/猫"]
case(
    "feature_names",
    train({}, X, data=matrix(X, label=y, feature_names=names, feature_types=types)),
    X,
    "Names with quotes and letters beyond ASCII, and types.",
    **({} if version < (1, 5) else {"feature_names": names})
)
frame = pd.DataFrame({"whole": grid[:, 0].astype(int), "real": grid[:, 1], "flag": grid[:, 2] > 0})
if xgb.__version__ != "1.7.2":  # it takes no booleans beside numbers
    case(
        "frame",
        wrapper(xgb.XGBRegressor).fit(frame, grid_y),
        frame,
        "Trained on a DataFrame of integers, floats and booleans.",
        extra=True,
    )

# ---------------------------------------------------------------------------------------
# Dart

dart = {"booster": "dart", "rate_drop": 0.5, "one_drop": 1}
learner = case(
    "dart",
    train(dict(dart, base_score=0.3), X, y, 5),
    X,
    "Weighted trees.",
    sets=("32", "64"),
    files=ALL_FILES,
)
assert len(set(dart_weights(learner))) > 1
assert learner["gradient_booster"]["name"] == ("dart" if version < (3, 3) else "gbtree")
case(
    "dart_softprob",
    train(dict(dart, objective="multi:softprob", num_class=3, max_depth=2), X, three, 3),
    X,
    "Weighted trees of three classes.",
)
case(
    "dart_limited",
    train(dict(dart, normalize_type="forest", max_depth=2), X, y, 6),
    X,
    "Weighted trees, of which four are used.",
    iterations=4,
    limit=True,
    extra=True,
)
case(
    "dart_undropped",
    train(dict(dart, rate_drop=0.0, one_drop=0, max_depth=2), X, y),
    X,
    "A dart booster that dropped nothing: all weights are 1.",
    extra=True,
)
case(
    "dart_zero",
    train(dict(dart, base_score=-0.0, max_depth=2), X, np.zeros(len(X))),
    X,
    "Leaves and a base score of -0.0: up to 3.2 a tree is added to 0.0 before it is weighted.",
    extra=True,
)
case(
    "dart_wrapper",
    wrapper(xgb.XGBRegressor, booster="dart", rate_drop=0.5, n_estimators=5, base_score=0.3).fit(
        X, y
    ),
    X,
    "A dart regressor; its default path, inplace_predict, gives other bits."
    if version < (3, 3)
    else "A dart regressor.",
)
if version >= (3, 3):
    model = train({"max_depth": 2}, X, y, 2)
    for booster, rounds in (("dart", 3), ("gbtree", 1)):
        parameters = dict(dart if booster == "dart" else {}, booster=booster, max_depth=2)
        model = train(parameters, X, y, rounds, xgb_model=model)
    learner = case(
        "dart_continued",
        model,
        X,
        "Dart goes on with a model of two trees, and gbtree with that of dart.",
    )
    assert len(dart_weights(learner)) == 6 and len(set(dart_weights(learner))) > 2

# ---------------------------------------------------------------------------------------
# Missing values by another name

coded = np.where(np.isnan(grid) | (grid % 5 == 0), -1.0, grid)
case(
    "missing_minus_one",
    train({}, grid, data=matrix(coded, -1.0, label=grid_y)),
    coded,
    "-1 means missing, and so does NaN.",
    sets=("32", "64", "i64"),
    missing=-1.0,
)
case(
    "missing_zero_wrapper",
    wrapper(xgb.XGBClassifier, missing=0.0, base_score=0.5).fit(grid, (grid_y > 0) * 1),
    grid,
    "0 means missing: so do -0.0 and what rounds to zero as float32.",
    sets=("32", "64"),
    missing=0.0,
)

# ---------------------------------------------------------------------------------------
# Wrappers of scikit-learn's kind

case(
    "regressor",
    wrapper(xgb.XGBRegressor, max_depth=2).fit(X, y),
    X,
    "XGBRegressor.",
    files=ALL_FILES + ["model.joblib"] * HAS_PICKLE,
)
case(
    "binary",
    wrapper(xgb.XGBClassifier).fit(X, binary),
    X,
    "XGBClassifier of two classes.",
    files=JSON_AND_PICKLE,
)
case(
    "three",
    wrapper(xgb.XGBClassifier, max_depth=2, n_estimators=2).fit(X, three),
    X,
    "XGBClassifier of three classes.",
    files=JSON_AND_PICKLE,
)
# Estimators of one kind with objectives of the other.
for name, kind, objective, target in (
    ("regressor_logistic", xgb.XGBRegressor, "binary:logistic", binary),
    ("regressor_hinge", xgb.XGBRegressor, "binary:hinge", binary),
    ("regressor_logitraw", xgb.XGBRegressor, "binary:logitraw", binary),
    ("regressor_softprob", xgb.XGBRegressor, "multi:softprob", three),
    ("regressor_softmax", xgb.XGBRegressor, "multi:softmax", three),
    ("classifier_hinge", xgb.XGBClassifier, "binary:hinge", binary),
    ("classifier_logitraw", xgb.XGBClassifier, "binary:logitraw", binary),
    ("classifier_softmax", xgb.XGBClassifier, "multi:softmax", three),
    ("classifier_reg_logistic", xgb.XGBClassifier, "reg:logistic", binary),
    ("classifier_squarederror", xgb.XGBClassifier, "reg:squarederror", binary),
):
    several = {"num_class": 3} if objective.startswith("multi") and kind is xgb.XGBRegressor else {}
    case(
        name,
        wrapper(kind, objective=objective, max_depth=2, **several).fit(X, target),
        X,
        "An estimator with an objective of another kind.",
        files=JSON_AND_PICKLE,
        extra=True,
    )
case(
    "ranker",
    wrapper(xgb.XGBRanker, objective="rank:pairwise").fit(X, three, group=[20] * 10),
    X,
    "XGBRanker.",
    extra=True,
)
case(
    "forest",
    wrapper(xgb.XGBRFClassifier, subsample=0.7, n_estimators=3, learning_rate=1.0).fit(X, binary),
    X,
    "XGBRFClassifier: one iteration of three parallel trees.",
)
case(
    "forest_regressor",
    wrapper(xgb.XGBRFRegressor, subsample=0.7, n_estimators=3, learning_rate=1.0).fit(X, y),
    X,
    "XGBRFRegressor: one iteration of three parallel trees.",
    extra=True,
)

labels = {
    "int64": np.array([0, 1]),
    "bool": np.array([False, True]),
    "float64": np.array([0.0, 1.0]),
}
if version < (1, 6):
    labels = {
        "text": np.array(["größe", "rot"]),
        "object": np.array(["virginica", "setosa", "猫"], dtype=object),
        "bool": np.array([False, True]),
        "int64": np.array([-7, 0, 2**53 + 1]),
        "float64": np.array([-2.0, 1.0, 3e15]),
        "one": np.array([5]),
    }
for name, values in labels.items():
    target = values[np.minimum(three, len(values) - 1)]
    case(
        f"labels_{name}",
        wrapper(xgb.XGBClassifier, n_estimators=2, max_depth=2).fit(X, target),
        X,
        "Labels: " + ", ".join(str(value) for value in values) + ".",
        splits=3,
        extra=version >= (1, 6) and name != "bool",
    )

# ---------------------------------------------------------------------------------------
# Early stopping: the wrapper predicts with the trees up to the best one

# What three trees say, so that a fourth makes it worse; and labels most of which are
# random, so that soon a model is too sure.
rng = np.random.RandomState(10)
y_other = predict(train({"max_depth": 2}, X, y, 3), matrix(X))
replaced = rng.uniform(size=len(X)) < 0.6
binary_other = np.where(replaced, rng.randint(2, size=len(X)), binary)
three_other = np.where(replaced, rng.randint(3, size=len(X)), three)
stopped = xgb.train(
    {"nthread": 1, "verbosity": 0, "seed": 7, "max_depth": 2, "eta": 0.5, "tree_method": "hist"},
    matrix(X, label=y),
    9,
    evals=[(matrix(X, label=y_other), "other")],
    early_stopping_rounds=2,
    verbose_eval=False,
)
assert int(stopped.attributes()["best_iteration"]) + 1 < len(tree_model(contents(stopped))["trees"])
case(
    "early_stopping_booster",
    stopped,
    X,
    "A Booster that stopped early: it knows the best iteration and predicts with all.",
)


def stop_early(kind, target, other, **parameters):
    """A wrapper whose best iteration is not its last one."""
    settings = {"eval_set": [(X, other)], "verbose": False}
    if version < (1, 6):
        settings["early_stopping_rounds"] = 2
    else:
        parameters["early_stopping_rounds"] = 2
    parameters.update(n_estimators=9)
    return wrapper(kind, max_depth=2, **parameters).fit(X, target, **settings)


def best_count(model):
    count = int(model.get_booster().attributes()["best_iteration"]) + 1
    learner = contents(model.get_booster())
    groups = max(1, int(learner["learner_model_param"]["num_class"]))
    trees_each = (model.num_parallel_tree or 1) * groups
    assert 0 < count < len(tree_model(learner)["trees"]) // trees_each
    return count


# The files of 1.0 are all read as Boosters, which use every tree.
# Later ones say which estimator saved them.
KNOWS_ESTIMATOR = HAS_EXTRAS or version == (3, 4)
ESTIMATOR_FILES = JSON_AND_PICKLE if KNOWS_ESTIMATOR else ["model.pkl"]
stopped_files = ESTIMATOR_FILES if HAS_PICKLE else ["model.json"]
for name, kind, target, other in (
    ("regressor", xgb.XGBRegressor, y, y_other),
    ("binary", xgb.XGBClassifier, binary, binary_other),
    ("three", xgb.XGBClassifier, three, three_other),
):
    model = stop_early(kind, target, other)
    case(
        f"early_stopping_{name}",
        model,
        X,
        "A wrapper that stopped early and predicts with the best iterations.",
        files=stopped_files,
        iterations=best_count(model),
        extra=name == "three",
        **({} if HAS_PICKLE else {"limit": True})
    )
if version >= (1, 5):
    model = stop_early(
        xgb.XGBRegressor, y, y_other, booster="dart", rate_drop=0.2, num_parallel_tree=2
    )
    case(
        "early_stopping_dart",
        model,
        X,
        "A wrapper of dart and two parallel trees that stopped early.",
        files=stopped_files,
        iterations=best_count(model),
        extra=version >= (1, 6),
    )

# ---------------------------------------------------------------------------------------
# Several targets

if version >= (1, 6):
    case(
        "targets",
        train({"max_depth": 2}, X, pairs, 2),
        X,
        "Two targets, one tree for each.",
        files=ALL_FILES,
    )
    case(
        "targets_wrapper",
        wrapper(xgb.XGBRegressor, max_depth=2).fit(X, pairs),
        X,
        "A regressor of two targets, one tree for each.",
        extra=True,
    )
    case(
        "labels_wrapper",
        wrapper(xgb.XGBClassifier, max_depth=2, n_estimators=2).fit(
            X, np.column_stack([binary, 1 - binary, three > 1])
        ),
        X,
        "A classifier of three independent labels.",
        extra=True,
    )
if version >= (2, 0):
    vector = {"multi_strategy": "multi_output_tree"}
    case(
        "vector_leaf",
        train(dict(vector), X, pairs),
        X,
        "Two targets in the leaves of one tree.",
        sets=("32", "64"),
        files=ALL_FILES,
    )
    case(
        "vector_leaf_softprob",
        train(dict(vector, objective="multi:softprob", num_class=3), X, three),
        X,
        "Three classes in the leaves of one tree.",
    )
    case(
        "vector_leaf_labels",
        wrapper(xgb.XGBClassifier, base_score=0.5, **vector).fit(
            X, np.column_stack([binary, three > 1])
        ),
        X,
        "Two independent labels in the leaves of one tree.",
        extra=True,
    )
    case(
        "vector_leaf_limited",
        train(dict(vector, max_depth=2, num_parallel_tree=2, subsample=0.7), X, pairs),
        X,
        "Vector leaves, two parallel trees, two of three iterations.",
        iterations=2,
        limit=True,
        extra=True,
    )
    case(
        "vector_leaf_single",
        train(dict(vector, min_child_weight=1e9), X, pairs, 2),
        X,
        "Vector leaves in trees of one leaf.",
    )
if version >= (3, 2):
    case(
        "vector_leaf_quantiles",
        train(dict(vector, objective="reg:quantileerror", quantile_alpha=[0.2, 0.8]), X, y),
        X,
        "Quantiles in the leaves of one tree.",
    )
if version >= (3, 3):
    case(
        "vector_leaf_expectiles",
        train(dict(vector, objective="reg:expectileerror", expectile_alpha=[0.2, 0.8]), X, y),
        X,
        "Expectiles in the leaves of one tree.",
    )
    case(
        "vector_leaf_dart",
        train(dict(vector, **dart, max_depth=2), X, pairs, 5),
        X,
        "Weighted trees whose leaves have two targets.",
        files=["model.json", "model.ubj"],
    )

# ---------------------------------------------------------------------------------------
# Categories


def with_categories(counts, rows, seed):
    """Columns of categories, then one of numbers; each category has its own effect."""
    rng = np.random.RandomState(seed)
    columns, y = [], rng.normal(scale=0.1, size=rows)
    for count in counts:
        codes = rng.randint(count, size=rows)
        y += rng.normal(size=count)[codes]
        columns.append(np.where(rng.uniform(size=rows) < 0.08, np.nan, codes))
    columns.append(rng.normal(size=rows))
    return np.column_stack(columns), y + columns[-1]


if version >= (1, 6):
    few, few_y = with_categories([5, 3], 160, seed=20)
    many, many_y = with_categories([70, 6], 240, seed=21)

    def category_data(X, y):
        types = ["c"] * (X.shape[1] - 1) + ["q"]
        return matrix(X, label=y, feature_types=types, enable_categorical=True)

    case(
        "categories_one_hot",
        train({"max_cat_to_onehot": 100}, few, data=category_data(few, few_y)),
        few,
        "Splits of one category against the rest.",
        sets=("32", "64", "i64"),
        categorical=(0, 1),
        splits=6,
    )
    case(
        "categories_partition",
        train({"max_cat_to_onehot": 1}, many, rounds=2, data=category_data(many, many_y)),
        many,
        "Splits between sets of categories, of which one column has 70.",
        sets=("32", "64"),
        categorical=(0, 1),
        splits=6,
        files=ALL_FILES,
    )
    case(
        "categories_softprob",
        train(
            {"max_cat_to_onehot": 1, "objective": "multi:softprob", "num_class": 3, "max_depth": 2},
            many,
            data=category_data(many, np.digitize(many_y, [-0.5, 0.8])),
        ),
        many,
        "Sets of categories and three classes.",
        categorical=(0, 1),
        splits=4,
        extra=True,
    )
    case(
        "categories_dart",
        train(dict(dart, max_cat_to_onehot=1, max_depth=2), many, data=category_data(many, many_y)),
        many,
        "Sets of categories in weighted trees.",
        categorical=(0,),
        splits=4,
    )
    if version >= (3, 3):
        two = np.column_stack([many_y, np.nan_to_num(many[:, 1]) % 3 - many_y])
        learner = case(
            "vector_leaf_categories",
            train(
                dict(vector, max_cat_to_onehot=1),
                many,
                rounds=2,
                data=category_data(many, two),
            ),
            many,
            "Sets of categories in trees whose leaves have two targets.",
            categorical=(0, 1),
            splits=6,
            files=["model.json", "model.ubj"],
        )
        assert any(tree["categories"] for tree in tree_model(learner)["trees"])

    words = pd.Index(["rot", "größe", "猫", "x", "blue"], dtype=object)
    whole = pd.Index([5, -3, 1000])
    table = pd.DataFrame(
        {
            "word": pd.Categorical.from_codes(np.nan_to_num(few[:, 0], nan=-1).astype(int), words),
            "whole": pd.Categorical.from_codes(np.nan_to_num(few[:, 1], nan=-1).astype(int), whole),
            "real": few[:, 2],
        }
    )
    model = train({}, few, data=matrix(table, label=few_y, enable_categorical=True))
    by_frame = predict(model, matrix(table, enable_categorical=True))
    assert same(by_frame, predict(model, matrix(few)))
    learner = case(
        "categories_frame",
        model,
        few,
        "Trained on a DataFrame with categories of words and of numbers; rows hold their codes.",
        categorical=(0, 1),
        splits=6,
        files=ALL_FILES,
        categories=[list(words), [int(number) for number in whole], None],
    )
    assert ("cats" in tree_model(learner)) == (version >= (3, 1))
    if version >= (1, 7):
        case(
            "categories_wrapper",
            wrapper(xgb.XGBClassifier, enable_categorical=True, base_score=0.5, max_depth=2).fit(
                table, (few_y > 0) * 1
            ),
            few,
            "A classifier trained on such a DataFrame.",
            categorical=(0, 1),
            splits=6,
            files=JSON_AND_PICKLE,
        )
    if version >= (3, 4):
        # 3.3 fails on such categories.
        unsigned = pd.Index(np.array([7, 3000000000, 40000], dtype=np.uint32))
        codes = np.nan_to_num(few[:, 1], nan=-1).astype(int)
        table = pd.DataFrame(
            {"whole": pd.Categorical.from_codes(codes, unsigned), "real": few[:, 2]}
        )
        case(
            "categories_unsigned",
            train({}, few, rounds=2, data=matrix(table, label=few_y, enable_categorical=True)),
            few[:, 1:],
            "Categories beyond int32, which UBJSON has no type for.",
            categorical=(0,),
            splits=6,
            files=["model.json", "model.ubj"],
            categories=[[int(number) for number in unsigned], None],
        )

# ---------------------------------------------------------------------------------------
# Models that are to be refused

refused = out / "refused"
refused.mkdir()
refused_files = []


def refuse(file, model, why):
    save_model(model, refused / file)
    refused_files.append({"file": file, "why": why})


filled = np.nan_to_num(X)
linear = train({"booster": "gblinear", "updater": "coord_descent"}, filled, y, 2)
refuse("gblinear.json", linear, "A linear booster.")
trees = train({"max_depth": 2}, X, y, 2)
if HAS_UBJ:
    refuse("gblinear.ubj", linear, "A linear booster.")
if HAS_PICKLE:
    refuse("gblinear.pkl", linear, "A linear booster.")
else:
    refuse("booster.pkl", trees, "A pickled Booster, which holds the legacy binary format.")
    refuse(
        "classifier.pkl",
        wrapper(xgb.XGBClassifier, n_estimators=2).fit(X, binary),
        "A pickled wrapper, whose Booster is in the legacy binary format.",
    )
if version < (1, 2):
    refuse("inf.json", overflowing, "A bare inf among numbers, which 1.0 writes and cannot read.")
if version < (3, 1):
    # From 2.1 on only the ending .deprecated asks for the legacy format.
    save_model(trees, refused / "legacy.deprecated")
    (refused / "legacy.deprecated").rename(refused / "legacy.model")
    refused_files.append({"file": "legacy.model", "why": "The legacy binary format."})
write_json(refused / "refused.json", refused_files)

lines = [json.dumps(entry, ensure_ascii=False) for entry in entries]
(out / "cases.json").write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")
write_json(
    out / "versions.json",
    {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "pandas": pd.__version__,
        "scikit-learn": sklearn.__version__,
        "joblib": joblib.__version__,
        "xgboost": xgb.__version__,
        "machine": platform.machine(),
    },
)
