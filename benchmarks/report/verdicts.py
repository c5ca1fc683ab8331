"""What was promised beside what came out, and where petrify loses: rules, applied to whatever was measured."""

from contenders import ARRAYS, BASES, TITLES, label_of
from sizes import GIB, size_in_words
from words import duration, kib, num_bytes, power_of_ten, times

STANDING_LOSSES = """\
Known without measuring, and true on every machine:

- **Nothing is compressed.** A file is as large as its payload; compressed joblib and npz files are smaller where the
  data lets them be, and slower to open by as much as they are.
- **The first touch of each page costs a page fault**, again in every process; a program that reads all of an array
  once pays for all of them. A copy in memory has paid before.
- **One element costs up to 2 MiB of resident memory** where the kernel caches files in large pages: they are mapped
  whole. They are shared with everybody who maps the file, and given back at will, but they are counted.
- **The first opening of a large forest reads all of its nodes** to check them; `trust::caller` leaves that out.
- **A file that is not cached is read at the speed of the disk by everybody.** Mapping reads only what is touched, but
  who touches all of it waits as long as who reads it, or longer: faults come one after the other.
- **A save waits for the disk unless it is told not to.** `commit` syncs the file, renames it and syncs the folder; who
  leaves that out (`durability::unsynced`), or syncs the file alone, returns sooner and may lose it when the power fails.
- **The file is no exchange format.** .npy and safetensors are read by everything; petrify's are read by petrify.
"""

# (what, question, measure, cache, how a ratio below one is said)
MEASURES = [
    ("open and first element", "first", "first", "warm", "faster"),
    ("open and first element, again in the same process", "first", "again", "warm", "faster"),
    ("open and first element, cold", "first", "first", "cold", "faster"),
    ("open and one row", "row", "row", "warm", "faster"),
    ("open and one row, cold", "row", "row", "cold", "faster"),
    ("open and four columns", "columns", "columns", "warm", "faster"),
    ("open and sum of all elements", "scan", "scan", "warm", "faster"),
    ("open and sum of all elements, cold", "scan", "scan", "cold", "faster"),
    ("sum of all elements alone, when open", "scan", "scan alone", "warm", "faster"),
    ("save until the call returns, which nobody lets wait for the disk", "make", "save", "warm", "faster"),
    ("save until the disk has it", "make", "save durable", "warm", "faster"),
    ("memory that one element takes", "first", "added", "warm", "less"),
    ("memory that saving takes", "make", "added", "warm", "less"),
    ("size of the file", "make", "file", "warm", "smaller"),
    ("memory of several processes that hold one file", "hold", "pss", "warm", "less"),
    ("open and first prediction", "first-prediction", "first", "warm", "faster"),
    ("open and first prediction, again in the same process", "first-prediction", "again", "warm", "faster"),
    ("open and first prediction, cold", "first-prediction", "first", "cold", "faster"),
    ("memory that the first prediction takes", "first-prediction", "added", "warm", "less"),
]


def is_beaten(petrify, other):
    """The quartiles do not overlap: more than what the machine does by chance. Half a percent of a file is no win."""
    return other.upper_quartile < petrify.lower_quartile and other.median < 0.995 * petrify.median


def where_in_words(where):
    if isinstance(where, int):
        return size_in_words(where)
    library, nodes = where.split("-")
    return f"{library} {power_of_ten(int(nodes))} nodes"


# Measures that say something of a disk, which a file system in memory has not.
OF_THE_DISK = {"save durable"}


def losses(results):
    """(what, question, contender, [(where, petrify's sample, the other's)], word): all that beats petrify."""
    found = []
    for what, question, measure, cache, word in MEASURES:
        if results.is_in_memory and (measure in OF_THE_DISK or cache == "cold"):
            continue
        # In a small file the memory is the process, not the file.
        places = dict.fromkeys(key[2] for key in results.records if key[1] == question and key[3] == cache)
        if question == "hold":
            places = [max(places)] if places else []
        for name in results.names(question, cache):
            if name.startswith("petrify"):
                continue
            beaten = []
            for where in places:
                petrify = results.sample("petrify", question, where, measure, cache)
                other = results.sample(name, question, where, measure, cache)
                if petrify and other and is_beaten(petrify, other):
                    beaten.append((where, petrify, other))
            if beaten:
                found.append((what, question, name, beaten, word))
    return found


