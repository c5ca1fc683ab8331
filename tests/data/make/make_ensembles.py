"""Makes the scikit-learn ensembles and pipelines of one release: make_ensembles.py DIRECTORY [all].

Each case is a directory with the model, the rows to predict and what scikit-learn
predicts for them. cases.json lists the cases; refused/ holds models that have a part
that is no tree, or a transformer that is not known. Most releases have a part of the
cases; with "all" they have every one that they can fit.
"""

import bz2
import gzip
import importlib.metadata
import lzma
import os
import pickle
import sys
import warnings
import zlib
from pathlib import Path

# NumPy has its own exp, log and pow for AVX-512 and uses libm's elsewhere. Without the
# former the outputs are the same on every x86-64 machine.
if tuple(int(part) for part in importlib.metadata.version("numpy").split(".")[:2]) < (2, 4):
    os.environ["NPY_DISABLE_CPU_FEATURES"] = (
        "AVX512F AVX512CD AVX512_KNL AVX512_KNM AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL"
        " AVX512_SPR"
    )
else:
    os.environ["NPY_DISABLE_CPU_FEATURES"] = "X86_V4 AVX512_ICL AVX512_SPR"
warnings.filterwarnings("ignore", category=ImportWarning)
warnings.filterwarnings("ignore", category=RuntimeWarning)

import joblib
import numpy as np
import pandas as pd
import sklearn
from sklearn.base import is_classifier
from sklearn.datasets import load_breast_cancer, load_iris, load_wine
from sklearn.decomposition import PCA
from sklearn.dummy import DummyClassifier, DummyRegressor

from fixtures import sklearn_version

if sklearn_version() < (1, 0):
    from sklearn.experimental import enable_hist_gradient_boosting  # noqa: F401
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
    VotingClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    RobustScaler,
    StandardScaler,
)
from sklearn.tree import (
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ExtraTreeClassifier,
    ExtraTreeRegressor,
)

from ensemble_rows import (
    GRADIENT,
    HISTOGRAM,
    make_rows,
    number_of_trees,
    outputs_of,
    same_bits,
    save_outputs,
    unwrap,
)
from fixtures import save_array, without_time, write_json, write_versions

warnings.simplefilter("ignore")

out = Path(sys.argv[1])
version = sklearn_version()
entries = []
# The fixtures shall stay small: what another release shows already is left out. 1.3 differs
# from 1.2 in the layout of nodes, in SAMME, and in what is accepted as missing.
ONLY_IN_1_3 = (
    """gbc_binary gbc_multiclass gbc_exponential gbc_tie gbc_containers gbr_huber gbr_quantile
    hgbc_binary hgbc_multiclass hgbc_containers hgbc_tie hgbr_poisson hgbr_gamma hgbr_infinite
    hgbr_category_mask hgbc_category_index hgbr_category_odd if_default if_half_features
    if_one_sample ada_r_three ada_samme_stumps ada_samme_three adar_linear bagc_half_features
    bagc_fewer_classes bagr_half_features pipe_standard_rf pipe_minmax_clip pipe_nested
    pipe_impute_mean pipe_impute_constant pipe_impute_constant_empty_dropped""".split()
)
NOT_IN_1_2 = """gbc_init_uniform gbc_early_stopping gbr_absolute_error gbr_early_stopping
    hgbr_absolute_error hgbc_no_missing if_two_samples adar_square bagc_default
    pipe_standard_no_std pipe_standard_neither pipe_standard_from_float32 pipe_minmax
    pipe_minmax_from_float32 pipe_only_passthrough pipe_two_outputs pipe_two_labels pipe_isolation
    pipe_ada pipe_bagging pipe_impute_median pipe_impute_from_float32 pipe_impute_zero
    pipe_impute_mean_empty_kept pipe_standard_no_mean pipe_nested pipe_impute_most_frequent
    adar_exponential hgbr_squared_error gbr_zero gbc_subsample_best_first""".split()
NOT_IN_1_9 = """gbc_init_uniform gbc_early_stopping gbr_absolute_error gbr_early_stopping
    hgbr_absolute_error hgbc_no_missing if_two_samples adar_square bagc_default
    pipe_only_passthrough pipe_two_outputs pipe_two_labels pipe_isolation pipe_ada pipe_bagging
    pipe_impute_median pipe_nested pipe_impute_zero adar_exponential gbr_squared_error
    bagc_extra_trees if_one_sample hgbr_squared_error""".split()


# The releases between and before those four have a case of each kind, and those around which
# something changed.
BASIC = """gbc_binary gbc_multiclass gbc_tie gbr_huber hgbc_multiclass hgbc_tie hgbr_poisson
    if_half_features ada_samme_three adar_linear bagc_half_features pipe_standard_rf
    pipe_standard_from_float32 pipe_minmax_clip pipe_impute_mean pipe_impute_minus_one""".split()
OLD = """gbc_exponential gbr_absolute_error hgbc_binary hgbr_absolute_error hgbr_category_mask
    hgbr_category_many if_one_sample ada_r_three bagc_fewer_classes pipe_nested""".split()
CATEGORIES = "hgbr_category_mask hgbr_category_many hgbr_category_odd hgbr_table_from_dtype".split()
IMPUTERS = """pipe_impute_constant pipe_impute_constant_empty_dropped
    pipe_impute_mean_empty_dropped pipe_impute_from_float32""".split()
NEW_CASES = "gbc_nearly_even pipe_impute_fraction".split()
ONLY = {
    (0, 22): BASIC + OLD,
    (0, 23): BASIC + OLD,
    (0, 24): BASIC + OLD,
    (1, 0): BASIC + OLD,
    (1, 1): BASIC + OLD + ["hgbr_quantile", "pipe_impute_fraction", "pipe_impute_most_frequent"],
    (1, 5): BASIC + CATEGORIES + NEW_CASES + ["ada_r_three", "hgbc_table_missing"],
    (1, 6): BASIC + CATEGORIES + NEW_CASES + ["if_missing"],
    (1, 7): BASIC + CATEGORIES + NEW_CASES + IMPUTERS + ["if_missing", "gbc_init_most_frequent"],
    (1, 8): BASIC
    + CATEGORIES
    + NEW_CASES
    + IMPUTERS
    + ["gbc_init_most_frequent", "pipe_many_scalers", "hgbc_table_names"],
}


def wanted(name):
    if sys.argv[2:] == ["all"]:
        return True
    if sklearn.__version__ == "1.3.0":  # the last release before SAMME changed
        return name.startswith("ada_samme")
    if version in ONLY:
        return name in ONLY[version]
    if name in NEW_CASES:
        return False
    if version == (1, 3):
        return name in ONLY_IN_1_3
    return name not in {(1, 2): NOT_IN_1_2, (1, 9): NOT_IN_1_9}.get(version, [])


