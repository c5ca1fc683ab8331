#!/usr/bin/env bash
# dangling.sh COMPILER: views of a file that is gone are refused by the compiler, and nothing else is.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
compile() { "$1" -std=c++20 -fsyntax-only -DCASE="$2" -I "$here/../include" "$here/dangling.cpp" 2>&1; }

compile "$1" 0 || { echo "dangling: the case where the file stays does not compile" >&2; exit 1; }
last=$(grep -oE 'CASE == [0-9]+' "$here/dangling.cpp" | grep -oE '[0-9]+' | sort -n | tail -n 1)
for case in $(seq 1 "$last"); do
  if out=$(compile "$1" "$case"); then
    echo "dangling: case $case compiles, and its view would outlive its file" >&2
    exit 1
  fi
  grep -q 'deleted' <<<"$out" || { echo "dangling: case $case fails for another reason: $out" >&2; exit 1; }
done
echo "dangling: $last uses of views without a file do not compile"
