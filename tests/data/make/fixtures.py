"""What the fixture makers share: input rows, the origin's outputs, and the files."""

import json
import platform
import warnings
from pathlib import Path

import joblib
import numpy as np
import sklearn
from sklearn.base import is_classifier

# Models fitted on a DataFrame warn about every plain array they predict from.
warnings.filterwarnings("ignore", message="X does not have valid feature names")

# Casting to float32 may overflow on purpose, and so does the sum of a row of FLT_MAX
# that scikit-learn takes as a first check of its input.
np.seterr(over="ignore", invalid="ignore")

FLT_MAX = np.finfo(np.float32).max
FLT_MIN = np.finfo(np.float32).tiny
FLT_DENORMAL = np.float32(1e-45)  # the smallest float32 above zero


def sklearn_version():
    return tuple(int(part) for part in sklearn.__version__.split(".")[:2])


def write_json(path, value):
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def without_time(data):
    """Clears the time stamp of a gzip file, so that it comes out the same every time."""
    if data[:2] == b"\x1f\x8b":
        return data[:4] + bytes(4) + data[8:]
    return data


def write_versions(directory):
    write_json(
        directory / "versions.json",
        {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "scikit-learn": sklearn.__version__,
            "joblib": joblib.__version__,
            "machine": platform.machine(),
        },
    )


def trees_of(model):
    if hasattr(model, "tree_"):
        return [model.tree_]
    return [estimator.tree_ for estimator in model.estimators_]


def accepts_nan(model, X):
    row = np.array(X[:1])
    row[0, 0] = np.nan
    try:
        model.predict(row)
    except ValueError:
        return False
    return True


def round_down(threshold):
    """The largest float32 that is not above the threshold."""
    nearest = np.float32(threshold)
    if np.float64(nearest) > threshold:
        nearest = np.nextafter(nearest, np.float32(-np.inf))
    return nearest


def neighbours(threshold):
    low = round_down(threshold)
    return low, np.nextafter(low, np.float32(-np.inf)), np.nextafter(low, np.float32(np.inf))


def acceptable(values):
    """Those that stay finite as float32, which scikit-learn asks for.

    A threshold is infinite where a split only parts missing values from all others.
    """
    return [value for value in values if np.isfinite(np.float32(value))]


def near32(threshold):
    """The float32 values around a threshold."""
    return acceptable(neighbours(threshold))


def near64(threshold):
    """The float64 values around a threshold, the tie between two float32 among them."""
    low, below, above = (np.float64(value) for value in neighbours(threshold))
    values = [
        np.float64(threshold),
        low,
        below,
        above,
        np.nextafter(threshold, -np.inf),
        np.nextafter(threshold, np.inf),
        low / 2 + above / 2,
    ]
    distinct = {value.tobytes(): value for value in values}
    return acceptable(distinct.values())


def edge_values(dtype):
    """Values for whole rows: zeros, denormals, and the largest that are still accepted."""
    values = [0.0, -0.0, FLT_DENORMAL, -FLT_DENORMAL, FLT_MIN, FLT_MAX, -FLT_MAX]
    values.append(np.nextafter(FLT_MIN, np.float32(0)))  # the largest denormal
    if dtype == np.float64:
        values += [
            5e-324,  # becomes 0.0 in float32
            -5e-324,  # becomes -0.0
            7.1e-46,  # just above half of the smallest denormal: rounds up to it
            float(FLT_MAX) * (1 + 2.0**-26),  # above FLT_MAX, rounds down to it
        ]
    return [dtype(value) for value in values]


