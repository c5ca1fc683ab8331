"""Rows and outputs for fitted ensembles and pipelines, used by make_ensembles.py.

A model is seen as a front (the transformers before the last step of its pipelines) and
a core (the ensemble). Boundary rows are found in the front's input: where the front
changes values, by bisection through the front itself.
"""

import warnings
from pathlib import Path

import numpy as np
from sklearn.base import is_classifier
from sklearn.ensemble import (
    AdaBoostClassifier,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
)
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline

from fixtures import (
    FLT_MAX,
    edge_values,
    near32,
    near64,
    save_array,
    side_by_side,
    sklearn_version,
)

GRADIENT = (GradientBoostingClassifier, GradientBoostingRegressor)
HISTOGRAM = (HistGradientBoostingClassifier, HistGradientBoostingRegressor)
DBL_MAX = np.finfo(np.float64).max


# ---------------------------------------------------------------------------------------
# What a model is made of


def unwrap(model):
    """The pipelines in front of the last step, outermost first, and the last step."""
    fronts = []
    while isinstance(model, Pipeline):
        if len(model.steps) > 1:
            fronts.append(model[:-1])
        model = model.steps[-1][1]
    return fronts, model


def through(fronts, rows):
    for front in fronts:
        rows = front.transform(rows)
    return rows


def transformers(step):
    if isinstance(step, Pipeline):
        for _, inner in step.steps:
            yield from transformers(inner)
    elif step is not None and not isinstance(step, str):
        yield step


def columns_behind(fronts, width):
    """The input column of each column that leaves the front."""
    columns = np.arange(width)
    for front in fronts:
        for step in transformers(front):
            if isinstance(step, SimpleImputer) and not getattr(
                step, "keep_empty_features", False
            ):
                if step.strategy != "constant" or sklearn_version() >= (1, 8):
                    columns = columns[~np.isnan(step.statistics_.astype(np.float64))]
    return columns


def member_trees(core):
    """Each tree of the ensemble with the columns that it sees, None for all."""
    if isinstance(core, GRADIENT):
        return [(tree, None) for tree in core.estimators_.ravel()]
    if hasattr(core, "tree_"):
        return [(core, None)]
    if hasattr(core, "estimators_features_"):
        return list(zip(core.estimators_, core.estimators_features_))
    return [(tree, None) for tree in core.estimators_]


def number_of_trees(core):
    if isinstance(core, HISTOGRAM):
        return sum(len(iteration) for iteration in core._predictors)
    return len(member_trees(core))


def histogram_columns(core, width):
    """The input column of each feature of the nodes: from 1.4 on categories come first."""
    if getattr(core, "_preprocessor", None) is None:
        return np.arange(width)
    return np.concatenate(
        [np.flatnonzero(core.is_categorical_), np.flatnonzero(~core.is_categorical_)]
    )


def threshold_field(nodes):
    """Called threshold before there were categories (0.24)."""
    return "num_threshold" if "num_threshold" in nodes.dtype.names else "threshold"


def reaching_rows(nodes, X):
    """For each node of a histogram tree, about which rows of X come to it."""
    categories = "is_categorical" in nodes.dtype.names
    reach = np.zeros((len(nodes), len(X)), dtype=bool)
    reach[0] = True
    for number, node in enumerate(nodes):  # children follow their parents
        if node["is_leaf"]:
            continue
        value = X[:, node["feature_idx"]]
        if categories and node["is_categorical"]:
            left = np.arange(len(X)) % 2 == 0  # either way, roughly
        else:
            with np.errstate(invalid="ignore"):
                left = value <= node[threshold_field(nodes)]
        left = np.where(np.isnan(value), bool(node["missing_go_to_left"]), left)
        reach[node["left"]] |= reach[number] & left
        reach[node["right"]] |= reach[number] & ~left
    return reach


def all_splits(core, inside):
    """(column, threshold, reaching rows) of each numeric split, for rows inside the model."""
    splits = []
    if isinstance(core, HISTOGRAM):
        columns = histogram_columns(core, inside.shape[1])
        ordered = np.asarray(inside, dtype=np.float64)[:, columns]
        for iteration in core._predictors:
            for predictor in iteration:
                reach = reaching_rows(predictor.nodes, ordered)
                for number, node in enumerate(predictor.nodes):
                    categorical = "is_categorical" in node.dtype.names and node["is_categorical"]
                    if not node["is_leaf"] and not categorical:
                        column = columns[node["feature_idx"]]
                        threshold = node[threshold_field(predictor.nodes)]
                        splits.append((column, threshold, np.flatnonzero(reach[number])))
        return splits
    inside = np.asarray(inside).astype(np.float32)
    for member, columns in member_trees(core):
        tree = member.tree_
        seen = np.ascontiguousarray(inside if columns is None else inside[:, columns])
        path = tree.decision_path(seen).tocsc()
        for node in np.flatnonzero(tree.children_left != -1):
            feature = tree.feature[node]
            column = feature if columns is None else columns[feature]
            splits.append((column, tree.threshold[node], path[:, node].indices))
    return splits


