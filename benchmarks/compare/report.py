"""Tables of what run.py measured."""

from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs/benchmarks.md"
BEGIN = "<!-- written by ./dev bench compare --docs: begin -->"
END = "<!-- end -->"

MODELS = {
    "d": "XGBoost regression, 100 trees of depth 6 (hist), 30 columns",
    "c": "XGBoost binary, 1000 trees of depth 6 (hist), 50 columns",
    "m": "as d, 10 % of the values missing",
    "x": "XGBoost regression, 100 trees of depth 6 (exact: thousands of cuts a column), 3 columns",
    "b": "RandomForestClassifier, 100 trees of depth 8, 10 classes, 64 columns (digits)",
    "l100": "LightGBM regression, 100 trees of 31 leaves, 30 columns",
    "l1000": "LightGBM regression, 1000 trees of 63 leaves, 30 columns",
    "gb": "GradientBoostingRegressor, 100 trees of depth 3, 20 columns",
    "hgb": "HistGradientBoostingClassifier, 100 iterations, 20 columns",
    "a": "RandomForestClassifier, 500 trees fully grown (3.5 M nodes), 3 classes, 20 columns",
    "e": "RandomForestRegressor, 100 trees fully grown (25 M nodes), 20 columns",
}
# (title, mode, rows, threads)
WAYS = [
    ("one row", "row", 1, 1),
    ("one row, cold L2", "cold", 1, 1),
    ("batch of 1", "batch", 1, 1),
    ("batch of 64", "batch", 64, 1),
    ("batch of 1000", "batch", 1000, 1),
    ("all rows", "batch", 100_000, 1),
    ("batch of 64, 2 threads", "batch", 64, 2),
    ("batch of 1000, 2 threads", "batch", 1000, 2),
    ("all rows, 2 threads", "batch", 100_000, 2),
]
# What the model's own library offers a program in C or C++, or else in Python.
ORIGINS = ("XGBoost", "LightGBM", "scikit-learn")


def number(us):
    """Three digits, as many as the figures are good for."""
    if us >= 100:
        return f"{us:,.0f}"
    return f"{us:.1f}" if us >= 10 else f"{us:.2f}"


def times(ratio):
    return f"{ratio:,.0f}×" if ratio >= 10 else f"{ratio:.1f}×"


def duration(us):
    return f"{us:.0f} µs" if us < 1000 else f"{us / 1000:.3g} ms" if us < 1e6 else f"{us / 1e6:.3g} s"


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "|".join(["---"] + ["---:"] * (len(head) - 1)) + "|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


class Results:
    def __init__(self, content):
        self.facts = content["facts"]
        self.records = content["records"]
        self.timed = {
            (r["model"], r["process"], r["name"], r["mode"], r["rows"], r["threads"]): r
            for r in self.records
            if r["mode"] in ("row", "cold", "batch")
        }
        self.models = [name for name in MODELS if any(key[0] == name for key in self.timed)]

    def record(self, model, process, name, way):
        return self.timed.get((model, process, name, *way[1:]))

    def contenders(self, model):
        """(process, name), petrify first, in the order in which they were measured."""
        seen = dict.fromkeys((key[1], key[2]) for key in self.timed if key[0] == model)
        return [one for one in seen if one == ("wheels", "petrify") or one[1] != "petrify"]

    def ratio(self, model, process, name, way):
        """How many times petrify's time: of the same process, of Python's the one before."""
        one = self.record(model, process, name, way)
        petrify = self.record(model, process if process != "python" else "wheels", "petrify", way)
        return one["p50_us"] / petrify["p50_us"] if one and petrify else None

    def nearest(self, model, way, names=("",)):
        """(ratio, name) of the fastest peer whose name starts with one of `names`, or None."""
        ratios = [
            (ratio, name)
            for process, name in self.contenders(model)
            if name != "petrify"
            and name.startswith(tuple(names))
            and (ratio := self.ratio(model, process, name, way))
        ]
        return min(ratios, default=None)


