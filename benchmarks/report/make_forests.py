"""Trains forests of growing size, and writes them in the form that each peer loads: make_forests.py DIRECTORY NAME...

NAME is LIBRARY-NODES: sklearn-1000000, xgboost-100000, lightgbm-1000. For each model: NAME.row.txt, one row of
float32 values, and NAME.raw.txt, what its library says of it. The model's own file is written last: where it is, the
rest is too. A model that is there already is left alone. ./dev bench runs it; 10^7 nodes take some minutes.
"""

import pickle
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

NUM_COLUMNS = 20
NUM_ROWS = 100_000
NUM_JOBS = 2
# Its converter walks all nodes in Python.
MOST_NODES_FOR_ONNX = 100_000


def shape_of(num_nodes):
    """(trees, leaves of each), for nearly so many nodes: a tree of n leaves has 2n - 1."""
    trees = 10 if num_nodes <= 1000 else 100
    return trees, (num_nodes // trees + 1) // 2


def training_data(seed):
    from make_engine_models import fresh_rows, rows_and_target

    X, y = rows_and_target(seed, NUM_ROWS, NUM_COLUMNS)
    return X, y, fresh_rows(seed, 1, NUM_COLUMNS)


def train_sklearn(num_nodes):
    import joblib
    from sklearn.ensemble import RandomForestRegressor

    trees, leaves = shape_of(num_nodes)
    X, y, row = training_data(21)
    model = RandomForestRegressor(trees, max_leaf_nodes=leaves, max_features=0.3, random_state=1, n_jobs=NUM_JOBS)
    model.fit(X, y)
    model.n_jobs = 1

    def write_pickle(path):
        with open(path, "wb") as out:
            pickle.dump(model, out, protocol=5)

    writers = {
        "onnx": lambda path: sklearn_to_onnx(model, path),
        "treelite": lambda path: treelite_of_sklearn(model).serialize(path),
        "pkl": write_pickle,
        "joblib": lambda path: joblib.dump(model, path),
    }
    return row, model.predict(row), sum(tree.tree_.node_count for tree in model.estimators_), writers


def train_xgboost(num_nodes):
    import xgboost
    from make_engine_models import save_xgboost

    trees, leaves = shape_of(num_nodes)
    X, y, row = training_data(22)
    parameters = {
        "objective": "reg:squarederror",
        "tree_method": "hist",
        "grow_policy": "lossguide",
        "max_leaves": leaves,
        "max_depth": 0,
        "min_child_weight": 1,
        "eta": 0.05,
        "nthread": NUM_JOBS,
    }
    booster = xgboost.train(parameters, xgboost.DMatrix(X, y), trees)
    booster.set_param({"nthread": 1})
    nodes = sum(text.count("\n") for text in booster.get_dump())
    raw = booster.inplace_predict(row, predict_type="margin")
    writers = {
        "onnx": lambda path: boosting_to_onnx("xgboost", booster, path),
        "treelite": lambda path: treelite_of("xgboost", booster).serialize(path),
        "json": lambda path: save_xgboost(booster, path),
        "ubj": lambda path: save_xgboost(booster, path),
    }
    return row, raw, nodes, writers


def train_lightgbm(num_nodes):
    import lightgbm

    trees, leaves = shape_of(num_nodes)
    X, y, row = training_data(23)
    parameters = {
        "objective": "regression",
        "num_leaves": leaves,
        "min_data_in_leaf": 2,
        "learning_rate": 0.05,
        "num_threads": NUM_JOBS,
        "deterministic": True,
        "force_row_wise": True,
        "verbose": -1,
    }
    booster = lightgbm.train(parameters, lightgbm.Dataset(X, y), trees)
    nodes = sum(2 * tree["num_leaves"] - 1 for tree in booster.dump_model()["tree_info"])
    raw = booster.predict(row, raw_score=True, num_threads=1)
    writers = {
        "onnx": lambda path: boosting_to_onnx("lightgbm", booster, path),
        "treelite": lambda path: treelite_of("lightgbm", booster).serialize(path),
        "txt": booster.save_model,
    }
    return row, raw, nodes, writers


def treelite_of_sklearn(model):
    import treelite

    return treelite.sklearn.import_model(model)


def treelite_of(library, booster):
    import treelite

    return getattr(treelite.frontend, f"from_{library}")(booster)


def sklearn_to_onnx(model, path):
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType

    converted = convert_sklearn(model, initial_types=[("rows", FloatTensorType([None, NUM_COLUMNS]))])
    Path(path).write_bytes(converted.SerializeToString())


def boosting_to_onnx(library, booster, path):
    import onnxmltools
    from onnxmltools.convert.common.data_types import FloatTensorType

    convert = getattr(onnxmltools, f"convert_{library}")
    converted = convert(booster, initial_types=[("rows", FloatTensorType([None, NUM_COLUMNS]))])
    Path(path).write_bytes(converted.SerializeToString())


TRAIN = {"sklearn": train_sklearn, "xgboost": train_xgboost, "lightgbm": train_lightgbm}
OWN_FORMAT = {"sklearn": "joblib", "xgboost": "ubj", "lightgbm": "txt"}


def numbers(values):
    return ",".join(repr(float(value)) for value in values)


def make(out, name):
    from make_engine_models import write_whole

    library, num_nodes = name.split("-")
    if (out / f"{name}.{OWN_FORMAT[library]}").exists():
        return
    row, raw, nodes, writers = TRAIN[library](int(num_nodes))
    (out / f"{name}.row.txt").write_text(numbers(row[0]))
    (out / f"{name}.raw.txt").write_text(numbers(raw))
    (out / f"{name}.nodes.txt").write_text(str(nodes))
    for extension, write in writers.items():
        if extension == "onnx" and nodes > MOST_NODES_FOR_ONNX:
            continue
        write_whole(out / f"{name}.{extension}", write)
    print(f"{name}: {nodes} nodes", flush=True)


def main():
    names = sys.argv[2:]
    if not names or not all(name.split("-")[0] in TRAIN and name.split("-")[-1].isdecimal() for name in names):
        sys.exit(__doc__)
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    for name in names:
        make(out, name)


if __name__ == "__main__":
    main()
