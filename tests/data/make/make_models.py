"""Makes the scikit-learn tree models of one release: make_models.py DIRECTORY [all].

Each case is a directory with the model, the rows to predict and what scikit-learn
predicts for them. cases.json lists the cases. Most releases have a part of them; with
"all" they have every one that they can fit.
"""

import pickle
import sys
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer, load_iris, load_wine
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.tree import (
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ExtraTreeClassifier,
    ExtraTreeRegressor,
)

from fixtures import FLT_MAX, save_case, sklearn_version, trees_of, write_json, write_versions

out = Path(sys.argv[1])
version = sklearn_version()
entries = []
ABSOLUTE = "absolute_error" if version >= (1, 0) else "mae"
POISSON = "poisson" if version >= (1, 0) else "mse"


# What the releases between and before 1.2, 1.3, 1.4 and 1.9 show: as little as possible.
FEW = """dt_balanced_12 dt_two_outputs dtr_absolute rf_balanced_subsample rf_two_outputs_text
    etsr_two_outputs labels_bool""".split()
MISSING = ["nan_dt", "nan_rfr", "nan_ets", "nan_etsr", "monotonic_dt"]


def wanted(name):
    if sys.argv[2:] == ["all"] or version in ((1, 2), (1, 3), (1, 4), (1, 9)):
        return True
    return name in FEW + MISSING


def save_model(model, path):
    if path.suffix == ".pkl":
        path.write_bytes(pickle.dumps(model))
    else:
        joblib.dump(model, path, compress=3 if path.suffix == ".z" else 0)


def case(name, model, X, y, why, *, weights=None, file="model.joblib", **rows):
    """Fits a model and saves it with its rows and outputs."""
    if weights is None:
        model.fit(X, y)
    else:
        model.fit(X, y, sample_weight=weights)
    if not wanted(name):
        return model
    directory = out / name
    directory.mkdir(parents=True, exist_ok=True)
    save_model(model, directory / file)
    entries.append(save_case(out, name, model, X, why, files=[file], **rows))
    return model


def node_values(model):
    return np.concatenate([tree.value.ravel() for tree in trees_of(model)])


# ---------------------------------------------------------------------------------------
# Data

iris = load_iris()
wine = load_wine()
cancer = load_breast_cancer()

# Iris in tenths of a millimetre is a grid of integers: thresholds fall on halves, which
# float32 holds exactly.
grid = np.rint(iris.data * 10)


def blobs(classes, rows, features, seed):
    """Overlapping clusters of unequal sizes."""
    rng = np.random.RandomState(seed)
    y = np.sort(rng.randint(classes, size=rows) * rng.randint(1, 3, size=rows) % classes)
    centres = rng.normal(scale=1.5, size=(classes, features))
    return centres[y] + rng.normal(size=(rows, features)), y


def curve(rows, features, seed):
    """A smooth target with noise."""
    rng = np.random.RandomState(seed)
    X = rng.normal(size=(rows, features))
    return X, np.sin(X[:, 0]) + X[:, 1] * X[:, 2] + rng.normal(scale=0.1, size=rows)


def with_holes(X, seed, share=0.15):
    """X with missing values; column 1 is missing more often where column 0 is large."""
    rng = np.random.RandomState(seed)
    X = np.array(X, dtype=np.float64)
    often = np.where(X[:, 0] > np.median(X[:, 0]), 2 * share, share / 2)
    holes = rng.uniform(size=X.shape) < share
    holes[:, 1] = rng.uniform(size=len(X)) < often
    X[holes] = np.nan
    return X


X12, y12 = blobs(12, 360, 5, seed=12)
Xc, yc = curve(160, 5, seed=3)

# ---------------------------------------------------------------------------------------
# Single decision trees, classification

