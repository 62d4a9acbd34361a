"""Pictures with corners and edges to hold on to, made from a number."""

from __future__ import annotations

import cv2
import numpy as np

from thresher.types import Pixels


def scenery(seed: int, width: int = 400, height: int = 340) -> Pixels:
    """Overlapping shapes of all sizes and colours."""
    rng = np.random.default_rng(seed)
    picture: Pixels = np.full((height, width, 3), 90, np.uint8)
    for number in range(160):
        centre = int(rng.integers(0, width)), int(rng.integers(0, height))
        size = int(rng.integers(4, 50) * (1 - number / 220))
        colour = tuple(int(value) for value in rng.integers(0, 256, 3))
        if number % 2:
            cv2.circle(picture, centre, size, colour, -1, cv2.LINE_AA)
        else:
            corners = np.array(centre) + rng.integers(-size, size + 1, (5, 2))
            cv2.fillPoly(picture, [corners.astype(np.int32)], colour, cv2.LINE_AA)
    return picture


def turned(picture: Pixels, degrees: float, scale: float) -> Pixels:
    """About its centre, in a frame of the same size; what was outside is grey."""
    height, width = picture.shape[:2]
    transform = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, scale)
    found = cv2.warpAffine(picture, transform, (width, height), borderValue=(128, 128, 128))
    return found.astype(np.uint8)
