"""Numbers as people read them."""


def digits(value):
    """Three digits, as many as the figures are good for."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def duration(seconds):
    for unit, name in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if seconds >= unit:
            return f"{digits(seconds / unit)} {name}"
    return f"{digits(seconds * 1e9)} ns"


def kib(value):
    """Memory, from KiB as the kernel gives it."""
    if value >= 1 << 20:
        return f"{digits(value / (1 << 20))} GiB"
    if value >= 1 << 10:
        return f"{digits(value / (1 << 10))} MiB"
    return f"{value:.0f} KiB"


def num_bytes(value):
    for unit, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if value >= unit:
            return f"{digits(value / unit)} {name}"
    return f"{value:.0f} B"


def times(ratio):
    if ratio >= 10:
        return f"{ratio:,.0f}×"
    return f"{ratio:.1f}×" if ratio >= 1 else f"{ratio:.2g}×"


def power_of_ten(number):
    """10³ for 1000."""
    exponent = len(str(number)) - 1
    if number != 10**exponent:
        return f"{number:,}"
    return "10" + str(exponent).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))


def table(head, rows):
    if not rows:
        return ""
    lines = ["| " + " | ".join(head) + " |", "|" + "|".join(["---"] + ["---:"] * (len(head) - 1)) + "|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"
