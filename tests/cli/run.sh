#!/usr/bin/env bash
# run.sh PETRIFY DATA: the command as people call it: its words, its exit status, its files.
set -uo pipefail
petrify=$1
data=$2/models
source "$(dirname "$0")/../support/expect.sh"
# expect_stderr_lines N COMMAND...: exactly N lines on stderr and none on stdout.
expect_stderr_lines() {
  local lines=$1
  shift
  "$@" >stdout 2>stderr
  checked=$((checked + 1))
  if [ "$(wc -l <stderr)" -ne "$lines" ] || [ -s stdout ]; then
    printf 'FAILED: %s: expected %s lines on stderr and nothing on stdout:\n' "$*" "$lines"
    cat stdout stderr
    failed=$((failed + 1))
  fi
}
same() {
  checked=$((checked + 1))
  cmp "$1" "$2" || failed=$((failed + 1))
}

iris=$data/iris
expect 0 'model: forest of 100 trees, [0-9]+ nodes, sklearn.ensemble._forest.RandomForestClassifier' \
  "$petrify" convert "$iris/random_forest_model.pkl" iris.stone
expect 0 'output +int64, 3 classes: 0, 1, 2' "$petrify" info iris.stone
expect 0 '"node_bytes": [0-9]+' "$petrify" info iris.stone --json
expect 0 'iris.stone: sound, 1 object' "$petrify" verify iris.stone
expect 0 'iris.stone: sound, 1 object' "$petrify" verify iris.stone --threads 3
expect 2 'threads' "$petrify" verify iris.stone --threads 0

# predict: text and .npy, each output, against what scikit-learn saved
"$petrify" predict iris.stone "$iris/X_test.npy" | tr '\n' ' ' | sed 's/ $//' >labels.txt
tr -d '[]\n' <"$iris/printed.txt" | sed 's/  / /g' >expected.txt
same labels.txt expected.txt
"$petrify" predict iris.stone "$iris/X_test.npy" --out labels.npy
same labels.npy "$iris/labels.npy"
"$petrify" predict iris.stone "$iris/X_test.npy" --output proba --out proba.npy
same proba.npy "$iris/probabilities.npy"
"$petrify" predict iris.stone "$iris/X_test.npy" --output raw --out raw.npy
same raw.npy "$iris/probabilities.npy"
for case in labels_text labels_bool labels_int32 labels_uint8 labels_float32 dtr_squared rfr_two_outputs rf_two_outputs rf_wide; do
  folder=$data/sklearn-1.9/$case
  expect 0 '' "$petrify" convert "$(ls "$folder"/model.*)" "$case.stone" --name it
  for width in 32 64; do
    "$petrify" predict "$case.stone" "$folder/x$width.npy" --name it --out "y.npy"
    same y.npy "$folder/predict$width.npy"
    "$petrify" predict "$case.stone" "$folder/x$width.npy" --output leaf --out "y.npy"
    same y.npy "$folder/leaf$width.npy"
  done
done

# arrays: what goes in comes out
for name in f8 f8_f i4_be text bool; do
  file=$data/sklearn-1.9/arrays/$name
  [ -e "$file.joblib" ] || continue
  expect 0 'array: array of ' "$petrify" convert "$file.joblib" "$name.stone"
  expect 0 "$name.npy: " "$petrify" extract "$name.stone" array "$name.npy"
done
same f8.npy "$data/sklearn-1.9/arrays/f8.npy"
expect 0 'array of float64' "$petrify" convert "$iris/X_test.npy" x.stone --name x
expect 0 'x2.npy: float64 \(38, 4\)' "$petrify" extract x.stone x x2.npy
same x2.npy "$iris/X_test.npy"

