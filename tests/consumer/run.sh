#!/usr/bin/env bash
# run.sh BUILD_FOLDER CXX FLAGS: installs the build into a new folder, builds the consumer against it and runs it.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cmake --install "$1" --prefix "$work/installed" >/dev/null
cmake -S "$here" -B "$work/build" -DCMAKE_PREFIX_PATH="$work/installed" -DCMAKE_CXX_COMPILER="$2" \
  -DCMAKE_CXX_FLAGS="$3" >/dev/null
cmake --build "$work/build" >/dev/null
cd "$work"
build/converter "$here/../data/models/iris/random_forest_model.pkl" iris.stone
label="$(build/service iris.stone)"
[ "$label" = 1 ] || { echo "consumer: predicted $label, expected 1" >&2; exit 1; }
label="$(build/quiet iris.stone)"
[ "$label" = 1 ] || { echo "consumer: predicted $label without exceptions, expected 1" >&2; exit 1; }
[ "$(installed/bin/petrify predict iris.stone "$here/../data/models/iris/X_test.npy" | head -1)" = 1 ]
echo "consumer: an installed petrify was found, linked and used"
