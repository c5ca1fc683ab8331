#!/usr/bin/env bash
# Folder order is dependency order: includes point down only, and each outside library lives in one room.
#     base < mapping < container < array < value < forest < import < store < { cli, python }
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
rooms=(base mapping container array value forest import store)
failed=0
fail() {
  echo "layering: $*" >&2
  failed=1
}

# A room's own include paths are "room/...", as seen from lib/.
for i in "${!rooms[@]}"; do
  room=${rooms[$i]}
  [ -d "lib/$room" ] || continue
  for above in "${rooms[@]:$((i + 1))}"; do
    while IFS= read -r hit; do fail "lib/$room must not know $above: $hit"; done \
      < <(grep -rnE "#include \"$above/" "lib/$room" || true)
  done
done
while IFS= read -r hit; do fail "lib must not know the command: $hit"; done \
  < <(grep -rnE '#include ["<]cli/' lib include || true)

# only ROOM PATTERN: this include appears under lib/ROOM and nowhere else in lib, include and cli.
only() {
  local where=$1 pattern=$2
  while IFS= read -r hit; do fail "$pattern belongs to $where alone: $hit"; done \
    < <(grep -rnE "#include [<\"]$pattern" lib include cli | grep -vE "^$where" || true)
}
only lib/base/ 'xxhash'
only lib/mapping/ 'boost/'
# The user's own FlatBuffers come in through one opt-in header.
only '(lib/container/|include/petrify/record.hpp)' 'flatbuffers/'
only lib/container/ 'directory_generated'
only lib/import/ '(zlib|bzlib|lzma|lz4)'
only cli/ '(CLI/|nlohmann/)'

# Public headers include only each other, the standard library and, in one header each, xtensor and FlatBuffers.
while IFS= read -r hit; do fail "public headers know only petrify and std: $hit"; done \
  < <(grep -nE '#include ("|<[a-z_]+/)' include/petrify/*.hpp | grep -vE '#include <(petrify|xtensor)/|record.hpp:[0-9]+:#include <flatbuffers/' || true)
while IFS= read -r hit; do fail "xtensor belongs to include/petrify/xtensor.hpp: $hit"; done \
  < <(grep -rnE '#include <xtensor/' lib include cli | grep -v '^include/petrify/xtensor.hpp:' || true)

[ "$failed" -eq 0 ] && echo "layering: includes point down"
exit "$failed"