DTYPES = {"32": np.float32, "64": np.float64, "i64": np.int64}

# ---------------------------------------------------------------------------------------
# Files


def save_model(model, path):
    """Writes a model as its file name says: pickle-4.pkl, model.joblib, model.joblib.z, ..."""
    if path.suffix == ".pkl":
        protocol = int(path.stem[-1]) if path.stem[-1].isdigit() else pickle.DEFAULT_PROTOCOL
        path.write_bytes(pickle.dumps(model, protocol))
        return
    method = {".z": "zlib", ".gz": "gzip", ".bz2": "bz2", ".xz": "xz", ".lzma": "lzma"}
    compress = (method[path.suffix], 3) if path.suffix in method else 0
    joblib.dump(model, path, compress=compress)
    path.write_bytes(without_time(path.read_bytes()))


def load_model(path):
    if path.suffix == ".pkl":
        return pickle.loads(path.read_bytes())
    return joblib.load(path)


def objective_of(core):
    if isinstance(core, AdaBoostClassifier):
        return getattr(core, "algorithm", "SAMME") if version < (1, 6) else "SAMME"
    return getattr(core, "loss", "")


def raw_is_exact(core):
    """Whether no exp, log or pow is in the raw score."""
    if isinstance(core, GradientBoostingClassifier):
        return isinstance(core.init_, str)
    if isinstance(core, AdaBoostClassifier):
        return objective_of(core) == "SAMME"
    return not isinstance(core, IsolationForest)


def labels_of(core):
    if not is_classifier(core):
        return None
    classes = core.classes_ if isinstance(core.classes_, list) else [core.classes_]
    lists = [np.asarray(labels).tolist() for labels in classes]
    return lists if isinstance(core.classes_, list) else lists[0]


def iterations_of(core):
    if isinstance(core, GRADIENT):
        return int(core.n_estimators_)
    if isinstance(core, HISTOGRAM):
        return int(core.n_iter_)
    return None


def entry_of(name, model, why, files, sets, width, raw):
    _, core = unwrap(model)
    entry = {
        "name": name,
        "models": files,
        "library": "scikit-learn",
        "estimator": type(core).__name__,
        "objective": objective_of(core),
        "why": why,
        "sets": sets,
        "raw_exact": raw_is_exact(core),
        "num_trees": number_of_trees(core),
        "num_features": width,
        "num_outputs": 1 if raw.ndim == 1 else raw.shape[1],
        "iterations": iterations_of(core),
    }
    if isinstance(model, Pipeline):
        entry["pipeline"] = True
    if labels_of(core) is not None:
        entry["classes"] = labels_of(core)
    return entry


def case(
    name,
    model,
    X,
    y,
    why,
    *,
    weights=None,
    files=("model.joblib.z",),
    sets=("32", "64"),
    training_rows=6,
    splits=9,
    special={},
    fitted=False,
):
    """Fits a model and saves it with its rows and outputs."""
    if not fitted:
        model.fit(X, y) if weights is None else model.fit(X, y, sample_weight=weights)
    if not wanted(name):
        return model
    directory = out / name
    directory.mkdir(parents=True)
    for file in files:
        save_model(model, directory / file)
    numbers = X.to_numpy(dtype=np.float64) if isinstance(X, pd.DataFrame) else X
    for suffix in sets:
        rows = make_rows(
            model,
            numbers,
            DTYPES[suffix],
            training_rows=training_rows,
            splits=splits,
            special=special,
        )
        outputs = outputs_of(model, rows)
        save_array(directory / f"x{suffix}.npy", rows)
        save_outputs(directory, outputs, suffix)
        for file in files:
            again = load_model(directory / file)
            assert same_bits(outputs, outputs_of(again, rows)), (name, file)
            # The origin does not mix rows: a batch and a single row have the same bits.
            one = outputs_of(again, rows[-1:])
            last = {
                key: None if value is None else value[-1:] for key, value in outputs.items()
            }
            if version < (1, 1) and isinstance(unwrap(model)[1], HISTOGRAM):
                # But here it sums exponentials down the columns, in an order by the layout.
                last["proba"] = None
            assert same_bits(last, one), (name, file, "single row")
    raw = np.asarray(outputs["raw"])
    entries.append(entry_of(name, model, why, list(files), list(sets), rows.shape[1], raw))
    return model


refusals = []


def refuse(name, model, why, X, y, releases=((1, 4), (1, 9))):
    if version not in releases:
        return
    model.fit(X, y)
    (out / "refused").mkdir(parents=True, exist_ok=True)
    save_model(model, out / "refused" / name)
    refusals.append({"file": name, "why": why})


# ---------------------------------------------------------------------------------------
# Data

iris = load_iris()
wine = load_wine()
cancer = load_breast_cancer()
grid = np.rint(iris.data * 10)  # integers
species = iris.target_names[iris.target].astype(object)
part = np.random.RandomState(7).permutation(len(cancer.data))[:180]
Xb, yb = cancer.data[part][:, :4], cancer.target[part]


def curve(rows, features, seed):
    rng = np.random.RandomState(seed)
    X = rng.normal(size=(rows, features))
    return X, np.sin(X[:, 0]) + X[:, 1] * X[:, 2] + rng.normal(scale=0.1, size=rows)


def blobs(classes, rows, features, seed):
    rng = np.random.RandomState(seed)
    y = np.sort(rng.randint(classes, size=rows))
    centres = rng.normal(scale=1.5, size=(classes, features))
    return centres[y] + rng.normal(size=(rows, features)), y


def with_holes(X, seed, share=0.15):
    rng = np.random.RandomState(seed)
    X = np.array(X, dtype=np.float64)
    X[rng.uniform(size=X.shape) < share] = np.nan
    return X


Xc, yc = curve(140, 4, seed=3)
X10, y10 = blobs(10, 200, 4, seed=12)
# Integers whose targets depend on single columns, for rows of int64.
Xi = np.rint(np.random.RandomState(8).normal(scale=40, size=(140, 4)))
yi = Xi[:, 0] - Xi[:, 1] * (Xi[:, 2] > 3) + Xi[:, 3] / 7

# One feature; where it is 0 both classes are equally many, so that scores come out as 0.
Xt = np.repeat([0.0, 1.0, 2.0], 40)[:, None]
yt = np.concatenate([np.arange(40) % 2, np.ones(40), np.zeros(40)]).astype(int)

# ---------------------------------------------------------------------------------------
# Gradient boosting, classification

