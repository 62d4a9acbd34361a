"""Probes against many vectors of an image: what is desired and preserved is for it, what is forbidden against it.

After MulVec, composed retrieval over global and local vectors with a soft MaxSim of temperature 0.02 and the probes
Desired, Preserve and Forbidden, of which the last is subtracted. The soft maximum is the mean of the similarities
weighted by their softmax: it lies between their mean and their maximum and does not grow with their number.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrievers.composed.units import unit
from retrievers.maxsim import VectorSets

TEMPERATURE = 0.02
_BLOCK = 1 << 17


@dataclass(frozen=True, slots=True)
class Probes:
    """Vectors f32 (m, d) of each kind, scaled to unit length where they are used; m = 0 where nothing is asked."""

    desired: NDArray[np.float32]
    preserve: NDArray[np.float32]
    forbidden: NDArray[np.float32]


def soft_maxsim(
    probes: NDArray[np.float32], images: VectorSets, temperature: float = TEMPERATURE
) -> NDArray[np.float32]:
    """Soft maximum, over the vectors of an image, of the cosine with each probe: f32 (m, n); 0 for one without vectors.

    `probes` f32 (m, d) and n images whose vectors are of unit length. Blocked over images.
    """
    scores = np.zeros((len(probes), len(images)), np.float32)
    columns = unit(probes).T
    filled = np.flatnonzero(images.lengths)
    starts = images.offsets[filled]
    step = max(1, _BLOCK // max(1, len(probes)))
    begin = 0
    while begin < len(filled):
        end = max(begin + 1, int(np.searchsorted(images.offsets[filled + 1], starts[begin] + step, "right")))
        rows = slice(starts[begin], images.offsets[filled[end - 1] + 1])
        here = starts[begin:end] - starts[begin]
        similar = images.vectors[rows].astype(np.float32) @ columns
        best = np.maximum.reduceat(similar, here)
        weights = np.exp((similar - np.repeat(best, images.lengths[filled[begin:end]], axis=0)) / temperature)
        mean = np.add.reduceat(weights * similar, here) / np.add.reduceat(weights, here)
        scores[:, filled[begin:end]] = mean.T
        begin = end
    return scores


def mulvec_scores(
    probes: Probes,
    globals_: NDArray[np.float32],
    images: VectorSets,
    preserve_weight: float = 0.5,
    forbidden_weight: float = 0.5,
    temperature: float = TEMPERATURE,
) -> NDArray[np.float32]:
    """Scores f32 (n,): mean over desired + weighted mean over preserved - weighted mean over forbidden probes.

    `globals_` f32 (n, d): one vector of each whole image, or (0, d) where there is none in this space; it counts as
    one more of the image's vectors.
    """
    if len(globals_):
        parts = [
            np.concatenate([images.vectors[a:b].astype(np.float32), whole[None]])
            for a, b, whole in zip(images.offsets[:-1], images.offsets[1:], unit(globals_), strict=True)
        ]
        images = VectorSets.of(parts, globals_.shape[1])
    total = np.zeros(len(images), np.float32)
    for kind, weight in (
        (probes.desired, 1.0),
        (probes.preserve, preserve_weight),
        (probes.forbidden, -forbidden_weight),
    ):
        if len(kind):
            total += weight * soft_maxsim(kind, images, temperature).mean(0)
    return total
