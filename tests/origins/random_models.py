"""Random models of the installed libraries, predicted by petrify and compared bit for bit.

    random_models.py PETRIFY SECONDS [SEED] [LIBRARY...]

Trains models of random shape and settings with scikit-learn, XGBoost and LightGBM, saves them in a
random container, converts them with the command, and compares labels, probabilities and raw scores
for rows on and beside split thresholds, missing, infinite and zero values. Raw scores must be equal
to the bit unless a logarithm is in them; transformed outputs within 4 ulp (float64) or 2 (float32).
Stops at the first difference, and keeps the model and its rows in a folder that it names.
"""

import json
import os
import pickle
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path

# numpy's AVX-512 routines give exp, log and 2 ** x other last bits than glibc's (docs/importers.md).
os.environ["NPY_DISABLE_CPU_FEATURES"] = "X86_V4 AVX512_ICL AVX512_SPR"

import joblib
import lightgbm as lgb
import numpy as np
import sklearn
import xgboost as xgb
from sklearn import ensemble, pipeline, preprocessing, tree
from sklearn.impute import SimpleImputer

warnings.filterwarnings("ignore")
xgb.set_config(verbosity=0)


class Difference(Exception):
    pass


def ulps(a, b):
    """How many numbers of the type lie between; 0 for equal bits and for two NaNs."""
    kind = np.int32 if a.dtype == np.float32 else np.int64
    left, right = (np.ascontiguousarray(x).view(kind).astype(object) for x in (a, b))
    least = int(np.iinfo(kind).min)
    fold = np.vectorize(lambda i: least - i if i < 0 else i, otypes=[object])
    distance = np.abs(fold(left) - fold(right))
    distance[np.isnan(a) & np.isnan(b)] = 0
    return distance


def same_bits(a, b):
    kind = np.int32 if a.dtype == np.float32 else np.int64
    equal = np.ascontiguousarray(a).view(kind) == np.ascontiguousarray(b).view(kind)
    return equal | (np.isnan(a) & np.isnan(b))


class Subject:
    """A trained model with the answers of its library."""

    def __init__(self, name, save, rows, raw=None, proba=None, predict=None, *, exact=True, options=()):
        self.name, self.save, self.rows, self.options = name, save, rows, options
        self.answers = {"raw": raw, "proba": proba, "predict": predict}
        self.exact = exact


class Petrify:
    def __init__(self, command, folder):
        self.command, self.folder = command, Path(folder)

    def run(self, *words):
        done = subprocess.run([self.command, *map(str, words)], capture_output=True, text=True)
        if done.returncode != 0:
            raise Difference(f"{' '.join(map(str, words))}: {done.stderr.strip()}")

    def check(self, subject):
        model, stone, x, y = (self.folder / n for n in ("model", "model.stone", "x.npy", "y.npy"))
        subject.save(model)
        np.save(x, subject.rows)
        self.run("convert", model, stone, *subject.options)
        for kind, expected in subject.answers.items():
            if expected is None:
                continue
            expected = np.asarray(expected)
            self.run("predict", stone, x, "--output", kind, "--out", y)
            seen = np.load(y)
            if expected.ndim == 1 and seen.ndim == 2 and seen.shape[1] == 2:
                seen = np.ascontiguousarray(seen[:, 1])  # a Booster's own output
            if expected.size == seen.size:
                seen = seen.reshape(expected.shape)
            if expected.shape != seen.shape:
                raise Difference(f"{kind}: shape {seen.shape}, expected {expected.shape}")
            if expected.dtype.kind != "f" or seen.dtype.kind != "f":
                wrong = seen != expected
            else:
                if seen.dtype != expected.dtype:
                    raise Difference(f"{kind}: {seen.dtype}, expected {expected.dtype}")
                if kind == "raw" and subject.exact:
                    wrong = ~same_bits(seen, expected)
                else:
                    wrong = ulps(seen, expected) > (2 if expected.dtype == np.float32 else 4)
            if wrong.any():
                at = np.argwhere(wrong)[0]
                raise Difference(
                    f"{kind}: {wrong.sum()} of {wrong.size} differ, the first at {tuple(at)}: "
                    f"{seen[tuple(at)]!r}, expected {expected[tuple(at)]!r}"
                )


def pick(rng, *choices):
    return choices[rng.integers(len(choices))]


