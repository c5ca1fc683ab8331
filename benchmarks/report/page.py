"""The page about what run.py measured: tables and plots."""

import textwrap

from contenders import ARRAYS, BASES, FORESTS, TITLES, asked, label_of
from plots import all_plots
from results import Results
from sizes import ROW_FLOATS, size_in_words
from verdicts import STANDING_LOSSES, loss_lines, promises, where_in_words
from words import digits, duration, kib, num_bytes, power_of_ten, table, times

BEGIN = "<!-- written by ./dev bench: begin -->"
END = "<!-- written by ./dev bench: end -->"

NONE = "–"


def paragraph(words):
    return textwrap.fill(" ".join(words.split()), 119, break_long_words=False, break_on_hyphens=False) + "\n\n"


def name_cell(name, question):
    label = label_of(name, question)
    return f"**{label}**" if name.startswith("petrify") else label


def cell(sample, ratio, words, note=None):
    """Median and a note on it, in brackets how many times petrify's; small the range, where there is one."""
    if sample is None:
        return NONE
    said = words(sample.median) + (note(sample.median) if note else "")
    if ratio is not None:
        said += f" ({times(ratio)})"
    if words(sample.low) != words(sample.high):
        said += f" <sub>{words(sample.low)} – {words(sample.high)}</sub>"
    return said


def comparison(results, question, columns):
    """A row a contender. Columns: (title, where, measure, cache, words, note or nothing).

    `question`: of all columns, or of each measure.
    """
    questions = question if isinstance(question, dict) else {column[2]: question for column in columns}
    head = [""] + [title for title, *_ in columns]
    rows = []
    for name in asked(next(iter(questions.values()))):
        cells = []
        for _, where, measure, cache, *words in columns:
            sample = results.sample(name, questions[measure], where, measure, cache)
            ratio = None if name == "petrify" else results.ratio(name, questions[measure], where, measure, cache)
            cells.append(cell(sample, ratio, *words))
        if any(one != NONE for one in cells):
            rows.append([name_cell(name, question), *cells])
    # A column that nobody has says nothing.
    kept = [0] + [i for i in range(1, len(head)) if any(row[i] != NONE for row in rows)]
    return table([head[i] for i in kept], [[row[i] for i in kept] for row in rows])


def turns(results, question, cache="warm"):
    """How often, in words: the largest number of turns, and the smallest, which slow contenders get."""
    counts = [
        len(records) for (_, one, _, state), records in results.records.items() if one == question and state == cache
    ]
    low, high = min(counts, default=0), max(counts, default=0)
    if high <= 1:
        return "one turn"
    return f"{high} turns" if low == high else f"{high} turns, {low} at least of what takes long"


def facts(results):
    return "| | |\n|---|---|\n" + "".join(f"| {key} | {value} |\n" for key, value in results.facts.items())


def picture(name, plots, alternative):
    return f"![{alternative}](plots/{name})\n\n" if name in plots else ""


def promise_table(results):
    lines = ["| promise | what came out | |", "|---|---|---|"]
    lines += [f"| {promise} | {seen} | {verdict} |" for promise, seen, verdict in promises(results)]
    text = "\n## What was promised and what came out\n\n"
    return text + paragraph("By the rules in benchmarks/report/verdicts.py.") + "\n".join(lines) + "\n"


CACHES = {
    "warm": ("Warm: file in the page cache", "load-time.svg"),
    "cold": ("Cold: file dropped from the page cache", "load-time-cold.svg"),
}


def first_element(results, plots):
    sizes = results.sizes("first")
    if not sizes:
        return ""
    text = "\n## Open a file and read one element\n"
    for cache, (title, name) in CACHES.items():
        if not results.sizes("first", cache):
            text += "\nNothing was measured cold: the file system keeps files in memory.\n"
            continue
        text += f"\n### {title}\n\n"
        text += picture(
            name, plots, f"Time from the file to the first element against the size of the array, {cache}"
        )
        text += paragraph(
            f"""The element in the middle, as the first thing that a fresh process does after its imports;
            {turns(results, "first", cache)}."""
        )
        columns = [(size_in_words(size), size, "first", cache, duration) for size in sizes]
        text += comparison(results, "first", columns)
    text += "\n### Warm, again and again in the same process\n\n"
    text += paragraph(
        """Code and its tables are there; the file is opened anew each time. Closing it, or freeing the memory, is not
        counted, of nobody. Who takes a second or more is not asked again."""
    )
    return text + comparison(
        results, "first", [(size_in_words(size), size, "again", "warm", duration) for size in sizes]
    )


def throughput(size):
    """A note on the seconds in which `size` bytes went by."""
    return lambda seconds: f", {digits(size / seconds / 1e9)} GB/s"


