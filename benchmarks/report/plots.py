"""Which pictures are drawn of the results: {name of the file: its SVG}."""

from contenders import ARRAYS, FORESTS
from sizes import size_in_words
from svg import Series, bar_plot, log_plot
from words import duration, kib, power_of_ten

# One of a kind where several are alike: a picture of everything shows nothing. The tables have all.
LOADED = [
    "petrify",
    "npy_mmap",
    "joblib_mmap",
    "safetensors_open",
    "npy",
    "joblib",
    "pickle5",
    "joblib_compressed",
    "flatbuffer",
    "stream_bulk",
    "boost_archive",
    "stream_elements",
]
REMEMBERED = ["petrify", "npy_mmap", "npy", "joblib", "pickle5", "stream_bulk", "boost_archive", "joblib_compressed"]
HELD = [
    "petrify",
    "flatbuffer",
    "npy_mmap",
    "joblib_mmap",
    "safetensors_open",
    "npy",
    "joblib",
    "pickle5",
    "stream_bulk",
]
KINDS = {
    "petrify": "petrify",
    "petrify_trust": "petrify",
    "stream_elements": "naive",
    "stream_bulk": "naive",
    "naive_elements": "naive",
    "naive_bulk": "naive",
    "boost_archive": "native",
    "flatbuffer": "native",
    "onnxruntime": "native",
    "treelite": "native",
}


def kind_of(contender):
    return KINDS.get(contender.name, "mapped" if contender.is_mapped else "copied")


def decades(low, high, words):
    return [(10.0**k, words(10.0**k)) for k in range(low, high + 1)]


def whole_duration(seconds):
    return duration(seconds).replace(".00", "").replace(".0", "")


SECONDS = decades(-6, 2, whole_duration)
KIB = [
    (value, kib(value).replace(".00", "").replace(".0", "")) for value in (64, 1 << 10, 16 << 10, 256 << 10, 4 << 20)
]


def against_size(results, names, measure, title, subtitle, y_ticks, cache="warm", floor=0.0):
    series = []
    sizes = results.sizes("first", cache)
    for name in names:
        samples = [(size, results.sample(name, "first", size, measure, cache)) for size in sizes]
        points = [(size, max(sample.median, floor)) for size, sample in samples if sample]
        series.append(Series(ARRAYS[name].label, points, kind_of(ARRAYS[name])))
    x_ticks = [(size, size_in_words(size)) for size in sizes]
    # 2 GB and 4 GiB are close together on the axis, but not so close that they touch.
    return log_plot(title, subtitle, series, x_ticks, y_ticks, "size of the array")


def held(results):
    sizes = results.sizes("hold")
    size = max(sizes)
    bars = []
    for name in HELD:
        for record in results.get(name, "hold", size)[:1]:
            share = record["pss_kib"] * 1024 / record["file_bytes"]
            said = f"{share:.2f} × the file, {kib(record['pss_kib'])}"
            bars.append((ARRAYS[name].label, share, said, kind_of(ARRAYS[name])))
            processes = record["processes"]
    title = f"{processes} processes that have read one file of {size_in_words(size)}"
    return bar_plot(title, "Memory of all together (PSS: a page that n processes map counts for 1/n in each)", bars)


def predicted(results):
    models = [name for name in results.models if name.startswith("sklearn-")]
    series = []
    for name in (
        "petrify",
        "petrify_trust",
        "onnxruntime",
        "treelite",
        "pickle5",
        "joblib",
        "joblib_mmap",
        "naive_bulk",
    ):
        points = []
        for model in models:
            if sample := results.sample(name, "first-prediction", model, "first"):
                points.append((results.models[model]["nodes"], sample.median))
        series.append(Series(FORESTS[name].label, points, kind_of(FORESTS[name]), is_dashed=name == "petrify_trust"))
    ticks = [(results.models[model]["nodes"], power_of_ten(int(model.split("-")[1]))) for model in models]
    title = "From the file of a random forest to its first prediction"
    return log_plot(
        title, "In a fresh process, file in the page cache, imports not counted", series, ticks, SECONDS, "nodes"
    )


def all_plots(results):
    plots = {}
    if results.sizes("first"):
        plots["load-time.svg"] = against_size(
            results,
            LOADED,
            "first",
            "From the file to the first element of a float32 array",
            "In a fresh process, file in the page cache, imports not counted",
            SECONDS,
        )
        plots["memory.svg"] = against_size(
            results,
            REMEMBERED,
            "added",
            "Memory that a process takes to read one element",
            "Peak resident memory above what the process had before it opened the file",
            KIB,
            floor=4.0,  # one page; a process may get by with what it has
        )
    if results.sizes("first", "cold"):
        plots["load-time-cold.svg"] = against_size(
            results,
            LOADED,
            "first",
            "The same when the file is not in the page cache",
            "In a fresh process, file dropped from the page cache before, imports not counted",
            SECONDS,
            cache="cold",
        )
    if results.sizes("hold"):
        plots["memory-processes.svg"] = held(results)
    if any(name.startswith("sklearn-") for name in results.models):
        plots["first-prediction.svg"] = predicted(results)
    return plots