def chosen_splits(model, X, limit, rng):
    """Up to `limit` splits of the model, each with the rows of X that come to it."""
    trees = trees_of(model)
    places = [
        (number, node)
        for number, tree in enumerate(trees)
        for node in np.flatnonzero(tree.children_left != -1)
    ]
    if len(places) > limit:
        kept = rng.choice(len(places), size=limit, replace=False)
        places = [places[index] for index in sorted(kept)]
    paths = {}
    splits = []
    for number, node in places:
        tree = trees[number]
        if number not in paths:
            paths[number] = tree.decision_path(X).tocsc()
        reaching = paths[number][:, node].indices
        splits.append((tree.feature[node], tree.threshold[node], reaching))
    return splits


def make_rows(model, X, dtype, *, training_rows, splits, with_nan):
    """Rows to predict: training rows, split boundaries, edge values, and missing values.

    A boundary row is a training row that comes to the split, with the split's feature
    replaced, so that the comparison under test really decides the leaf.
    """
    rng = np.random.RandomState(20240501)
    X = np.asarray(X, dtype=np.float64)
    X32 = X.astype(np.float32)
    rows = [X[index] for index in rng.randint(len(X), size=training_rows)]

    def changed(feature, value, candidates):
        candidates = candidates if len(candidates) else np.arange(len(X))
        row = X[rng.choice(candidates)].copy()
        row[feature] = value
        return row

    near = near32 if dtype == np.float32 else near64
    limit = splits if dtype == np.float32 else (splits + 1) // 2
    chosen = chosen_splits(model, X32, limit, rng)
    for feature, threshold, reaching in chosen:
        rows += [changed(feature, value, reaching) for value in near(threshold)]

    width = X.shape[1]
    edges = edge_values(dtype)
    rows += [np.full(width, value, dtype=np.float64) for value in edges]
    rows += [rng.choice(edges, size=width).astype(np.float64) for _ in range(2)]

    if with_nan:
        for feature, _, reaching in chosen[:16]:
            rows.append(changed(feature, np.nan, reaching))
        for feature in range(min(width, 16)):
            rows.append(changed(feature, np.nan, np.arange(len(X))))
        rows.append(np.full(width, np.nan))
        rows.append(np.full(width, -np.nan))  # the sign of a NaN means nothing

    return np.ascontiguousarray(np.array(rows).astype(dtype))


def save_array(path, array):
    """Saves an array that needs no pickle to be read: object labels become text."""
    array = np.asarray(array)
    if array.dtype == object:
        array = array.astype(str)
    np.save(path, np.ascontiguousarray(array), allow_pickle=False)


def side_by_side(outputs):
    """The probabilities of several outputs as one matrix."""
    return np.concatenate(outputs, axis=1) if isinstance(outputs, list) else outputs


def save_outputs(directory, model, rows, suffix):
    save_array(directory / f"x{suffix}.npy", rows)
    save_array(directory / f"predict{suffix}.npy", model.predict(rows))
    save_array(directory / f"leaf{suffix}.npy", model.apply(rows))
    if hasattr(model, "predict_proba"):
        save_array(directory / f"proba{suffix}.npy", side_by_side(model.predict_proba(rows)))


def classes_per_output(model):
    if not is_classifier(model):
        return [1] * model.n_outputs_
    return [int(count) for count in np.atleast_1d(model.n_classes_)]


def save_case(root, name, model, X, why, *, files, training_rows=14, splits=24):
    """Writes the rows and outputs of one case and returns its entry for cases.json."""
    directory = Path(root) / name
    directory.mkdir(parents=True, exist_ok=True)
    with_nan = accepts_nan(model, np.asarray(X, dtype=np.float64))
    for suffix, dtype in (("32", np.float32), ("64", np.float64)):
        rows = make_rows(
            model, X, dtype, training_rows=training_rows, splits=splits, with_nan=with_nan
        )
        save_outputs(directory, model, rows, suffix)
    entry = {
        "name": name,
        "model": files[0],
        "kind": "classifier" if is_classifier(model) else "regressor",
        "estimator": type(model).__name__,
        "why": why,
        "accepts_nan": with_nan,
        "outputs": classes_per_output(model),
    }
    if len(files) > 1:
        entry["models"] = files
    return entry
