"""Makes .npy, .npz and safetensors files by the libraries' own hands: make_array_files.py DIRECTORY.

NAME.npy is each array alone, as np.save writes it (other_letters.npy is "größe/猫"); all.npz and
packed.npz are all of them, as np.savez and np.savez_compressed write them. What is to be refused is in refused/. Where safetensors
is installed, its files and their tensors (bfloat16 as uint16) are in safetensors/.
"""

import json
import platform
import struct
import sys
import warnings
import zipfile
from pathlib import Path

import numpy as np

out = Path(sys.argv[1])
(out / "refused").mkdir(parents=True, exist_ok=True)


def ramp(dtype, shape):
    count = int(np.prod(shape))
    if np.dtype(dtype).kind == "b":
        return (np.arange(count) % 3 == 0).reshape(shape)
    values = np.arange(count) * 7 % 120
    if np.dtype(dtype).kind in "fc":
        values = values / 8 - 3
    if np.dtype(dtype).kind == "c":
        values = values + 1j * values[::-1]
    return values.astype(dtype).reshape(shape)


arrays = {}
for code in "?bhilBHILefdFD":
    name = np.dtype(code).name
    arrays[name] = ramp(code, (5,))
    arrays[name + "_rows"] = ramp(code, (2, 3))
arrays["column_major"] = np.asfortranarray(ramp("f4", (3, 4)))
arrays["column_major_3d"] = np.asfortranarray(ramp("u2", (2, 3, 4)))
arrays["zero_axes"] = np.array(2.5)
arrays["empty"] = np.empty((0, 3), dtype="f4")
arrays["empty_column_major"] = np.empty((4, 0, 3), dtype="f4", order="F")
arrays["one_column"] = np.asfortranarray(ramp("f8", (3, 1)))
arrays["many_axes"] = ramp("u1", (1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 1))
arrays["long_header"] = ramp("u1", (1,) * 29 + (2,))
arrays["bits"] = np.array([0x7FF8000000000001, 0xFFF0000000000000, 1, 1 << 63], dtype="u8").view("f8")
arrays["fixed_bytes"] = np.array([b"ab", b"wxyz", b"", b"\x00\xff"])
arrays["text"] = np.array([["", "größe"], ["猫", "abcde"]])
arrays["big_endian"] = ramp(">i4", (2, 3))
arrays["big_endian_text"] = np.array(["größe", "猫"], dtype=">U5")
arrays["größe/猫"] = ramp("f4", (2,))

for name, array in arrays.items():
    np.save(out / ("other_letters.npy" if "/" in name else name + ".npy"), array)
np.savez(out / "all.npz", **arrays)
np.savez_compressed(out / "packed.npz", **arrays)
# Something that deflate shortens, and needs more than one block for.
np.savez_compressed(out / "long.npz", steps=np.repeat(np.arange(3000, dtype="i8"), 20))
np.savez(out / "none.npz")

refused = out / "refused"
np.savez(refused / "objects.npz", good=np.arange(3), bad=np.array(["a", 1, None], dtype=object))
record = np.dtype([("id", "<i4"), ("weight", "<f8"), ("größe", "<f4")])
np.savez(refused / "record.npz", table=np.zeros(2, dtype=record))
np.savez(refused / "date.npz", when=np.array(["2024-05-01"], dtype="datetime64[D]"))
np.savez(refused / "longdouble.npz", wide=np.zeros(2, dtype=np.longdouble))
warnings.filterwarnings("ignore", message="Duplicate name")


def write_zip(file, members, method=zipfile.ZIP_STORED):
    """Members with no time of their own, so that the file comes out the same every time."""
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name), data, compress_type=method)


flags = ("flags.npy", (out / "bool.npy").read_bytes())
write_zip(refused / "raw_member.npz", [flags, ("notes.txt", "not an array")])
write_zip(refused / "bzip2.npz", [flags], zipfile.ZIP_BZIP2)
write_zip(refused / "lzma.npz", [flags], zipfile.ZIP_LZMA)
write_zip(refused / "same_name.npz", [flags, flags])
# What torch.save writes, as far as its members' names go.
pickled = ("model/data.pkl", b"\x80\x02}q\x00.")
write_zip(refused / "torch.pt", [pickled, ("model/data/0", bytes(64)), ("model/version", "3\n")])
write_zip(refused / "other.zip", [("readme.txt", "hello")])

# Written as to a pipe: sizes and checksums behind the contents.
class Pipe:
    def __init__(self, path):
        self.file = open(path, "wb")

    def write(self, data):
        return self.file.write(data)

    def flush(self):
        self.file.flush()


for name, method in ("piped", zipfile.ZIP_STORED), ("piped_packed", zipfile.ZIP_DEFLATED):
    pipe = Pipe(out / f"{name}.npz")
    keys = ("float32_rows", "text")
    write_zip(pipe, [(f"{key}.npy", (out / f"{key}.npy").read_bytes()) for key in keys], method)
    pipe.file.close()

versions = {"python": platform.python_version(), "numpy": np.__version__}
try:
    import ml_dtypes
    import safetensors
    from safetensors.numpy import load, save
except ImportError:
    pass
else:
    versions.update({"safetensors": safetensors.__version__, "ml_dtypes": ml_dtypes.__version__})
    np.savez(refused / "bfloat16.npz", narrow=np.ones(3, dtype=ml_dtypes.bfloat16))
    folder = out / "safetensors"
    folder.mkdir(exist_ok=True)
    tensors = {
        name: array
        for name, array in arrays.items()
        if array.dtype.kind not in "SU" and array.dtype != np.complex128 and array.dtype.byteorder != ">"
    }
    tensors = {name: np.ascontiguousarray(array).reshape(array.shape) for name, array in tensors.items()}
    bfloat16 = ramp("f4", (3, 2)).astype(ml_dtypes.bfloat16)
    np.save(folder / "bfloat16.npy", bfloat16.view("u2"))
    tensors["bfloat16"] = bfloat16
    tensors['quote " back \\ line \n tab \t one \x01 delete \x7f'] = ramp("i2", (3,))
    (folder / "all.safetensors").write_bytes(save(tensors, {"format": 'np "größe"\n'}))
    (folder / "plain.safetensors").write_bytes(save({"b": tensors["float32"], "a": tensors["float64"]}))
    (folder / "empty_texts.safetensors").write_bytes(save({"a": tensors["float64"]}, {}))
    (folder / "none.safetensors").write_bytes(save({}))
    # As other writers have it: no padding, so that nothing is aligned; names in any order; spaces.
    header = json.dumps(
        {
            "late": {"dtype": "F64", "shape": [2], "data_offsets": [5, 21]},
            "__metadata__": {"one": "1", "two": "2", "empty": ""},
            "early": {"dtype": "U8", "shape": [5], "data_offsets": [0, 5]},
        }
    ).encode()
    header += b" " * (len(header) % 2 + 1)
    data = bytes([1, 2, 3, 4, 5]) + np.array([0.5, -2.0]).tobytes()
    odd = struct.pack("<Q", len(header)) + header + data
    assert load(odd)["late"].tolist() == [0.5, -2.0]
    (folder / "odd.safetensors").write_bytes(odd)
    for name in "float8_e4m3fn", "float8_e5m2":
        values = np.ones(2, dtype=getattr(ml_dtypes, name))
        (refused / f"{name}.safetensors").write_bytes(save({"layer.weight": values}))
(out / "versions.json").write_text(json.dumps(versions, indent=2) + "\n")
