"""Makes the LightGBM models of one release: make_lightgbm.py DIRECTORY [all].

Each case is a directory with the model as text and as a pickle, the rows to predict and
what LightGBM predicts for them. cases.json lists the cases, one on a line. Some releases
have only the cases that may differ there; "all" makes all of them.
"""

import json
import pickle
import sys
import warnings
from pathlib import Path

import joblib
import lightgbm as lgb
import numpy as np
import pandas as pd

from fixtures import save_array, write_json, write_versions

warnings.filterwarnings("ignore")

out = Path(sys.argv[1])
version = tuple(int(part) for part in lgb.__version__.split(".")[:2])
rng = np.random.RandomState(7)
entries = []

# Releases that have all cases, and what the others have.
WHOLE = [(2, 2), (2, 3), (3, 3), (4, 7)]
SOME = ["objective_cross_entropy", "objective_rank_xendcg", "sqrt", "binary", "multiclassova"]
SOME += ["missing_zero", "missing_none", "forest", "forest_limited", "forest_two", "dart"]
SOME += ["categories", "linear", "linear_categories", "names", "continued", "part", "kept"]
SOME += ["kept_forest", "early_stopping", "labels_two", "one_label", "binary_as_number"]
SOME += ["entropy_as_labels", "custom", "custom_labels"]
SOME += ["frame", "frame_one", "frame_ordered", "frame_chosen"]
whole = version in WHOLE or sys.argv[2:] == ["all"]

if version < (2, 2):
    lgb.Booster.model_to_string = lgb.Booster._save_model_to_string
    lgb.Booster.num_trees = lambda booster: booster.model_to_string().count("\nTree=")

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


def integers(rows, largest=None):
    """The rows as integers, for the matrix type that LightGBM takes too; small ones unless said."""
    if largest is not None:
        return np.nan_to_num(rows).clip(-largest, largest).astype(np.int64)
    finite = np.nan_to_num(rows * 3, posinf=9, neginf=-9)
    return finite.clip(-1e6, 1e6).astype(np.int64)


def squared(predicted, labels):
    """A user's own objective; LightGBM passes the arguments of its Python estimators turned."""
    if hasattr(labels, "get_label"):
        labels = labels.get_label()
    return predicted - labels, np.ones(len(labels))


def squared_of_estimators(labels, predicted):
    return squared(predicted, labels)


def squared_of_classes(labels, predicted):
    wanted = np.eye(3)[labels.astype(int)]
    if predicted.ndim == 1:  # before 4.0, a class behind the other
        wanted = wanted.ravel(order="F")
    return predicted - wanted, np.ones_like(predicted)


def outputs_of(booster, wrapper, x, options):
    """What the model predicts for rows, by the name of the file that it goes to."""
    out = {"raw": booster.predict(x, raw_score=True, **options)}
    leaves = np.asarray(booster.predict(x, pred_leaf=True, **options)).reshape(len(x), -1)
    out["leaf"] = leaves.astype(np.int16)
    if hasattr(wrapper, "classes_"):
        out["proba"] = wrapper.predict_proba(x)
        out["predict"] = wrapper.predict(x)
    elif wrapper is not None:
        out["proba"] = out["predict"] = wrapper.predict(x)
    else:
        out["proba"] = booster.predict(x, **options)
    return out


def save_outputs(directory, x, outputs, suffix):
    save_array(directory / f"x{suffix}.npy", x)
    for what, values in outputs.items():
        save_array(directory / f"{what}{suffix}.npy", values)


def save_models(directory, booster, wrapper, *, limit=None, saving=None, edit=None):
    """The text and the pickle of a model, and the Booster that a reader of them gets."""
    files = []
    text = directory / "model.txt"
    booster.save_model(str(text), **(saving or {}))
    if edit is not None:
        # Predictions are those of the text before: LightGBM does not read each of these.
        text.write_bytes(edit(text.read_bytes()))
    elif saving is not None:
        booster = lgb.Booster(model_file=str(text))
    if wrapper is None:
        files.append("model.txt")
    else:
        text.unlink()
    if limit is None and saving is None and edit is None:
        pickled = pickle.dumps(wrapper or booster)
        (directory / "model.pkl").write_bytes(pickled)
        files.append("model.pkl")
        if wrapper is not None and hasattr(wrapper, "classes_"):
            joblib.dump(wrapper, directory / "model.joblib", compress=3)
            files.append("model.joblib")
        # The text has six digits of an objective's sigmoid, so a trained model could differ.
        again = pickle.loads(pickled)
        wrapper = again if wrapper is not None else None
        booster = again if wrapper is None else again.booster_
    return files, booster, wrapper


