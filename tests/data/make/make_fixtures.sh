#!/usr/bin/env bash
# Makes every fixture under tests/data/models again.
#
#   PETRIFY_VENVS   where the virtual environments go
#                   (default: petrify-venvs in $TMPDIR, or in /tmp)
#   PYTHON_SK12     the Python of each environment
#   PYTHON_SK13     (default: python3.10, python3.11, python3.11, python3.13)
#   PYTHON_SK14
#   PYTHON_SK19
#
# An environment that exists already is used as it is.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
models=$(cd "$here/../models" && pwd)
venvs=${PETRIFY_VENVS:-${TMPDIR:-/tmp}/petrify-venvs}

export PYTHONHASHSEED=0 PYTHONDONTWRITEBYTECODE=1 OMP_NUM_THREADS=1

# environment NAME PYTHON: a virtual environment with the pinned packages of requirements/NAME.txt
environment() {
    local dir=$venvs/$1
    if [[ ! -e $dir/complete ]]; then
        rm -rf "$dir"
        "$2" -m venv "$dir"
        "$dir/bin/python" -m pip install --quiet --disable-pip-version-check \
            --only-binary=:all: -r "$here/requirements/$1.txt"
        touch "$dir/complete"
    fi
}

# models_of NAME OUT: the models and arrays of one scikit-learn release
models_of() {
    rm -rf "${models:?}/$2"
    "$venvs/$1/bin/python" "$here/make_models.py" "$models/$2"
    "$venvs/$1/bin/python" "$here/make_containers.py" "$models/$2"
    "$venvs/$1/bin/python" "$here/make_arrays.py" "$models/$2/arrays"
}

# ensembles_of NAME OUT: the ensembles and pipelines of one scikit-learn release
ensembles_of() {
    rm -rf "${models:?}/$2"
    "$venvs/$1/bin/python" "$here/make_ensembles.py" "$models/$2"
}

mkdir -p "$venvs"
environment sk12 "${PYTHON_SK12:-python3.10}"
environment sk13 "${PYTHON_SK13:-python3.11}"
environment sk14 "${PYTHON_SK14:-python3.11}"
environment sk19 "${PYTHON_SK19:-python3.13}"

"$venvs/sk19/bin/python" "$models/iris/make_iris.py"
models_of sk12 sklearn-1.2
models_of sk13 sklearn-1.3
models_of sk14 sklearn-1.4
models_of sk19 sklearn-1.9
ensembles_of sk12 ensembles-1.2
ensembles_of sk13 ensembles-1.3
ensembles_of sk14 ensembles-1.4
ensembles_of sk19 ensembles-1.9
rm -rf "${models:?}/values"
"$venvs/sk14/bin/python" "$here/make_values.py" "$models/values"
rm -rf "${models:?}/refused"
"$venvs/sk19/bin/python" "$here/make_refused.py" "$models/refused"
