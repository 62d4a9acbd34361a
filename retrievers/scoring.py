"""Dot products and rankings: numpy only, meant to run in a thread."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from thresher.types import ImageId


def scores_at(
    matrix: NDArray[np.float32], slots: NDArray[np.int64], queries: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Scores f32 (q, n) of the rows `slots` i64 (n,) of `matrix` for `queries` f32 (q, dim)."""
    if len(slots) * 2 < len(matrix):
        return (matrix[slots] @ queries.T).T
    return (matrix @ queries.T)[slots].T


def best(ids: Sequence[ImageId], scores: NDArray[np.float32], limit: int) -> list[tuple[ImageId, float]]:
    """The `limit` largest of `scores` f32 (n,), largest first; equal ones in the order of `ids`."""
    order = np.argsort(-scores, kind="stable")[:limit]
    return [(ids[place], float(scores[place])) for place in order]
