"""95 % bootstrap intervals. Questions about one photograph stand or fall together, so photographs are drawn first, then
the questions of each (Davison & Hinkley, Bootstrap Methods and their Application, 1997, section 3.8)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2000
LEVEL = 0.95
_DRAWN_AT_ONCE = 200_000

Interval = tuple[float, float]


def interval(values: Sequence[float], clusters: Sequence[str], seed: int = 0) -> Interval:
    """Interval of the mean of `values`; `clusters` (as long) names the photograph of each. `ValueError` where empty."""
    return _percentiles(resampled_means(np.asarray(values, np.float64), clusters, seed))


def paired_interval(
    ours: Sequence[float], theirs: Sequence[float], clusters: Sequence[str], seed: int = 0
) -> tuple[float, Interval]:
    """Mean of `ours - theirs` on the same questions, and its interval."""
    difference = np.asarray(ours, np.float64) - np.asarray(theirs, np.float64)
    return float(difference.mean()), _percentiles(resampled_means(difference, clusters, seed))


def interval_of(
    statistic: Callable[[NDArray[np.intp]], float], photographs: int, seed: int = 0, resamples: int = RESAMPLES
) -> Interval:
    """Interval of any statistic of a set of photographs, given as row numbers with repetition (mAP, recall ...).

    A resample for which it is not defined (NaN) is left out.
    """
    random = np.random.default_rng(seed)
    found = [statistic(random.integers(photographs, size=photographs)) for _ in range(resamples)]
    return _percentiles(np.array([value for value in found if not np.isnan(value)]))


def resampled_means(values: NDArray[np.float64], clusters: Sequence[str], seed: int) -> NDArray[np.float64]:
    """Means of `RESAMPLES` two-stage resamples: f64 (RESAMPLES,). Seeded."""
    if not len(values) or len(values) != len(clusters):
        raise ValueError("a bootstrap needs values, and a cluster for each")
    _, member = np.unique(np.asarray(clusters), return_inverse=True)
    order = np.argsort(member, kind="stable")
    sizes = np.bincount(member)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    random = np.random.default_rng(seed)
    means: list[NDArray[np.float64]] = []
    at_once = max(1, _DRAWN_AT_ONCE // len(values))
    for start in range(0, RESAMPLES, at_once):
        picked = random.integers(len(sizes), size=(min(at_once, RESAMPLES - start), len(sizes)))
        drawn = np.repeat(picked.ravel(), sizes[picked.ravel()])
        within = (random.random(len(drawn)) * sizes[drawn]).astype(np.intp)
        counts = sizes[picked].sum(axis=1)
        sums = np.add.reduceat(values[order[starts[drawn] + within]], np.cumsum(counts) - counts)
        means.append(sums / counts)
    return np.concatenate(means)


def _percentiles(values: NDArray[np.float64]) -> Interval:
    edge = 100 * (1 - LEVEL) / 2
    low, high = np.percentile(values, [edge, 100 - edge])
    return float(low), float(high)
