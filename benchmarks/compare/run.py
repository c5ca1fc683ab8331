"""Measures petrify beside its peers, all of it, and writes one JSON file and tables; ./dev bench compare runs it.

For each model: petrify_compare (XGBoost, LightGBM and compiled code, in one process with petrify), the same with the
system's XGBoost where there is one, the peers in Python, and loading by joblib. Ratios are always to the petrify of the
same process, or, of peers in Python, to the petrify of the process right before.
"""

import argparse
import ctypes.util
import datetime
import importlib.metadata
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

from report import PAGE, markdown, write_into_page

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from machine_facts import commit, processor

ROOT = HERE.parents[1]
MODELS = ["d", "c", "m", "x", "b", "l100", "l1000", "gb", "hgb", "a", "e"]
PACKAGES = [
    "scikit-learn",
    "xgboost-cpu",
    "lightgbm",
    "onnxruntime",
    "treelite",
    "tl2cgen",
    "skl2onnx",
    "onnxmltools",
]


def arguments():
    parser = argparse.ArgumentParser(
        prog="./dev bench compare", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--models", default=",".join(MODELS), help="names with commas between them (all): %(default)s"
    )
    parser.add_argument("--modes", default="row,cold,batch,open", help="what to measure (all): %(default)s")
    parser.add_argument("--seconds", type=float, default=0.5, help="for each peer in each way (%(default)s)")
    parser.add_argument("--only-c", action="store_true", help="without the peers that are called from Python")
    parser.add_argument(
        "--no-compiled", action="store_true", help="without models that are compiled, which takes minutes once"
    )
    parser.add_argument(
        "--directory", type=Path, default=ROOT / "build/models-compare", help="where models are, or are made"
    )
    parser.add_argument(
        "--out", type=Path, default=ROOT / "build/compare", help="where results.json and tables.md go"
    )
    parser.add_argument("--docs", action="store_true", help="write the tables into docs/benchmarks.md too")
    parser.add_argument(
        "--report", action="store_true", help="measure nothing: tables of the results.json that is there"
    )
    wanted = parser.parse_args()
    wanted.models = wanted.models.split(",")
    if unknown := set(wanted.models) - set(MODELS):
        parser.error(f"no such model: {', '.join(sorted(unknown))}")
    return wanted


def library_of(package, pattern):
    import importlib.util

    folder = Path(importlib.util.find_spec(package).origin).parent
    return str(next(folder.glob(pattern)))


def run(*command):
    """A command whose output people may watch. Its failure is ours."""
    subprocess.run([str(word) for word in command], check=True)


class Recorder:
    def __init__(self, out):
        self.file = out / "records.jsonl"
        self.all = []

    def gather(self, process, *command):
        """Runs a command that writes records to the file whose name is put for RECORDS."""
        self.file.unlink(missing_ok=True)
        run(*(self.file if word == "RECORDS" else word for word in command))
        for line in self.file.read_text().splitlines():
            self.all.append({"process": process, **json.loads(line)})
        self.file.unlink()


def time_joblib(directory, name, recorder):
    """In fresh processes; medians of three."""
    for cache in ("warm", "cold"):
        runs = []
        for _ in range(3):
            seen = subprocess.run(
                [sys.executable, HERE / "python_opening.py", directory, name, cache],
                check=True,
                capture_output=True,
                text=True,
            )
            runs.append([float(word) for word in seen.stdout.split()])
        opened, first = (statistics.median(part) for part in zip(*runs))
        recorder.all.append(
            {
                "process": "python",
                "mode": "open",
                "model": name,
                "name": "joblib, scikit-learn",
                "cache": cache,
                "samples": 3,
                "open_us": opened,
                "first_us": first,
            }
        )
        print(
            f"{name}: joblib.load {cache}: {opened / 1e3:.1f} ms, to the first prediction {first / 1e3:.1f} ms",
            flush=True,
        )


def measure_model(name, wanted, recorder):
    program = ROOT / "build/release/bin/petrify_compare"
    common = ["--modes", wanted.modes, "--seconds", wanted.seconds, "--records", "RECORDS"]
    compiled = ["--no-compiled"] if wanted.no_compiled else []
    xgboost = library_of("xgboost", "lib/libxgboost.so")
    lightgbm = library_of("lightgbm", "lib/lib_lightgbm.so")
    recorder.gather(
        "wheels", program, "--xgboost", xgboost, "--lightgbm", lightgbm, *compiled, *common, wanted.directory, name
    )
    # Two XGBoosts do not get along in one process: they share symbols of different layout.
    if (wanted.directory / f"{name}.ubj").exists() and (system := ctypes.util.find_library("xgboost")):
        modes = [mode for mode in wanted.modes.split(",") if mode != "open"]
        if modes:
            recorder.gather(
                "system",
                program,
                "--xgboost",
                system,
                "--no-compiled",
                *common,
                "--modes",
                ",".join(modes),
                wanted.directory,
                name,
            )
    if wanted.only_c:
        return
    if modes := [mode for mode in wanted.modes.split(",") if mode != "open"]:
        recorder.gather(
            "python",
            sys.executable,
            HERE / "python_peers.py",
            wanted.directory,
            "RECORDS",
            wanted.seconds,
            ",".join(modes),
            name,
        )
    if "open" in wanted.modes.split(",") and (wanted.directory / f"{name}.joblib").exists():
        time_joblib(wanted.directory, name, recorder)


def facts(recorder):
    environment = next((record for record in recorder.all if record["mode"] == "environment"), {})
    versions = {package: importlib.metadata.version(package) for package in PACKAGES}
    return {
        "date": datetime.date.today().isoformat(),
        "petrify": f"{environment.get('petrify', '')}, {commit(ROOT)}",
        "machine": environment.get("machine", ""),
        "processor": processor(),
        "system": environment.get("system", ""),
        "compiler": environment.get("compiler", ""),
        "kernel": os.environ.get("PETRIFY_KERNEL", "petrify's choice"),
        "peers": ", ".join(f"{package} {version}" for package, version in versions.items())
        + f", Python {sys.version.split()[0]}",
    }


def main():
    wanted = arguments()
    wanted.out.mkdir(parents=True, exist_ok=True)
    results = wanted.out / "results.json"
    if not wanted.report:
        run(sys.executable, HERE.parent / "make_engine_models.py", wanted.directory, *wanted.models)
        compiled = ["--no-compiled"] if wanted.no_compiled else []
        run(
            sys.executable,
            HERE / "convert_models.py",
            *compiled,
            ROOT / "build/release/bin/petrify",
            wanted.directory,
            *wanted.models,
        )
        recorder = Recorder(wanted.out)
        for name in wanted.models:
            measure_model(name, wanted, recorder)
            results.write_text(json.dumps({"facts": facts(recorder), "records": recorder.all}, indent=1) + "\n")
    tables = markdown(json.loads(results.read_text()))
    (wanted.out / "tables.md").write_text(tables)
    if wanted.docs:
        write_into_page(tables)
        print(f"{PAGE.relative_to(ROOT)}: written")
    print(f"{results} and {wanted.out / 'tables.md'}: written")


if __name__ == "__main__":
    main()