def features(rng, *, missing, integers=True):
    count, width = int(rng.integers(60, 500)), int(rng.integers(1, 12))
    X = rng.normal(size=(count, width)) * 10.0 ** rng.integers(-3, 4)
    if integers and rng.random() < 0.3:
        X = np.round(X)
    if missing:
        X[rng.random(X.shape) < 0.1] = np.nan
    if rng.random() < 0.2:
        X[rng.random(X.shape) < 0.2] = 0.0
    return X


def target(rng, X):
    known = np.nan_to_num(X)
    return known @ rng.normal(size=X.shape[1]) + np.sin(known[:, 0]) + 0.1 * rng.normal(size=len(X)) * known.std()


def probes(rng, X, thresholds, *, missing, infinite, dtype):
    """Training rows in which single values are replaced by thresholds, their neighbours, and odd ones."""
    rows = X[rng.integers(len(X), size=150)].astype(np.float64)
    odd = [0.0, -0.0, 5e-324, -1e-40, 1e30, -1e30, 1e-35, -1e-36]
    odd += [np.nan] if missing else []
    odd += [np.inf, -np.inf] if infinite else []
    near = []
    if len(thresholds):
        near = list(rng.choice(thresholds, size=80))
        near += [np.nextafter(t, np.inf) for t in near[:20]] + [np.nextafter(t, -np.inf) for t in near[20:40]]
        near += [float(np.nextafter(np.float32(t), np.float32(9e9))) for t in near[:10]]
        near += [float(np.nextafter(np.float32(t), np.float32(-9e9))) for t in near[10:20]]
    values = np.array(near + odd)
    for row in rows[:120]:
        row[rng.integers(rows.shape[1])] = rng.choice(values)
    return rows.astype(dtype)


def container(rng, model):
    protocol, compress = int(rng.integers(2, 6)), pick(rng, 0, 3, ("gzip", 2), ("bz2", 2), ("xz", 1), ("lzma", 1))
    if rng.random() < 0.4:
        return lambda path: path.write_bytes(pickle.dumps(model, protocol=protocol))
    return lambda path: joblib.dump(model, path, compress=compress, protocol=protocol)


def labelled(rng, y):
    classes = int(rng.integers(2, 6))
    codes = np.searchsorted(np.quantile(y, np.linspace(0, 1, classes + 1)[1:-1]), y)
    codes[:classes] = np.arange(classes)
    kind = pick(rng, "int", "text", "float", "bool")
    if kind == "text":
        return np.array([f"klasse-{'ä' * k}{k}" for k in range(classes)])[codes]
    if kind == "float":
        return (codes - 1.0).astype(float)
    if kind == "bool":
        return codes > 0
    return codes * 7 - 3


def thresholds_in(model):
    out = []
    pending = [model]
    while pending:
        one = pending.pop()
        if hasattr(one, "tree_"):
            out += list(one.tree_.threshold[one.tree_.feature >= 0])
        elif hasattr(one, "_predictors"):
            for iteration in one._predictors:
                for predictor in iteration:
                    nodes = predictor.nodes
                    out += list(nodes["num_threshold"][(nodes["is_leaf"] == 0) & (nodes["is_categorical"] == 0)])
        elif hasattr(one, "estimators_"):
            pending += list(np.ravel(np.array(one.estimators_, dtype=object)))
    return np.array([t for t in out if np.isfinite(t)])


def tree_settings(rng):
    return {
        "max_depth": pick(rng, None, None, 1, 3, 8),
        "max_leaf_nodes": pick(rng, None, None, None, 2, 17),
        "min_samples_leaf": pick(rng, 1, 1, 5),
        "max_features": pick(rng, None, "sqrt", 1.0, 0.5),
        "ccp_alpha": pick(rng, 0.0, 0.0, 0.001),
        "random_state": int(rng.integers(1000)),
    }