# files of several arrays, in and out
arrays=$2/arrays/numpy-2.4
expect 0 'größe/猫: array of float32, shape \(2,\)' "$petrify" convert "$arrays/packed.npz" all.stone
expect 0 'sound, 42 objects' "$petrify" verify all.stone
expect 0 'all.npz: 42 arrays' "$petrify" extract all.stone all.npz
expect 0 'again.stone: ' "$petrify" convert all.npz again.stone --from npz
same again.stone all.stone
for name in float16_rows column_major zero_axes empty text; do
  expect 0 "$name.npy: " "$petrify" extract all.stone "$name" "$name.npy"
  same "$name.npy" "$arrays/$name.npy"
done
expect 0 '__metadata__: value, dict of 1 text' "$petrify" convert "$arrays/safetensors/all.safetensors" t.stone
expect 0 'back.safetensors: 38 arrays' "$petrify" extract t.stone back.safetensors
same back.safetensors "$arrays/safetensors/all.safetensors"
expect 0 '__metadata__: left out, as it is a value' bash -c "'$petrify' convert '$arrays/safetensors/odd.safetensors' o.stone && '$petrify' extract o.stone o.npz"
expect 0 'few.safetensors: 2 arrays' "$petrify" extract all.stone int8 float32 few.safetensors
expect 0 'x/early: array of uint8' "$petrify" convert "$arrays/safetensors/odd.safetensors" p.stone --name x --from safetensors
expect 0 'p.safetensors: 2 arrays' "$petrify" extract p.stone p.safetensors
expect 0 '__metadata__: value, dict of 3 texts' "$petrify" convert p.safetensors p2.stone
expect 0 'q.safetensors: 1 array' "$petrify" extract p.stone x/late x/__metadata__ q.safetensors
expect 0 '"two":"2"' bash -c "head -c 200 q.safetensors | tr -d '\\0'"
expect 1 'p.stone: is the file that is read, expected another one to write' "$petrify" extract p.stone x/early ./p.stone
expect 0 'sound' "$petrify" verify p.stone
expect 0 'temperature: left out: its attributes' "$petrify" extract "$2/format1/container-attributes.stone" temperature temperature.npy
for out in temperature.npz temperature.safetensors; do
  expect 0 'temperature: left out: its attributes' "$petrify" extract "$2/format1/container-attributes.stone" temperature plain "$out"
  expect 1 '^$' bash -c "'$petrify' extract '$2/format1/container-attributes.stone' plain 'plain-$out' | grep attributes"
done
expect 0 'one.npy: int64' bash -c "'$petrify' convert '$arrays/long.npz' long.stone && '$petrify' extract long.stone one.npy"
expect 1 'two.npy: 2 objects, expected one, or a file that ends with .npz or .safetensors' "$petrify" extract all.stone int8 float32 two.npy
expect 1 'two.npy: the file has 42 objects, expected the name of one' "$petrify" extract all.stone two.npy
expect 1 'two.npz: array "bfloat16": numpy has no type for bfloat16' "$petrify" extract t.stone two.npz
expect 1 'two.safetensors: array "complex128": safetensors has no type for complex128' "$petrify" extract all.stone two.safetensors
expect 1 'object "nothing": no such object' "$petrify" extract all.stone nothing two.npz
expect 1 'iris.stone: the file has no array' "$petrify" extract iris.stone two.npz
expect 1 'object "model": is of kind forest, expected array' "$petrify" extract iris.stone model two.npz
expect 0 '' test ! -e two.npy -a ! -e two.npz -a ! -e two.safetensors
expect 1 'torch.pt: is a PyTorch file \(torch.save\), expected its tensors in a .safetensors file' "$petrify" convert "$arrays/refused/torch.pt" out.stone
expect 1 'objects.npz: member "bad.npy" byte 0: array of Python objects' "$petrify" convert "$arrays/refused/objects.npz" out.stone
expect 1 'tensor "layer.weight": holds "F8_E4M3"' "$petrify" convert "$arrays/refused/float8_e4m3fn.safetensors" out.stone
head -c 2000 "$arrays/safetensors/all.safetensors" >cut.safetensors
expect 1 'cut.safetensors: byte 0: header of [0-9]+ bytes, but the file ends after 1992: a download' "$petrify" convert cut.safetensors out.stone
head -c 2000 "$arrays/all.npz" >cut.npz
expect 1 'cut.npz: a zip without a directory at its end: a download' "$petrify" convert cut.npz out.stone
expect_stderr_lines 1 "$petrify" convert cut.npz out.stone

