"""Plots as SVG to be put into a page: they take its colours (light and dark) and need nothing from elsewhere."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator

from evaluation.calibration import fitting as calibration

INK, FAINT = "#010203", "#010204"
SERIES = ("#010210", "#010211", "#010212", "#010213", "#010214", "#010215")
VARIABLES = {INK: "var(--ink)", FAINT: "var(--faint)", **{color: f"var(--c{i})" for i, color in enumerate(SERIES)}}
"""Colours that stand for the page's own until the SVG is written."""
MARKERS = "os^Dv*"
DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (1, 1)))
_SIZE = (5.0, 3.3)
_STYLE: Any = {
    "axes.edgecolor": INK,
    "axes.facecolor": "none",
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.facecolor": "none",
    "font.size": 10,
    "grid.color": FAINT,
    "svg.fonttype": "none",
    "svg.hashsalt": "thresher",
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": INK,
    "ytick.color": INK,
}

_TIDY = (
    (r"<svg [^>]*?viewBox=\"([^\"]+)\"[^>]*>", r'<svg viewBox="\1" aria-hidden="true">'),
    (r"<style.*?</style>", ""),
    (r"font-family: [^;\"]+; ", ""),
    (r' id="[a-zA-Z0-9.]+_\d+"', ""),
    (r"\n\s*", "\n"),
)
"""What the writer adds for files of their own: sizes, a style for everything, its fonts, names of groups, indents."""


@dataclass(frozen=True, slots=True)
class Plot:
    """`svg` is an element for the page; `title` is its caption and `alt` says in words what it shows."""

    title: str
    alt: str
    svg: str


@dataclass(frozen=True, slots=True)
class Series:
    """Points of one line, by x; `bands` are their intervals (low, high)."""

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    bands: tuple[tuple[float, float], ...]


def lines(title: str, x_label: str, series: Sequence[Series], *, logarithmic: bool = False) -> Plot:
    """Shares in 0..1 over x, a line with a band for each series."""
    figure, axes = _figure()
    marks = sorted({x for each in series for x in each.x})
    for index, each in enumerate(series):
        color = SERIES[index % len(SERIES)]
        low, high = zip(*each.bands, strict=True)
        axes.fill_between(each.x, low, high, color=color, alpha=0.16, linewidth=0)
        marker, dash = MARKERS[index % len(MARKERS)], DASHES[index % len(DASHES)]
        axes.plot(each.x, each.y, color=color, label=each.name, markersize=5, marker=marker, linestyle=dash)
    if logarithmic and marks[0] > 0:
        axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(marks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_ylim(min(0.4, *(low for each in series for low, _ in each.bands)), 1.01)
    axes.set_xlabel(x_label)
    _legend(axes, len(series))
    said = "; ".join(
        f"{each.name}: " + ", ".join(f"{y:.3f} at {x:g}" for x, y in zip(each.x, each.y, strict=True))
        for each in series
    )
    return Plot(title, f"{title}. {said}.", _svg(figure))


def bars(title: str, x_label: str, y_label: str, heights: Mapping[int, int]) -> Plot:
    """How often each whole number came, those between them too."""
    figure, axes = _figure()
    axes.bar(list(heights), list(heights.values()), color=SERIES[0], width=0.8)
    axes.set_xlim(min(heights) - 1, max(heights) + 1)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    said = ", ".join(f"{count} at {value:+d}" for value, count in sorted(heights.items()))
    return Plot(title, f"{title}. {said}.", _svg(figure))


def reliability(title: str, series: Mapping[str, tuple[Sequence[float], Sequence[bool]]]) -> Plot:
    """Share of true ones over probability said, by bins of equal width; each name has (probabilities, true).

    The caption gives the expected calibration error.
    """
    figure, axes = _figure()
    axes.plot([0, 1], [0, 1], color=FAINT, linewidth=1)
    said = []
    for index, (name, (probabilities, true)) in enumerate(series.items()):
        p, y = np.asarray(probabilities, np.float64), np.asarray(true, np.bool_)
        x, shares, counts = zip(*calibration.reliability(p, y), strict=True)
        color = SERIES[index % len(SERIES)]
        axes.plot(x, shares, color=color, linewidth=1, linestyle=DASHES[index % len(DASHES)], label=name)
        axes.scatter(x, shares, s=[12 + 90 * count / max(counts) for count in counts], color=color, alpha=0.8)
        error = calibration.expected_calibration_error(p, y)
        said.append(f"{name}: calibration error {error:.3f} over {len(true)}")
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    axes.set_xlabel("confidence said")
    axes.set_ylabel("share that is right")
    _legend(axes, len(series))
    return Plot(f"{title} ({'; '.join(said)})", f"{title}. {'; '.join(said)}.", _svg(figure))


def _figure() -> tuple[Figure, Axes]:
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=_SIZE, layout="constrained")
        axes = figure.subplots()
        axes.grid(axis="y", linewidth=0.6)
        axes.set_axisbelow(True)
    return figure, axes


def _legend(axes: Axes, names: int) -> None:
    if names > 1:
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=min(3, names), frameon=False)


def _svg(figure: Figure) -> str:
    """The <svg> element alone, in the page's colours."""
    stream = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    with mpl.rc_context(_STYLE):
        figure.savefig(stream, format="svg", metadata=nothing)
    text = stream.getvalue()
    text = text[text.index("<svg") :].strip()
    for color, variable in VARIABLES.items():
        text = text.replace(color, variable)
    for pattern, instead in _TIDY:
        text = re.sub(pattern, instead, text, flags=re.DOTALL)
    return text