def scikit_learn(rng):
    family = pick(rng, "tree", "forest", "extra", "boosting", "hist", "isolation", "ada", "bagging", "pipeline")
    classify = bool(rng.random() < 0.5)
    takes_missing = family in ("tree", "forest", "extra", "hist")
    missing = takes_missing and rng.random() < 0.5
    X = features(rng, missing=missing)
    y = target(rng, X)
    labels = labelled(rng, y)
    goal = labels if classify else y
    kind = "Classifier" if classify else "Regressor"
    exact = True
    if family == "tree":
        model = getattr(tree, pick(rng, "DecisionTree", "ExtraTree") + kind)(**tree_settings(rng))
    elif family in ("forest", "extra"):
        settings = {"n_estimators": int(rng.integers(1, 30)), "n_jobs": 1, **tree_settings(rng)}
        if classify:
            settings["class_weight"] = pick(rng, None, "balanced")
        model = getattr(ensemble, ("RandomForest" if family == "forest" else "ExtraTrees") + kind)(**settings)
    elif family == "boosting":
        settings = tree_settings(rng)
        settings.update(n_estimators=int(rng.integers(1, 12)), learning_rate=pick(rng, 0.1, 0.3, 1.0))
        settings["subsample"] = pick(rng, 1.0, 0.6)
        settings["init"] = pick(rng, None, "zero")
        if not classify:
            settings["loss"] = pick(rng, "squared_error", "absolute_error", "huber", "quantile")
        exact = not classify
        model = getattr(ensemble, "GradientBoosting" + kind)(**settings)
    elif family == "hist":
        settings = {"max_iter": int(rng.integers(1, 20)), "max_leaf_nodes": pick(rng, 3, 15, None)}
        settings["min_samples_leaf"] = pick(rng, 1, 20)
        if rng.random() < 0.5:
            X = np.abs(np.nan_to_num(X))
            X[:, 0] = rng.integers(0, pick(rng, 3, 40, 200), len(X))
            settings["categorical_features"] = [0]
        if not classify:
            settings["loss"] = pick(rng, "squared_error", "absolute_error", "poisson", "gamma", "quantile")
            goal = np.exp(y / (1 + np.abs(y).max())) if settings["loss"] in ("poisson", "gamma") else y
            if settings["loss"] == "quantile":
                settings["quantile"] = 0.3
        model = getattr(ensemble, "HistGradientBoosting" + kind)(**settings)
    elif family == "isolation":
        settings = {"max_features": pick(rng, 1.0, 0.5), "max_samples": pick(rng, "auto", 2, 0.3)}
        model = ensemble.IsolationForest(n_estimators=int(rng.integers(1, 30)), **settings)
        classify, exact = True, False
    elif family == "ada":
        base = getattr(tree, "DecisionTree" + kind)(max_depth=pick(rng, 1, 2, 4))
        model = getattr(ensemble, "AdaBoost" + kind)(base, n_estimators=int(rng.integers(1, 12)))
    elif family == "bagging":
        base = getattr(tree, "DecisionTree" + kind)(max_depth=pick(rng, 2, None))
        model = getattr(ensemble, "Bagging" + kind)(
            base, n_estimators=int(rng.integers(1, 12)), max_features=pick(rng, 1.0, 0.5), max_samples=pick(rng, 1.0, 0.2)
        )
    else:
        model = getattr(ensemble, "RandomForest" + kind)(int(rng.integers(1, 12)), max_depth=6, n_jobs=1)
        steps = [preprocessing.StandardScaler(), preprocessing.MinMaxScaler(clip=bool(rng.random() < 0.5)), "passthrough"]
        steps = [steps[i] for i in rng.permutation(3)[: rng.integers(1, 3)]]
        if rng.random() < 0.5:
            X[rng.random(X.shape) < 0.1] = np.nan
            strategy = pick(rng, "mean", "median", "most_frequent", "constant")
            steps.insert(0, SimpleImputer(strategy=strategy))
            missing = True
        model = pipeline.make_pipeline(*steps, model)
    if rng.random() < 0.3:
        X = X.astype(np.float32)
    model.fit(X, goal)
    last = model[-1] if family == "pipeline" else model
    dtype = pick(rng, np.float64, np.float32)
    # Thresholds of a pipeline are those of scaled values; as rows they are just values.
    rows = probes(rng, X, thresholds_in(last), missing=missing, infinite=family == "hist", dtype=dtype)
    raw = proba = None
    if classify and family != "isolation":
        proba = model.predict_proba(rows)
    if family == "isolation":
        raw = model.score_samples(rows)
    elif hasattr(model, "decision_function"):
        raw = model.decision_function(rows)
    elif family in ("forest", "extra", "bagging", "pipeline"):
        raw = proba if classify else model.predict(rows)
    if family == "tree" and not classify:
        raw = model.predict(rows)
    predict = model.predict(rows)
    return Subject(f"{type(last).__name__} {last.get_params()}", container(rng, model), rows, raw, proba, predict, exact=exact)


