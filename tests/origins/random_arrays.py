"""Random arrays through petrify and back, compared with what numpy and safetensors read and write.

    random_arrays.py PETRIFY SECONDS [SEED]
    random_arrays.py PETRIFY --large

Saves arrays of every type, order and number of axes, empty ones and ones without axes, as .npy,
.npz (stored, deflated, to a pipe) or .safetensors; converts the file, extracts it as each of these
and compares: numpy and safetensors must read the same bits, members of a .npz and .npy files must
be byte for byte what numpy writes, .safetensors files byte for byte what the library writes.
Stops at the first difference, and keeps the files in a folder that it names. --large does it once
with a member beyond 4 GiB, which needs 9 GB of disk.
"""

import io
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import Counter
from pathlib import Path

import ml_dtypes
import numpy as np
import safetensors
from safetensors.numpy import load_file, save

CODES = "? i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8 c8 c16 >i2 >u4 >f4 >f8 >c8 >c16 S U >U bf16".split()
IN_SAFETENSORS = "? i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8 c8 bf16".split()
LETTERS = list("abcXYZ 0/._-\"\\\n\x01") + ["ß", "猫", "\U0001f409"]


class Difference(Exception):
    pass


def require(holds, what):
    if not holds:
        raise Difference(what)


def pick(rng, choices):
    return choices[rng.integers(len(choices))]


def text_of(rng, most, *, least=0):
    return "".join(pick(rng, LETTERS) for _ in range(rng.integers(least, most + 1)))


def shape_of(rng):
    if rng.random() < 0.05:
        return (int(rng.integers(0, 200_000)),)
    rank = int(rng.choice([0, 1, 1, 2, 2, 2, 3, 4, 5, 9, 32], p=[0.1] * 9 + [0.05] * 2))
    if rank > 5:
        return tuple(int(n) for n in rng.choice([1, 1, 1, 2], size=rank))
    return tuple(int(n) for n in rng.choice([0, 1, 2, 3, 5, 8], size=rank, p=[0.06, 0.14, 0.2, 0.2, 0.2, 0.2]))


def array_of(rng, code, shape):
    count = int(np.prod(shape, dtype=np.int64))
    if code in ("U", ">U"):
        items = [text_of(rng, 6).rstrip("\0") for _ in range(count)]
        array = np.array(items, dtype=np.dtype(code) if items else code + "1").reshape(shape)
    elif code == "S":
        items = [rng.bytes(rng.integers(1, 6)) for _ in range(count)]
        array = np.array(items, dtype="S" if items else "S3").reshape(shape)
    elif code == "?":
        array = (rng.integers(0, 2, size=count) == 1).reshape(shape)
    else:
        dtype = np.dtype(ml_dtypes.bfloat16 if code == "bf16" else code)
        array = np.frombuffer(rng.bytes(count * dtype.itemsize), dtype=dtype).reshape(shape)
    return np.asfortranarray(array) if rng.random() < 0.3 else np.array(array, order="C")


def arrays_of(rng, codes):
    out = {}
    for _ in range(int(rng.choice([0, 1, 2, 5, 20], p=[0.05, 0.3, 0.3, 0.25, 0.1]))):
        name = text_of(rng, 12, least=1)
        out[name] = array_of(rng, pick(rng, codes), shape_of(rng))
    return out


def npy_of(array):
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    return file.getvalue()


def native(array):
    """As petrify keeps it: little-endian (then row-major), and texts as wide as the longest of them."""
    if array.dtype.kind == "U":
        width = max([len(text) for text in array.ravel().tolist()] + [1])
        return array.astype(f"<U{width}", order="C")
    order = "C" if array.dtype.str[0] == ">" else "K"
    return array.astype(array.dtype.newbyteorder("<"), order=order, copy=False)


class Pipe:
    def __init__(self, path):
        self.file = open(path, "wb")

    def write(self, data):
        return self.file.write(data)

    def flush(self):
        self.file.flush()


