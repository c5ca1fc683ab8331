"""Makes files that must be refused, and harmlessly: make_refused.py DIRECTORY.

refused.json lists them with the reason. None of them may run code, crash, or take
much time or memory.
"""

import copy
import lzma
import pickle
import sys
import zlib
from pathlib import Path

import joblib
import numpy as np
import sklearn
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

from fixtures import write_json

out = Path(sys.argv[1])
out.mkdir(parents=True, exist_ok=True)
entries = []


def write(name, data, why):
    (out / name).write_bytes(data)
    entries.append({"file": name, "why": why})


def dump(name, value, why):
    joblib.dump(value, out / name)
    entries.append({"file": name, "why": why})


# ---------------------------------------------------------------------------------------
# Sound models of other kinds

X, y = load_iris(return_X_y=True)
forest = RandomForestClassifier(n_estimators=2, max_depth=2, random_state=1)

dump("svc.joblib", SVC(random_state=1).fit(X, y), "A support vector machine.")
dump("logistic.joblib", LogisticRegression(max_iter=500).fit(X, y), "A linear model.")
forest.fit(X, y)
dump("unfitted.joblib", RandomForestClassifier(), "A forest that was never fitted.")
dump("list_of_models.joblib", [forest, forest], "Two models where one is expected.")

# ---------------------------------------------------------------------------------------
# Pickles that do what a model never does


class Touch:
    """Would run a command where a pickle is really executed."""

    def __reduce__(self):
        import os

        return os.system, ("touch /tmp/petrify_pwned",)


write("posix_system.pkl", pickle.dumps(Touch(), 4), "Runs a command, as Python pickles the call.")
command = b"touch /tmp/petrify_pwned"
# PROTO 2, GLOBAL os.system, BINUNICODE, TUPLE1, REDUCE, STOP.
write(
    "os_system.pkl",
    b"\x80\x02cos\nsystem\nX" + len(command).to_bytes(4, "little") + command + b"\x85R.",
    "Runs a command, by the public name of the function and in protocol 2.",
)
dump(
    "os_system_beside_array.joblib",
    {"weights": np.arange(4.0), "extra": Touch()},
    "Such a call beside a sound array.",
)
forest.extra_ = Touch()
write("os_system_in_forest.pkl", pickle.dumps(forest, 4), "Such a call in a forest's state.")
del forest.extra_

circle = ([],)
circle[0].append(circle)
write("self_tuple.pkl", pickle.dumps(circle, 4), "A tuple that contains itself.")
circle = []
circle.append(circle)
write("self_list.pkl", pickle.dumps(circle, 4), "A list that contains itself.")

# PROTO 4, 5000 empty lists, each appended to the one before, STOP.
write("deep.pkl", b"\x80\x04" + b"]" * 5000 + b"a" * 4999 + b".", "5000 nested lists.")
# Each list holds the one before twice: small in memory, endless when walked as a tree.
doubling = []
for _ in range(60):
    doubling = [doubling, doubling]
write("doubling.pkl", pickle.dumps(doubling, 4), "2**60 elements when walked without care.")

write("protocol_0.pkl", pickle.dumps(forest, 0), "Protocol 0, with opcodes of text.")
write(
    "persistent_id.pkl",
    b"\x80\x04\x8c\x05modelQ.",
    "Refers to an object outside of the file.",
)
write("memo_unset.pkl", b"\x80\x04h\x07.", "Reads a memo entry that was never set.")
write("stack_underflow.pkl", b"\x80\x04aR.", "Takes operands from an empty stack.")
write(
    "huge_length.pkl",
    b"\x80\x04\x8e" + (2**62).to_bytes(8, "little") + b"abc.",
    "Bytes that claim to be far longer than the file.",
)
write("no_stop.pkl", b"\x80\x04]", "Ends without the opcode that ends it.")
write("protocol_9.pkl", b"\x80\x09N.", "A protocol that does not exist.")

# ---------------------------------------------------------------------------------------
# Forests with broken trees


def broken_tree(change):
    """A forest whose first tree was changed within its pickle."""
    data = pickle.dumps(forest, 4)
    nodes = forest.estimators_[0].tree_.__getstate__()["nodes"]
    bad = np.frombuffer(bytearray(nodes.tobytes()), dtype=nodes.dtype)  # keeps the padding
    change(bad)
    assert data.count(nodes.tobytes()) == 1
    return data.replace(nodes.tobytes(), bad.tobytes())


def cycle(nodes):
    nodes["left_child"][1] = 0


def child_out_of_range(nodes):
    nodes["right_child"][0] = len(nodes)