def program_losses(results):
    """(title, group, contender, [(size, petrify's sample, the other's)]) of the Google Benchmark programs.

    No repetition of the other's is as slow as any of petrify's. Programs that compare petrify with itself have none.
    """
    found = {}
    for program in results.programs:
        if BASES.get(program, "petrify") != "petrify":
            continue
        samples = results.program_samples(program)
        for key, other in samples.items():
            group, size, name = (*key.split("/"), "", "")[:3]
            petrify = samples.get(f"{group}/{size}/petrify")
            if not name or name.startswith("petrify") or petrify is None:
                continue
            if program == "save" and group == "save_synced" and results.is_in_memory:
                continue
            if other.high < petrify.low:
                found.setdefault((program, group, name), []).append((size.replace("_", " "), petrify, other))
    return [(TITLES.get(program, program), group, name, beaten) for (program, group, name), beaten in found.items()]


def in_words(word, value):
    return {"faster": duration, "smaller": num_bytes, "less": kib}[word](value)


def loss_lines(results):
    """One bullet a question, its contenders behind."""
    lines = {}
    for what, question, name, beaten, word in losses(results):
        cases = ", ".join(
            f"{in_words(word, other.median)} for {in_words(word, petrify.median)} ({where_in_words(where)})"
            for where, petrify, other in beaten
        )
        lines.setdefault(what, []).append(f"  - {label_of(name, question)}: {cases}")
    for title, group, name, beaten in program_losses(results):
        cases = ", ".join(
            f"{duration(other.median)} for {duration(petrify.median)} ({where})" for where, petrify, other in beaten
        )
        what = f"in one process, {title.lower()}: {group.replace('_', ' ')}"
        lines.setdefault(what, []).append(f"  - {name.replace('_', ' ')}: {cases}")
    if not lines:
        return "Nothing was faster, smaller or more frugal than petrify beyond the spread of this run.\n"
    return "".join(f"- **{what}**\n" + "\n".join(cases) + "\n" for what, cases in lines.items())


# ---- promises


def kept(is_kept):
    return "kept" if is_kept else "**not kept**"


UNMEASURED = "not measured in this run"


def at_size(size, wanted, text):
    return text if size >= wanted else f"{text}, at {size_in_words(size)} only"


def promise_first(results):
    sizes = [size for size in results.sizes("first") if results.sample("petrify", "first", size, "again")]
    if not sizes:
        yield "open + first element of 2 GB, warm: at most 60 µs", UNMEASURED, ""
        return
    size = min((size for size in sizes if size >= 2_000_000_000), default=max(sizes))
    fresh, again = (results.sample("petrify", "first", size, measure) for measure in ("first", "again"))
    said = (
        f"{duration(again.median)} again and again in one process, {duration(fresh.median)} as the first of a process"
    )
    # In a fresh process the code itself is faulted in, which petrify does not get around either.
    verdict = kept(fresh.median <= 60e-6)
    if again.median <= 60e-6 < fresh.median:
        verdict = "kept when repeated, **not kept** by the first of a process"
    verdict = verdict if size >= 2_000_000_000 else ""
    yield "open + first element of 2 GB, warm: at most 60 µs", at_size(size, 2_000_000_000, said), verdict
    every = [results.sample("petrify", "first", one, "again").median for one in sizes]
    promise = "the same at any size: the largest median at most 1.5× the smallest and 60 µs, again and again"
    if len(sizes) < 2:
        yield promise, UNMEASURED, ""
    else:
        low, high = min(every), max(every)
        between = f"{size_in_words(sizes[0])} to {size_in_words(sizes[-1])}"
        said = f"{duration(low)} to {duration(high)} ({times(high / low)}), {between}"
        yield promise, said, kept(high <= 1.5 * low and high <= 60e-6)
    for name, wanted in (("stream_elements", 10_000), ("joblib", 1000)):
        ratio = results.ratio(name, "first", size, "first")
        yield (
            f"{wanted:,}× faster than {ARRAYS[name].label}, at 2 GB",
            at_size(size, 2_000_000_000, times(ratio)) if ratio else UNMEASURED,
            kept(ratio >= wanted) if ratio and size >= 2_000_000_000 else "",
        )
    for name in ("npy_mmap", "joblib_mmap"):
        ratios = [ratio for one in sizes if (ratio := results.ratio(name, "first", one, "again"))]
        yield (
            f"not slower than {ARRAYS[name].label}, both again and again in their own process",
            f"{times(min(ratios))} to {times(max(ratios))} petrify's time" if ratios else UNMEASURED,
            kept(min(ratios) >= 1) if ratios else "",
        )


