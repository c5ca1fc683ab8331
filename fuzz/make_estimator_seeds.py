"""Makes the seeds of fuzz_estimator from fixtures: make_estimator_seeds.py MODELS FOLDER.

One small model of each family and release, decompressed, so that mutations meet the pickle.
"""

import bz2
import gzip
import lzma
import sys
import zlib
from pathlib import Path

models, out = Path(sys.argv[1]), Path(sys.argv[2])
out.mkdir(parents=True, exist_ok=True)
MOST_BYTES = 16384  # libFuzzer's -max_len in ./dev fuzz

SCIKIT_LEARN = """
    ada_samme_stumps ada_r_three adar_grid bagc_fewer_classes bagc_repeated_features bagr_two_outputs
    if_one_sample if_half_features hgbc_tie hgbc_ten hgbc_table_missing hgbr_table_from_dtype
    hgbr_category_odd hgbc_category_index gbc_tie gbc_zero_multiclass gbr_zero pipe_impute_most_frequent
    pipe_standard_rf pipe_many_scalers pipe_impute_constant_empty_kept pipe_minmax_clip pipe_nested
    pipe_isolation
""".split()
XGBOOST = """
    binary dart targets vector_leaf vector_leaf_labels categories_wrapper categories_frame
    early_stopping_binary missing_zero_wrapper labels_text labels_object forest_regressor
""".split()
LIGHTGBM = "labels_text labels_two linear categories forest dart".split()
OPENERS = [(b"\x78", zlib.decompress), (b"\x1f\x8b", gzip.decompress), (b"BZ", bz2.decompress)]
OPENERS += [(b"\xfd7z", lzma.decompress), (b"]\0", lzma.decompress), (b"\x80", bytes)]


def add(release, case):
    for path in sorted((models / release / case).glob("model.*")):
        packed = path.read_bytes()
        opener = next((how for magic, how in OPENERS if packed.startswith(magic)), None)
        plain = opener(packed) if opener else b""
        if plain.startswith(b"\x80") and len(plain) <= MOST_BYTES:
            (out / f"{release}_{case}").write_bytes(plain)
            return


for release in ("ensembles-1.2", "ensembles-1.9"):
    for case in SCIKIT_LEARN:
        add(release, case)
for release in ("xgboost-1.5", "xgboost-3.2"):
    for case in XGBOOST:
        add(release, case)
for release in ("lightgbm-2.2", "lightgbm-4.7"):
    for case in LIGHTGBM:
        add(release, case)