def questions(results):
    sizes = results.sizes("scan")
    if not sizes:
        return ""
    size = max(sizes)
    text = "\n## A row, four columns, all elements\n\n" + paragraph(
        f"""From opening the file to the answer, {size_in_words(size)} of float32 in rows of {ROW_FLOATS}, file in the
        page cache unless it says cold; {turns(results, "scan")}. The row is another one each turn, the same for
        all. Four columns of rows of 1 KiB touch every page. Sums are made in float64: Python's by numpy, which
        converts block by block, C++'s by one loop that all share. *Alone* is that sum without the opening."""
    )
    columns = [
        ("row", size, "row", "warm", duration),
        ("row, cold", size, "row", "cold", duration),
        ("four columns", size, "columns", "warm", duration),
        ("all elements", size, "scan", "warm", duration),
        ("all elements, cold", size, "scan", "cold", duration),
        ("all, alone", size, "scan alone", "warm", duration, throughput(size)),
    ]
    of_measure = {"row": "row", "columns": "columns", "scan": "scan", "scan alone": "scan"}
    return text + comparison(results, of_measure, columns)


def saving(results):
    sizes = results.sizes("make")
    if not sizes:
        return ""
    # The largest that all have: above, compression is left out.
    size = max((size for size in sizes if size <= 2_000_000_000), default=max(sizes))
    text = "\n## Save\n\n" + paragraph(
        f"""{size_in_words(size)} of float32; {turns(results, "make")}. Nobody is asked to wait for the disk: all are
        timed when they return, and again when a sync of the file behind them has. *Memory*: the writer's peak above
        what the process had before. Contenders in C++ get elements in pieces of 4 MiB and keep what their library
        makes them keep; an array in Python is in memory beforehand and not counted. *Save* below has all of them
        write from memory."""
    )
    columns = [
        ("until it returns", size, "save", "warm", duration, throughput(size)),
        ("until the disk has it", size, "save durable", "warm", duration, throughput(size)),
        ("memory", size, "added", "warm", kib),
        ("file", size, "file", "warm", num_bytes),
    ]
    text += comparison(results, "make", columns)
    text += "\n" + paragraph("The writer's peak resident memory by size, all of the process:")
    return text + comparison(results, "make", [(size_in_words(one), one, "peak", "warm", kib) for one in sizes])


def memory(results, plots):
    sizes = results.sizes("first")
    if not sizes:
        return ""
    text = "\n## Memory\n\n### One process, one element\n\n"
    text += picture("memory.svg", plots, "Peak memory that reading one element takes against the size of the array")
    text += paragraph(
        """Peak resident memory above what the process had before it opened the file. What is mapped and was touched
        counts, though it is the page cache's and shared."""
    )
    return text + comparison(results, "first", [(size_in_words(size), size, "added", "warm", kib) for size in sizes])


def processes(results, plots):
    sizes = results.sizes("hold")
    if not sizes:
        return ""
    size, small = max(sizes), min(sizes)
    rows = []
    for name in ARRAYS:
        for record in results.get(name, "hold", size)[:1]:
            share = record["pss_kib"] * 1024 / record["file_bytes"]
            without = NONE
            if small < size and (base := results.get(name, "hold", small)):
                grown = (record["pss_kib"] - base[0]["pss_kib"]) * 1024
                without = f"{grown / (record['file_bytes'] - base[0]['file_bytes']):.3f}"
            label = name_cell(name, "hold")
            rows.append([label, kib(record["pss_kib"]), f"{share:.3f}", without, kib(record["private_kib"])])
            count = record["processes"]
    text = f"\n### {count} processes on one file\n\n"
    text += picture("memory-processes.svg", plots, f"Memory of {count} processes that hold one file")
    text += paragraph(
        f"""Each has opened the file of {size_in_words(size)} and summed all of its elements. PSS from smaps_rollup,
        added up: a page that n processes map counts for 1/n in each. *Beyond the processes*: what they take more
        than with a file of {size_in_words(small)}, which leaves interpreters and libraries out. *Private*: of all
        of them, what no other process shares."""
    )
    return text + table(["", "memory of all", "× the file", "beyond the processes, × the file", "private"], rows)


LIBRARIES = {"sklearn": "scikit-learn, RandomForestRegressor", "xgboost": "XGBoost", "lightgbm": "LightGBM"}