def largest_of_program(results, name, *keys):
    """The times of the largest size for which all `keys`, PREFIX and CONTENDER, were measured."""
    seen = results.program(name)
    sizes = {}
    for full in seen:
        _, size, *_ = (*full.split("/"), "", "")
        number, _, unit = size.partition("_")
        if number.isdecimal():
            sizes[size] = int(number) * (1024 if unit == "GiB" else 1)
    for size in sorted(sizes, key=sizes.get, reverse=True):
        if all(f"{prefix}/{size}/{contender}" in seen for prefix, contender in keys):
            return size.replace("_", " "), [seen[f"{prefix}/{size}/{contender}"] for prefix, contender in keys]
    return None


def promise_scan(results):
    for name, where in (("stream_bulk", "a std::vector"), ("read_bulk", "memory in huge pages")):
        promise = f"sum of all elements through the map: at least 80 % of the speed in {where}"
        found = largest_of_program(results, "scan", ("scan", "petrify"), ("scan", name))
        if found:
            size, (petrify, own) = found
            yield promise, f"{own / petrify:.0%} ({size}, all touched before)", kept(own / petrify >= 0.8)
        else:
            yield promise, UNMEASURED, ""


def promise_save(results):
    for prefix, condition in (("save_synced", "both with fsync"), ("save", "both without fsync")):
        for promise, name, wanted, words in (
            ("at least 90 % of the speed of plain large write(2)", "write", 0.9, lambda ratio: f"{ratio:.0%}"),
            ("at least 10× faster than the naive stream", "stream_elements", 10, times),
        ):
            text = f"save: {promise}, {condition}"
            found = largest_of_program(results, "save", (prefix, "petrify"), (prefix, name))
            if not found:
                yield text, UNMEASURED, ""
                continue
            size, (petrify, other) = found
            ratio = other / petrify
            if prefix == "save_synced" and results.is_in_memory:
                yield text, f"{words(ratio)} ({size}), but the file system is memory: no disk was waited for", ""
            else:
                yield text, f"{words(ratio)} ({size})", kept(ratio >= wanted)
    # A smaller array is one piece, and not a whole one.
    sizes = [size for size in results.sizes("make") if size >= 16 << 20]
    peaks = [results.sample("petrify", "make", size, "peak").median for size in sizes]
    promise = "the writer's memory does not grow with the array"
    if len(peaks) < 2:
        yield promise, UNMEASURED, ""
        return
    said = f"peak of {kib(min(peaks))} to {kib(max(peaks))}, {size_in_words(sizes[0])} to {size_in_words(sizes[-1])}"
    yield promise, said, kept(max(peaks) - min(peaks) <= 4096)


def promise_processes(results):
    promise = "8 processes that map one file of 1 GiB: together within 5 % of one copy"
    sizes = results.sizes("hold")
    records = results.get("petrify", "hold", max(sizes)) if sizes else []
    if not records:
        yield promise, UNMEASURED, ""
        return
    record = records[0]
    share = record["pss_kib"] * 1024 / record["file_bytes"]
    said = f"{record['processes']} processes: {share:.3f} × the file"
    yield promise, at_size(max(sizes), GIB, said), kept(share <= 1.05) if max(sizes) >= GIB else ""


def promises(results):
    """(promise, what came out, verdict)."""
    for part in (promise_first, promise_scan, promise_save, promise_processes):
        yield from part(results)