case(
    "dt_binary",
    DecisionTreeClassifier(max_depth=5, random_state=1),
    cancer.data[:, :6],
    cancer.target,
    "Two classes, real-valued features.",
)
case(
    "dt_iris",
    DecisionTreeClassifier(random_state=2),
    iris.data,
    iris.target,
    "Three classes, grown in full, written by plain pickle.",
    file="model.pkl",
)
case(
    "dt_entropy_depth",
    DecisionTreeClassifier(criterion="entropy", max_depth=3, random_state=3),
    wine.data[:, :6],
    wine.target,
    "Another criterion and impure leaves.",
)
case(
    "dt_sample_weight",
    DecisionTreeClassifier(max_depth=4, random_state=4),
    iris.data,
    iris.target,
    "Fractional sample weights, some of them zero.",
    weights=np.random.RandomState(4).choice([0.0, 0.1, 0.3, 1.7], size=len(iris.data)),
)
case(
    "dt_best_first",
    DecisionTreeClassifier(max_leaf_nodes=9, random_state=5),
    X12,
    y12,
    "max_leaf_nodes numbers the nodes best first, so children do not follow their parent.",
)
case(
    "dt_pruned",
    DecisionTreeClassifier(random_state=6, **({"ccp_alpha": 0.01} if version >= (0, 22) else {})),
    wine.data[:, :5],
    wine.target,
    "A tree rebuilt by cost-complexity pruning.",
)
case(
    "dt_stump",
    DecisionTreeClassifier(max_depth=1, random_state=7),
    iris.data,
    iris.target,
    "One split.",
)
case(
    "dt_root_only",
    DecisionTreeClassifier(min_samples_split=1000, random_state=8),
    iris.data[:140],
    iris.target[:140],
    "The root is a leaf with three classes.",
)
case(
    "dt_one_class",
    DecisionTreeClassifier(random_state=9),
    iris.data,
    np.full(len(iris.data), 7),
    "Only one class: the root is a leaf and there is one probability column.",
)

balanced = case(
    "dt_balanced_12",
    DecisionTreeClassifier(class_weight="balanced", max_depth=4, random_state=10),
    X12,
    y12,
    "Twelve balanced classes: where leaves hold weighted counts, their sum depends on NumPy's"
    " pairwise order.",
)
if version < (1, 4):
    leaves = balanced.tree_.value[:, 0, :]
    assert (leaves.sum(axis=1) != np.cumsum(leaves, axis=1)[:, -1]).any()

ulp = np.spacing(np.float32(1024))
near_1024 = 1024 + ulp * np.arange(60, dtype=np.float64)
case(
    "dt_adjacent_floats",
    DecisionTreeClassifier(random_state=11),
    near_1024[:, None],
    np.arange(60) // 2 % 3,
    "Feature values one float32 apart: every threshold is a tie between two float32 values.",
)
signs = np.array([[-1, 1], [1, -1], [-1, -1], [1, 1], [-1, 1], [1, 1]], dtype=np.float64)
case(
    "dt_zero_threshold",
    DecisionTreeClassifier(random_state=12),
    signs,
    np.array([0, 1, 2, 3, 0, 3]),
    "Thresholds are exactly zero: 0.0 and -0.0 both go left, a denormal above goes right.",
)
huge = np.random.RandomState(13).uniform(-1, 1, size=(60, 3)) * float(FLT_MAX)
case(
    "dt_huge_features",
    DecisionTreeClassifier(max_depth=5, random_state=13),
    huge,
    np.arange(60) % 4,
    "Thresholds near the largest float32.",
)
case(
    "et_single",
    ExtraTreeClassifier(max_depth=5, random_state=14),
    iris.data,
    iris.target,
    "A single extra tree: thresholds are random doubles that no float32 equals.",
)

# ---------------------------------------------------------------------------------------
# Single decision trees, regression

case(
    "dtr_squared",
    DecisionTreeRegressor(max_depth=5, random_state=20),
    Xc,
    yc,
    "Squared error.",
)
case(
    "dtr_absolute",
    DecisionTreeRegressor(criterion=ABSOLUTE, max_depth=5, random_state=21),
    Xc,
    yc,
    "Absolute error: leaves hold medians.",
    file="model.pkl",
)
case(
    "dtr_two_outputs",
    DecisionTreeRegressor(max_depth=5, random_state=22),
    Xc,
    np.column_stack([yc, Xc[:, 3] - yc]),
    "Two outputs.",
)
case(
    "dtr_best_first",
    DecisionTreeRegressor(max_leaf_nodes=12, random_state=23),
    Xc,
    yc,
    "Best-first node numbers in a regressor.",
)
case(
    "dtr_root_only",
    DecisionTreeRegressor(random_state=24),
    Xc,
    np.full(len(Xc), -2.5),
    "A constant target: the root is a leaf.",
)
case(
    "dtr_chain",
    DecisionTreeRegressor(random_state=25),
    np.arange(40.0)[:, None],
    4.0 ** np.arange(40),
    "A degenerate tree, nearly as deep as it has leaves.",
)