def case(
    name,
    booster,
    X,
    why,
    *,
    wrapper=None,
    categories=(),
    limit=None,
    iterations=None,
    sets=("64", "32", "i64"),
    saving=None,
    edit=None,
    largest=None,
):
    if not whole and name not in SOME:
        return
    directory = out / name
    directory.mkdir(parents=True, exist_ok=True)
    rows = make_rows(booster, X, categories)
    files, reader, estimator = save_models(
        directory, booster, wrapper, limit=limit, saving=saving, edit=edit
    )
    every = {"64": rows, "32": rows.astype(np.float32), "i64": integers(rows, largest)}
    for suffix in sets:
        x = every[suffix]
        options = {} if limit is None else {"num_iteration": limit}
        save_outputs(directory, x, outputs_of(reader, estimator, x, options), suffix)
    enter(name, files, reader, wrapper, why, sets, iterations=limit or iterations)
    if limit is not None:
        entries[-1]["limit"] = True


def enter(name, files, booster, wrapper, why, sets, iterations=None):
    entries.append(
        {
            "name": name,
            "models": files,
            "library": "lightgbm " + lgb.__version__,
            "estimator": type(wrapper or booster).__name__,
            "why": why,
            "sets": list(sets),
            "raw_exact": True,
            "num_trees": booster.num_trees(),
            "iterations": iterations,
        }
    )


def frame_case(name, booster, asked, why, *, wrapper=None):
    """A model of a DataFrame. x.csv has the rows as they are, its columns turned; x64.npy
    has the code of each category, by its place in the model's list for the column, and NaN
    for one that is not there."""
    if not whole and name not in SOME:
        return
    directory = out / name
    directory.mkdir(parents=True, exist_ok=True)
    files, reader, estimator = save_models(directory, booster, wrapper)
    asked.iloc[:, ::-1].to_csv(directory / "x.csv", index=False)
    lists = iter(reader.pandas_categorical)
    codes, texts = asked.copy(), {}
    for column in asked:
        if isinstance(asked[column].dtype, pd.CategoricalDtype):
            texts[column] = list(next(lists))
            known = pd.Categorical(asked[column], categories=texts[column]).codes
            codes[column] = np.where(known < 0, np.nan, known)
    x = codes.to_numpy(dtype=np.float64)
    outputs = outputs_of(reader, estimator, asked, {})
    for what, values in outputs_of(reader, estimator, x, {}).items():
        assert np.array_equal(values, outputs[what]), (name, what)
    save_outputs(directory, x, outputs, "64")
    enter(name, files, reader, wrapper, why, ["64"])
    entries[-1]["table"] = "x.csv"
    entries[-1]["texts"] = texts


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
if version < (2, 2):
    bagging["feature_fraction"] = 0.75  # some is asked for
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

# ---------------------------------------------------------------------------------------
# What is rarer. One set of rows is enough: the others differ only in how values arrive.

few = {"sets": ("64",)}
ranked = lgb.Dataset(X, thirds, group=[30] * 10)
if version >= (3, 0):
    booster = lgb.train({**BASE, "objective": "rank_xendcg"}, ranked, 3)
    case("objective_rank_xendcg", booster, X, "A ranking by cross entropy.", **few)
model = lgb.LGBMRanker(n_estimators=2, num_leaves=5, n_jobs=1, min_child_samples=5)
model.fit(X, thirds, group=[30] * 10)
case("ranker", model.booster_, X, "The estimator for rankings.", wrapper=model, **few)

for name, params, why in [
    ("extra_trees", {"extra_trees": True}, "Random thresholds."),
    ("monotone", {"monotone_constraints": [1, 0, -1, 0]}, "Monotone constraints."),
    ("bins", {"max_bin": 5000, "min_data_in_bin": 1}, "A bin for each value."),
    ("forest_classes", {**several, **bagging}, "A random forest of three classes."),
    ("forest_two", {"objective": "binary", **bagging}, "A random forest of two classes."),
    (
        "dart_classes",
        {**several, "boosting": "dart", "drop_rate": 0.9, "skip_drop": 0},
        "Dart with three classes.",
    ),
    ("unbalanced", {**each, "is_unbalance": True}, "Three classes, weighted."),
    ("fourth", {**several, "num_class": 4}, "A class without rows has trees of one leaf."),
]:
    if name == "forest_classes" and version < (2, 2):
        continue  # refused by LightGBM
    rounds = 6 if name == "dart_classes" else 3
    target = thirds if "num_class" in params else y > 0 if "objective" in params else y
    case(name, train(params, target, rounds=rounds), X, why, **few)

