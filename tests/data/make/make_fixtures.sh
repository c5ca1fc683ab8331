#!/usr/bin/env bash
# Makes every fixture under tests/data/models and tests/data/arrays again.
#
#   PETRIFY_VENVS   where the virtual environments go
#                   (default: petrify-venvs in $TMPDIR, or in /tmp)
#   PYTHON_SK021 … PYTHON_SK19
#                   the Python of each environment (default: python3.7 for 0.21, 3.8 up to 0.24,
#                   3.9 for 1.0, 3.10 up to 1.2, 3.11 up to 1.4, 3.12 for 1.5, then 3.13)
#   PYTHON_XGB10 … PYTHON_XGB34
#                   (default: python3.8 up to 1.5, 3.10 up to 1.7, 3.11 up to 2.1, then 3.13)
#   PYTHON_LGB21 … PYTHON_LGB47
#                   (default: python3.8 up to 3.2, 3.10 up to 4.0, then 3.13)
#   PYTHON_NP126, PYTHON_NP24
#                   (default: python3.11)
#
# An environment that exists already is used as it is.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
models=$(cd "$here/../models" && pwd)
arrays=$(cd "$here/../arrays" && pwd)
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

# xgboost_of NAME OUT: the models of one XGBoost release
xgboost_of() {
    rm -rf "${models:?}/$2"
    "$venvs/$1/bin/python" "$here/make_xgboost.py" "$models/$2"
}

# ensembles_of NAME OUT: the ensembles and pipelines of one scikit-learn release
ensembles_of() {
    rm -rf "${models:?}/$2"
    "$venvs/$1/bin/python" "$here/make_ensembles.py" "$models/$2"
}

# few_models_of NAME RELEASE: the models of a release that has few of them
few_models_of() {
    rm -rf "${models:?}/sklearn-$2"
    "$venvs/$1/bin/python" "$here/make_models.py" "$models/sklearn-$2"
}

# sklearn_of NAME RELEASE: the models and the ensembles of a release that has few of them
sklearn_of() {
    few_models_of "$1" "$2"
    ensembles_of "$1" "ensembles-$2"
}

# lightgbm_of NAME OUT: the models of one LightGBM release
lightgbm_of() {
    rm -rf "${models:?}/$2"
    "$venvs/$1/bin/python" "$here/make_lightgbm.py" "$models/$2"
}

# array_files_of NAME OUT: the files of arrays that one numpy release writes, with safetensors where it is installed
array_files_of() {
    rm -rf "${arrays:?}/$2"
    "$venvs/$1/bin/python" "$here/make_array_files.py" "$arrays/$2"
}

mkdir -p "$venvs"
environment lgb21 "${PYTHON_LGB21:-python3.8}"
environment lgb22 "${PYTHON_LGB22:-python3.8}"
environment lgb23 "${PYTHON_LGB23:-python3.8}"
environment lgb32 "${PYTHON_LGB32:-python3.8}"
environment lgb33 "${PYTHON_LGB33:-python3.10}"
environment lgb40 "${PYTHON_LGB40:-python3.10}"
environment lgb46 "${PYTHON_LGB46:-python3.13}"
environment lgb47 "${PYTHON_LGB47:-python3.13}"
environment np126 "${PYTHON_NP126:-python3.11}"
environment np24 "${PYTHON_NP24:-python3.11}"
environment sk021 "${PYTHON_SK021:-python3.7}"
environment sk022 "${PYTHON_SK022:-python3.8}"
environment sk023 "${PYTHON_SK023:-python3.8}"
environment sk024 "${PYTHON_SK024:-python3.8}"
environment sk10 "${PYTHON_SK10:-python3.9}"
environment sk11 "${PYTHON_SK11:-python3.10}"
environment sk12 "${PYTHON_SK12:-python3.10}"
environment sk13 "${PYTHON_SK13:-python3.11}"
environment sk130 "${PYTHON_SK130:-python3.11}"
environment sk14 "${PYTHON_SK14:-python3.11}"
environment sk15 "${PYTHON_SK15:-python3.12}"
environment sk16 "${PYTHON_SK16:-python3.13}"
environment sk17 "${PYTHON_SK17:-python3.13}"
environment sk18 "${PYTHON_SK18:-python3.13}"
environment sk19 "${PYTHON_SK19:-python3.13}"
environment xgb10 "${PYTHON_XGB10:-python3.8}"
environment xgb12 "${PYTHON_XGB12:-python3.8}"
environment xgb13 "${PYTHON_XGB13:-python3.8}"
environment xgb14 "${PYTHON_XGB14:-python3.8}"
environment xgb15 "${PYTHON_XGB15:-python3.8}"
environment xgb16 "${PYTHON_XGB16:-python3.10}"
environment xgb17 "${PYTHON_XGB17:-python3.10}"
environment xgb172 "${PYTHON_XGB172:-python3.10}"
environment xgb20 "${PYTHON_XGB20:-python3.11}"
environment xgb21 "${PYTHON_XGB21:-python3.11}"
environment xgb30 "${PYTHON_XGB30:-python3.13}"
environment xgb31 "${PYTHON_XGB31:-python3.13}"
environment xgb32 "${PYTHON_XGB32:-python3.13}"
environment xgb33 "${PYTHON_XGB33:-python3.13}"
environment xgb34 "${PYTHON_XGB34:-python3.13}"

"$venvs/sk19/bin/python" "$models/iris/make_iris.py"
models_of sk12 sklearn-1.2
models_of sk13 sklearn-1.3
models_of sk14 sklearn-1.4
models_of sk19 sklearn-1.9
ensembles_of sk12 ensembles-1.2
ensembles_of sk13 ensembles-1.3
ensembles_of sk14 ensembles-1.4
ensembles_of sk19 ensembles-1.9
ensembles_of sk130 ensembles-1.3.0
few_models_of sk021 0.21
sklearn_of sk022 0.22
sklearn_of sk023 0.23
sklearn_of sk024 0.24
sklearn_of sk10 1.0
sklearn_of sk11 1.1
sklearn_of sk15 1.5
sklearn_of sk16 1.6
sklearn_of sk17 1.7
sklearn_of sk18 1.8
rm -rf "${models:?}/values"
"$venvs/sk14/bin/python" "$here/make_values.py" "$models/values"
rm -rf "${models:?}/refused"
"$venvs/sk19/bin/python" "$here/make_refused.py" "$models/refused"
xgboost_of xgb10 xgboost-1.0
xgboost_of xgb12 xgboost-1.2
xgboost_of xgb13 xgboost-1.3
xgboost_of xgb14 xgboost-1.4
xgboost_of xgb15 xgboost-1.5
xgboost_of xgb16 xgboost-1.6
xgboost_of xgb17 xgboost-1.7
xgboost_of xgb172 xgboost-1.7.2
xgboost_of xgb20 xgboost-2.0
xgboost_of xgb21 xgboost-2.1
xgboost_of xgb30 xgboost-3.0
xgboost_of xgb31 xgboost-3.1
xgboost_of xgb32 xgboost-3.2
xgboost_of xgb33 xgboost-3.3
xgboost_of xgb34 xgboost-3.4
lightgbm_of lgb21 lightgbm-2.1
lightgbm_of lgb22 lightgbm-2.2
lightgbm_of lgb23 lightgbm-2.3
lightgbm_of lgb32 lightgbm-3.2
lightgbm_of lgb33 lightgbm-3.3
lightgbm_of lgb40 lightgbm-4.0
lightgbm_of lgb46 lightgbm-4.6
lightgbm_of lgb47 lightgbm-4.7
array_files_of np126 numpy-1.26
array_files_of np24 numpy-2.4