zeros = np.array([-0.0, 0.0, 1.0, -0.0, -1.0, 0.0])
negative_zero = case(
    "dtr_negative_zero",
    DecisionTreeRegressor(criterion=ABSOLUTE, random_state=26),
    np.arange(48.0)[:, None],
    np.repeat(zeros, 8),
    "Leaves of 0.0 and of -0.0 (the medians of such targets): a tree returns the sign.",
)
is_zero = node_values(negative_zero)[node_values(negative_zero) == 0]
assert np.signbit(is_zero).any() and not np.signbit(is_zero).all()

# Four rows to a leaf; the mean of the second kind of group is too small for a double.
groups = np.array([[3e-310, 0.0, 7e-315, 0.0], [0.0, -5e-324, 0.0, 0.0], [-1e-320] * 4])
tiny = np.column_stack([np.repeat(np.arange(12.0), 4), np.tile(groups.ravel(), 4)])
denormal = case(
    "dtr_denormal",
    DecisionTreeRegressor(random_state=27),
    np.arange(48.0)[:, None],
    tiny,
    "A second output of denormal doubles, some leaves of which underflow to -0.0.",
)
seconds = denormal.tree_.value[:, 1, 0]
assert np.signbit(seconds[seconds == 0]).any()
assert (np.abs(seconds[seconds != 0]) < np.finfo(np.float64).tiny).all()
case(
    "etr_single",
    ExtraTreeRegressor(max_depth=5, random_state=28),
    Xc,
    yc,
    "A single extra tree regressor.",
)

# ---------------------------------------------------------------------------------------
# Forests, classification

case(
    "rf_grid",
    RandomForestClassifier(n_estimators=10, random_state=30),
    grid,
    iris.target,
    "A forest on a grid of integers: thresholds are float32 values themselves.",
)
case(
    "rf_binary",
    RandomForestClassifier(n_estimators=7, max_depth=4, random_state=31),
    cancer.data[:, :8],
    cancer.target,
    "Seven trees: dividing by seven is not multiplying by its reciprocal.",
    file="model.pkl",
)
case(
    "rf_balanced_12",
    RandomForestClassifier(
        n_estimators=5, class_weight="balanced", max_depth=4, random_state=32
    ),
    X12,
    y12,
    "Twelve balanced classes in a forest.",
)
case(
    "rf_balanced_subsample",
    RandomForestClassifier(
        n_estimators=4, class_weight="balanced_subsample", max_depth=3, random_state=33
    ),
    wine.data[:, :5],
    wine.target,
    "Class weights computed anew for each bootstrap sample.",
    file="model.joblib.z",
)
case(
    "rf_best_first",
    RandomForestClassifier(n_estimators=5, max_leaf_nodes=8, random_state=34),
    iris.data,
    iris.target,
    "Best-first node numbers in a forest.",
)
case(
    "rf_no_bootstrap",
    RandomForestClassifier(n_estimators=4, bootstrap=False, max_depth=4, random_state=35),
    iris.data,
    iris.target,
    "Without bootstrap samples: every tree holds whole counts.",
)
case(
    "rf_max_samples",
    RandomForestClassifier(
        n_estimators=9,
        oob_score=True,
        max_depth=3,
        random_state=36,
        **({"max_samples": 0.4} if version >= (0, 22) else {}),
    ),
    wine.data[:, :6],
    wine.target,
    "Small bootstrap samples, and out-of-bag attributes to pass over.",
)
warm = RandomForestClassifier(n_estimators=3, warm_start=True, max_depth=4, random_state=37)
warm.fit(iris.data, iris.target)
warm.set_params(n_estimators=6)
case("rf_warm_start", warm, iris.data, iris.target, "Three trees fitted, then three more.")