for name, edit, why in [
    ("crlf", lambda text: text.replace(b"\n", b"\r\n"), "Lines that end with CR LF."),
    (
        "no_parameters",
        lambda text: text[: text.index(b"\nparameters:")],
        "Nothing behind the importances, as other languages' packages may have it.",
    ),
    (
        "no_sizes",
        lambda text: b"\n".join(
            line for line in text.split(b"\n") if not line.startswith(b"tree_sizes=")
        ),
        "Nothing says how long a tree is.",
    ),
]:
    case(name, train({}, yc, rows=Xc, categorical_feature=[2, 3]), Xc, why, edit=edit, **few)
if version >= (2, 2):
    part = {"start_iteration": 2, "num_iteration": 2}
    case("part", train({}, rounds=5), X, "Iterations 2 and 3 of five.", saving=part, **few)
    part = {"start_iteration": 1, "num_iteration": 3}
    why = "Three trees of a forest."
    case("forest_part", train(bagging, rounds=5), X, why, saving=part, **few)
if version >= (3, 0):
    gain = {"importance_type": "gain"}
    case("gain", train({}), X, "Importances by gain.", saving=gain, **few)

Xf = np.column_stack([X, np.full(len(X), 2.0)])
booster = train({"feature_fraction": 0.4}, rows=Xf)
case("unused", booster, Xf, "A column of one value, which has no range.", **few)
Xl = X.copy()
Xl[:, 1] = rng.choice([0, 63, 64, 5000, 20000], len(X))
yl = np.nan_to_num(Xl[:, 0]) + 3 * np.isin(Xl[:, 1], [64, 20000])
booster = train({"min_data_per_group": 3, "cat_smooth": 1}, yl, rows=Xl, categorical_feature=[1])
case("large_categories", booster, Xl, "Categories up to 20000.", categories=(1,), **few)

for name, params in [("kept", {"learning_rate": 0.9}), ("kept_forest", bagging)]:
    fitted = lgb.Dataset(X[:150], label=y[:150])
    stop = {"valid_sets": [lgb.Dataset(X[150:], label=y[150:], reference=fitted)]}
    if version >= (4, 0):
        stop["callbacks"] = [lgb.early_stopping(2, verbose=False)]
    else:
        stop.update(early_stopping_rounds=2, verbose_eval=False)
    stop["keep_training_booster"] = True
    booster = lgb.train({**BASE, "metric": "l2", **params}, fitted, 30, **stop)
    if version >= (2, 2):
        assert 0 < booster.best_iteration < booster.num_trees(), name
    why = "Stopped early; the pickle has the iterations behind the best one too."
    case(name, booster, X, why, iterations=booster.best_iteration, **few)

# Every training again starts from a Booster that has been trained before.
first = train({}, rounds=2)
again = lgb.train({**BASE}, lgb.Dataset(X, label=-y, free_raw_data=False), 2, init_model=first)
case("continued", again, X, "Training went on with other labels.", **few)
if version >= (2, 2):
    case("refitted", train({}).refit(X, -y, decay_rate=0.3), X, "Leaves fitted anew.", **few)
booster = lgb.Booster({**BASE}, lgb.Dataset(X, label=y, free_raw_data=False))
for _ in range(3):
    booster.update()
booster.rollback_one_iter()
case("rolled_back", booster, X, "The last iteration was taken back.", **few)
if version >= (4, 0):
    booster = train({})
    booster.set_leaf_output(1, 2, -12345.678)
    case("leaf_set", booster, X, "A leaf was given its value.", **few)
    case("quantized", train({"use_quantized_grad": True}), X, "Quantized gradients.", **few)

if version >= (3, 2):
    linear = {"linear_tree": True, "min_data_per_group": 3, "cat_smooth": 1}
    booster = train(linear, yc, rows=Xc, categorical_feature=[2, 3], rounds=4)
    why = "Linear leaves below splits of categories."
    case("linear_categories", booster, Xc, why, categories=(2, 3), **few)
    booster = train({**linear, **several}, thirds)
    case("linear_classes", booster, X, "Linear leaves of three classes.", **few)
    try:
        booster = train({**linear, **bagging}, rounds=4)
    except lgb.basic.LightGBMError as refusal:
        print(lgb.__version__, "linear rf:", refusal)
    else:
        case("linear_forest", booster, X, "A random forest of linear leaves.", **few)

if version >= (4, 0):
    booster = train({"objective": squared})