case(
    "gbc_binary",
    GradientBoostingClassifier(n_estimators=5, random_state=1),
    Xb,
    yb,
    "Two classes: one raw score, which starts at the log odds.",
    files=["model.joblib"],
    sets=("32", "64", "i64"),
)
case(
    "gbc_multiclass",
    GradientBoostingClassifier(n_estimators=4, learning_rate=0.2, random_state=2),
    iris.data[20:],
    species[20:],
    "Three classes of unequal sizes, with labels of text (objects).",
)
case(
    "gbc_ten",
    GradientBoostingClassifier(n_estimators=1, max_depth=3, random_state=3),
    X10,
    y10,
    "Ten classes: softmax sums more than eight terms.",
    splits=7,
)
case(
    "gbc_exponential",
    GradientBoostingClassifier(
        loss="exponential", learning_rate=0.5, n_estimators=5, random_state=4
    ),
    Xb,
    yb.astype(bool),
    "Exponential loss: half the log odds, and a logistic of twice the score. Labels are bool.",
    files=["pickle-2.pkl"],
)
case(
    "gbc_zero",
    GradientBoostingClassifier(init="zero", n_estimators=4, random_state=5),
    Xb,
    yb,
    "init='zero': the raw score starts at 0 and no logarithm is in it.",
    files=["pickle-5.pkl"],
)
case(
    "gbc_zero_multiclass",
    GradientBoostingClassifier(init="zero", n_estimators=2, max_depth=2, random_state=6),
    iris.data,
    iris.target * 2.0,
    "init='zero' with three classes; labels are float64.",
    files=["model.joblib.xz"],
)
tie = case(
    "gbc_tie",
    GradientBoostingClassifier(init="zero", n_estimators=2, max_depth=2, random_state=7),
    Xt,
    yt,
    "Raw scores of exactly 0: which class wins a tie differs between releases.",
)
assert (tie.decision_function(Xt) == 0).any()
even = np.arange(139) < 69
case(
    "gbc_nearly_even",
    GradientBoostingClassifier(n_estimators=2, max_depth=2, learning_rate=0.01, random_state=13),
    Xc[:139],
    even[np.argsort(np.argsort(Xc[:139, 0] * Xc[:139, 1]))],
    "A logarithm of odds near 0: scipy's logit has another form since its 1.15.",
)
case(
    "gbc_init_most_frequent",
    GradientBoostingClassifier(
        init=DummyClassifier(strategy="most_frequent"),
        n_estimators=3,
        max_depth=2,
        random_state=8,
    ),
    Xb,
    yb,
    "An initial probability of 0 or 1, clipped: by 2^-23 before 1.8, by 2^-52 since.",
)
case(
    "gbc_init_uniform",
    GradientBoostingClassifier(
        init=DummyClassifier(strategy="uniform"), n_estimators=2, max_depth=2, random_state=9
    ),
    iris.data,
    iris.target,
    "A uniform initial probability.",
    files=["model.joblib.bz2"],
)
early = case(
    "gbc_early_stopping",
    GradientBoostingClassifier(
        n_estimators=60, learning_rate=0.8, n_iter_no_change=2, max_depth=2, random_state=10
    ),
    Xb,
    yb,
    "Fewer iterations than n_estimators says.",
)
assert early.n_estimators_ < 60
case(
    "gbc_subsample_best_first",
    GradientBoostingClassifier(
        n_estimators=5, subsample=0.6, max_leaf_nodes=5, max_features=2, random_state=11
    ),
    pd.DataFrame(Xb, columns=["radius", "texture", "perimeter", "fläche"]),
    np.where(yb, "ja", "nein"),
    "Best-first trees on subsamples; feature names, labels of text (<U).",
)
pickles = [f"pickle-{protocol}.pkl" for protocol in (2, 3, 4, 5)]
compressed = [f"model.joblib{end}" for end in ("", ".z", ".gz", ".bz2", ".xz", ".lzma")]
case(
    "gbc_containers",
    GradientBoostingClassifier(n_estimators=1, max_depth=1, random_state=12),
    Xb[:, :2],
    yb,
    "One model by every pickle protocol, and as joblib dumps; trees are in a nested pickle there.",
    files=pickles + compressed[:2] if version == (1, 4) else [pickles[0], compressed[0]],
)

# ---------------------------------------------------------------------------------------
# Gradient boosting, regression


def loss_name(name, histogram=False):
    """What the release calls that loss."""
    if version >= (1, 0):
        return name
    former = {
        "squared_error": "least_squares" if histogram else "ls",
        "absolute_error": "least_absolute_deviation" if histogram else "lad",
    }
    return former.get(name, name)


for number, (loss, extra) in enumerate(
    [
        ("squared_error", {}),
        ("absolute_error", {}),
        ("huber", {"alpha": 0.85}),
        ("quantile", {"alpha": 0.2}),
    ]
):
    case(
        f"gbr_{loss}",
        GradientBoostingRegressor(
            loss=loss_name(loss), n_estimators=5, random_state=20 + number, **extra
        ),
        Xc,
        yc,
        f"Loss {loss}: its own constant to start from.",
        files=["model.joblib" if number == 1 else "model.joblib.z"],
        weights=(
            np.random.RandomState(1).choice([0.5, 1.0, 3.3], size=len(Xc))
            if number == 3
            else None
        ),
    )
case(
    "gbr_zero",
    GradientBoostingRegressor(init="zero", n_estimators=4, learning_rate=0.37, random_state=25),
    Xi,
    yi,
    "init='zero'; rows of int64, too.",
    sets=("32", "64", "i64"),
)
case(
    "gbr_init_constant",
    GradientBoostingRegressor(
        init=DummyRegressor(strategy="constant", constant=3), n_estimators=3, random_state=26
    ),
    Xc,
    yc,
    "The initial constant is an int64.",
    files=["pickle-3.pkl"],
)
early = case(
    "gbr_early_stopping",
    GradientBoostingRegressor(
        n_estimators=60,
        n_iter_no_change=2,
        learning_rate=0.9,
        max_leaf_nodes=4,
        subsample=0.7,
        random_state=27,
    ),
    Xc,
    yc,
    "Fewer iterations than n_estimators says, best-first trees.",
)
assert early.n_estimators_ < 60

# ---------------------------------------------------------------------------------------
# Histogram gradient boosting without categories