OBJECTIVES = """
    reg:squarederror reg:squaredlogerror reg:pseudohubererror reg:absoluteerror reg:quantileerror reg:logistic
    reg:gamma reg:tweedie count:poisson survival:cox survival:aft binary:logistic binary:logitraw binary:hinge
    multi:softmax multi:softprob rank:pairwise rank:ndcg rank:map
""".split()


def xgboost(rng):
    objective = pick(rng, *OBJECTIVES)
    missing = rng.random() < 0.6
    X = features(rng, missing=missing).astype(np.float32)
    y = target(rng, X)
    types = None
    if rng.random() < 0.3:
        X[:, 0] = rng.integers(0, pick(rng, 3, 30, 90), len(X))
        types = ["c"] + ["float"] * (X.shape[1] - 1)
    params = {
        "objective": objective,
        "booster": pick(rng, "gbtree", "gbtree", "dart"),
        "tree_method": pick(rng, "hist", "approx") if types else pick(rng, "hist", "approx", "exact"),
        "max_depth": pick(rng, 0, 1, 3, 6, 10),
        "eta": pick(rng, 0.1, 0.3, 1.0),
        "min_child_weight": pick(rng, 0, 1),
        "num_parallel_tree": pick(rng, 1, 1, 3),
        "subsample": pick(rng, 1.0, 0.7),
        "rate_drop": 0.4,
        "nthread": 1,
        "seed": int(rng.integers(1000)),
        "max_cat_to_onehot": pick(rng, 1, 4, 100),
        "verbosity": 0,
    }
    if params["booster"] == "gbtree":
        del params["rate_drop"]
    if params["max_depth"] == 0:
        params.update(grow_policy="lossguide", max_leaves=31)
        if params["tree_method"] == "exact":
            params["tree_method"] = "hist"
    if rng.random() < 0.4 and objective != "reg:quantileerror":
        params["base_score"] = pick(rng, 0.5, 0.3, 0.9)
    share = (np.argsort(np.argsort(y)) / len(y)).astype(np.float32)
    label = y
    if objective in ("reg:logistic", "binary:logistic", "binary:logitraw", "binary:hinge"):
        label = share if objective == "reg:logistic" else share > 0.6
    elif objective.startswith("multi"):
        params["num_class"] = int(rng.integers(2, 5))
        label = np.minimum((share * params["num_class"]).astype(int), params["num_class"] - 1)
    elif objective in ("reg:gamma", "reg:tweedie", "count:poisson", "survival:cox", "reg:squaredlogerror", "survival:aft"):
        label = np.round(5 * share) + 1
    elif objective.startswith("rank"):
        label = (share > 0.5).astype(int) if objective == "rank:map" else (3 * share).astype(int)
    elif objective == "reg:quantileerror":
        params["quantile_alpha"] = pick(rng, 0.5, [0.1, 0.5, 0.9])
        if params["tree_method"] == "exact":
            params["tree_method"] = "hist"
    several = objective == "reg:squarederror" and rng.random() < 0.4
    if several:
        label = np.stack([y, share, -y], axis=1)
        if rng.random() < 0.5 and params["booster"] == "gbtree" and types is None:
            params.update(multi_strategy="multi_output_tree", tree_method="hist")
    data = {"feature_types": types, "enable_categorical": types is not None}
    train = xgb.DMatrix(X, None if objective == "survival:aft" else label, **data)
    if objective == "survival:aft":
        train.set_float_info("label_lower_bound", label)
        train.set_float_info("label_upper_bound", label + 1)
    if objective.startswith("rank"):
        train.set_group([len(X)])
    booster = xgb.train(params, train, int(rng.integers(1, 10)))
    thresholds = thresholds_of_json(booster)
    rows = probes(rng, X, thresholds, missing=True, infinite=False, dtype=np.float32)
    matrix = xgb.DMatrix(rows, **data)
    raw, proba = booster.predict(matrix, output_margin=True), booster.predict(matrix)
    form = pick(rng, "json", "ubj", "pickle")
    if form == "pickle":
        save = container(rng, booster)
    else:
        save = lambda path: path.write_bytes(booster.save_raw(form))  # noqa: E731
    logged = {"reg:logistic", "binary:logistic", "reg:gamma", "reg:tweedie", "count:poisson", "survival:cox", "survival:aft"}
    exact = objective not in logged
    if objective == "multi:softmax":  # whose answer is the class
        return Subject(f"{params}", save, rows, raw, predict=proba, exact=exact)
    return Subject(f"{params}", save, rows, raw, proba, exact=exact)


