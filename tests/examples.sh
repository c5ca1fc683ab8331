#!/usr/bin/env bash
# examples.sh BIN PETRIFY DATA: the README's code runs and prints what the README says.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cd "$work"
iris=$3/models/iris
"$2" convert "$iris/random_forest_model.pkl" iris.stone >/dev/null
"$1/iris_demo" iris.stone "$iris" >demo.txt
head -n 2 demo.txt | cmp - "$iris/printed.txt"
grep -q "38 labels equal scikit-learn's; 114 probabilities equal scikit-learn's bit for bit" demo.txt
"$1/quickstart" >quickstart.txt

# A scorer goes from the old model to the new one without a failed prediction.
"$2" convert "$3/models/sklearn-1.9/rf_two_outputs"/model.* next.stone >/dev/null
"$2" store publish models scorer iris.stone >/dev/null
"$1/follow" models scorer next.stone 0.3 >follow.txt
grep -q "^version 1, then 2: published and served in" follow.txt
grep -q "^before .* p50 .* p99" follow.txt
grep -q "^0 failed" follow.txt

# Each piece of code between the markers of quickstart.cpp stands in the README, as does each line it prints.
awk '/\/\/ README: end/{keep=0} keep; /\/\/ README: [^e]/{keep=1}' "$here/examples/quickstart.cpp" | sed 's/^  //' >code.txt
while IFS= read -r line; do
  grep -qxF -- "$line" "$here/README.md" || { echo "examples: not in README.md: $line" >&2; exit 1; }
done < <(cat code.txt quickstart.txt)
echo "examples: 3 ran, and README.md shows their code and output"
