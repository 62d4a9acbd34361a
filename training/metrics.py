"""Figures that training and the card share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float32]
Shown = NDArray[np.bool_]


def average_precision(scores: Scores, shown: Shown) -> float:
    """Area under precision over recall of ranking all photographs by one category's score (ties by order)."""
    hits = shown[np.argsort(-scores, kind="stable")]
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    return float(precision[hits].mean()) if hits.any() else float("nan")


def mean_average_precision(scores: Scores, shown: Shown) -> float:
    """Mean over the categories that some photograph shows; both (photographs, categories)."""
    values = [average_precision(scores[:, c], shown[:, c]) for c in range(shown.shape[1]) if shown[:, c].any()]
    return float(np.mean(values))


def expected_calibration_error(probabilities: Scores, shown: Shown, bins: int = 15) -> float:
    """Mean distance of confidence and frequency over equal-width bins, weighted by their size."""
    p, y = probabilities.ravel(), shown.ravel()
    place = np.minimum((p * bins).astype(int), bins - 1)
    gaps = [
        abs(p[place == b].mean() - y[place == b].mean()) * (place == b).mean()
        for b in range(bins)
        if (place == b).any()
    ]
    return float(np.sum(gaps))


def area_under_curve(scores: Scores, shown: Shown) -> float:
    """Chance that something shown scores higher than something not shown (ties by order); both (n,)."""
    ranks = np.empty(len(scores))
    ranks[np.argsort(scores, kind="stable")] = np.arange(1, len(scores) + 1)
    positives = int(shown.sum())
    return float((ranks[shown].sum() - positives * (positives + 1) / 2) / (positives * (len(shown) - positives)))
