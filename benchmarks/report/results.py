"""What run.py measured, looked up by question; medians and their spread."""

import statistics
from dataclasses import dataclass

from contenders import asked


@dataclass(frozen=True)
class Sample:
    median: float
    low: float
    high: float
    lower_quartile: float
    upper_quartile: float
    count: int


def sample_of(values):
    values = sorted(values)
    if not values:
        return None
    quartiles = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else [values[0]] * 3
    return Sample(statistics.median(values), values[0], values[-1], quartiles[0], quartiles[2], len(values))


# What one record says, by the name of a measure. None: this record does not say it.
def opened_and(question):
    def value(record):
        done = record.get(f"{question}_s")
        return None if done is None else record["open_s"] + done

    return value


VALUES = {
    "first": lambda record: record.get("first_s"),
    "again": lambda record: record.get("again_s"),
    "row": opened_and("row"),
    "columns": opened_and("columns"),
    "scan": opened_and("scan"),
    "scan alone": lambda record: record.get("scan_s"),
    "save": lambda record: record["seconds"],
    "save durable": lambda record: record.get("durable_s"),  # with a sync of the file
    # The kernel's two figures are some pages apart at times.
    "added": lambda record: max(0, record["peak_rss_kib"] - record["rss_before_kib"]),
    "peak": lambda record: record["peak_rss_kib"],
    "file": lambda record: record.get("file_bytes"),
    "pss": lambda record: record["pss_kib"],
}


class Results:
    def __init__(self, content):
        self.plan = content["plan"]
        self.facts = content["facts"]
        self.skipped = content["skipped"]
        self.programs = content["programs"]
        self.models = content["models"]
        self.is_in_memory = content.get("is_in_memory", False)  # the file system that arrays were on
        self.records = {}
        for record in content["records"]:
            where = record.get("model", record.get("size"))
            key = (record["contender"], record["question"], where, record["cache"])
            self.records.setdefault(key, []).append(record)

    def get(self, contender, question, where, cache="warm"):
        return self.records.get((contender, question, where, cache), [])

    def sample(self, contender, question, where, measure, cache="warm"):
        """`where`: the size of an array, or the name of a model."""
        values = (VALUES[measure](record) for record in self.get(contender, question, where, cache))
        return sample_of([value for value in values if value is not None])

    def ratio(self, contender, question, where, measure, cache="warm", to="petrify"):
        """How many times petrify's median."""
        one = self.sample(contender, question, where, measure, cache)
        base = self.sample(to, question, where, measure, cache)
        return one.median / base.median if one and base and base.median > 0 else None

    def sizes(self, question, cache="warm"):
        """Of arrays of which petrify was asked this, ascending."""
        return sorted(
            key[2]
            for key in self.records
            if key[0] == "petrify" and key[1] == question and key[3] == cache and key[2]
        )

    def names(self, question, cache="warm"):
        """Contenders that were asked this, in the order of tables."""
        seen = {key[0] for key in self.records if key[1] == question and key[3] == cache}
        return [name for name in asked(question) if name in seen]

    def program(self, name):
        """Medians of a Google Benchmark program by name, in seconds of wall-clock time; errors are left out.

        In the order in which the program has them: interleaved ones end in a random one.
        """
        return {key: sample.median for key, sample in self.program_samples(name).items()}

    def program_samples(self, name):
        """The same with the spread of the repetitions, where the file has them."""
        unit = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}
        repetitions, medians = {}, {}
        for one in sorted(self.programs.get(name, []), key=lambda one: one.get("family_index", 0)):
            if one.get("error_occurred"):
                continue
            # NAME/SIZE/CONTENDER, with Google's additions behind.
            key = "/".join(one.get("run_name", one["name"]).split("/")[:3])
            seconds = one["real_time"] * unit[one.get("time_unit", "ns")]
            if one.get("run_type") != "aggregate":
                repetitions.setdefault(key, []).append(seconds)
            elif one.get("aggregate_name") == "median":
                medians[key] = seconds
        return {key: sample_of(repetitions.get(key) or [medians[key]]) for key in [*repetitions, *medians]}