small = dict(max_leaf_nodes=8, min_samples_leaf=5, max_bins=32)
case(
    "hgbc_binary",
    HistGradientBoostingClassifier(max_iter=5, random_state=30, **small),
    with_holes(Xb, 30),
    yb,
    "Two classes, missing values in training.",
    files=["model.joblib"],
    sets=("32", "64", "i64"),
)
case(
    "hgbc_no_missing",
    HistGradientBoostingClassifier(max_iter=4, random_state=31, **small),
    Xb,
    np.where(yb, "benign", "malignant").astype(object),
    "No missing value in training: they go to the bigger child. Labels are objects.",
)
case(
    "hgbc_multiclass",
    HistGradientBoostingClassifier(max_iter=3, random_state=32, **small),
    with_holes(iris.data, 32),
    species,
    "Three classes.",
)
case(
    "hgbc_ten",
    HistGradientBoostingClassifier(max_iter=1, max_leaf_nodes=4, max_bins=16, random_state=33),
    X10,
    y10,
    "Ten classes: softmax adds them one after the other, unlike in gbc_ten.",
    splits=7,
)
tie = case(
    "hgbc_tie",
    HistGradientBoostingClassifier(max_iter=2, random_state=34),
    Xt,
    yt,
    "Raw scores of exactly 0, where class 0 wins.",
)
assert (tie.decision_function(Xt) == 0).any()
case(
    "hgbc_containers",
    HistGradientBoostingClassifier(max_iter=1, max_leaf_nodes=3, max_bins=4, random_state=36),
    Xb[:, :2],
    yb,
    "One model by every pickle protocol and compressor.",
    files=pickles + compressed if version == (1, 4) else [pickles[2], compressed[3]],
)
early = case(
    "hgbc_early_stopping",
    HistGradientBoostingClassifier(
        max_iter=80,
        **({"early_stopping": True} if version >= (0, 23) else {}),
        n_iter_no_change=1,
        learning_rate=0.9,
        random_state=35,
        **small,
    ),
    Xb,
    yb,
    "Fewer iterations than max_iter says.",
)
assert early.n_iter_ < 80
targets = {
    "squared_error": yc,
    "absolute_error": yc,
    "poisson": np.rint(np.exp(yc / 2) * 3),
    "gamma": np.exp(yc) + 0.01,
    "quantile": yc,
}
for number, (loss, target) in enumerate(targets.items()):
    first = {"gamma": (1, 3), "quantile": (1, 1), "poisson": (0, 23)}
    if version < first.get(loss, (0, 0)):
        continue
    case(
        f"hgbr_{loss}",
        HistGradientBoostingRegressor(
            loss=loss_name(loss, histogram=True),
            max_iter=5,
            random_state=40 + number,
            **({"quantile": 0.3} if loss == "quantile" else {}),
            **small,
        ),
        with_holes(Xc, 40 + number) if number % 2 else Xc,
        target,
        f"Loss {loss}"
        + (
            ": the prediction is exp of the raw score." if loss in ("poisson", "gamma") else "."
        ),
        sets=("32", "64", "i64") if loss == "poisson" else ("32", "64"),
    )
Xinf = with_holes(Xc, 46)
Xinf[::9, 1] = np.inf
Xinf[4::11, 2] = -np.inf
case(
    "hgbr_infinite",
    HistGradientBoostingRegressor(
        max_iter=4, random_state=46, max_leaf_nodes=8, min_samples_leaf=4
    ),
    Xinf,
    np.where(np.isinf(Xinf).any(axis=1), 5, 0) + np.where(np.isnan(Xinf[:, 1]), -7, yc),
    "Infinite values in training: thresholds may be infinite or the largest double.",
)

# ---------------------------------------------------------------------------------------
# Histogram gradient boosting with categories

BIG = [
    1e6,
    16777215.0,
    16777216.0,
    2e7,
    2.0**31,
    2.0**31 + 1024,
    2.0**32 + 512,
    -(2.0**31) - 256,
]
ODD = [-1.0, -2.0, -0.5, -0.0, 0.5, 1.7, 5.0, 254.0, 255.0, 256.0, 257.0, 300.7, 510.0]
ODD += BIG + [np.nan, np.inf, -np.inf]
if version < (1, 2):  # where negative categories count modulo 256
    ODD += [-255.0, -249.9, -212.0, -256.0]


def categories(rows, values, seed):
    """A numeric column, one of categories, a numeric one, and a second one of categories."""
    rng = np.random.RandomState(seed)
    X = np.column_stack(
        [
            rng.normal(size=rows),
            rng.choice(values, size=rows),
            rng.normal(size=rows),
            rng.choice([1.0, 2.0, 3.0, 40.0], size=rows),
        ]
    )
    effect = rng.normal(scale=2, size=len(values))
    lookup = {value: effect[index] for index, value in enumerate(values)}
    y = X[:, 0] + np.array([lookup[value] for value in X[:, 1]])
    y += np.where(X[:, 3] == 2, -2.0, 1.0) * X[:, 2]
    return X, y


# Before 1.4 categories have to be below max_bins.
wide = dict(small, max_bins=255) if version < (1, 4) else small
few = [0.0, 1.0, 2.0, 3.0, 7.0, 44.0]
Xk, yk = categories(220, few, seed=50)
if version >= (0, 24):
    case(
        "hgbr_category_mask",
        HistGradientBoostingRegressor(
            max_iter=5,
            categorical_features=[False, True, False, True],
            random_state=50,
            **wide,
        ),
        Xk,
        yk,
        "Categories by a mask, after a numeric column.",
        special={1: ODD + few, 3: ODD},
        files=["model.joblib"],
        sets=("32", "64", "i64"),
    )
    Xm = Xk.copy()
    Xm[np.random.RandomState(51).uniform(size=len(Xm)) < 0.15, 1] = np.nan
    case(
        "hgbc_category_index",
        HistGradientBoostingClassifier(
            max_iter=3, categorical_features=[3, 1], random_state=51, **wide
        ),
        Xm,
        np.digitize(np.where(np.isnan(Xm[:, 1]), 4, yk), [-1, 1.5]),
        "Categories by their columns, missing ones in training, three classes.",
        special={1: ODD + few, 3: ODD},
    )
    many = [float(value) for value in np.random.RandomState(52).permutation(255)[:40]]
    Xw, yw = categories(420, many, seed=52)
    case(
        "hgbr_category_many",
        HistGradientBoostingRegressor(
            max_iter=4,
            categorical_features=["group"] if version >= (1, 2) else [1],
            random_state=52,
            **dict(wide, max_bins=255),
        ),
        pd.DataFrame(Xw, columns=["a", "group", "b", "c"]),
        yw,
        "40 categories up to 254, chosen by a feature name.",
        special={1: ODD + many[:14]},
        files=["pickle-4.pkl"],
    )
if version >= (1, 3):
    values = [-1.0, 0.0, 1.0, 4.0]
    if version >= (1, 4):
        values += [0.5, 300.75, 1000.0, 1e6, -7.0]  # all of them exact in float32
    Xn, yn = categories(240, values, seed=53)
    Xn[::13, 1] = np.nan
    case(
        "hgbr_category_odd",
        HistGradientBoostingRegressor(
            max_iter=4,
            categorical_features=[False, True, False, False],
            random_state=53,
            **wide,
        ),
        Xn,
        yn,
        "Negative categories in training, and from 1.4 on fractions and large ones.",
        special={1: ODD + values, 3: [1.0, 2.0]},
    )

