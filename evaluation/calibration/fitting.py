"""Probabilities out of witnesses, cross-fitted over photographs: logistic weights, errors, thresholds. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Folds = NDArray[np.intp]

FOLDS = 5
BINS = 15
LEAST_BOX = 0.03
"""A photograph without a box counts as one with a box of this score, here and in the judge."""

PENALTY = 1e-4
"""Of the squared distance of weights from those that change nothing, beside the mean log loss."""

PRIOR_COUNT = 20.0
"""A concept's own threshold counts as much as the common one from this many positive photographs on."""


def logit(p: Array) -> Array:
    clipped = np.clip(p, 1e-6, 1 - 1e-6)
    return np.asarray(np.log(clipped / (1 - clipped)))


def sigmoid(x: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-x)))


def folds_of(ids: Sequence[str]) -> Folds:
    """A fold for each photograph, by its content: the same in every run."""
    return np.array([int(image[:8], 16) % FOLDS for image in ids])


def fit(features: Sequence[Array], truth: Flags) -> Array:
    """Weights of the features (each of the shape of `truth`) and a constant. The first one's is held near 1, the others
    near 0, so that few photographs change little; the constant is free."""
    x = np.stack([*(feature.ravel() for feature in features), np.ones(truth.size)], axis=1)
    y = truth.ravel().astype(np.float64)
    start = np.eye(1, x.shape[1])[0]

    def loss(weights: Array) -> tuple[float, Array]:
        z, off = x @ weights, np.append((weights - start)[:-1], 0.0)
        value = np.logaddexp(0, z).mean() - (y * z).mean() + PENALTY * (off @ off)
        return float(value), x.T @ (sigmoid(z) - y) / len(y) + 2 * PENALTY * off

    return np.asarray(minimize(loss, start, jac=True, method="L-BFGS-B").x, np.float64)


def predict(features: Sequence[Array], weights: Array) -> Array:
    """Probabilities of the features' shape."""
    total = np.full(features[0].shape, weights[-1])
    for feature, weight in zip(features, weights[:-1], strict=True):
        total = total + weight * feature
    return sigmoid(total)


def cross_fitted(features: Sequence[Array], truth: Flags, folds: Folds) -> Array:
    """Each photograph's probabilities by weights that the photographs of its fold had no part in.

    `truth` and features have photographs in rows, or are one number a row; `folds` is as long.
    """
    out = np.zeros(truth.shape)
    for fold in np.unique(folds):
        held = folds == fold
        weights = fit([feature[~held] for feature in features], truth[~held])
        out[held] = predict([feature[held] for feature in features], weights)
    return out


def log_losses(probabilities: Array, truth: Flags) -> Array:
    """Natural log loss of every number."""
    p = np.clip(np.where(truth, probabilities, 1 - probabilities), 1e-7, 1)
    return np.asarray(-np.log(p))


def reliability(probabilities: Array, truth: Flags, bins: int = BINS) -> list[tuple[float, float, int]]:
    """(mean probability, share that is true, how many) of every bin of equal width that is not empty."""
    p, y = probabilities.ravel(), truth.ravel()
    place = np.minimum((p * bins).astype(int), bins - 1)
    return [
        (float(p[place == b].mean()), float(y[place == b].mean()), int((place == b).sum())) for b in np.unique(place)
    ]


def expected_calibration_error(probabilities: Array, truth: Flags, bins: int = BINS) -> float:
    """Mean distance of probability and share over the bins, weighted by their size (Naeini et al., AAAI 2015)."""
    found = reliability(probabilities, truth, bins)
    return sum(abs(p - y) * n for p, y, n in found) / max(1, sum(n for _, _, n in found))


def matching_thresholds(probabilities: Array, truth: Flags) -> Array:
    """For each column the threshold with as many photographs above it as are true, drawn to one common to all."""
    ranked = np.sort(probabilities.ravel())[::-1]
    common = float(ranked[min(int(truth.sum()), len(ranked) - 1)])
    thresholds = []
    for column, count in zip(probabilities.T, truth.sum(0).tolist(), strict=True):
        own = np.sort(column)[::-1]
        middle = float((own[count - 1] + own[count]) / 2) if 0 < count < len(own) else common
        share = count / (count + PRIOR_COUNT)
        thresholds.append(float(np.clip(share * middle + (1 - share) * common, 0.05, 0.95)))
    return np.array(thresholds)
