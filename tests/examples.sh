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

# Each piece of code between the markers of quickstart.cpp stands in the README, as does each line it prints.
awk '/\/\/ README: end/{keep=0} keep; /\/\/ README: [^e]/{keep=1}' "$here/examples/quickstart.cpp" | sed 's/^  //' >code.txt
while IFS= read -r line; do
  grep -qxF -- "$line" "$here/README.md" || { echo "examples: not in README.md: $line" >&2; exit 1; }
done < <(cat code.txt quickstart.txt)
echo "examples: 2 ran, and README.md shows their code and output"