# ---------------------------------------------------------------------------------------
# Categories of text: the rows are tables


def table_case(name, model, frame, y, why, tables, files=("model.joblib.z",)):
    """A case of rows with texts: x.csv holds the texts, x64.npy their codes.

    The code of a text is its position in the encoder's categories_, that of an unknown or
    missing one NaN. Columns of numbers, categorical or not, stay as they are.
    """
    if not wanted(name):
        return
    model.fit(frame, y)
    encoder = model._preprocessor.named_transformers_["encoder"]
    names = [name for name, yes in zip(frame.columns, model.is_categorical_) if yes]
    texts = {
        name: [value for value in known if isinstance(value, str)]
        for name, known in zip(names, encoder.categories_)
        if known.dtype == object
    }
    rows = pd.concat([frame.iloc[:25].astype(object), tables.astype(object)], ignore_index=True)
    typed = pd.DataFrame(
        {
            column: (
                rows[column]
                if column in texts
                else pd.to_numeric(rows[column]).astype(np.float64)
            )
            for column in rows
        }
    )
    codes = np.column_stack(
        [
            (
                [
                    texts[column].index(value) if value in texts[column] else np.nan
                    for value in typed[column]
                ]
                if column in texts
                else typed[column].to_numpy()
            )
            for column in typed
        ]
    ).astype(np.float64)
    directory = out / name
    directory.mkdir(parents=True)
    for file in files:
        save_model(model, directory / file)
    outputs = outputs_of(model, typed)
    typed.to_csv(directory / "x.csv", index=False, lineterminator="\n")
    save_array(directory / "x64.npy", codes)
    save_outputs(directory, outputs, "64")
    for file in files:
        assert same_bits(outputs, outputs_of(load_model(directory / file), typed)), name
    raw = np.asarray(outputs["raw"])
    entry = entry_of(name, model, why, list(files), ["64"], codes.shape[1], raw)
    entry["table"] = "x.csv"
    entry["texts"] = texts
    entries.append(entry)


def shop(rows, seed):
    rng = np.random.RandomState(seed)
    frame = pd.DataFrame(
        {
            "price": rng.normal(size=rows),
            "colour": rng.choice(["rot", "grün", "blau", "Rot", "a,b", 'say "hi"'], size=rows),
            "weight": rng.normal(size=rows),
            "size": rng.choice(["S", "M", "L"], size=rows),
            "code": rng.choice([3.0, 11.0, 500.0, -2.0], size=rows),
        }
    )
    y = frame["price"] + frame["colour"].map(
        {"rot": 1, "grün": -2, "blau": 3, "Rot": -1, "a,b": 0, 'say "hi"': 2}
    )
    y += frame["size"].map({"S": 0, "M": 2, "L": -1}) + (frame["code"] == 11) * 3
    return frame, y.to_numpy()


if version >= (1, 4):
    shop_frame, shop_y = shop(260, 60)
    asked = pd.DataFrame(
        [
            (0.1, "lila", 0.3, "M", 3.0),
            (0.1, None, 0.3, "M", 3.0),
            (0.1, "", 0.3, "M", 3.0),
            (0.1, "ROT", 0.3, "M", 3.0),
            (0.1, "rot ", 0.3, "L", 3.0),
            (np.nan, "rot", np.nan, "S", 11.0),
            (0.1, "rot", 0.3, "XL", 11.0),
            (0.1, "rot", 0.3, None, 11.0),
            (0.1, "blau", 0.3, "S", 12.0),
            (0.1, "blau", 0.3, "S", 500.0),
            (0.1, "blau", 0.3, "S", 500.5),
            (0.1, "blau", 0.3, "S", -2.0),
            (0.1, "blau", 0.3, "S", np.nan),
            (np.inf, "grün", -np.inf, "M", 244.0),
            (-np.inf, 'say "hi"', np.inf, "L", 267.0),
            (0.0, "a,b", -0.0, "L", 11.0),
        ],
        columns=shop_frame.columns,
    )
    typed = shop_frame.copy()
    typed["colour"] = typed["colour"].astype("category")
    typed["size"] = pd.Categorical(typed["size"], categories=["S", "M", "L"], ordered=True)
    typed["code"] = typed["code"].astype("category")
    table_case(
        "hgbr_table_from_dtype",
        HistGradientBoostingRegressor(
            max_iter=5, categorical_features="from_dtype", random_state=60, **small
        ),
        typed,
        shop_y,
        "Categories by the columns' types: texts, an ordered type whose order does not count,"
        " numbers.",
        asked,
    )
    holes = typed.copy()
    holes["code"] = shop_frame["code"].astype(np.int64).astype("category")
    holes.loc[holes.index % 7 == 0, "colour"] = np.nan
    table_case(
        "hgbc_table_missing",
        HistGradientBoostingClassifier(
            max_iter=2, categorical_features="from_dtype", random_state=61, **small
        ),
        holes,
        np.digitize(shop_y, [-1, 2]),
        "Texts are missing in training: NaN is the last of the encoder's categories. Those of"
        " another column are int64.",
        asked,
    )
    table_case(
        "hgbc_table_names",
        HistGradientBoostingClassifier(
            max_iter=4, categorical_features=["size", "colour"], random_state=62, **small
        ),
        shop_frame.astype({"colour": object, "size": object}),
        shop_y > 0,
        "Columns of objects, chosen by name; the column of numbers at the end is no category.",
        asked,
        files=["pickle-5.pkl"],
    )

# ---------------------------------------------------------------------------------------
# Isolation forests

case(
    "if_default",
    IsolationForest(n_estimators=6, max_samples=32, random_state=70),
    Xc,
    None,
    "All features.",
    files=["model.joblib"],
    sets=("32", "64", "i64"),
)
case(
    "if_half_features",
    IsolationForest(
        n_estimators=6, max_features=0.5, contamination=0.1, max_samples=32, random_state=71
    ),
    wine.data[:, :4],
    None,
    "Each tree sees half of the features; the offset is a quantile of the scores.",
)
case(
    "if_share_of_samples",
    IsolationForest(n_estimators=5, max_samples=0.21, bootstrap=True, random_state=72),
    iris.data,
    None,
    "max_samples is a share; rows are drawn with replacement, so leaves hold several.",
)
case(
    "if_two_samples",
    IsolationForest(n_estimators=4, max_samples=2, random_state=73),
    Xc,
    None,
    "Two samples: the mean path length is exactly 1.",
    files=["pickle-2.pkl"],
)
one_sample = IsolationForest(n_estimators=3, max_samples=1, random_state=74)
if version >= (1, 0):
    case(
        "if_one_sample",
        one_sample,
        Xc,
        None,
        "One sample: every tree is a leaf, and the mean path length 0.",
    )
