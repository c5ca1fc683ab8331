"""What figures were measured on and with, for the page that shows them."""

import datetime
import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

PACKAGES = [
    "numpy",
    "joblib",
    "lz4",
    "safetensors",
    "scikit-learn",
    "xgboost-cpu",
    "lightgbm",
    "onnxruntime",
    "treelite",
]


def commit(root):
    """The commit, and whether what is tracked differs from it."""
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--exclude=*"]
    return subprocess.run(command, capture_output=True, text=True).stdout.strip() or "no git repository"


def processor():
    """What /proc/cpuinfo and the kernel say beyond the name, which tells little on rented machines."""
    facts = dict(
        line.split(":", 1) for line in Path("/proc/cpuinfo").read_text().split("\n\n")[0].splitlines() if ":" in line
    )
    facts = {key.strip(): value.strip() for key, value in facts.items()}
    flags = facts.get("flags", "").split()
    level = next(
        (
            text
            for flag, text in (
                ("avx512_vbmi", "AVX-512 VBMI"),
                ("avx512vbmi", "AVX-512 VBMI"),
                ("avx512bw", "AVX-512 BW"),
                ("avx2", "AVX2"),
            )
            if flag in flags
        ),
        "no AVX2",
    )
    caches = []
    for index in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        if (index / "type").read_text().strip() != "Instruction":
            caches.append(f"L{(index / 'level').read_text().strip()} {(index / 'size').read_text().strip()}")
    return f"family {facts.get('cpu family', '?')} model {facts.get('model', '?')}, {level}, {', '.join(caches)}"


def versions(packages):
    found = []
    for package in packages:
        try:
            found.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return ", ".join([*found, f"Python {sys.version.split()[0]}"])


def filesystem(path):
    """The type of what `path` lies on."""
    best, kind = "", "unknown"
    real = os.path.realpath(path)
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, where, what, *_ = line.split()
        if (real == where or real.startswith(where.rstrip("/") + "/") or where == "/") and len(where) >= len(best):
            best, kind = where, what
    return kind


def large_pages():
    """The kernel's choice for anonymous memory, which read_bulk asks for."""
    try:
        words = Path("/sys/kernel/mm/transparent_hugepage/enabled").read_text().split()
    except OSError:
        return "none"
    return next((word.strip("[]") for word in words if word.startswith("[")), "unknown")


def facts_of_machine(root, environment, scratch):
    """`environment`: what petrify_process says of itself."""
    own = {key: value for key, value in environment.items() if isinstance(value, str)}
    return {
        "date": datetime.date.today().isoformat(),
        "petrify": f"{own.pop('petrify', 'not built')}, {commit(root)}",
        "machine": own.pop("machine", ""),
        "processor": processor(),
        "kernel": own.pop("kernel_level", ""),
        "files on": f"{filesystem(scratch)}; transparent huge pages: {large_pages()}",
        **own,
        "peers in Python": versions(PACKAGES),
    }