def lightgbm(rng):
    objective = pick(
        rng, *"regression regression_l1 huber fair quantile mape poisson gamma tweedie binary multiclass multiclassova "
        "cross_entropy cross_entropy_lambda lambdarank rank_xendcg".split(),
    )
    X = features(rng, missing=rng.random() < 0.6)
    y = target(rng, X)
    share = np.argsort(np.argsort(y)) / len(y)
    params = {
        "objective": objective,
        "boosting": pick(rng, "gbdt", "gbdt", "dart", "rf"),
        "data_sample_strategy": "bagging",
        "num_leaves": pick(rng, 2, 4, 31, 100),
        "min_data_in_leaf": pick(rng, 1, 20),
        "learning_rate": pick(rng, 0.1, 0.5),
        "max_bin": pick(rng, 15, 255, 1000),
        "use_missing": bool(rng.random() < 0.8),
        "zero_as_missing": bool(rng.random() < 0.3),
        "bagging_freq": 1,
        "bagging_fraction": 0.7,
        "feature_fraction": pick(rng, 1.0, 0.6),
        "linear_tree": bool(rng.random() < 0.2) and objective not in ("regression_l1", "quantile", "mape"),
        "reg_sqrt": bool(rng.random() < 0.2),
        "sigmoid": pick(rng, 1.0, 0.6),
        "max_cat_to_onehot": pick(rng, 1, 4),
        "min_data_per_group": pick(rng, 1, 50),
        "num_threads": 1,
        "verbose": -1,
        "seed": int(rng.integers(1000)),
    }
    if params["linear_tree"] and params["boosting"] == "rf":
        params["boosting"] = "gbdt"
    label, group, categories = y, None, "auto"
    if objective in ("poisson", "gamma", "tweedie", "mape"):
        label = 5 * share + 0.1
    elif objective in ("binary", "cross_entropy", "cross_entropy_lambda"):
        label = (share > 0.4).astype(int) if objective == "binary" else share
    elif objective.startswith("multiclass"):
        params["num_class"] = 3
        label = (share * 2.99).astype(int)
    elif objective in ("lambdarank", "rank_xendcg"):
        label, group = (share * 3.99).astype(int), [len(X)]
    if rng.random() < 0.4:
        X[:, 0] = rng.integers(0, pick(rng, 3, 40, 1000), len(X))
        categories = [0]
    data = lgb.Dataset(X, label, group=group, categorical_feature=categories, params={"verbose": -1})
    booster = lgb.train(params, data, int(rng.integers(1, 12)))
    text = booster.model_to_string()
    thresholds = thresholds_of_text(text)
    rows = probes(rng, X, thresholds, missing=True, infinite=True, dtype=pick(rng, np.float64, np.float32))
    raw, proba = booster.predict(rows, raw_score=True), booster.predict(rows)
    if rng.random() < 0.5:
        save = container(rng, booster)
    else:
        save = lambda path: path.write_text(text, encoding="utf-8")  # noqa: E731
    return Subject(f"{params}", save, rows, raw, proba)


def thresholds_of_json(booster):
    gradient = json.loads(booster.save_raw("json"))["learner"]["gradient_booster"]
    conditions = []
    for one in gradient.get("gbtree", gradient)["model"]["trees"]:
        splits = zip(one["split_conditions"], one["left_children"])
        conditions += [condition for condition, left in splits if left != -1]
    return np.array([t for t in conditions if np.isfinite(t)])


def thresholds_of_text(text):
    listed = [line[10:].split() for line in text.splitlines() if line.startswith("threshold=")]
    return np.array([float(t) for values in listed for t in values])