# bad input: status 1 and one line that says path, place, what was seen and what was expected
expect 1 'petrify: missing.pkl: open: no such file or directory' "$petrify" convert missing.pkl out.stone
expect 1 'svc.joblib: sklearn.svm._classes.SVC is not a model petrify knows \(it knows scikit-learn' \
  "$petrify" convert "$data/refused/svc.joblib" out.stone
expect_stderr_lines 1 "$petrify" convert "$data/refused/svc.joblib" out.stone
expect 1 "dump.json: LightGBM's dump_model, which leaves out what predictions need, expected save_model's text" \
  "$petrify" convert "$data/lightgbm-4.7/refused/dump.json" out.stone
printf 'booster[0]:\n0:[f2<0.4] yes=1,no=2,missing=2\n' >dump.txt
printf '[\n  { "nodeid": 0, "depth": 0, "split": "f2"' >dump.json
expect 1 "dump.txt: XGBoost's dump_model, which leaves out what predictions need" "$petrify" convert dump.txt out.stone
expect 1 "dump.json: XGBoost's dump_model, which leaves out what predictions need" "$petrify" convert dump.json out.stone
printf '{"features_info": {}, "oblivious_trees": []}' >cat.json
expect 1 'cat.json: a CatBoost model, which petrify does not import, expected a pickle' "$petrify" convert cat.json out.stone
printf 'CBM1xxxx' >cat.cbm
expect 1 'cat.cbm: .*which is a CatBoost model, expected a pickle' "$petrify" convert cat.cbm out.stone
expect_stderr_lines 1 "$petrify" convert "$data/refused/page.pkl" out.stone
expect 1 'which is a git-lfs pointer' "$petrify" info "$data/refused/lfs_pointer.pkl"
expect 1 'the file is empty' "$petrify" info "$data/refused/empty.pkl"
expect 1 'is a directory, expected a regular file' "$petrify" verify .
mkfifo fifo
expect 1 'is a FIFO, expected a regular file' "$petrify" info fifo
expect 1 'fifo: is a FIFO' "$petrify" convert fifo out.stone
head -c 5000 iris.stone >cut.stone
expect 1 'cut.stone: header: the file has 5000 bytes, expected [0-9]+' "$petrify" verify cut.stone
cp iris.stone flipped.stone
printf '\377' | dd of=flipped.stone bs=1 seek=300 conv=notrunc status=none
expect 1 'flipped.stone: segment [0-9]+ bytes .* checksum [0-9]+ stored, but the bytes give' "$petrify" verify flipped.stone
expect 0 '' "$petrify" convert "$(ls "$data"/sklearn-1.9/rf_wide/model.*)" rf_wide.stone
# predict: tables, whose columns are matched by name and whose texts are categories
for case in "$data"/ensembles-*/*/x.csv; do
  folder=$(dirname "$case")
  model=$(ls "$folder" | grep -vE '\.(npy|csv)$')
  expect 0 'forest of' "$petrify" convert "$folder/$model" table.stone
  "$petrify" predict table.stone "$folder/x.csv" --out y.npy
  same y.npy "$folder/predict64.npy"
  "$petrify" predict table.stone "$folder/x.csv" --output raw --out y.npy
  same y.npy "$folder/raw64.npy"
  checked=$((checked + 1))
done
expect 0 'categories +colour: ' "$petrify" info table.stone
frame=$data/lightgbm-4.7/frame
for case in "$data"/lightgbm-*/*/x.csv; do
  folder=$(dirname "$case")
  for model in "$folder"/model.*; do
    expect 0 'forest of' "$petrify" convert "$model" frame.stone
    for what in raw predict; do # a model file predicts raw scores; what else, depends on the estimator
      [ -e "$folder/${what}64.npy" ] || continue
      "$petrify" predict frame.stone "$folder/x.csv" --output $what --out y.npy
      same y.npy "$folder/${what}64.npy"
    done
  done
