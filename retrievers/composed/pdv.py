"""Prompt directional vectors: what the words change, as a direction in the joint space of images and texts.

Source: Tursun et al., "PDV: Prompt Directional Vectors for Zero-shot Composed Image Retrieval", 2025:

    d = t_composed - t_reference
    q = (1 - beta) (v + alpha_image d) + beta (t_composed + alpha_text d)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from retrievers.composed.units import unit


def pdv_query(
    image: NDArray[np.float32],
    reference_text: NDArray[np.float32],
    composed_text: NDArray[np.float32],
    alpha_image: float = 1.3,
    alpha_text: float = 1.3,
    beta: float = 0.65,
) -> NDArray[np.float32]:
    """The query f32 (d,), unit length, compared with images by cosine.

    `image`: the reference, `reference_text`: what it shows in words, `composed_text`: what is wanted, all f32 (d,) in
    one space and scaled to unit length here. `alpha_*`: how far to go along the direction; with 0 both, and `beta` 0
    or 1, this is the search for the image or for the text. The defaults are the middle of the paper's ranges.
    """
    reference, composed = unit(reference_text), unit(composed_text)
    direction = composed - reference
    by_image = unit(image) + alpha_image * direction
    by_text = composed + alpha_text * direction
    return unit(((1 - beta) * by_image + beta * by_text).astype(np.float32))