refuse(
    "if_one_sample.joblib.z",
    one_sample,
    "One sample: the score is 0 / 0 before 1.0.",
    Xc,
    None,
    releases=((0, 22), (0, 23), (0, 24)),
)
if version >= (1, 6):
    case(
        "if_missing",
        IsolationForest(n_estimators=5, max_samples=40, random_state=75),
        with_holes(Xc, 75, share=0.3),
        None,
        "Missing and infinite values are accepted since 1.6.",
    )

# ---------------------------------------------------------------------------------------
# AdaBoost


def ada(algorithm, estimator=None, **parameters):
    if version < (1, 6):
        parameters["algorithm"] = algorithm
    return AdaBoostClassifier(estimator, **parameters)


Xd, yd = cancer.data[part][:, 4:8], cancer.target[part]
if version < (1, 6):
    case(
        "ada_r_stumps",
        ada("SAMME.R", n_estimators=9, random_state=80),
        Xd,
        yd,
        "SAMME.R with the default stumps, two classes.",
    )
    case(
        "ada_r_three",
        ada(
            "SAMME.R",
            DecisionTreeClassifier(max_depth=3, max_leaf_nodes=5),
            n_estimators=5,
            learning_rate=0.4,
            random_state=81,
        ),
        iris.data,
        species,
        "SAMME.R with deeper trees and three classes of text.",
    )
    case(
        "ada_r_ten",
        ada("SAMME.R", DecisionTreeClassifier(max_depth=2), n_estimators=4, random_state=82),
        X10,
        y10,
        "SAMME.R with ten classes: sums of more than eight terms.",
        splits=7,
    )
case(
    "ada_samme_stumps",
    ada("SAMME", n_estimators=12, random_state=83),
    Xd,
    np.where(yd, "good", "bad"),
    "SAMME with stumps; the sum of twelve weights.",
    files=["model.joblib"],
    sets=("32", "64", "i64"),
)
case(
    "ada_samme_three",
    ada(
        "SAMME",
        DecisionTreeClassifier(max_depth=2),
        n_estimators=6,
        learning_rate=0.7,
        random_state=84,
    ),
    iris.data,
    iris.target - 1,
    "SAMME with three classes, labels below zero.",
    files=["pickle-4.pkl"],
)
case(
    "ada_samme_tie",
    ada("SAMME", DecisionTreeClassifier(max_depth=1), n_estimators=2, random_state=85),
    np.array([[0, 0], [0, 1], [1, 0], [1, 1], [0, 0], [1, 1]], dtype=float),
    np.array([0, 1, 1, 1, 0, 1]),
    "Few rows, large weights.",
)
case(
    "ada_perfect",
    ada("SAMME", DecisionTreeClassifier(max_depth=4), n_estimators=10, random_state=86),
    iris.data[iris.target != 2],
    iris.target[iris.target != 2],
    "The first tree makes no error: one tree, but ten weights.",
)
for number, loss in enumerate(["linear", "square", "exponential"]):
    case(
        f"adar_{loss}",
        AdaBoostRegressor(
            DecisionTreeRegressor(max_depth=2 + number),
            loss=loss,
            n_estimators=[7, 6, 5][number],
            learning_rate=[1.0, 0.5, 1.3][number],
            random_state=87 + number,
        ),
        Xc,
        yc,
        f"Loss {loss}: a weighted median of the trees.",
    )
case(
    "adar_grid",
    AdaBoostRegressor(n_estimators=8, random_state=90),
    grid,
    iris.target,
    "Equal predictions among the trees.",
    sets=("32", "i64"),
)

# ---------------------------------------------------------------------------------------
# Bagging

case(
    "bagc_half_features",
    BaggingClassifier(
        DecisionTreeClassifier(max_depth=3), n_estimators=5, max_features=0.5, random_state=100
    ),
    with_holes(Xb, 100) if version >= (1, 3) else Xb,
    yb,
    "Each tree sees half of the features.",
    files=["model.joblib"],
    sets=("32", "64", "i64"),
)
case(
    "bagc_repeated_features",
    BaggingClassifier(
        DecisionTreeClassifier(max_depth=3),
        n_estimators=6,
        max_samples=0.3,
        bootstrap_features=True,
        random_state=101,
    ),
    iris.data,
    species,
    "A tree may see a feature twice; labels of text.",
)
case(
    "bagc_default",
    BaggingClassifier(n_estimators=3, max_samples=20, random_state=102),
    iris.data,
    iris.target,
    "The default estimator on 20 rows each.",
)
case(
    "bagc_extra_trees",
    BaggingClassifier(
        ExtraTreeClassifier(max_depth=4),
        n_estimators=4,
        bootstrap=False,
        max_features=3,
        random_state=103,
    ),
    iris.data,
    iris.target,
    "Extra trees.",
    files=["pickle-3.pkl"],
)
grown = BaggingClassifier(
    DecisionTreeClassifier(max_depth=3), n_estimators=2, warm_start=True, random_state=104
)
grown.fit(iris.data[:100], np.array([2, 9])[iris.target[:100]])
grown.n_estimators = 4
grown.fit(iris.data, np.array([2, 9, 11])[iris.target])
assert [len(tree.classes_) for tree in grown.estimators_] == [2, 2, 3, 3]
case(
    "bagc_fewer_classes",
    grown,
    iris.data,
    None,
    "Two of four trees, fitted before a warm start, know only two of the three classes.",
    fitted=True,
)
case(
    "bagr_half_features",
    BaggingRegressor(
        DecisionTreeRegressor(max_depth=3),
        n_estimators=5,
        max_features=0.5,
        max_samples=0.6,
        random_state=105,
    ),
    Xi,
    yi,
    "Regression on half of the features.",
    sets=("32", "64", "i64"),
)
case(
    "bagr_two_outputs",
    BaggingRegressor(ExtraTreeRegressor(max_depth=3), n_estimators=3, random_state=106),
    Xc,
    np.column_stack([yc, Xc[:, 3] - yc]),
    "Extra trees with two outputs.",
)

# ---------------------------------------------------------------------------------------
# Pipelines

ALL = ("32", "64", "i64")
Xs = Xi * [1.0, 3.0, 0.5, 100.0] + [1000.0, 0.0, -20.0, 7.0]  # columns of unlike scale
ys = yi
cs = (yi > np.median(yi)).astype(int)
constant = Xs.copy()
constant[:, 2] = 5.0