def summary(results):
    head = [
        "model",
        "one row, p50 µs",
        "p99 µs",
        "fastest peer",
        "its own library",
        "all rows, µs a row",
        "fastest peer",
        "its own library",
    ]
    rows = []

    def against(model, way, names):
        found = results.nearest(model, way, names)
        return f"{times(found[0])} {found[1].replace(' (Python)', '')}" if found else "–"

    for model in results.models:
        row, batch = (results.record(model, "wheels", "petrify", WAYS[i]) for i in (0, 5))
        rows.append(
            [
                model,
                number(row["p50_us"]) if row else "–",
                number(row["p99_us"]) if row else "–",
                against(model, WAYS[0], [""]),
                against(model, WAYS[0], ORIGINS),
                number(batch["p50_us"]) if batch else "–",
                against(model, WAYS[5], [""]),
                against(model, WAYS[5], ORIGINS),
            ]
        )
    return table(head, rows)


def rows_of_model(results, model):
    ways = [way for way in WAYS if results.record(model, "wheels", "petrify", way)]
    lines = []
    for process, name in results.contenders(model):
        cells = []
        for way in ways:
            one, ratio = results.record(model, process, name, way), results.ratio(model, process, name, way)
            if one is None:
                cells.append("–")
            else:
                cells.append(number(one["p50_us"]) + (f" ({times(ratio)})" if name != "petrify" and ratio else ""))
            if way[1] == "row":
                cells.append(number(one["p99_us"]) if one else "–")
        lines.append([f"**{name}**" if name == "petrify" else name, *cells])
    head = [""]
    for way in ways:
        head += [f"{way[0]}, p50", "p99"] if way[1] == "row" else [way[0]]
    return table(head, lines)


def openings(results):
    records = [r for r in results.records if r["mode"] == "open"]
    lines = []
    for model in MODELS:
        names = dict.fromkeys(r["name"] for r in records if r["model"] == model)
        by = {(r["name"], r["cache"]): r for r in records if r["model"] == model}
        for name in names:
            warm, cold = by.get((name, "warm")), by.get((name, "cold"))
            if warm and cold:
                lines.append(
                    [model, name] + [duration(r[part]) for r in (warm, cold) for part in ("open_us", "first_us")]
                )
    if not lines:
        return ""
    head = ["model", "", "opened", "first row", "opened, cold", "first row, cold"]
    text = "\n## From the file to the first prediction\n\n"
    text += "Times since the start, medians, with the file in the page cache; *cold*: dropped from there before.\n"
    text += "Imports of Python are not counted.\n\n"
    return text + table(head, lines)


def disagreements(results):
    """Peers whose answers are not all the origin's, for a note."""
    lines = []
    for r in results.records:
        if r["mode"] == "answers" and r["differing"]:
            lines.append(
                f"- {r['model']}, {r['name']}: {r['differing']} of {r['rows']} rows differ by more than 1e-4"
                + ("; not timed" if r["differing"] * 100 >= r["rows"] else "")
            )
    return "\n".join(dict.fromkeys(lines))


def markdown(content):
    results = Results(content)
    parts = ["| | |\n|---|---|\n" + "".join(f"| {key} | {value} |\n" for key, value in results.facts.items())]
    parts.append("\n## In short\n\nRatios: how many times petrify's time the peer takes.\n\n" + summary(results))
    parts.append(
        "\n## Models\n\nMicroseconds a row (one row at a time: p50 and p99), and in brackets how many times petrify's time\n"
        "in the same process: the system's XGBoost has one of its own, so its ratio is not to the figures above it.\n"
    )
    for model in results.models:
        parts.append(f"\n### {model}: {MODELS[model]}\n\n" + rows_of_model(results, model))
    parts.append(openings(results))
    if notes := disagreements(results):
        parts.append("\n## Answers that differ\n\n" + notes + "\n")
    return "".join(parts)


def write_into_page(tables):
    before, _, rest = PAGE.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n\n{tables}\n{END}{after}")
