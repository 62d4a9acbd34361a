"""Weighted modalities: one query of image and text, compared with the images and with what is written about them.

Source: Wu et al., "Training-free Zero-shot Composed Image Retrieval via Weighted Modality Fusion and Similarity"
(WeiMoCIR), 2024:

    q = (1 - alpha) v + alpha t
    score = (1 - beta) cos(q, image) + beta mean over its captions of cos(q, caption)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from retrievers.composed.units import unit


def weighted_query(image: NDArray[np.float32], text: NDArray[np.float32], alpha: float) -> NDArray[np.float32]:
    """(1 - alpha) image + alpha text, f32 (d,) and unit length; `alpha` in 0..1 is the weight of the text."""
    return unit((1 - alpha) * unit(image) + alpha * unit(text))


def weimocir_scores(
    query: NDArray[np.float32],
    images: NDArray[np.float32],
    captions: NDArray[np.float32],
    captioned: NDArray[np.int64],
    beta: float,
) -> NDArray[np.float32]:
    """Scores f32 (n,) of n images for a `weighted_query` f32 (d,).

    `images` f32 (n, d). `captions` f32 (c, d) in the same space, `captioned` i64 (c,): the image that each describes.
    `beta` in 0..1 weighs the captions; an image without one is scored by itself alone.
    """
    query = unit(query)
    by_image = unit(images) @ query
    counts = np.bincount(captioned, minlength=len(images))
    sums = np.bincount(captioned, unit(captions) @ query, len(images))
    by_caption = np.divide(sums, counts, out=by_image.astype(np.float64), where=counts > 0)
    scores: NDArray[np.float32] = ((1 - beta) * by_image + beta * by_caption).astype(np.float32)
    return scores
