"""Plots as SVG, written by hand: the same bytes for the same figures, text that is text, and no background.

GitHub shows them through <img>, on light pages and on dark ones. Colours are chosen for the reader's scheme where the
browser tells it; told wrongly or not at all, every colour still stands out from both (the test measures that).
"""

import html
import math
from dataclasses import dataclass

# What pages look like.
LIGHT_PAGE, DARK_PAGE = "#ffffff", "#0d1117"
FONT = "font-family:-apple-system,BlinkMacSystemFont,'Segoe UI','Noto Sans',Helvetica,Arial,sans-serif"
# class: (for light pages, for dark pages). The first is what viewers without a scheme show.
COLOURS = {
    "text": ("#646b75", "#8b939e"),
    "grid": ("#9aa3ad", "#59616b"),
    "petrify": ("#c8372d", "#f0685c"),
    "mapped": ("#2a74b8", "#4c95d9"),
    "copied": ("#6f6f6f", "#8c8c8c"),
    "naive": ("#9a6a12", "#b8862d"),
    "native": ("#2f7d4f", "#45a06b"),
}
LABEL_GAP = 17


@dataclass
class Series:
    label: str
    points: list  # (x, y), ascending in x
    kind: str  # a class of COLOURS
    is_dashed: bool = False


def style():
    def rules(index):
        return "".join(
            f".{name}{{fill:{pair[index]}}}.{name}-line{{stroke:{pair[index]}}}" for name, pair in COLOURS.items()
        )

    return (
        f"<style>text{{{FONT};font-size:14px}}.title{{font-size:17px;font-weight:600}}.strong{{font-weight:700}}"
        ".line{fill:none;stroke-width:2}.strong-line{stroke-width:4}.leader{fill:none;stroke-width:1;opacity:.6}"
        f".grid-line{{stroke-width:1;opacity:.35}}{rules(0)}"
        f"@media (prefers-color-scheme:dark){{{rules(1)}}}</style>"
    )


def document(width, height, title, parts):
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">'
    return "\n".join([head, f"<title>{html.escape(title)}</title>", style(), *parts, "</svg>"]) + "\n"


def text(x, y, words, classes="text", anchor="start", more=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{classes}" text-anchor="{anchor}"{more}>{html.escape(words)}</text>'


def path(points, classes, more=""):
    steps = " ".join(f"{'M' if i == 0 else 'L'}{x:.1f},{y:.1f}" for i, (x, y) in enumerate(points))
    return f'<path d="{steps}" class="{classes}"{more}/>'


def spread(wanted, gap, low, high):
    """Places near the wanted ones, ascending as they are, at least `gap` apart and inside [low, high]."""
    # Groups that touch are moved as one, around the middle of what they want.
    groups = []
    for place in wanted:
        groups.append([place])
        while True:
            group = groups[-1]
            first = start(group, gap, low, high)
            if len(groups) == 1 or first - gap >= start(groups[-2], gap, low, high) + gap * (len(groups[-2]) - 1):
                break
            groups[-2:] = [groups[-2] + group]
    return [start(group, gap, low, high) + gap * i for group in groups for i in range(len(group))]


def start(group, gap, low, high):
    height = gap * (len(group) - 1)
    return min(max(sum(group) / len(group) - height / 2, low), max(low, high - height))


def log_plot(title, subtitle, series, x_ticks, y_ticks, x_title, label_width=248):
    """Lines on two logarithmic axes, each named at its right end. Ticks: (value, text)."""
    series = [one for one in series if one.points]
    width, height = 860, 520
    left, right, top, bottom = 78, width - label_width, 74, height - 56
    xs = [x for one in series for x, _ in one.points]
    ys = [y for one in series for _, y in one.points]
    x_low, x_high = math.log(min(xs)), math.log(max(xs))
    y_low, y_high = math.log(min(ys) / 1.5), math.log(max(ys) * 1.5)

    def x_of(value):
        return left + (right - left) * ((math.log(value) - x_low) / (x_high - x_low) if x_high > x_low else 0.5)

    def y_of(value):
        return bottom - (bottom - top) * (math.log(value) - y_low) / (y_high - y_low)

    parts = [text(16, 30, title, "text title"), text(16, 52, subtitle)]
    for value, words in y_ticks:
        if y_low <= math.log(value) <= y_high:
            parts.append(path([(left, y_of(value)), (right, y_of(value))], "grid-line"))
            parts.append(text(left - 10, y_of(value) + 5, words, anchor="end"))
    for value, words in x_ticks:
        parts.append(path([(x_of(value), bottom), (x_of(value), bottom + 6)], "grid-line"))
        parts.append(text(x_of(value), bottom + 24, words, anchor="middle"))
    parts.append(text((left + right) / 2, bottom + 46, x_title, anchor="middle"))

    # petrify last, on top.
    for one in sorted(series, key=lambda one: one.kind == "petrify"):
        points = [(x_of(x), y_of(y)) for x, y in one.points]
        strong = " strong-line" if one.kind == "petrify" else ""
        dashes = ' stroke-dasharray="7 4"' if one.is_dashed else ""
        parts.append(path(points, f"line {one.kind}-line{strong}", dashes))
        radius = 5 if one.kind == "petrify" else 3.2
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" class="{one.kind}"/>' for x, y in points]
    ends = sorted(series, key=lambda one: y_of(one.points[-1][1]))
    places = spread([y_of(one.points[-1][1]) for one in ends], LABEL_GAP, top, bottom)
    for one, place in zip(ends, places):
        end_x, end_y = x_of(one.points[-1][0]), y_of(one.points[-1][1])
        at = right + 34
        parts.append(path([(end_x + 7, end_y), (right + 16, place), (at - 4, place)], f"leader {one.kind}-line"))
        strong = " strong" if one.kind == "petrify" else ""
        parts.append(text(at, place + 5, one.label, one.kind + strong))
    return document(width, height, title, parts)


def bar_plot(title, subtitle, bars):
    """Horizontal bars from zero: (label, value, what it says, kind)."""
    width, top, step, left = 860, 74, 30, 240
    height = top + step * len(bars) + 18
    most = max(value for _, value, _, _ in bars)
    parts = [text(16, 30, title, "text title"), text(16, 52, subtitle)]
    for i, (label, value, said, kind) in enumerate(bars):
        y = top + step * i
        strong = " strong" if kind == "petrify" else ""
        length = (width - left - 215) * value / most
        parts.append(text(left - 12, y + 18, label, kind + strong, anchor="end"))
        parts.append(f'<rect x="{left}" y="{y + 4}" width="{length:.1f}" height="18" rx="2" class="{kind}"/>')
        parts.append(text(left + length + 8, y + 18, said, "text" + strong))
    return document(width, height, title, parts)


# ---- what the test measures


def luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    """As WCAG 2 defines it: 1 to 21."""
    brighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)