# ---------------------------------------------------------------------------------------
# Rows


def ordered_bits(values):
    """Floats as integers in the same order."""
    width = values.dtype.itemsize
    bits = values.view(f"i{width}").astype(object)
    return np.where(bits < 0, -(bits + 2 ** (8 * width - 1)), bits)


def from_ordered(numbers, dtype):
    width = np.dtype(dtype).itemsize
    bits = [n if n >= 0 else -n - 2 ** (8 * width - 1) for n in numbers]
    return np.array(bits, dtype=f"i{width}").view(dtype)


def bisected(fronts, rows, columns, inside_columns, thresholds, single):
    """For each row the last value of its column that goes left and the next one.

    `single`: whether the comparison casts to float32 first.
    """
    dtype = rows.dtype
    limit = 1e30 if dtype.kind == "f" else 2**40
    number = np.arange(len(rows))

    def goes_left(values):
        changed = rows.copy()
        changed[number, columns] = values
        inside = np.asarray(through(fronts, changed))[number, inside_columns]
        if single:
            inside = inside.astype(np.float32)
        return inside.astype(np.float64) <= thresholds

    if dtype.kind == "f":
        low = ordered_bits(np.full(len(rows), -limit, dtype=dtype))
        high = ordered_bits(np.full(len(rows), limit, dtype=dtype))
        convert = lambda numbers: from_ordered(numbers, dtype)
    else:
        low = np.full(len(rows), -limit, dtype=object)
        high = np.full(len(rows), limit, dtype=object)
        convert = lambda numbers: np.array(numbers, dtype=dtype)
    straddles = goes_left(convert(low)) & ~goes_left(convert(high))
    for _ in range(66):
        middle = (low + high) // 2
        left = goes_left(convert(middle))
        low = np.where(left, middle, low)
        high = np.where(left, high, middle)
    return convert(low), convert(high), straddles


def accepted(model, rows):
    """Those rows that the model does not refuse."""
    try:
        model.predict(rows)
        return rows
    except ValueError:
        pass
    kept = []
    for index in range(len(rows)):
        try:
            model.predict(rows[index : index + 1])
            kept.append(index)
        except ValueError:
            pass
    return rows[kept]


def integer_rows(model, X, rng, training_rows, splits, special):
    """Rows of int64, among them ones that float32 or float64 cannot hold."""
    X = np.rint(np.where(np.isnan(X), -1, X)).astype(np.int64)
    rows = [X[index] for index in rng.randint(len(X), size=training_rows)]
    fronts, core = unwrap(model)
    changes = boundary_changes(fronts, core, X, splits, rng)
    for base, column, value in changes:
        row = X[base].copy()
        row[column] = value
        rows.append(row)
    for column in range(X.shape[1]):
        for value in (0, -1, 2**24 + 1, 9007199791611905, 2**53 + 1, -(2**62)):
            row = X[rng.randint(len(X))].copy()
            row[column] = value
            rows.append(row)
    for column, values in special.items():
        for value in values:
            if np.isfinite(value) and value == int(value) and abs(value) < 2**62:
                row = X[rng.randint(len(X))].copy()
                row[column] = int(value)
                rows.append(row)
    return np.array(rows, dtype=np.int64)


def boundary_changes(fronts, core, X, limit, rng):
    """(row of X, column, value) for values around the thresholds of some splits."""
    dtype = X.dtype
    histogram = isinstance(core, HISTOGRAM)
    inside = np.asarray(through(fronts, X))
    found = all_splits(core, inside)
    found = [split for split in found if np.isfinite(split[1]) and len(split[2])]
    if dtype == np.float64:
        limit = (limit + 1) // 2
    if len(found) > limit:
        chosen = rng.choice(len(found), size=limit, replace=False)
        found = [found[index] for index in sorted(chosen)]
    if not found:
        return []
    changes = []
    if not fronts and dtype.kind == "f":
        for column, threshold, reaching in found:
            if dtype == np.float32:
                values = near32(threshold)
            elif histogram:
                values = [
                    np.nextafter(threshold, -np.inf),
                    threshold,
                    np.nextafter(threshold, np.inf),
                ]
            else:
                values = near64(threshold)
            changes += [(rng.choice(reaching), column, value) for value in values]
        return changes
    if not fronts:
        for column, threshold, reaching in found:
            if abs(threshold) < 2**62:
                below = int(np.floor(threshold))
                changes += [(rng.choice(reaching), column, below + step) for step in (0, 1)]
        return changes
    behind = columns_behind(fronts, X.shape[1])
    bases = np.array([rng.choice(reaching) for _, _, reaching in found])
    inside_columns = np.array([column for column, _, _ in found])
    columns = behind[inside_columns]
    thresholds = np.array([threshold for _, threshold, _ in found])
    low, high, straddles = bisected(
        fronts, X[bases], columns, inside_columns, thresholds, single=not histogram
    )
    for base, column, *values, good in zip(bases, columns, low, high, straddles):
        if good:
            changes += [(base, column, value) for value in values]
    return changes