done
expect 0 'forest of' "$petrify" convert "$frame/model.txt" frame.stone
expect 0 'categories +colour: rot, grün, never, a,b, say "hi"' "$petrify" info frame.stone
expect 0 'categories +code: 3, 11, 500' "$petrify" info frame.stone
expect 0 'categories +flag: False, True' "$petrify" info frame.stone
expect 0 'categories +share: 0.5, 2.0, 10.25' "$petrify" info frame.stone
# Where the file does not tell which columns the names are of, there are none, and a text is no number.
sed 's/^feature_infos=.*/feature_infos=[0:2] [0:1] -1:3:0:4:1/' "$data/lightgbm-4.7/frame_ordered/model.txt" >unclear.txt
expect 0 'forest of' "$petrify" convert unclear.txt unclear.stone
expect 1 'row 1 column "(colour|grade)": "[a-zü]+", expected a number' \
  "$petrify" predict unclear.stone "$data/lightgbm-4.7/frame_ordered/x.csv"
# Numbers are the same category however a table writes them; texts are not.
head -1 "$frame/x.csv" >numbers.csv
printf '2.0,True,True,500,0.5,rot,1\n2,true,1,500.0,.5,rot,1\n' >>numbers.csv
"$petrify" predict frame.stone numbers.csv >numbers.txt
expect 0 '^1$' sh -c 'uniq numbers.txt | wc -l'
printf 'code,weight,size,price,colour\n11,0.5,M,1.5,rot\n' >turned.csv
printf 'price,colour,weight,size,code\n1.5,rot,0.5,M,11\n' >straight.csv
"$petrify" predict table.stone turned.csv >turned.txt
"$petrify" predict table.stone straight.csv >straight.txt
same turned.txt straight.txt
printf 'b,a\n1,2\n' >x.csv
expect 1 'x.csv: column "price": is missing' "$petrify" predict table.stone x.csv
printf 'price,colour,weight,size,code,more\n1,2,3,4,5,6\n' >x.csv
expect 1 'x.csv: column "more": is not one of the model.s 5' "$petrify" predict table.stone x.csv
printf 'price,colour,weight,size,code,price\n1,2,3,4,5,6\n' >x.csv
expect 1 'x.csv: column "price": is there twice' "$petrify" predict table.stone x.csv
printf 'price,colour,weight,size,code\nx,2,3,4,5\n' >x.csv
expect 1 'x.csv: row 1 column "price": "x", expected a number' "$petrify" predict table.stone x.csv
printf ',price,colour,weight,size,code\n0,1,2,3,4,5\n' >x.csv
expect 1 "x.csv: column \"\": is not one of the model's 5; was the table written with an index\?" "$petrify" predict table.stone x.csv
printf 'price;colour;weight;size;code\n1;2;3;4;5\n' >x.csv
expect 1 'x.csv: the header is one column, "price;colour;weight;size;code", expected cells parted by commas' "$petrify" predict table.stone x.csv
printf '\xef\xbb\xbf"price","colour","weight","size","code"\r\n"1.5","rot","0.5","M","11"\r\n' >x.csv
"$petrify" predict table.stone x.csv >marked.txt
same marked.txt straight.txt
printf '5.1,3.5,1.4,0.2\n4.9,3,1.4,0.2\n' >x.csv
expect 1 'x.csv: the first row is all numbers, "5.1" and so on, expected the names of columns' "$petrify" predict iris.stone x.csv
printf '0,1,2,3\n5.1,3.5,1.4,0.2\n' >x.csv
expect 0 '^0$' "$petrify" predict iris.stone x.csv
printf 'price,colour,weight,size,code\n1,2,3,4\n' >x.csv
expect 1 'x.csv: row 1: 4 cells, expected 5' "$petrify" predict table.stone x.csv
: >x.csv
expect 1 'x.csv: .*(empty|no header)' "$petrify" predict table.stone x.csv