else:
    booster = lgb.train({**BASE}, lgb.Dataset(X, label=y), 3, fobj=squared)
case("custom", booster, X, "The user's own objective: none in the file.", **few)
if version >= (2, 3):  # before, such estimators cannot be pickled
    model = lgb.LGBMRegressor(objective=squared_of_estimators, **small).fit(X, y)
    case("custom_estimator", model.booster_, X, "The same with an estimator.", wrapper=model, **few)
    model = lgb.LGBMClassifier(objective=squared_of_estimators, **small).fit(X, y > 0)
    why = "The same with a classifier, which has no probabilities then (from 3.0 on)."
    case("custom_labels", model.booster_, X, why, wrapper=model, **few)
    model = lgb.LGBMClassifier(objective=squared_of_classes, **small)
    model.fit(X, np.array(["a", "b", "c"])[thirds])
    case("custom_classes", model.booster_, X, why, wrapper=model, **few)

model = lgb.LGBMClassifier(**small).fit(X, np.full(len(X), "only"))
case("one_label", model.booster_, X, "Trained on a single class.", wrapper=model, **few)
model = lgb.LGBMModel(objective="poisson", **small).fit(X, positive)
case("any_estimator", model.booster_, X, "The class below the others.", wrapper=model, **few)
model = lgb.LGBMRanker(objective="binary", **small)
model.fit(X, (y > 0).astype(int), group=[30] * 10)
case("binary_ranks", model.booster_, X, "A ranker's probability.", wrapper=model, **few)
model = lgb.LGBMRegressor(objective="binary", **small).fit(X, (y > 0).astype(int))
case("binary_as_number", model.booster_, X, "A regressor's probability.", wrapper=model, **few)
model = lgb.LGBMClassifier(objective="cross_entropy", **small)
model.fit(X, np.array(["no", "yes"])[(y > 0).astype(int)])
why = "A classifier whose objective is one of regressions."
case("entropy_as_labels", model.booster_, X, why, wrapper=model, **few)

# ---------------------------------------------------------------------------------------
# DataFrames


def shop(count):
    colours = ["rot", "grün", "a,b", 'say "hi"']
    frame = pd.DataFrame({"price": rng.normal(size=count)})
    frame["colour"] = pd.Categorical(
        np.where(rng.uniform(size=count) < 0.1, None, rng.choice(colours, count)),
        categories=colours[:2] + ["never"] + colours[2:],
    )
    frame["net weight"] = np.where(rng.uniform(size=count) < 0.1, np.nan, rng.normal(size=count))
    frame["code"] = pd.Categorical(
        [None if one < 0 else int(one) for one in rng.choice([-1, 3, 11, 500], count)]
    )
    frame["new"] = rng.uniform(size=count) < 0.5
    frame["flag"] = pd.Categorical(rng.uniform(size=count) < 0.5)
    frame["share"] = pd.Categorical(rng.choice([0.5, 2.0, 10.25], count))
    worth = frame["price"] + frame["colour"].isin(["rot", "a,b"]) * 2.0 + frame["new"]
    worth += frame["code"].isin([11]) * 3.0 - frame["code"].isna() * 2.0
    worth += frame["flag"].astype(bool) * frame["share"].astype(float)
    return frame, worth.to_numpy()


def asked_of(frame):
    """Rows of training, then some with categories that training did not see, or with none."""
    rows = frame.iloc[:24].astype(object).reset_index(drop=True)
    unseen = {"colour": ["lila", "ROT", "rot ", "3", None, "never"], "code": [4, -1, 1000, None]}
    unseen.update({"share": [0.25, None], "flag": [None], "grade": [None], "one": [None]})
    for column, values in unseen.items():
        for value in values if column in frame else []:
            rows.loc[len(rows)] = frame.iloc[len(rows)].astype(object)
            rows.loc[len(rows) - 1, column] = value
    asked = pd.DataFrame(index=rows.index)
    for column in frame:
        if isinstance(frame[column].dtype, pd.CategoricalDtype):
            values = [None if pd.isna(value) else value for value in rows[column]]
            asked[column] = pd.Categorical(values, ordered=frame[column].cat.ordered)
        else:
            asked[column] = rows[column].astype(frame[column].dtype)
    return asked


def train_frame(frame, target, **dataset):
    return train({"min_data_per_group": 3, "cat_smooth": 1}, target, rows=frame, **dataset)


