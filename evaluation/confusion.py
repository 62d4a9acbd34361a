"""Precision, recall and F1 of a yes or no, with intervals over photographs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluation.bootstrap import interval_of
from evaluation.suite import Row

Sums = NDArray[np.float64]
"""Of some questions: truly yes, said yes, both, right, all."""


@dataclass(frozen=True, slots=True)
class Told:
    """One question: what is true, what was said (None: neither yes nor no, which is never right), and whose it is."""

    truth: bool
    said: bool | None
    cluster: str


def _ratio(over: float, under: float) -> float:
    return float(over / under) if under else float("nan")


FIGURES: Mapping[str, Callable[[Sums], float]] = {
    "accuracy": lambda s: _ratio(s[3], s[4]),
    "precision": lambda s: _ratio(s[2], s[1]),
    "recall": lambda s: _ratio(s[2], s[0]),
    "f1": lambda s: _ratio(2 * s[2], s[0] + s[1]),
    "yes_ratio": lambda s: _ratio(s[1], s[4]),
}
"""Name -> figure of the sums, 0..1; NaN where nothing is to be divided by."""


Rows = NDArray[np.intp]
Statistic = Callable[[Rows], float]
"""A figure of photographs, given as row numbers with repetition; NaN where it is not defined."""


def confusion_statistics(told: Sequence[Told], clusters: Sequence[str]) -> dict[str, Statistic]:
    """Each figure, of the photographs `clusters`."""
    place = {cluster: index for index, cluster in enumerate(clusters)}
    sums = np.zeros((len(clusters), 5))
    for one in told:
        yes = one.said is True
        sums[place[one.cluster]] += (one.truth, yes, one.truth and yes, one.said is one.truth, 1)

    def statistic(figure: Callable[[Sums], float]) -> Statistic:
        return lambda rows: figure(sums[rows].sum(0))

    return {name: statistic(figure) for name, figure in FIGURES.items()}


def confusion_row(told: Sequence[Told], names: Sequence[str] = tuple(FIGURES), seed: int = 0) -> Row:
    """Each figure with its 95 % interval as `x_interval`; None where it is not defined."""
    clusters = list(dict.fromkeys(one.cluster for one in told))
    statistics = confusion_statistics(told, clusters)
    row: Row = {}
    for name in names:
        value = statistics[name](np.arange(len(clusters)))
        defined = not np.isnan(value)
        row[name] = value if defined else None
        row[f"{name}_interval"] = interval_of(statistics[name], len(clusters), seed) if defined else None
    return row
