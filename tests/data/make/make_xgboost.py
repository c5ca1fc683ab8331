"""Makes the XGBoost models of one release: make_xgboost.py DIRECTORY.

Each case is a directory with the model in one or several files, the rows to predict
and what XGBoost predicts for them. cases.json lists the cases. One script serves all
releases; what a release does not have is left out there.

All outputs come from Booster.predict on a DMatrix, also those of the scikit-learn
wrappers: their default path, inplace_predict, adds up dart trees in another way.
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
# Before 1.5 a pickle holds the model in the legacy binary format.
HAS_PICKLE = version >= (1, 5)
# From 1.1 on a DMatrix refuses infinity, and what becomes infinity as float32.
TAKES_INFINITY = version < (1, 1)

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


def base_scores(learner):
    text = learner["learner_model_param"]["base_score"]
    return [float(part) for part in text.strip("[]").split(",")]


def raw_is_exact(learner):
    """Whether the raw score is made of float32 additions alone."""
    zero = ZERO_MARGIN.get(learner["objective"]["name"])
    return zero is None or all(score == zero for score in base_scores(learner))


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
    found = {"raw": raw, "leaf": leaf.astype(np.int32)}
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
    return [np.floor(threshold) - 1, np.floor(threshold), np.ceil(threshold), np.ceil(threshold) + 1]


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


def default_files(model):
    files = ["model.json"]
    if HAS_UBJ:
        files.append("model.ubj")
    if isinstance(model, xgb.XGBModel) and HAS_PICKLE:
        files.append("model.pkl")
    return files


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
    **more
):
    """Saves a model with its rows and outputs.

    The files must hold the same model, which is checked by loading each of them.
    """
    directory = out / name
    directory.mkdir(parents=True)
    files = default_files(model) if files is None else files
    booster = booster_of(model)
    learner = contents(booster)
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
        if version >= (1, 5):
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


def train(parameters, X, y=None, rounds=3, *, obj=None, data=None, **settings):
    """A Booster. What the parameters leave open is small and fixed."""
    common = {"nthread": 1, "verbosity": 0, "seed": 7, "max_depth": 3, "eta": 0.5}
    common["tree_method"] = "hist"
    common.update(parameters)
    if data is None:
        data = matrix(X, label=y, **settings)
    return xgb.train(common, data, rounds, obj=obj)


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
        train(parameters, X, data=data),
        X,
        f"The objective {objective}.",
        splits=9,
    )

write_json(out / "cases.json", entries)
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