# golden rows, iterations, and what info says of a boosted model
frame=$data/xgboost-3.2/frame
expect 0 'forest of 3 trees' "$petrify" convert "$frame/model.pkl" golden.stone --golden "$frame/x32.npy"
expect 0 'golden rows 58' "$petrify" info golden.stone
# layouts: which there are and why, and others on request
expect 0 '^ +n8: 8 bits for 9 slots, offsets below 2\^24$' "$petrify" info iris.stone
expect 0 '"layout_notes": \[' "$petrify" info iris.stone --json

# attributes
attributes=$data/../format1/container-attributes.stone
expect 0 '^    attributes  unit: "K"$' "$petrify" info "$attributes"
expect 0 '^                axes: \["time","ä"\]$' "$petrify" info "$attributes"
expect 0 '^                : \{"1":"3 bytes"\}$' "$petrify" info "$attributes"
expect 0 '"scale": 0.5,' "$petrify" info "$attributes" --json
expect 0 '"schema": "config.fbs"' "$petrify" info "$attributes" --json
expect 0 '' "$petrify" convert "$iris/random_forest_model.pkl" other.stone --layout nodes
expect 0 '^ +no dense layout: not asked for$' "$petrify" info other.stone
expect 0 '' "$petrify" convert "$iris/random_forest_model.pkl" other.stone --layout n16
expect 0 '^ +n16: as asked for$' "$petrify" info other.stone
"$petrify" predict other.stone "$iris/X_test.npy" --out labels.npy
same labels.npy "$iris/labels.npy"
expect 0 '' "$petrify" convert "$data/xgboost-3.2/binary/model.json" other.stone --layout dense
expect 0 '^ +dense: [1-6] of [0-9]+ levels, ' "$petrify" info other.stone
expect 0 '' "$petrify" convert "$data/lightgbm-4.7/frame/model.txt" other.stone --layout n16
expect 1 'model.txt: .*layout n8: nodes test sets of categories, expected another layout' \
  "$petrify" convert "$data/lightgbm-4.7/frame/model.txt" other.stone --layout n8
expect 2 'not in \{auto,nodes,n8,n16,dense\}' "$petrify" convert "$data/lightgbm-4.7/frame/model.txt" other.stone --layout wide
expect 0 'types +int, float, i' "$petrify" info golden.stone
expect 0 '3 iterations' "$petrify" info golden.stone
expect 0 'sound' "$petrify" verify golden.stone
expect 0 'forest of 2 trees' "$petrify" convert "$frame/model.pkl" few.stone --iterations 2
expect 1 '4 iterations are asked for, but the model has 3' "$petrify" convert "$frame/model.pkl" few.stone --iterations 4
hist=$data/ensembles-1.9/hgbc_binary
expect 0 'forest of 2 trees' "$petrify" convert "$(ls "$hist"/model.*)" few.stone --iterations 2
expect 1 'a missing value is given, which is for XGBoost.s models alone' "$petrify" convert "$(ls "$hist"/model.*)" few.stone --missing 0
expect 1 'a number of iterations is given, which RandomForestClassifier does not have' \
  "$petrify" convert "$iris/random_forest_model.pkl" few.stone --iterations 2
sed 's/"version":\[[0-9,]*\]/"version":[9,1,0]/' "$data/xgboost-3.2/binary/model.json" >later.json
expect 0 'model: written by xgboost 9.1.0, and petrify was tested with releases up to 3.4: compare predictions' \
  "$petrify" convert later.json later.stone
sed 's/"version":\[[0-9,]*\]/"version":[3,9223372036854775807,0]/' "$data/xgboost-3.2/binary/model.json" >later.json
expect 0 'written by xgboost 3.9223372036854775807.0, and petrify was tested' "$petrify" convert later.json later.stone
expect 1 'golden rows: 4 columns, expected 3' "$petrify" convert "$frame/model.pkl" few.stone --golden "$iris/X_test.npy"