case(
    "pipe_standard_rf",
    make_pipeline(StandardScaler(), RandomForestClassifier(4, max_depth=3, random_state=110)),
    constant,
    np.digitize(ys, [-30, 30]),
    "StandardScaler, one column of it constant.",
    files=["model.joblib"],
    sets=ALL,
)
case(
    "pipe_standard_no_mean",
    make_pipeline(
        StandardScaler(with_mean=False),
        GradientBoostingRegressor(n_estimators=3, random_state=111),
    ),
    Xs,
    ys,
    "StandardScaler that only scales.",
    sets=ALL,
)
case(
    "pipe_standard_no_std",
    make_pipeline(
        StandardScaler(with_std=False),
        HistGradientBoostingClassifier(max_iter=3, random_state=112, **small),
    ),
    with_holes(Xs, 112),
    cs,
    "StandardScaler that only centres; missing values pass through it.",
    sets=ALL,
)
idle = make_pipeline(
    StandardScaler(with_mean=False, with_std=False),
    DecisionTreeRegressor(max_depth=4, random_state=109),
)
if version >= (0, 23):
    case(
        "pipe_standard_neither",
        idle,
        Xs,
        ys,
        "StandardScaler that does nothing, yet makes float64 of int64.",
        sets=ALL,
        files=["pickle-4.pkl"],
    )
refuse(
    "pipe_standard_neither.joblib.z",
    idle,
    "StandardScaler that does nothing, and in 0.22 does not say how many columns it sees.",
    Xs,
    ys,
    releases=((0, 22),),
)
case(
    "pipe_standard_from_float32",
    make_pipeline(
        StandardScaler(), HistGradientBoostingRegressor(max_iter=3, random_state=113, **small)
    ),
    (Xs / 3).astype(np.float32),
    ys,
    "StandardScaler fitted on float32; histogram trees compare in float64.",
)
case(
    "pipe_minmax",
    make_pipeline(MinMaxScaler(), RandomForestRegressor(3, max_depth=3, random_state=114)),
    constant,
    ys,
    "MinMaxScaler without clipping.",
    sets=ALL,
)
clipped = {"clip": True} if version >= (0, 24) else {}
case(
    "pipe_minmax_clip",
    make_pipeline(
        MinMaxScaler(feature_range=(-1, 0.3), **clipped),
        GradientBoostingClassifier(n_estimators=3, random_state=115),
    ),
    Xs,
    cs,
    "MinMaxScaler with another range, clipped.",
    sets=ALL,
)
case(
    "pipe_minmax_from_float32",
    make_pipeline(
        MinMaxScaler(feature_range=(0.1, 0.7), **clipped),
        HistGradientBoostingRegressor(max_iter=3, random_state=116, **small),
    ),
    (Xs / 3).astype(np.float32),
    ys,
    "MinMaxScaler fitted on float32 has parameters of float32.",
    sets=ALL,
)
case(
    "pipe_many_scalers",
    Pipeline(
        [
            ("none", None),
            ("first", StandardScaler()),
            ("skip", "passthrough"),
            ("second", MinMaxScaler(feature_range=(-5, 3))),
            ("third", StandardScaler(with_mean=False)),
            ("model", GradientBoostingRegressor(n_estimators=3, random_state=117)),
        ]
    ),
    Xs,
    ys,
    "Several scalers in a row, between steps that do nothing.",
    sets=ALL,
)
case(
    "pipe_only_passthrough",
    Pipeline(
        [
            ("none", None),
            ("skip", "passthrough"),
            ("model", ExtraTreesClassifier(3, max_depth=3, random_state=118)),
        ]
    ),
    Xs,
    cs,
    "No transformer at all: int64 becomes float32 directly.",
    sets=ALL,
)
case(
    "pipe_nested",
    Pipeline(
        [
            (
                "outer",
                Pipeline(
                    [("scale", StandardScaler()), ("inner", make_pipeline(MinMaxScaler()))]
                ),
            ),
            (
                "model",
                Pipeline(
                    [
                        ("again", StandardScaler(with_std=False)),
                        ("forest", RandomForestClassifier(3, max_depth=3, random_state=119)),
                    ]
                ),
            ),
        ]
    ),
    Xs,
    np.where(cs, "up", "down"),
    "Pipelines as steps of a pipeline, the last one too.",
    files=["model.joblib"],
    sets=ALL,
)
case(
    "pipe_names",
    make_pipeline(
        StandardScaler(),
        GradientBoostingClassifier(n_estimators=2, max_depth=2, random_state=120),
    ),
    pd.DataFrame(Xs, columns=["eins", "zwei", "drei", "vier"]),
    cs,
    "Fitted on a DataFrame: feature names are in the first step only.",
)
case(
    "pipe_two_outputs",
    make_pipeline(StandardScaler(), RandomForestRegressor(3, max_depth=3, random_state=121)),
    Xs,
    np.column_stack([ys, Xs[:, 3] - ys]),
    "Two outputs.",
)
case(
    "pipe_two_labels",
    make_pipeline(MinMaxScaler(), RandomForestClassifier(3, max_depth=3, random_state=122)),
    Xs,
    np.column_stack([cs, np.digitize(ys, [-30, 30])]),
    "Two outputs of two and three classes.",
)
case(
    "pipe_isolation",
    make_pipeline(
        StandardScaler(), IsolationForest(n_estimators=4, max_samples=20, random_state=123)
    ),
    Xs,
    None,
    "An isolation forest behind a scaler.",
)
case(
    "pipe_ada",
    make_pipeline(StandardScaler(), ada("SAMME", n_estimators=4, random_state=124)),
    Xs,
    cs,
    "AdaBoost behind a scaler.",
)
case(
    "pipe_bagging",
    make_pipeline(
        MinMaxScaler(),
        BaggingRegressor(
            DecisionTreeRegressor(max_depth=3), 3, max_features=2, random_state=125
        ),
    ),
    Xs,
    ys,
    "Bagging behind a scaler.",
)

# Imputers

Xh = with_holes(Xs, 126, share=0.2)
Xe = Xh.copy()
Xe[:, 1] = np.nan  # nothing to learn from
for strategy in ("mean", "median", "most_frequent", "constant"):
    case(
        f"pipe_impute_{strategy}",
        make_pipeline(
            SimpleImputer(
                strategy=strategy, fill_value=-7.3 if strategy == "constant" else None
            ),
            {
                "mean": RandomForestClassifier(3, max_depth=3, random_state=127),
                "median": HistGradientBoostingClassifier(max_iter=2, random_state=127, **small),
                "most_frequent": DecisionTreeClassifier(max_depth=4, random_state=127),
                "constant": GradientBoostingClassifier(n_estimators=2, random_state=127),
            }[strategy],
        ),
        Xh / 3,
        cs,
        f"SimpleImputer, {strategy}.",
    )