def make_rows(model, X, dtype, *, training_rows, splits, special):
    """Rows to predict, as in fixtures.make_rows; refused ones are left out."""
    rng = np.random.RandomState(20240501)
    X = np.asarray(X, dtype=np.float64)
    if dtype == np.int64:
        return accepted(model, integer_rows(model, X, rng, training_rows, splits, special))
    fronts, core = unwrap(model)
    typed = X.astype(dtype)
    rows = [typed[index] for index in rng.randint(len(X), size=training_rows)]

    def changed(base, column, value):
        row = typed[base].copy()
        row[column] = value
        rows.append(row)

    for change in boundary_changes(fronts, core, typed, splits, rng):
        changed(*change)

    width = X.shape[1]
    edges = edge_values(dtype)
    if isinstance(core, HISTOGRAM):
        edges += [np.inf, -np.inf] + ([DBL_MAX, -DBL_MAX] if dtype == np.float64 else [])
    rows += [np.full(width, value, dtype=dtype) for value in edges]
    rows += [rng.choice(edges, size=width).astype(dtype) for _ in range(2)]
    rows += [np.full(width, np.nan, dtype=dtype), np.full(width, -np.nan, dtype=dtype)]
    for column in range(width):
        changed(rng.randint(len(X)), column, np.nan)
        changed(rng.randint(len(X)), column, [np.inf, -np.inf][column % 2])
        changed(rng.randint(len(X)), column, [FLT_MAX, -FLT_MAX][column % 2])
    for column, values in special.items():
        for value in values:
            changed(rng.randint(len(X)), column, value)
    return accepted(model, np.ascontiguousarray(np.array(rows)))


# ---------------------------------------------------------------------------------------
# Outputs


def raw_of(model, rows):
    """The score before any link, as the origin gives it for a batch."""
    fronts, core = unwrap(model)
    if fronts and not isinstance(core, HistGradientBoostingRegressor):
        if isinstance(core, IsolationForest):
            return model.score_samples(rows)
        if hasattr(core, "decision_function"):
            return model.decision_function(rows)
        return raw_without_score(model, rows)
    if isinstance(core, HistGradientBoostingRegressor):
        return core._raw_predict(through(fronts, rows)).ravel()
    if isinstance(core, IsolationForest):
        return core.score_samples(rows)
    if isinstance(core, GRADIENT + HISTOGRAM + (AdaBoostClassifier,)) and is_classifier(core):
        return core.decision_function(rows)
    return raw_without_score(model, rows)


def raw_without_score(model, rows):
    fronts, core = unwrap(model)
    if is_classifier(core) and hasattr(core, "tree_"):  # counts before 1.4, then shares
        inside = np.asarray(through(fronts, rows)).astype(np.float32)
        return core.tree_.value[core.apply(inside), 0]
    if is_classifier(model):
        return side_by_side(model.predict_proba(rows))
    return model.predict(rows)


def proba_of(model, rows):
    _, core = unwrap(model)
    if isinstance(core, IsolationForest):
        return model.decision_function(rows)
    if is_classifier(core):
        return side_by_side(model.predict_proba(rows))
    return model.predict(rows)


def leaves_of(model, rows):
    """Node ids of the leaves, one column to a tree; None for histogram trees."""
    fronts, core = unwrap(model)
    if isinstance(core, HISTOGRAM):
        return None
    inside = np.asarray(through(fronts, rows))
    if isinstance(core, GRADIENT):
        leaves = core.apply(inside).reshape(len(rows), -1)
    else:
        seen = np.ascontiguousarray(inside.astype(np.float32))
        leaves = np.column_stack(
            [
                member.apply(
                    seen if columns is None else seen[:, columns].copy(), check_input=False
                )
                for member, columns in member_trees(core)
            ]
        )
    return leaves.astype(np.int16)


def outputs_of(model, rows):
    return {
        "raw": raw_of(model, rows),
        "proba": proba_of(model, rows),
        "predict": model.predict(rows),
        "leaf": leaves_of(model, rows),
    }


def as_saved(array):
    array = np.asarray(array)
    return np.ascontiguousarray(array.astype(str) if array.dtype == object else array)


def save_outputs(directory, outputs, suffix):
    for name, array in outputs.items():
        if array is not None:
            save_array(Path(directory) / f"{name}{suffix}.npy", array)


def same_bits(first, second):
    """Whether two sets of outputs are equal bit for bit."""
    for name, array in first.items():
        if array is None:
            continue
        one, other = as_saved(array), as_saved(second[name])
        if (
            one.dtype != other.dtype
            or one.shape != other.shape
            or one.tobytes() != other.tobytes()
        ):
            return False
    return True
