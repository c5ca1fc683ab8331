"""Makes of each model what the peers predict with: convert_models.py [--no-compiled] PETRIFY DIRECTORY NAME...

PETRIFY is the command; NAME.stone is always made anew, by the petrify that is to be measured. The rest is made once:
NAME.if_else.so and NAME.tl2cgen.so (gcc -O2), NAME.onnx, and NAME.xgboost_1.json for releases of XGBoost before 3.1.
What cannot be made is said, and that peer left out. Run it by ./dev bench compare.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import joblib
import tl2cgen

from make_if_else import write_if_else
from peer_models import is_large, load_rows, load_treelite, load_xgboost, model_path

COMPILER = ["gcc", "-O2", "-shared", "-fPIC", "-ffp-contract=off", "-w"]


def make_if_else_library(path, target):
    with tempfile.TemporaryDirectory() as scratch:
        source = Path(scratch) / "if_else.c"
        write_if_else(load_treelite(path), source)
        subprocess.run([*COMPILER, source, "-o", target], check=True)


def make_tl2cgen_library(path, target):
    """In as many files as there are trees by ten: in one function of all trees the compiler would take for ever."""
    model = load_treelite(path)
    with tempfile.TemporaryDirectory() as scratch:
        parts = max(1, model.num_tree // 10)
        tl2cgen.generate_c_code(model, scratch, params={"parallel_comp": parts})
        objects = []
        for source in sorted(Path(scratch).glob("*.c")):
            objects.append(source.with_suffix(".o"))
            subprocess.run([*COMPILER, "-c", source, "-o", objects[-1]], check=True)
        subprocess.run([*COMPILER, *objects, "-lm", "-o", target], check=True)


def make_onnx(path, target):
    if path.suffix == ".joblib":
        from skl2onnx import to_onnx
        from skl2onnx.common.data_types import FloatTensorType

        model = joblib.load(path)
        options = (
            {id(model): {"zipmap": False, "raw_scores": hasattr(model, "decision_function")}}
            if hasattr(model, "classes_")
            else None
        )
        columns = FloatTensorType([None, model.n_features_in_])
        converted = to_onnx(model, initial_types=[("x", columns)], options=options)
    else:
        from onnxmltools import convert_lightgbm, convert_xgboost
        from onnxmltools.convert.common.data_types import FloatTensorType

        columns = load_rows(path.parent, path.stem)[0].shape[1]
        types = [("x", FloatTensorType([None, columns]))]
        if path.suffix == ".ubj":
            converted = convert_xgboost(load_xgboost(path), initial_types=types)
        else:
            import lightgbm

            converted = convert_lightgbm(lightgbm.Booster(model_file=str(path)), initial_types=types, zipmap=False)
    target.write_bytes(converted.SerializeToString())


def make_json_for_old_xgboost(path, target):
    load_xgboost(path).save_model(target)
    content = json.loads(target.read_text())
    parameters = content["learner"]["learner_model_param"]
    parameters["base_score"] = parameters["base_score"].strip("[]")
    target.write_text(json.dumps(content))


def make(path, extension, how):
    """`how(path, target)`, to a temporary name of the same suffix first."""
    target = path.with_name(path.stem + extension)
    if target.exists() and target.stat().st_mtime > path.stat().st_mtime:
        return
    start = time.monotonic()
    partial = path.with_name(f"partial-{path.stem}{extension}")
    try:
        how(path, partial)
        partial.rename(target)
        print(f"{target.name}: made in {time.monotonic() - start:.0f} s", flush=True)
    except Exception as failure:  # of a converter that is not petrify's: whatever it throws, the peer is left out
        partial.unlink(missing_ok=True)
        reason = (str(failure).splitlines() or [""])[0]
        print(f"{target.name}: not made: {type(failure).__name__}: {reason}", flush=True)


def main():
    words = [word for word in sys.argv[1:] if word != "--no-compiled"]
    if len(words) < 3:
        sys.exit(__doc__)
    command, directory = words[0], Path(words[1])
    for name in words[2:]:
        path = model_path(directory, name)
        subprocess.run([command, "convert", path, directory / f"{name}.stone"], check=True, stdout=subprocess.DEVNULL)
        if path.suffix == ".ubj":
            make(path, ".xgboost_1.json", make_json_for_old_xgboost)
        if is_large(path):
            print(f"{name}: too large to compile and for ONNX; left out there", flush=True)
            continue
        if "--no-compiled" not in sys.argv:
            make(path, ".if_else.so", make_if_else_library)
            make(path, ".tl2cgen.so", make_tl2cgen_library)
        make(path, ".onnx", make_onnx)


if __name__ == "__main__":
    main()