frame = pd.DataFrame(iris.data[:, :3], columns=["sepal length", "sepal width", "Länge"])
case(
    "rf_feature_names",
    RandomForestClassifier(n_estimators=3, max_depth=3, random_state=38),
    frame,
    iris.target,
    "Fitted on a DataFrame: the model knows its feature names.",
)
wide = np.random.RandomState(39).normal(size=(80, 300)).astype(np.float32)
case(
    "rf_wide",
    RandomForestClassifier(n_estimators=4, max_features=None, max_depth=3, random_state=39),
    wide,
    (wide[:, 17] + wide[:, 255] + wide[:, 299] > 0).astype(int),
    "300 features, few of them used, also beyond number 255.",
    training_rows=4,
    splits=3,
)
case(
    "rf_stumps",
    RandomForestClassifier(n_estimators=10, max_depth=1, max_features=1, random_state=40),
    iris.data,
    iris.target,
    "Ten trees of one split each.",
)
case(
    "ets_iris",
    ExtraTreesClassifier(n_estimators=6, max_depth=5, random_state=41),
    iris.data,
    iris.target,
    "Extra trees: random thresholds.",
)

# ---------------------------------------------------------------------------------------
# Several outputs at once

pairs = np.column_stack([iris.target, (iris.data[:, 0] > 5.8).astype(int)])
case(
    "dt_two_outputs",
    DecisionTreeClassifier(max_depth=3, random_state=50),
    iris.data,
    pairs,
    "Outputs of three and of two classes in one tree; the shorter row is padded.",
)
case(
    "rf_two_outputs",
    RandomForestClassifier(n_estimators=5, max_depth=4, random_state=51),
    iris.data,
    pairs,
    "Outputs of three and of two classes in a forest.",
)
case(
    "ets_two_outputs",
    ExtraTreesClassifier(n_estimators=4, max_depth=4, random_state=52),
    iris.data,
    pairs,
    "Outputs of three and of two classes in extra trees.",
)
words = np.array(["setosa", "versicolor", "virginica"], dtype=object)[iris.target]
sizes = np.array(["small", "large"], dtype=object)[pairs[:, 1]]
case(
    "rf_two_outputs_text",
    RandomForestClassifier(n_estimators=3, max_depth=3, random_state=53),
    iris.data,
    np.column_stack([words, sizes]),
    "Two outputs with text labels: two label arrays of objects.",
)

# ---------------------------------------------------------------------------------------
# Labels of every type

labels = {
    "object": (np.array(["rot", "größe", "猫"], dtype=object), "Text labels as objects."),
    "text": (np.array(["setosa", "größe", "猫"]), "Text labels of fixed width."),
    "bool": (np.array([False, True, True]), "Boolean labels."),
    # scikit-learn takes floating-point labels only when they are whole numbers.
    "float64": (np.array([-2.0, 1.0, 3e15]), "Floating-point labels."),
    "float32": (np.array([-2.0, 0.0, 16777216.0], dtype=np.float32), "float32 labels."),
    "int64": (
        np.array([-7, 0, 2**53 + 1]),
        "Integer labels with gaps; one is negative, one does not fit a double.",
    ),
    "int32": (np.array([-(2**31), 5, 2**31 - 1], dtype=np.int32), "int32 labels."),
    "uint8": (np.array([0, 128, 255], dtype=np.uint8), "uint8 labels."),
}
for name, (values, why) in labels.items():
    case(
        f"labels_{name}",
        RandomForestClassifier(n_estimators=2, max_depth=3, random_state=60),
        grid,
        values[iris.target],
        why,
        training_rows=10,
        splits=4,
        file="model.pkl" if name in ("object", "bool") else "model.joblib",
    )
case(
    "labels_object_tree",
    DecisionTreeClassifier(max_depth=3, random_state=61),
    grid,
    words,
    "Text labels as objects in a single tree.",
    training_rows=10,
    splits=4,
)

# ---------------------------------------------------------------------------------------
# Forests, regression