def negative_child(nodes):
    nodes["left_child"][0] = -5


def feature_out_of_range(nodes):
    nodes["feature"][0] = 4


def half_leaf(nodes):
    nodes["right_child"][0] = -1


write("tree_cycle.pkl", broken_tree(cycle), "A node whose child is the root.")
write("tree_child_range.pkl", broken_tree(child_out_of_range), "A child that does not exist.")
write("tree_child_negative.pkl", broken_tree(negative_child), "A negative child.")
write("tree_feature_range.pkl", broken_tree(feature_out_of_range), "A feature too many.")
write("tree_half_leaf.pkl", broken_tree(half_leaf), "A node with only a left child.")

# ---------------------------------------------------------------------------------------
# Files that are something else

write("text.pkl", b"This is not a model.\n", "A text file.")
write(
    "lfs_pointer.pkl",
    b"version https://git-lfs.github.com/spec/v1\n"
    b"oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\n"
    b"size 179905\n",
    "A Git LFS pointer, left by a clone without the large files.",
)
write(
    "page.pkl",
    b"<!DOCTYPE html>\n<html>\n<head><title>404 Not Found</title></head>\n"
    b"<body><h1>Not Found</h1></body>\n</html>\n",
    "An error page saved by a download.",
)
write("empty.pkl", b"", "An empty file.")
write("zip.pkl", b"PK\x05\x06" + bytes(18), "An empty ZIP archive.")

# ---------------------------------------------------------------------------------------
# Compression

SIZE = 300 * 1000 * 1000


def bomb(compressor):
    """A pickle of one bytes object of 300 MB of zeros, compressed piece by piece."""
    parts = [compressor.compress(b"\x80\x04\x8e" + SIZE.to_bytes(8, "little"))]
    zeros = bytes(1000 * 1000)
    parts += [compressor.compress(zeros) for _ in range(SIZE // len(zeros))]
    parts.append(compressor.compress(b"."))
    parts.append(compressor.flush())
    return b"".join(parts)


write("bomb_zlib.joblib", bomb(zlib.compressobj(9)), "300 MB of zeros.")
xz = bomb(lzma.LZMACompressor())
write("bomb_xz.joblib", xz, "300 MB of zeros, a ratio of several thousand.")
write("bomb_nested.joblib", lzma.compress(lzma.compress(xz)), "That file, compressed twice more.")

# joblib before 0.9.3: "ZF", the length of the content in hexadecimal, zlib data.
content = pickle.dumps(forest, 2)
write(
    "joblib_zf.joblib",
    b"ZF" + hex(len(content)).ljust(19).encode() + zlib.compress(content),
    "The compressed format of joblib before 0.9.3.",
)

joblib.dump(forest, out / "truncated.joblib")
raw = (out / "truncated.joblib").read_bytes()
write("truncated.joblib", raw[: len(raw) // 2], "A model cut off half way.")
write("truncated_end.joblib", raw[:-1], "A model without its last byte.")
write("truncated_zlib.joblib", zlib.compress(raw)[:-100], "A zlib stream cut off.")
write("damaged_zlib.joblib", zlib.compress(raw)[:-4] + b"\0\0\0\0", "A wrong checksum.")

# ---------------------------------------------------------------------------------------
# Names that collide or are none, and small files that stand for large models

ones = np.ones(2)
write("number_and_text_key.pkl", pickle.dumps({5: ones, "5": ones + 1}, 4), "5 and '5' are two keys and one name.")
write("colliding_keys.pkl", pickle.dumps({"a/b": ones, "a": {"b": ones + 1}}, 4), "Two entries named a/b.")
write("long_key.pkl", pickle.dumps({"k" * 2000: ones}, 4), "A key too long for a name.")


def changed(**attributes):
    """The forest with other attributes."""
    other = copy.copy(forest)
    other.__dict__.update(attributes)
    return pickle.dumps(other, 4)


tree = forest.estimators_[0]
many = copy.copy(tree)
many.__dict__.update(n_outputs_=100000000)
write("many_outputs.pkl", pickle.dumps(many, 4), "A tree that claims 10^8 outputs.")
write("shared_tree.pkl", changed(estimators_=[tree] * 1000), "A forest that names one tree a thousand times.")
write("estimators_set.pkl", changed(estimators_=set(forest.estimators_)), "Trees without an order.")
write(
    "version_1.pkl",
    changed().replace(sklearn.__version__.encode(), b"1".ljust(len(sklearn.__version__), b"x")),
    "A version that does not say whether leaves hold counts.",
)

write_json(out / "refused.json", entries)
