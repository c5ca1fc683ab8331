#!/usr/bin/env bash
# store.sh PETRIFY DATA: `petrify store` as people call it.
set -uo pipefail
petrify=$1
data=$2/models
source "$(dirname "$0")/../support/expect.sh"
# expect_out TEXT COMMAND...: exit status 0, and exactly this on stdout.
expect_out() {
  local text=$1 out code
  shift
  out="$("$@")"
  code=$?
  checked=$((checked + 1))
  if [ "$code" -ne 0 ] || [ "$out" != "$text" ]; then
    printf 'FAILED: %s: expected %s, printed:\n%s\n' "$*" "$text" "$out"
    failed=$((failed + 1))
  fi
}

"$petrify" convert "$data/iris/random_forest_model.pkl" a.stone >/dev/null
"$petrify" convert "$data/sklearn-1.9/labels_text"/model.* b.stone >/dev/null

# publish makes the store, prints the version, and gives equal files their number again
expect_out 1 "$petrify" store publish models scorer a.stone
expect_out 2 "$petrify" store publish models scorer b.stone --threads 2
expect_out 1 "$petrify" store publish models scorer a.stone
expect_out 2 "$petrify" store publish models scorer b.stone
expect_out 1 "$petrify" store publish models other b.stone
expect_out models/scorer/versions/2.stone "$petrify" store path models scorer
expect_out models/scorer/versions/1.stone "$petrify" store path models scorer --version 1
expect 0 'scorer: 2 versions, current 2' "$petrify" store list models
expect 0 '^\* 2  20[0-9-]{8}T[0-9:]{8}Z  [0-9.]+ KiB$' "$petrify" store list models
expect 0 '^  1  ' "$petrify" store list models
expect 0 '"size_bytes": [0-9]+' "$petrify" store list models --json
expect 0 '"current": 2' "$petrify" store list models --json
expect 0 'models: sound, 3 versions of 2 names' "$petrify" store check models
expect 0 'sound' "$petrify" verify "$("$petrify" store path models scorer)"

# watch prints the current version and what becomes current
timeout 60 "$petrify" store watch models scorer --count 2 >watched.txt &
watcher=$!
for _ in $(seq 1000); do [ -s watched.txt ] && break; sleep 0.01; done
expect_out 1 "$petrify" store rollback models scorer
for _ in $(seq 1000); do [ "$(wc -l <watched.txt)" -ge 2 ] && break; sleep 0.01; done
expect_out 2 "$petrify" store rollback models scorer 2
wait "$watcher"
expect_out 0 echo $?
expect_out '2 1 2 ' bash -c "sed 's/.*Z version //' watched.txt | tr '\n' ' '; echo"

# prune leaves the current version
for layout in nodes n16; do
  "$petrify" convert "$data/iris/random_forest_model.pkl" "$layout.stone" --layout "$layout" >/dev/null
  "$petrify" store publish models scorer "$layout.stone" >/dev/null
done
expect_out 1 "$petrify" store rollback models scorer 1
expect_out $'removed 2\nremoved 3' "$petrify" store prune models scorer --keep 1
expect_out '' "$petrify" store prune models scorer --keep 1
expect 0 'scorer: 2 versions, current 1' "$petrify" store list models

# what is refused, and how
head -c 2000 a.stone >cut.stone
expect 1 '^petrify: cut.stone: header: the file has 2000 bytes, expected [0-9]+$' "$petrify" store publish models scorer cut.stone
expect 1 '^petrify: none.stone: open: no such file or directory' "$petrify" store publish models scorer none.stone
expect 1 'name "a/b": expected 1 to 128 of' "$petrify" store publish models a/b a.stone
expect 1 '^petrify: no/models: make this folder: no such file' "$petrify" store publish no/models scorer a.stone
expect 1 '^petrify: models/scorer: version 9: is not there, expected one of 1, 4$' "$petrify" store path models scorer --version 9
expect 1 'models/scorer: version 1: is the oldest' "$petrify" store rollback models scorer
expect 1 'models/none: the store has no version of this name' "$petrify" store path models none
expect 1 '^petrify: nowhere: no such folder, expected a store$' "$petrify" store list nowhere
expect 1 '^petrify: nowhere: no such folder, expected a store$' "$petrify" store check nowhere
expect 1 'models/none: the store has no version' "$petrify" store watch models none
expect 2 'keep' "$petrify" store prune models scorer --keep 0
expect 2 'keep' "$petrify" store prune models scorer
expect 2 'version' "$petrify" store path models scorer --version 0
expect 2 'A subcommand is required' "$petrify" store
expect 2 'FILE is required' "$petrify" store publish models scorer

# check prints every fault
chmod u+w models/scorer/versions/1.stone models/other/versions/1.stone
printf 'x' | dd of=models/scorer/versions/1.stone bs=1 seek=5000 conv=notrunc status=none
head -c 300 b.stone >models/other/versions/1.stone
echo 7 >models/other/CURRENT
expect 1 'models/scorer/versions/1.stone: segment' "$petrify" store check models
expect 1 'models/other/versions/1.stone: header: the file has 300 bytes' "$petrify" store check models
expect 1 'models/other/CURRENT: is "7\\n", expected a number and its checksum' "$petrify" store check models

echo "cli_store: $((checked - failed)) passed, $failed failed"
[ "$failed" -eq 0 ]