shop_frame, worth = shop(300)
booster = train_frame(shop_frame, worth)
why = "Columns of categories: texts, integers, booleans and reals, some missing, one unused."
frame_case("frame", booster, asked_of(shop_frame), why)
one = shop_frame.copy()
one.insert(0, "one", pd.Categorical(["same"] * len(one)))
why = "A column of one category, which LightGBM does not look at."
frame_case("frame_one", train_frame(one, worth), asked_of(one), why)
graded = shop_frame[["price", "colour"]].copy()
grades = pd.CategoricalDtype(["low", "mid", "high", "top"], ordered=True)
graded.insert(0, "grade", pd.Series(rng.choice(["low", "mid", "high"], len(graded))).astype(grades))
graded_worth = worth + 2 * (graded["grade"] != "low").to_numpy()
why = "The codes of an ordered column are numbers (from 2.3 on)."
frame_case("frame_ordered", train_frame(graded, graded_worth), asked_of(graded), why)
chosen = shop_frame[["colour", "price"]].copy()
chosen["size"] = rng.choice([0, 1, 2, 7], len(chosen))
chosen_worth = worth + 3 * np.isin(chosen["size"], [1, 7])
booster = train_frame(chosen, chosen_worth, categorical_feature=["size"])
why = "Categories are a column of integers; the codes of texts are numbers (from 2.3 on)."
frame_case("frame_chosen", booster, asked_of(chosen), why)
model = lgb.LGBMClassifier(learning_rate=0.5, **small)
levels = np.digitize(worth, np.quantile(worth, [1 / 3, 2 / 3]))
model.fit(shop_frame, np.array(["cheap", "fair", "dear"])[levels])
why = "A classifier of a DataFrame."
frame_case("frame_labels", model.booster_, asked_of(shop_frame), why, wrapper=model)

# ---------------------------------------------------------------------------------------
# What is no model that can be taken over

refused = []


def refuse(file, data, why):
    (out / "refused").mkdir(exist_ok=True)
    (out / "refused" / file).write_bytes(data)
    refused.append({"file": file, "why": why})


if whole:
    dump = json.dumps(train({}).dump_model()).encode()
    refuse("dump.json", dump, "The JSON of dump_model does not hold the whole model.")
    text = train({}).model_to_string().encode()
    text = text.replace(b"objective=regression\n", b"objective=lopsided_mse\n")
    refuse("objective.txt", text, "An objective that LightGBM does not have.")
    refuse("unfitted.pkl", pickle.dumps(lgb.LGBMRegressor()), "It was not trained.")
    model = lgb.LGBMClassifier(pred_early_stop=True, pred_early_stop_freq=1, **small)
    model.set_params(pred_early_stop_margin=0.1).fit(X, y > 0)
    stopped = model.predict(X, raw_score=True)
    # Before 4.0 the estimator's parameters are not those of its predictions.
    if version >= (4, 0):
        assert not np.array_equal(stopped, model.booster_.predict(X, raw_score=True))
        why = "Its predictions end early: not all trees are added up."
        refuse("pred_early_stop.pkl", pickle.dumps(model), why)
    else:
        why = "The parameter ends no predictions early."
        case("pred_early_stop", model.booster_, X, why, wrapper=model, **few)
    write_json(out / "refused" / "refused.json", refused)

# Last, because rows are drawn case by case: those of the others stay as they are.
if version >= (2, 2):
    fitted = lgb.Dataset(X, label=y, free_raw_data=False)
    booster = lgb.train({**BASE}, fitted, 4, keep_training_booster=True)
    booster.best_iteration = 3
    for _ in range(2):
        booster.rollback_one_iter()
    case("kept_back", booster, X, "The best iteration was taken back.", iterations=2, **few)

if whole:
    # Integers beyond 2^24 become float32 where a DataFrame's or a float matrix's stay what they are.
    times = rng.randint(1_600_000_000, 1_700_000_000, size=(300, 2))
    booster = train({}, times[:, 0] % 1000 - times[:, 1] / 1e8, rows=times.astype(float))
    case("integers", booster, times.astype(float), "Integers beyond 2^24.", sets=("64", "i64"), largest=2**40)
if whole:
    model = lgb.LGBMRegressor(objective="multiclass", num_class=3, **small).fit(X, thirds)
    why = "A regressor's probabilities of three classes."
    case("classes_as_numbers", model.booster_, X, why, wrapper=model, **few)

lines = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in entries)
(out / "cases.json").write_text("[\n" + lines + "\n]\n", encoding="utf-8")
write_versions(out)
versions = json.loads((out / "versions.json").read_text(encoding="utf-8"))
write_json(out / "versions.json", {**versions, "lightgbm": lgb.__version__})