def write_npz(rng, path, arrays):
    """By np.savez, or by zipfile in the ways that a zip may have been written."""
    way = pick(rng, ["savez", "savez_compressed", "zipfile", "pipe"])
    if way.startswith("savez") and not any(name in ("file", "args", "kwds") for name in arrays):
        getattr(np, way)(path, **arrays)
        return way
    target = Pipe(path) if way == "pipe" else path
    with zipfile.ZipFile(target, "w") as archive:
        for name, array in arrays.items():
            info = zipfile.ZipInfo(name + ".npy")
            info.compress_type = pick(rng, [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
            with archive.open(info, "w", force_zip64=bool(rng.random() < 0.5)) as member:
                member.write(npy_of(array))
    if way == "pipe":
        target.file.close()
    return way


class Petrify:
    def __init__(self, command, folder):
        self.command, self.folder = command, Path(folder)

    def run(self, *words):
        done = subprocess.run([self.command, *map(str, words)], capture_output=True, text=True)
        require(done.returncode == 0, f"{' '.join(map(str, words))}: {done.stderr.strip()}")
        return done.stdout

    def convert(self, source, *options):
        self.run("convert", source, self.folder / "x.stone", *options)
        self.run("verify", self.folder / "x.stone")

    def extract(self, *names, out):
        self.run("extract", self.folder / "x.stone", *names, self.folder / out)
        return self.folder / out


def check_npz(path, expected):
    with zipfile.ZipFile(path) as archive:
        require(archive.testzip() is None, "a member's checksum is wrong")
        names = {info.filename[: -len(".npy")]: info for info in archive.infolist()}
        require(set(names) == set(expected), f"arrays {sorted(names)}, expected {sorted(expected)}")
        for name, array in expected.items():
            require(archive.read(names[name]) == npy_of(native(array)), f"{name!r}: not the bytes of np.save")
    with np.load(path) as loaded:
        for name, array in expected.items():
            seen = loaded[name]
            require(seen.dtype == native(array).dtype and seen.shape == array.shape, f"{name!r}: {seen.dtype} {seen.shape}")
            require(seen.tobytes() == native(array).tobytes(), f"{name!r}: other elements")


def check_safetensors(path, expected, metadata):
    # What the library writes cannot be read by anyone when there is no tensor and an empty dict.
    if expected or metadata is None:
        flat = {name: np.array(array, order="C").reshape(array.shape) for name, array in expected.items()}
        require(path.read_bytes() == save(flat, metadata), "not the bytes of the library")
    loaded = load_file(path)
    require(set(loaded) == set(expected), f"tensors {sorted(loaded)}, expected {sorted(expected)}")
    for name, array in expected.items():
        seen = loaded[name]
        require(seen.dtype == array.dtype and seen.shape == array.shape, f"{name!r}: {seen.dtype} {seen.shape}")
        require(seen.tobytes() == array.tobytes(), f"{name!r}: other elements")
    with safetensors.safe_open(path, "np") as opened:
        require((opened.metadata() or {}) == (metadata or {}), f"metadata {opened.metadata()}")


def in_safetensors(array):
    return array.dtype.kind in "biuf" or array.dtype == np.complex64 or array.dtype == ml_dtypes.bfloat16


def one_round(rng, petrify, counts):
    kind = pick(rng, ["npy", "npz", "npz", "npz", "safetensors", "safetensors"])
    metadata = None
    source = petrify.folder / "in"
    source.unlink(missing_ok=True)
    if kind == "npy":
        arrays = {"array": array_of(rng, pick(rng, CODES[:-1]), shape_of(rng))}
        source.write_bytes(npy_of(arrays["array"]))
    elif kind == "npz":
        arrays = arrays_of(rng, CODES[:-1])
        kind = write_npz(rng, source, arrays)
        if not source.exists():  # np.savez adds an ending
            source.with_suffix(".npz").rename(source)
    else:
        arrays = arrays_of(rng, IN_SAFETENSORS)
        arrays = {name: np.array(array, order="C").reshape(array.shape) for name, array in arrays.items()}
        metadata = pick(rng, [None, {text_of(rng, 5, least=1): text_of(rng, 20)}])
        source.write_bytes(save(arrays, metadata))
    # An empty zip could be anything.
    petrify.convert(source, *([] if arrays or kind in ("npy", "safetensors") else ["--from", "npz"]))
    kept = {name: native(array) for name, array in arrays.items()}
    check_npz_too = not any(array.dtype == ml_dtypes.bfloat16 for array in kept.values())
    if check_npz_too and (kept or metadata is None):  # texts alone are no arrays
        check_npz(petrify.extract(out="out.npz"), kept)
    fitting = {name: array for name, array in kept.items() if in_safetensors(array)}
    # Of the given names, or of all that there is.
    names = [] if len(fitting) == len(kept) else list(fitting)
    if (names or not kept or fitting) and not any(name.startswith("-") for name in names):
        texts = metadata if not names else None
        check_safetensors(petrify.extract(*names, out="out.safetensors"), fitting, texts)
    for name in list(kept)[:2]:
        if kept[name].dtype != ml_dtypes.bfloat16 and not name.startswith("-"):
            out = petrify.extract(name, out="out.npy")
            require(out.read_bytes() == npy_of(kept[name]), f"{name!r}: not the bytes of np.save")
    counts[kind] += 1
    for name, array in kept.items():
        counts["arrays"] += 1
        counts["empty"] += array.size == 0
        counts["without axes"] += array.ndim == 0
        counts["column-major"] += bool(array.flags.f_contiguous and not array.flags.c_contiguous)
        counts["big-endian"] += arrays[name].dtype.str[0] == ">"


def large(petrify):
    """Beyond 4 GiB, deflated and not: sizes of 64 bits that are needed."""
    count = (1 << 32) + 12345
    source = petrify.folder / "in"
    with zipfile.ZipFile(source, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open("big.npy", "w", force_zip64=True) as member:
            header = npy_of(np.zeros(0, dtype="u1")).replace(b"(0,), }" + b" " * len(str(count)), f"({count},), }} ".encode())
            require(len(header) == 128, "the header keeps its length")
            member.write(header)
            block = np.arange(1 << 20, dtype="u4").view("u1").tobytes()
            for _ in range(count // len(block)):
                member.write(block)
            member.write(block[: count % len(block)])
        with archive.open("small.npy", "w") as member:
            member.write(npy_of(np.arange(5)))
    petrify.convert(source)
    source.unlink()
    out = petrify.extract(out="out.npz")
    (petrify.folder / "x.stone").unlink()
    with zipfile.ZipFile(out) as archive:
        big = archive.getinfo("big.npy")
        require(big.file_size == count + 128, f"big.npy has {big.file_size} bytes")
        with archive.open(big) as member:
            require(member.read(128) == header, "not the header of np.save")
            for _ in range(count // len(block)):
                require(member.read(len(block)) == block, "other elements")
            require(member.read() == block[: count % len(block)], "other elements at the end")
    require(np.load(out)["small"].tolist() == [0, 1, 2, 3, 4], "the member behind it")
    print(f"a member of {count} bytes, deflated and stored: the same")


def main():
    command = sys.argv[1]
    folder = Path(tempfile.mkdtemp(prefix="petrify-arrays-"))
    petrify = Petrify(command, folder)
    seed = 0
    try:
        if sys.argv[2] == "--large":
            large(petrify)
        else:
            end = time.monotonic() + float(sys.argv[2])
            first = int(sys.argv[3]) if len(sys.argv) > 3 else int(time.time())
            counts, seed = Counter(), first
            while time.monotonic() < end:
                one_round(np.random.default_rng(seed), petrify, counts)
                seed += 1
            print(
                f"numpy {np.__version__}, safetensors {safetensors.__version__}, seeds {first} to {seed - 1}: "
                + ", ".join(f"{count} {what}" for what, count in counts.items())
                + ": all the same"
            )
    except Difference as difference:
        print(f"seed {seed}: {difference}; the files are in {folder}", file=sys.stderr)
        return 1
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    return 0


if __name__ == "__main__":
    sys.exit(main())