def xgboost_estimator(rng):
    X = features(rng, missing=rng.random() < 0.6).astype(np.float32)
    y = target(rng, X)
    classes = pick(rng, 0, 2, 3, 5)  # 0: numbers
    settings = {"n_estimators": int(rng.integers(1, 10)), "max_depth": pick(rng, 1, 3, 6), "n_jobs": 1}
    settings.update(learning_rate=pick(rng, 0.3, 1.0), missing=pick(rng, np.nan, -1.0, 0.0))
    settings["tree_method"] = pick(rng, "hist", "exact")
    forest = rng.random() < 0.3
    if classes == 0:
        kind, goal = xgb.XGBRFRegressor if forest else xgb.XGBRegressor, y
    else:
        kind = xgb.XGBRFClassifier if forest else xgb.XGBClassifier
        goal = np.searchsorted(np.quantile(y, np.linspace(0, 1, classes + 1)[1:-1]), y)
        goal[:classes] = np.arange(classes)
        two = (None, "binary:hinge", "binary:logitraw")
        settings["objective"] = pick(rng, *two) if classes == 2 else pick(rng, None, "multi:softmax")
        settings = {key: value for key, value in settings.items() if value is not None}
    model = kind(**settings).fit(X, goal)
    rows = probes(rng, X, thresholds_of_json(model.get_booster()), missing=True, infinite=False, dtype=np.float32)
    rows[rng.random(rows.shape) < 0.05] = settings["missing"]
    proba = model.predict_proba(rows) if classes else None
    raw = model.predict(rows, output_margin=True)
    exact = model.objective != "binary:logistic"
    return Subject(f"{kind.__name__} {settings}", container(rng, model), rows, raw, proba, model.predict(rows), exact=exact)


def lightgbm_estimator(rng):
    X = features(rng, missing=rng.random() < 0.6)
    y = target(rng, X)
    settings = {"n_estimators": int(rng.integers(1, 10)), "num_leaves": pick(rng, 2, 15), "n_jobs": 1, "verbose": -1}
    settings.update(boosting_type=pick(rng, "gbdt", "dart", "rf"), subsample=0.7, subsample_freq=1)
    classify = rng.random() < 0.7
    kind, goal = (lgb.LGBMClassifier, labelled(rng, y)) if classify else (lgb.LGBMRegressor, y)
    model = kind(**settings).fit(X, goal)
    thresholds = thresholds_of_text(model.booster_.model_to_string())
    rows = probes(rng, X, thresholds, missing=True, infinite=True, dtype=pick(rng, np.float64, np.float32))
    raw = model.predict(rows, raw_score=True)
    proba = model.predict_proba(rows) if classify else None
    return Subject(f"{kind.__name__} {settings}", container(rng, model), rows, raw, proba, model.predict(rows))


def main():
    command, seconds = sys.argv[1], float(sys.argv[2])
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else int(time.time())
    makers = {
        "scikit-learn": [scikit_learn],
        "xgboost": [xgboost, xgboost, xgboost_estimator],
        "lightgbm": [lightgbm, lightgbm, lightgbm_estimator],
    }
    chosen = sys.argv[4:] or list(makers)
    versions = f"scikit-learn {sklearn.__version__}, XGBoost {xgb.__version__}, LightGBM {lgb.__version__}"
    print(f"{versions}; seed {seed}", flush=True)
    done, refused, start, number = Counter(), Counter(), time.monotonic(), 0
    folder = tempfile.mkdtemp(prefix="petrify-origins-")
    petrify = Petrify(command, folder)
    while time.monotonic() - start < seconds:
        library = chosen[number % len(chosen)]
        rng = np.random.default_rng([seed, number])
        number += 1
        try:
            subject = pick(rng, *makers[library])(rng)
        except (ValueError, xgb.core.XGBoostError, lgb.basic.LightGBMError, FloatingPointError) as reason:
            refused[f"{library}: {str(reason).splitlines()[-1][:90]}"] += 1  # settings that it does not train with
            continue
        try:
            petrify.check(subject)
        except Difference as difference:
            print(f"{library}, number {number - 1}: {difference}\n  {subject.name}\n  kept in {folder}")
            return 1
        done[library] += 1
    for reason, count in refused.most_common(5):
        print(f"  not trained {count} times: {reason}")
    print(", ".join(f"{count} models of {library}" for library, count in sorted(done.items())) + ": no difference")
    return 0


sys.exit(main())