expect 1 'shape \(38, 4\), expected \(rows, 300\)' "$petrify" predict rf_wide.stone "$iris/X_test.npy"
# values: what is beside models and arrays, as text and as JSON
expect 0 'value: value, dict' "$petrify" convert "$data/values/search.joblib" v.stone
expect 0 "holds +\\{\"best_params\": \\{\"max_depth\": 7, \"min_samples_leaf\": 0.01" "$petrify" info v.stone
expect 0 'v.json: JSON' "$petrify" extract v.stone value v.json
expect 0 '"max_depth": 7,' cat v.json
expect 0 '' "$petrify" verify v.stone
expect 0 'large: value, big integer' "$petrify" convert "$data/sklearn-1.9/arrays/mixed.joblib" m.stone
expect 1 'object "large": holds an integer beyond 64 bits, which JSON has no form for' "$petrify" extract m.stone large l.json
expect 1 'key "bad" key "inner": holds set, which petrify does not import' "$petrify" convert "$data/values/set.joblib" s.stone
expect 1 'entry "when": datetime.date is not a model' "$petrify" convert "$data/values/date.joblib" s.stone

expect 1 'object "nothing": no such object, the file has "model"' "$petrify" extract iris.stone nothing y.npy
expect 1 'object "model": is of kind forest, expected array' "$petrify" extract iris.stone model y.npy
expect 1 'the file has no forest' "$petrify" predict x.stone "$iris/X_test.npy"
expect 1 'out.stone|no/such' "$petrify" convert "$iris/random_forest_model.pkl" no/such/out.stone
cp "$iris/random_forest_model.pkl" self.pkl
expect 1 'self.pkl: is the file that is read, expected another one to write' "$petrify" convert self.pkl self.pkl
same self.pkl "$iris/random_forest_model.pkl"
if [ -w /dev/full ]; then
  expect 1 'standard output: could not be written' bash -c "'$petrify' predict iris.stone '$iris/X_test.npy' >/dev/full"
fi
checked=$((checked + 1))
if [ -e out.stone ] || ls -A | grep -q petrify-tmp; then
  echo "FAILED: a refused conversion left a file"
  failed=$((failed + 1))
fi

# bench: on rows from a file, and on rows that it makes
expect 0 'one row +p50 .* p99 .* p99.9 .*the timer.s own' "$petrify" bench iris.stone "$iris/X_test.npy"
expect 0 '10000 rows of 4 columns, made from the model.s thresholds; batches on 2 threads' "$petrify" bench iris.stone --threads 2
expect 0 'batch of +10000 .* rows/s' "$petrify" bench frame.stone
"$petrify" bench iris.stone "$iris/X_test.npy" --json >bench.json
expect 0 '"p99_9_ns"' cat bench.json
expect 0 '"rows_from": "file"' cat bench.json
expect 1 'shape \(38, 4\), expected \(rows, 300\)' "$petrify" bench rf_wide.stone "$iris/X_test.npy"
expect 1 'the file has no forest' "$petrify" bench x.stone
expect 1 'bench.json: not a petrify file' "$petrify" bench bench.json
expect 2 'threads' "$petrify" bench iris.stone --threads 0
"$petrify" predict iris.stone "$iris/X_test.npy" --threads 1 >alone.txt
"$petrify" predict iris.stone "$iris/X_test.npy" --threads 3 >together.txt
same alone.txt together.txt

# usage: status 2
expect 2 '' "$petrify"
expect 2 'IN is required' "$petrify" convert
expect 2 'nonsense not in \{predict,proba,raw,leaf\}' "$petrify" predict iris.stone "$iris/X_test.npy" --output nonsense
expect 0 '' "$petrify" convert "$iris/X_test.npy" y.stone --from npy
expect 2 'not in \{pickle' "$petrify" convert "$iris/X_test.npy" y.stone --from onnx
expect 2 '' "$petrify" frobnicate
expect 0 'Usage' "$petrify" --help
expect 0 'petrify 0' "$petrify" --version

echo "cli: $((checked - failed)) passed, $failed failed"
[ "$failed" -eq 0 ]
