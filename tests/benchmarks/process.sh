#!/usr/bin/env bash
# process.sh PETRIFY_PROCESS PETRIFY DATA: every contender and question of petrify_process on small files. Answers and
# words are checked; times are not.
set -uo pipefail
process=$1
petrify=$2
data=$3/models
source "$(dirname "$0")/../support/expect.sh"
# answers FIELD VALUE COMMAND...: the record has the time FIELD and this answer, and is one line.
answers() {
  local field=$1 value=$2
  shift 2
  expect 0 "^\{\"contender\":\"[a-z_]+\",\"language\":\"c\+\+\",.*\"$field\":[0-9.e-]+,.*\"answer\":$value(\.0)?,.*\"peak_rss_kib\":[0-9]+,.*\}$" "$@"
}

# Arrays. Element i is i, so that sums are known: n (n - 1) / 2 of all, and so on.
n=262144
width=128
rows=$((n / width))
sum=$((n * (n - 1) / 2))
lower=$((n / 2 * (n / 2 - 1) / 2))
row5=$((width * 5 * width + width * (width - 1) / 2))
columns=$((4 * width * (rows * (rows - 1) / 2) + 6 * rows))
contenders="petrify mmap_raw flatbuffer read_bulk stream_bulk boost_archive stream_elements petrify_prefault petrify_private_copy"
for contender in $contenders; do
  for rank in 1 2; do
    # The length of a row is in the file, or said to the questions.
    made=() asked=()
    if [ $rank -eq 2 ]; then made=(--row-floats $width); else asked=(--row-floats $width); fi
    file=$contender.$rank
    expect 0 '"question":"make".*"bytes":1048576,"seconds":[0-9.e-]+,.*"file_bytes":10[45][0-9]{4},.*"peak_rss_kib"' \
      "$process" "$contender" make "$file" --floats $n "${made[@]}"
    answers first_s $((n / 2)) "$process" "$contender" first "$file" --seconds 0
    answers again_s 1000 "$process" "$contender" first "$file" --index=1000 --seconds=0.001
    answers row_s $row5 "$process" "$contender" row "$file" --index 5 "${asked[@]}"
    answers columns_s $columns "$process" "$contender" columns "$file" "${asked[@]}"
    answers scan_s $sum "$process" "$contender" scan "$file"
    expect 0 "\"answer\":\[$lower\.0,$((sum - lower))\.0\]" "$process" "$contender" halves "$file"
    answers open_s $sum "$process" "$contender" hold "$file" </dev/null
  done
done

# hold stays until its standard input ends.
coproc holder { "$process" petrify hold petrify.1; }
holder_id=$holder_PID
read -r -t 60 record <&"${holder[0]}"
checked=$((checked + 1))
if ! grep -q '"ready":true' <<<"$record" || ! kill -0 "$holder_id"; then
  echo "FAILED: hold is not there after \"$record\""
  failed=$((failed + 1))
fi
eval "exec ${holder[1]}>&-"
wait "$holder_id"
status=$?
checked=$((checked + 1))
if [ $status -ne 0 ]; then
  echo "FAILED: hold ended with $status, expected 0"
  failed=$((failed + 1))
fi

expect 77 '"skipped":"a FlatBuffer is smaller than 2 GiB"' "$process" flatbuffer make none --floats 600000000
truncate -s 2G hole
expect 77 '"skipped":"a FlatBuffer is smaller than 2 GiB"' "$process" flatbuffer scan hole
expect 2 'none: .*[Nn]o such file' "$process" petrify first none
expect 2 'contender nobody' "$process" nobody first petrify.1
expect 2 'question why' "$process" petrify why petrify.1
expect 2 'needs --row-floats' "$process" petrify row petrify.1
expect 2 'does not fit' "$process" petrify row petrify.2 --row-floats 127
expect 2 'index 262144, expected less than 262144' "$process" petrify first petrify.1 --index $n
expect 2 '"many" is no number' "$process" petrify make none --floats many
expect 2 'is no raw array' "$process" mmap_raw first petrify.1
expect 0 '"petrify":.*"machine":.*"kernel_level":"[a-z0-9]+","boost":"1\..*"flatbuffers":.*"xtensor":' "$process" environment

# What memory keeps for a file system without a disk cannot be dropped.
if [ "$(stat -f -c %T .)" = tmpfs ]; then dropped=1; else dropped=0; fi
expect $dropped '"files":\{"petrify.1":[01]\.[0-9]+,"petrify.2":[01]\.[0-9]+\},"cached_fraction":[01]\.[0-9]+\}$' \
  "$process" drop petrify.1 petrify.2

# Forests
row=5.1,3.5,1.4,0.2
"$petrify" convert "$data/iris/random_forest_model.pkl" iris.stone >/dev/null
printed="$("$process" petrify first-prediction iris.stone --row=$row --seconds 0 | grep -o '"answer":\[[^]]*\]' | tr -d '[]' | cut -d: -f2)"
expect 0 '^[0-9.]+,[0-9.]+,[0-9.]+$' echo "$printed"
answer="\[${printed//./\\.}\]"
expect 0 "\"open_s\":[^,]*,\"first_s\":[^,]*,\"answer\":$answer,.*\"peak_rss_kib\"" \
  "$process" petrify first-prediction iris.stone --row $row --trust --seconds 0
for contender in naive_bulk naive_elements; do
  expect 0 '"seconds":' "$process" $contender make-forest iris.$contender --from iris.stone
  expect 0 "\"open_s\":.*\"first_s\":.*\"again_s\":.*\"answer\":$answer," \
    "$process" $contender first-prediction iris.$contender --row $row --seconds 0.001
done
"$petrify" convert "$data/xgboost-1.0/binary/model.json" boosted.stone >/dev/null
expect 77 '"skipped":"the plain form is a mean' "$process" naive_bulk make-forest boosted --from boosted.stone
expect 0 '"answer":\[0\.0\]' "$process" petrify first-prediction iris.stone --row $row --output predict
expect 2 'row has 3 values, expected 4' "$process" petrify first-prediction iris.stone --row 1,2,3

echo "process: $checked checks, $failed failed"
[ $failed -eq 0 ]