for strategy in ("mean", "constant"):
    for keep in (False, True) if version >= (1, 2) else (False,):
        case(
            f"pipe_impute_{strategy}_empty_{'kept' if keep else 'dropped'}",
            make_pipeline(
                SimpleImputer(
                    strategy=strategy, **({"keep_empty_features": True} if keep else {})
                ),
                StandardScaler(),
                GradientBoostingRegressor(n_estimators=3, max_depth=2, random_state=128),
            ),
            Xe,
            ys,
            "A column without any value at fit. Without keep_empty_features it goes away, but with"
            " a constant it stays before 1.8.",
        )
case(
    "pipe_impute_minus_one",
    make_pipeline(
        SimpleImputer(missing_values=-1, strategy="most_frequent"),
        RandomForestClassifier(3, max_depth=3, random_state=129),
    ),
    np.where(np.isnan(Xh), -1, np.rint(Xh)).astype(np.int64),
    cs,
    "-1 stands for a missing value; fitted on int64, which stays int64.",
    sets=ALL,
    special={0: [-1, -1.5], 2: [-1]},
)
halves = np.where(np.isnan(Xh), -1, np.rint(Xh / 4) + 0.5)
case(
    "pipe_impute_fraction",
    make_pipeline(
        SimpleImputer(missing_values=-1, strategy="most_frequent"),
        DecisionTreeRegressor(max_depth=6, random_state=132),
    ),
    halves,
    np.nan_to_num(Xh) @ [1, 0.1, 0.5, 0.01],
    "-1 stands for a missing value; what replaces it has a fraction, which rows of int64 lose.",
    sets=ALL,
    special={0: [-1], 1: [-1], 2: [-1], 3: [-1]},
    splits=30,
)
case(
    "pipe_impute_zero",
    make_pipeline(
        SimpleImputer(missing_values=0, strategy="mean"),
        MinMaxScaler(),
        GradientBoostingRegressor(n_estimators=3, random_state=130),
    ),
    np.where(np.isnan(Xh), 0, Xh),
    ys,
    "0 stands for a missing value, and so does -0.0.",
    sets=ALL,
    special={0: [0.0, -0.0], 3: [0.0]},
)
case(
    "pipe_impute_from_float32",
    make_pipeline(
        SimpleImputer(strategy="mean"),
        HistGradientBoostingRegressor(max_iter=3, random_state=131, **small),
    ),
    (Xh / 3).astype(np.float32),
    ys,
    "Means of float32.",
)

# ---------------------------------------------------------------------------------------
# Refused

refuse(
    "gb_init_linear.joblib.z",
    GradientBoostingRegressor(
        init=LinearRegression(), n_estimators=1, max_depth=1, random_state=1
    ),
    "Gradient boosting that starts from a linear model.",
    Xc,
    yc,
)
refuse(
    "gb_init_tree.joblib.z",
    GradientBoostingClassifier(
        init=DecisionTreeClassifier(max_depth=1, random_state=1),
        n_estimators=1,
        max_depth=1,
        random_state=1,
    ),
    "Gradient boosting that starts from a tree.",
    Xb,
    yb,
)
refuse(
    "gb_init_stratified.joblib.z",
    GradientBoostingClassifier(
        init=DummyClassifier(strategy="stratified", random_state=1),
        n_estimators=1,
        max_depth=1,
        random_state=1,
    ),
    "Gradient boosting that starts from random classes.",
    Xb,
    yb,
)
refuse(
    "bagging_linear.joblib",
    BaggingClassifier(LogisticRegression(), 2, random_state=1),
    "Bagging of linear models.",
    iris.data,
    iris.target,
)
refuse(
    "bagging_neighbors.joblib.z",
    BaggingClassifier(KNeighborsClassifier(2), 2, max_samples=9, random_state=1),
    "Bagging of nearest neighbours.",
    iris.data,
    iris.target,
)
refuse(
    "bagging_pipeline.joblib.z",
    BaggingRegressor(
        make_pipeline(PCA(2), DecisionTreeRegressor(max_depth=1)), 2, random_state=1
    ),
    "Bagging of pipelines with a PCA.",
    Xc,
    yc,
)
refuse(
    "ada_linear.joblib",
    ada("SAMME", LogisticRegression(), n_estimators=2, random_state=1),
    "AdaBoost of linear models.",
    iris.data,
    iris.target,
)
refuse(
    "adar_linear.joblib",
    AdaBoostRegressor(LinearRegression(), n_estimators=2, random_state=1),
    "AdaBoost of linear models.",
    Xc,
    yc,
)
stump = DecisionTreeClassifier(max_depth=1, random_state=1)
refuse("pipe_pca.joblib", make_pipeline(PCA(2, random_state=1), stump), "A PCA.", Xb, yb)
refuse("pipe_robust.joblib", make_pipeline(RobustScaler(), stump), "A RobustScaler.", Xb, yb)
refuse(
    "pipe_function.joblib",
    make_pipeline(FunctionTransformer(np.log1p), stump),
    "A function of the user's choice.",
    Xb,
    yb,
)
refuse(
    "pipe_indicator.joblib",
    make_pipeline(SimpleImputer(add_indicator=True), stump),
    "An imputer that adds columns of its own.",
    with_holes(Xb, 1),
    yb,
)
refuse(
    "pipe_texts.joblib",
    make_pipeline(SimpleImputer(strategy="most_frequent"), FunctionTransformer(None), stump),
    "A function between imputer and tree.",
    Xb,
    yb,
)
refuse(
    "pipe_no_model.joblib",
    Pipeline([("scale", StandardScaler()), ("model", "passthrough")]),
    "A pipeline without a model.",
    Xb,
    yb,
)
refuse("scaler.joblib", StandardScaler(), "A scaler alone.", Xb, yb)
refuse(
    "pipe_linear.joblib",
    make_pipeline(StandardScaler(), LogisticRegression()),
    "A linear model.",
    Xb,
    yb,
)
refuse(
    "voting.joblib.z",
    VotingClassifier(
        [("a", stump), ("b", RandomForestClassifier(1, max_depth=1, random_state=1))]
    ),
    "A vote of several models.",
    Xb,
    yb,
)
if version >= (1, 5):
    refuse(
        "pipe_callable.joblib",
        make_pipeline(SimpleImputer(strategy=np.max), stump),
        "An imputer with a function of the user's choice.",
        Xb,
        yb,
    )

write_json(out / "cases.json", entries)
if refusals:
    write_json(out / "refused" / "refused.json", refusals)
write_versions(out)