case(
    "rfr",
    RandomForestRegressor(n_estimators=7, max_depth=4, random_state=70),
    Xc,
    yc,
    "A regression forest.",
)
case(
    "rfr_two_outputs",
    RandomForestRegressor(n_estimators=5, max_depth=3, random_state=71),
    Xc,
    np.column_stack([yc, 1e9 * Xc[:, 4]]),
    "Two outputs of very different size.",
)
case(
    "rfr_best_first",
    RandomForestRegressor(n_estimators=4, max_leaf_nodes=10, random_state=72),
    Xc,
    yc,
    "Best-first node numbers in a regression forest.",
    file="model.joblib.z",
)
case(
    "rfr_negative_zero",
    RandomForestRegressor(
        n_estimators=3, criterion=ABSOLUTE, bootstrap=False, random_state=73
    ),
    np.arange(48.0)[:, None],
    np.repeat(zeros, 8),
    "Every tree has leaves of -0.0, but a forest adds them to 0.0 and loses the sign.",
)
case(
    "rfr_one_tree",
    RandomForestRegressor(n_estimators=1, max_depth=3, criterion=POISSON, random_state=74),
    Xc,
    np.exp(yc),
    "A forest of one tree.",
)
case(
    "etsr",
    ExtraTreesRegressor(n_estimators=5, max_depth=4, random_state=75),
    Xc,
    yc,
    "Extra trees, regression.",
)
case(
    "etsr_two_outputs",
    ExtraTreesRegressor(n_estimators=3, max_depth=3, random_state=76),
    Xc,
    np.column_stack([yc, -yc * 3]),
    "Extra trees with two outputs.",
)

# ---------------------------------------------------------------------------------------
# Missing values


def both_ways(model):
    """Whether one feature sends missing values left in one node and right in another."""
    seen = {}
    for tree in trees_of(model):
        nodes = tree.__getstate__()["nodes"]
        for node in nodes[nodes["left_child"] != -1]:
            seen.setdefault(node["feature"], set()).add(node["missing_go_to_left"])
    return any(len(ways) == 2 for ways in seen.values())


def missing_case(name, model, X, y, why):
    assert both_ways(case(name, model, X, y, why, training_rows=12, splits=16))


if version >= (1, 3):
    holes = with_holes(iris.data, seed=80)
    missing_case(
        "nan_dt",
        DecisionTreeClassifier(max_depth=7, random_state=80),
        holes,
        iris.target,
        "Trained with missing values, which go left in some nodes and right in others.",
    )
    missing_case(
        "nan_dtr",
        DecisionTreeRegressor(max_depth=6, random_state=81),
        with_holes(Xc, seed=3),
        yc,
        "A regressor trained with missing values.",
    )
    missing_case(
        "nan_untrained",
        DecisionTreeClassifier(max_depth=6, random_state=82),
        X12,
        y12,
        "Trained without missing values, predicting with them.",
    )
if version >= (1, 4):
    missing_case(
        "nan_rf",
        RandomForestClassifier(n_estimators=5, max_depth=5, random_state=83),
        holes,
        iris.target,
        "A forest trained with missing values.",
    )
    missing_case(
        "nan_rfr",
        RandomForestRegressor(n_estimators=4, max_depth=5, random_state=84),
        with_holes(Xc, seed=84),
        yc,
        "A regression forest trained with missing values.",
    )
if version >= (1, 6):
    missing_case(
        "nan_ets",
        ExtraTreesClassifier(n_estimators=5, max_depth=6, random_state=85),
        holes,
        iris.target,
        "Extra trees trained with missing values.",
    )
    missing_case(
        "nan_etsr",
        ExtraTreesRegressor(n_estimators=4, max_depth=5, random_state=86),
        with_holes(Xc, seed=86),
        yc,
        "Extra trees for regression trained with missing values.",
    )

# ---------------------------------------------------------------------------------------
# Monotonic constraints

if version >= (1, 4):
    case(
        "monotonic_dt",
        DecisionTreeClassifier(max_depth=4, monotonic_cst=[1, 0, -1, 0], random_state=90),
        iris.data,
        (iris.target == 2).astype(int),
        "Monotonic constraints clip the leaves of a tree.",
    )
    case(
        "monotonic_rfr",
        RandomForestRegressor(
            n_estimators=4, max_depth=4, monotonic_cst=[1, 1, 0, 0, 0], random_state=91
        ),
        Xc,
        yc,
        "Monotonic constraints in a regression forest.",
    )

write_json(out / "cases.json", entries)
write_versions(out)