def forests(results, plots):
    if not results.models:
        return ""
    text = "\n## From a model's file to its first prediction\n\n"
    text += picture("first-prediction.svg", plots, "Time from the file to the first prediction against the nodes")
    text += paragraph(
        f"""Regressions of 20 columns, trained by benchmarks/report/make_forests.py; one row, one thread, a fresh
        process; warm {turns(results, "first-prediction")}, cold {turns(results, "first-prediction", "cold")}.
        Neither imports nor closing are counted. petrify's answers, and those of a model's own library, are compared bit
        for bit;
        ONNX Runtime's within 1e-4 and Treelite's within 1e-5 of the value, whose sums are their own. Ratios are to
        petrify with its nodes checked. ONNX's converters walk the nodes in Python: above 10⁵ they are left out. The
        naive streams cannot hold every kind of forest."""
    )
    for library, title in LIBRARIES.items():
        models = [model for model in results.models if model.startswith(library + "-")]
        if not models:
            continue
        short = {model: f"{power_of_ten(int(model.split('-')[1]))} nodes" for model in models}
        text += f"\n### {title}\n"
        for cache in CACHES:
            columns = [(short[model], model, "first", cache, duration) for model in models]
            if compared := comparison(results, "first-prediction", columns):
                text += f"\n{cache.capitalize()}:\n\n" + compared
        text += "\nMemory above what the process had before, and size of the file:\n\n"
        rows = []
        for name in FORESTS:
            cells = []
            for model in models:
                sample = results.sample(name, "first-prediction", model, "added")
                size = results.models[model]["file_bytes"].get(name)
                cells.append(f"{kib(sample.median)}, {num_bytes(size)}" if sample and size else NONE)
            if any(one != NONE for one in cells):
                rows.append([name_cell(name, "first-prediction"), *cells])
        text += table([""] + [short[model] for model in models], rows)
    return text


def programs(results):
    parts = []
    for name in results.programs:
        first = BASES.get(name, "petrify")
        groups = {}
        for key, seconds in results.program(name).items():
            what, size, contender = (*key.split("/"), "", "")[:3]
            # Without a contender there is nothing to be compared.
            if contender:
                groups.setdefault((what, contender), {})[size.replace("_", " ")] = seconds
        sizes = list(dict.fromkeys(size for cells in groups.values() for size in cells))
        rows = []
        for (what, contender), cells in groups.items():
            said = []
            for size in sizes:
                if size not in cells:
                    said.append(NONE)
                    continue
                base = groups.get((what, first), {}).get(size)
                ratio = f" ({times(cells[size] / base)})" if base and contender != first else ""
                said.append(duration(cells[size]) + ratio)
            label = f"{what.replace('_', ' ')}: {contender.replace('_', ' ')}"
            rows.append([f"**{label}**" if contender.startswith(first) else label, *said])
        if rows:
            parts.append(f"\n### {TITLES.get(name, name)}\n\n" + table([""] + sizes, rows))
    if not parts:
        return ""
    about = """Google Benchmark, medians of interleaved repetitions: the programs petrify_bench_* that
        benchmarks/README.md lists. Nothing is loaded anew but the file. Files are in the page cache as their writer
        has left them: large writes leave large pages, which cost fewer page faults."""
    return "\n## In C++, in one process\n\n" + paragraph(about).rstrip("\n") + "\n" + "".join(parts)


def where_petrify_loses(results):
    text = "\n## Where petrify loses\n\n" + paragraph(
        """All in which somebody's upper quartile is below petrify's lower one: *theirs* for *petrify's*. What was
        measured once has no spread, and every lower figure counts. *In one process* is what the programs of Google
        Benchmark say, where all of somebody's repetitions are below all of petrify's."""
    )
    return text + loss_lines(results) + "\n" + STANDING_LOSSES


def left_out(results):
    # One line a reason.
    reasons = {}
    for one in results.skipped:
        reasons.setdefault(one["why"], []).append(one["what"])
    for (name, question, where, cache), records in results.records.items():
        if cache not in CACHES:
            turns_of = "a turn" if len(records) == 1 else f"{len(records)} turns"
            reasons.setdefault(f"should have been {cache}", []).append(
                f"{turns_of} of {name} {question} {where_in_words(where)}"
            )
    if not reasons:
        return ""
    lines = [f"- {', '.join(dict.fromkeys(what))}: {why}\n" for why, what in reasons.items()]
    return "\n## What was left out\n\n" + "".join(lines)


def markdown(content, plots):
    results = Results(content)
    parts = [
        facts(results),
        "\nMedians; in brackets how many times petrify's figure; small: the least and the most of all turns.\n",
        promise_table(results),
        first_element(results, plots),
        questions(results),
        saving(results),
        memory(results, plots),
        processes(results, plots),
        forests(results, plots),
        programs(results),
        where_petrify_loses(results),
        left_out(results),
    ]
    return "".join(parts).replace("\n\n\n", "\n\n")


def replaced(page, text):
    """The page with this between the markers."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page has no {BEGIN} ... {END}")
    return f"{before}{BEGIN}\n\n{text}\n{END}{after}"


def write(content, docs, out):
    """docs/benchmarks.md and docs/plots; without docs: out/tables.md and out/plots. Gives the paths written."""
    plots = all_plots(Results(content))
    text = markdown(content, plots)
    folder = (docs or out) / "plots"
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.svg"):
        old.unlink()
    for name, svg in plots.items():
        (folder / name).write_text(svg)
        yield folder / name
    if docs:
        page = docs / "benchmarks.md"
        page.write_text(replaced(page.read_text(), text))
    else:
        page = out / "tables.md"
        page.write_text(text)
    yield page
