"""Where models lie and how their libraries load them; for the scripts beside it."""

import joblib
import numpy as np

LARGE_NODES = 400_000  # what has more is not compiled, and left out for peers that take minutes


def model_path(directory, name):
    for extension in ("ubj", "joblib", "txt"):
        path = directory / f"{name}.{extension}"
        if path.exists():
            return path
    raise FileNotFoundError(f"{directory}/{name}: make_engine_models.py has not made this model")


def load_rows(directory, name):
    return np.load(directory / f"{name}.x.npy"), np.load(directory / f"{name}.raw.npy")


def load_xgboost(path):
    import xgboost

    booster = xgboost.Booster({"nthread": 1})
    booster.load_model(path)
    return booster


def load_treelite(path):
    import treelite

    if path.suffix == ".ubj":
        return treelite.frontend.load_xgboost_model(str(path), format_choice="ubjson")
    if path.suffix == ".txt":
        return treelite.frontend.load_lightgbm_model(str(path))
    return treelite.sklearn.import_model(joblib.load(path))


def is_large(path):
    """Whether its library's file says so: about 80 bytes a node of scikit-learn's and 40 of the others'."""
    return path.stat().st_size > 80 * LARGE_NODES
