"""Who is compared with petrify, what their files are called and how they are named in tables."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Contender:
    name: str
    label: str
    language: str  # "c++": petrify_process runs it; "python": worker.py
    format: str  # contenders of one format read each other's files
    writer: str = ""  # how it is named where it saves; contenders of one writer save alike
    is_mapped: bool = False  # opening reads none of the elements
    is_compressed: bool = False


# In the order of tables.
ARRAYS = {
    one.name: one
    for one in (
        Contender("petrify", "petrify", "c++", "stone", "petrify", is_mapped=True),
        Contender(
            "mmap_raw", "mmap by hand, no checks", "c++", "raw", "write(2), a header and nothing else", is_mapped=True
        ),
        Contender("flatbuffer", "FlatBuffers, mapped", "c++", "flatbuffer", "FlatBuffers", is_mapped=True),
        Contender("read_bulk", "read(2) into huge pages", "c++", "raw", "write(2), a header and nothing else"),
        Contender("stream_bulk", "naive stream, one read", "c++", "stream", "naive stream, large writes"),
        Contender("stream_elements", "naive stream", "c++", "stream", "naive stream"),
        Contender("boost_archive", "Boost.Serialization", "c++", "boost", "Boost.Serialization"),
        Contender("npy_mmap", "np.load(mmap_mode='r')", "python", "npy", "np.save", is_mapped=True),
        Contender("joblib_mmap", "joblib.load(mmap_mode='r')", "python", "joblib", "joblib.dump", is_mapped=True),
        Contender(
            "safetensors_open",
            "safetensors safe_open",
            "python",
            "safetensors",
            "safetensors save_file",
            is_mapped=True,
        ),
        Contender("npy", "np.load", "python", "npy", "np.save"),
        Contender("npz", "np.load, .npz", "python", "npz", "np.savez"),
        Contender("joblib", "joblib.load", "python", "joblib", "joblib.dump"),
        Contender("pickle5", "pickle.load, protocol 5", "python", "pickle", "pickle.dump, protocol 5"),
        Contender("safetensors", "safetensors load_file", "python", "safetensors", "safetensors save_file"),
        Contender("joblib_lz4", "joblib.load, lz4", "python", "joblib.lz4", "joblib.dump, lz4", is_compressed=True),
        Contender(
            "joblib_compressed",
            "joblib.load, zlib 3",
            "python",
            "joblib.z",
            "joblib.dump, zlib 3",
            is_compressed=True,
        ),
    )
}

FORESTS = {
    one.name: one
    for one in (
        Contender("petrify", "petrify, nodes checked", "c++", "stone", is_mapped=True),
        Contender("petrify_trust", "petrify, nodes unchecked", "c++", "stone", is_mapped=True),
        Contender("naive_bulk", "naive stream, in bulk", "c++", "naive"),
        Contender("naive_elements", "naive stream, by value", "c++", "naive"),
        Contender("joblib", "joblib.load", "python", "joblib"),
        Contender("joblib_mmap", "joblib.load(mmap_mode='r')", "python", "joblib", is_mapped=True),
        Contender("pickle5", "pickle.load", "python", "pkl"),
        Contender("xgboost_ubj", "XGBoost, .ubj", "python", "ubj"),
        Contender("xgboost_json", "XGBoost, .json", "python", "json"),
        Contender("lightgbm", "LightGBM, .txt", "python", "txt"),
        Contender("onnxruntime", "ONNX Runtime", "python", "onnx"),
        Contender("treelite", "Treelite GTIL", "python", "treelite"),
    )
}


def asked(question):
    """Those who can be asked this."""
    return FORESTS if question == "first-prediction" else ARRAYS


def label_of(name, question):
    contender = asked(question)[name]
    return contender.writer if question == "make" else contender.label


# The programs of Google Benchmark.
TITLES = {
    "first_element": "Open and first element, or first prediction",
    "random_row": "A random row",
    "columns": "Columns",
    "scan": "All elements",
    "save": "Save",
    "verify": "Verify",
    "advice": "Advice about pages",
}
# What ratios are to, where it is not petrify.
BASES = {"verify": "1_thread", "advice": "normal"}
