"""How large what is measured is, and how often: the short run and the full one."""

from dataclasses import dataclass, field, replace

MIB = 1 << 20
GIB = 1 << 30
ROW_FLOATS = 256  # rows of 1 KiB, as an embedding has them; every size below is a whole number of rows
LARGE = 3 * GIB  # arrays above are measured less often: together they do not fit into the page cache
SLOW_S = 10.0  # what takes longer is measured less often
VERY_SLOW_S = 30.0


@dataclass(frozen=True)
class Plan:
    name: str
    sizes: list  # of arrays, bytes
    question_size: int  # of the array of which a row, columns and all elements are read
    held_size: int  # of the file that several processes map
    held_processes: int
    warm_rounds: int
    mapped_rounds: int  # as warm_rounds, of who only maps the file, which takes microseconds
    cold_rounds: int
    question_rounds: int
    cold_question_rounds: int
    save_rounds: int
    forest_rounds: int
    cold_forest_rounds: int
    again_s: float  # for repetitions in one process
    forests: list = field(default_factory=list)
    google_sizes_mb: str = ""
    google_flags: tuple = ()
    left_out: tuple = ()  # contenders that tell little beside those that are like them


def forests(library, low, high):
    """Names of models of 10^low to 10^high nodes."""
    return [f"{library}-{10**k}" for k in range(low, high + 1)]


SHORT = Plan(
    "short",
    sizes=[1 * MIB, 16 * MIB, 256 * MIB],
    question_size=256 * MIB,
    held_size=128 * MIB,
    held_processes=4,
    warm_rounds=5,
    mapped_rounds=9,
    cold_rounds=2,
    question_rounds=3,
    cold_question_rounds=1,
    save_rounds=2,
    forest_rounds=3,
    cold_forest_rounds=1,
    again_s=0.05,
    forests=[*forests("sklearn", 3, 6), *forests("xgboost", 5, 5), *forests("lightgbm", 5, 5)],
    google_sizes_mb="64",
    google_flags=("--benchmark_repetitions=3",),
    left_out=("npz", "joblib_lz4"),
)
FULL = Plan(
    "full",
    sizes=[1 * MIB, 16 * MIB, 256 * MIB, 2_000_000_000, 4 * GIB + 4 * MIB],
    question_size=2_000_000_000,
    held_size=1 * GIB,
    held_processes=8,
    warm_rounds=5,
    mapped_rounds=15,
    cold_rounds=3,
    question_rounds=3,
    cold_question_rounds=2,
    save_rounds=3,
    forest_rounds=5,
    cold_forest_rounds=2,
    again_s=0.2,
    forests=[*forests("sklearn", 3, 7), *forests("xgboost", 3, 6), *forests("lightgbm", 3, 6)],
    google_sizes_mb="1,16,256,1024",
)


def largest(num_bytes, plan):
    """The plan with nothing in it that is larger than that."""
    sizes = [size for size in plan.sizes if size <= num_bytes] or [min(plan.sizes)]
    google = [word for word in plan.google_sizes_mb.split(",") if int(word) * MIB <= num_bytes] or ["1"]
    return replace(
        plan,
        sizes=sizes,
        question_size=min(plan.question_size, max(sizes)),
        held_size=min(plan.held_size, max(sizes)),
        google_sizes_mb=",".join(google),
    )


def size_in_words(num_bytes):
    """2 GB, 16 MiB, 4 GiB: what it is, or nearly so."""
    if num_bytes >= 10**9 and num_bytes % 10**9 == 0:
        return f"{num_bytes // 10**9} GB"
    for unit, name in ((GIB, "GiB"), (MIB, "MiB"), (1024, "KiB")):
        if num_bytes >= unit:
            return f"{num_bytes / unit:.3g} {name}"
    return f"{num_bytes} B"


def element(index):
    """Element `index` of the sample array, as every contender writes it."""
    return float(index & 0xFFFFFF)


def sum_of_elements(count):
    whole, rest = divmod(count, 1 << 24)
    return whole * ((1 << 24) * ((1 << 24) - 1) // 2) + rest * (rest - 1) // 2


def sums_of_halves(count):
    """Of the first half of the rows and of the others. Each is a float64 sum in any order up to arrays of 8 GiB."""
    half = count // ROW_FLOATS // 2 * ROW_FLOATS
    return [sum_of_elements(half), sum_of_elements(count) - sum_of_elements(half)]


def sum_of_row(index):
    return sum(element(index * ROW_FLOATS + i) for i in range(ROW_FLOATS))


def sum_of_columns(num_floats, columns=4):
    """Rows begin at multiples of ROW_FLOATS, which divides the period: no row wraps around."""
    rows = num_floats // ROW_FLOATS
    rows_a_period = (1 << 24) // ROW_FLOATS
    whole, rest = divmod(rows, rows_a_period)
    begins = lambda n: ROW_FLOATS * n * (n - 1) // 2  # noqa: E731 sum of the first elements of n rows
    firsts = whole * begins(rows_a_period) + begins(rest)
    return columns * firsts + rows * (columns * (columns - 1) // 2)
