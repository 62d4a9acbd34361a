"""The colours of a photograph as a histogram that a dot product compares.

Swain and Ballard, "Color Indexing", IJCV 1991, with two changes: bins are soft (a pixel between two counts for both),
and the histogram is under a root, so that the dot product of two is their Bhattacharyya coefficient (1: the same).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from thresher.types import Pixels
from thresher.types.images import COLOUR_DIM

SIDE = 64
"""Pixels a side of what is looked at."""

HUES, SHADES, GREYS = 14, 4, 8
"""Bins of coloured pixels (hue times brightness), and of grey ones (brightness)."""

_LEAST, _FULL = 0.12, 0.30
"""Chroma (largest minus smallest channel, 0..1) up to which a pixel is grey, and from which it is coloured."""

assert HUES * SHADES + GREYS == COLOUR_DIM


def colour_histogram(pixels: Pixels) -> NDArray[np.float32]:
    """f32 (COLOUR_DIM,), unit length and nowhere negative: 14 hues by 4 shades, then 8 greys.

    `pixels` u8 (height, width, 3) RGB of any size; it is scaled to 64 x 64 first.
    """
    scaled = cv2.resize(pixels, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    small: NDArray[np.float32] = scaled.reshape(-1, 3).astype(np.float32)
    small /= 255
    high, low = small.max(1), small.min(1)
    chroma = high - low
    coloured = np.clip((chroma - _LEAST) / (_FULL - _LEAST), 0, 1)
    histogram = np.concatenate(
        [
            _soft(_hue(small, high, chroma) * HUES, HUES, high * (SHADES - 1), SHADES, coloured),
            _soft(np.zeros_like(high), 1, (high + low) / 2 * (GREYS - 1), GREYS, 1 - coloured),
        ]
    )
    result: NDArray[np.float32] = np.sqrt(histogram / histogram.sum()).astype(np.float32)
    return result


def _hue(small: NDArray[np.float32], high: NDArray[np.float32], chroma: NDArray[np.float32]) -> NDArray[np.float32]:
    """Hue of each pixel in 0..1, 0 where there is none."""
    red, green, blue = small.T
    divisor = np.where(chroma > 0, chroma, 1)
    sector = np.select(
        [high == red, high == green],
        [(green - blue) / divisor, (blue - red) / divisor + 2],
        (red - green) / divisor + 4,
    )
    return np.asarray((sector / 6) % 1, np.float32)


def _soft(
    hue: NDArray[np.float32], hues: int, shade: NDArray[np.float32], shades: int, weight: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Weighted histogram (hues * shades,) with each pixel shared between the two nearest bins of both; hues are a
    circle."""
    total = np.zeros(hues * shades)
    hue_low, shade_low = np.floor(hue), np.minimum(np.floor(shade), max(0, shades - 2))
    for hue_step in (0, 1):
        hue_part = np.abs(1 - hue_step - (hue - hue_low))
        for shade_step in (0, 1):
            part = hue_part * np.abs(1 - shade_step - (shade - shade_low)) * weight
            place = (hue_low.astype(int) + hue_step) % hues * shades + shade_low.astype(int) + shade_step
            total += np.bincount(place, part, hues * shades)
    return total
