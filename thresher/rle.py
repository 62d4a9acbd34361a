"""COCO run-length masks, with numpy alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from thresher.errors import InvalidInput
from thresher.types import Mask


def run_lengths(counts: bytes) -> list[int]:
    """Lengths of the runs (the first is of zeros) out of compressed counts.

    Six bits a character over "0", five of them value and one for "more"; from the third run on, the difference to
    the run before the last. InvalidInput where the bytes end inside a number.
    """
    runs: list[int] = []
    value = shift = 0
    for byte in counts:
        part = byte - 48
        value |= (part & 0x1F) << shift
        shift += 5
        if part & 0x20:
            continue
        if part & 0x10:
            value -= 1 << shift
        if len(runs) > 2:
            value += runs[-2]
        runs.append(value)
        value = shift = 0
    if shift:
        raise InvalidInput("A mask ends half-way.", "Ask again.")
    return runs


def decode(mask: Mask) -> NDArray[np.bool_]:
    """Shape (height, width). InvalidInput where the runs do not fill it."""
    runs = np.array(run_lengths(mask.counts), dtype=np.int64)
    if (runs < 0).any() or int(runs.sum()) != mask.height * mask.width:
        raise InvalidInput("A mask does not have the size it says.", "Ask again.")
    flat = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    return flat.reshape(mask.width, mask.height).T
