"""How likely a photograph shows what is desired, nothing that is forbidden, and the rest as the reference does.

MulVec's three probes where an encoder gives probabilities of named concepts and not similarities: the expected
log-likelihood of the wanted set. Ours.

    sum over desired log P + sum over forbidden log(1 - P)
      + weight * sum over preserved concepts (r log p + (1 - r) log(1 - p))       r: the reference's own probability
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FLOOR = 1e-3
"""Probabilities are kept this far from 0 and 1: one concept that is missed is not everything."""


def shown_scores(
    desired: NDArray[np.float32],
    forbidden: NDArray[np.float32],
    reference: NDArray[np.float32],
    images: NDArray[np.float32],
    weight: float,
) -> NDArray[np.float32]:
    """Scores f32 (n,) <= 0 of n images.

    `desired` f32 (d, n), `forbidden` f32 (f, n): P(image shows the phrase); d and f may be 0. `reference` f32 (c,) and
    `images` f32 (n, c): probabilities of the concepts that are to stay. `weight` of what is preserved.
    """
    present, absent = _logs(images)
    kept = present @ reference + absent @ (1 - reference)
    scores: NDArray[np.float32] = weight * kept + _logs(desired)[0].sum(0) + _logs(forbidden)[1].sum(0)
    return scores


def _logs(probabilities: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Of being shown, and of not."""
    clipped = np.clip(probabilities, FLOOR, 1 - FLOOR)
    return np.log(clipped), np.log1p(-clipped)
