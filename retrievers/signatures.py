"""What is computed of every photograph's pixels at import beside the encoder's features."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from retrievers.colours import colour_histogram
from thresher.types import Pixels

_SIDE = 32
_LOW = 8
_FLAT = 1.0
"""Standard deviation, in grey levels, under which a picture has no structure that a hash could tell."""


@dataclass(frozen=True, slots=True)
class Signatures:
    """`phash` 64 bits, None for a picture without structure; `colours` f32 (COLOUR_DIM,)."""

    phash: int | None
    colours: NDArray[np.float32]


def signatures(pixels: Pixels) -> Signatures:
    """Both signatures of an upright RGB image (h, w, 3). Milliseconds, in the thread that calls it."""
    return Signatures(perceptual_hash(pixels), colour_histogram(pixels))


def perceptual_hash(pixels: Pixels) -> int | None:
    """The DCT hash of Zauner ("Implementation and Benchmarking of Perceptual Image Hash Functions", 2010) as PyPI's
    imagehash computes it: which of the 8 x 8 lowest frequencies of 32 x 32 grey values are over their median, row by
    row, the first one in the highest bit.

    None for a picture without structure: its bits would be rounding errors.
    """
    small = cv2.resize(pixels, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32)
    if grey.std() < _FLAT:
        return None
    low = cv2.dct(grey)[:_LOW, :_LOW]
    return int.from_bytes(np.packbits(low > np.median(low)).tobytes(), "big")
