"""From pixels to the trunk's inputs: the whole image (no crop) at two scales."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from thresher.types import Pixels

SCALES = (384, 640)
"""Long side of each scale, in pixels."""

MULTIPLE = 32
VERSION = 1
"""Part of the encoder's weights hash: change it whenever the numbers below change."""


def scaled_size(width: int, height: int, long_side: int) -> tuple[int, int]:
    """Size at a scale: the long side as given, both sides rounded to a multiple of 32 (at least 32).

    The aspect ratio changes slightly; coordinates normalised to 0..1 stay valid.
    """
    factor = long_side / max(width, height)
    rounded = [max(MULTIPLE, round(side * factor / MULTIPLE) * MULTIPLE) for side in (width, height)]
    return rounded[0], rounded[1]


def prepare(image: Pixels, long_side: int) -> Tensor:
    """Upright RGB uint8 (h, w, 3) to f32 (1, 3, h', w'), resized bicubically, (value - 127) / 128."""
    height, width = image.shape[:2]
    resized = Image.fromarray(image).resize(scaled_size(width, height, long_side), Image.Resampling.BICUBIC)
    values = torch.from_numpy(np.array(resized, dtype=np.float32))
    return ((values.permute(2, 0, 1) - 127.0) / 128.0)[None]
