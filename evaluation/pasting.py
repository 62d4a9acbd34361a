"""Pictures in which something of a photograph is seen again: an object pasted elsewhere, a part seen at a slant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from thresher.types import Box, Pixels

_SIZES = 0.6, 1.5
_DEGREES = 45.0
_LARGEST = 0.8
_PARTS = 0.35, 0.7
_VIEWS = 0.7, 1.5
_SLANT = 0.12
_QUALITY = 90


@dataclass(frozen=True, slots=True)
class Seen:
    """`content` JPEG; `box` of what is seen again in it, None: all of it; `source` bool (h, w): where that was."""

    content: bytes
    box: Box | None
    source: NDArray[np.bool_]


def outlined(polygons: Sequence[Sequence[float]], height: int, width: int) -> NDArray[np.bool_]:
    """The mask (height, width) of polygons x y x y ..."""
    mask = np.zeros((height, width), np.uint8)
    cv2.fillPoly(mask, [np.round(np.reshape(polygon, (-1, 2))).astype(np.int32) for polygon in polygons], 1)
    return mask.astype(bool)


def pasted(source: Pixels, mask: NDArray[np.bool_], onto: Pixels, random: np.random.Generator) -> Seen:
    """What is under `mask` (not empty) in another photograph: 0.6 to 1.5 times as large, turned by 45 degrees at most,
    with a soft edge, anywhere, whole where it fits."""
    height, width = onto.shape[:2]
    rows, columns = np.nonzero(mask)
    extent = max(np.ptp(rows), np.ptp(columns)) + 1
    scale = min(float(np.exp(random.uniform(*np.log(_SIZES)))), _LARGEST * min(height, width) / extent)
    centre = float(columns.mean()), float(rows.mean())
    turn = np.asarray(cv2.getRotationMatrix2D(centre, random.uniform(-_DEGREES, _DEGREES), scale), np.float64)
    places = np.stack([columns, rows], 1) @ turn[:, :2].T + turn[:, 2]
    low, size = places.min(0), np.ptp(places, axis=0)
    to = np.array([random.uniform(0, max(1.0, room)) for room in (width - 1 - size[0], height - 1 - size[1])])
    turn[:, 2] += to - low
    soft = cv2.GaussianBlur(mask.astype(np.float32), (3, 3), 0)
    alpha = np.asarray(cv2.warpAffine(soft, turn, (width, height)))[..., None]
    picture = np.asarray(cv2.warpAffine(source, turn, (width, height))) * alpha + onto * (1 - alpha)
    (x0, y0), (x1, y1) = (np.clip(corner, 0, [width, height]) for corner in (to, to + size + 1))
    return Seen(_jpeg(picture.astype(np.uint8)), Box(float(x0), float(y0), float(x1), float(y1)), mask)


def slanted(source: Pixels, random: np.random.Generator) -> Seen:
    """A part of 35 to 70 % of each side, its corners moved by up to 12 % of it, as a picture of its own."""
    height, width = source.shape[:2]
    size = np.array([width, height]) * random.uniform(*_PARTS)
    low = random.uniform(0, 1, 2) * ([width, height] - size)
    square = np.array([[0, 0], [1, 0], [1, 1], [0, 1]])
    corners = low + size * (square + random.uniform(-_SLANT, _SLANT, (4, 2)))
    corners = np.clip(corners, 0, [width - 1, height - 1]).astype(np.float32)
    view = np.maximum(1, np.round(size * random.uniform(*_VIEWS))).astype(int)
    change = cv2.getPerspectiveTransform(corners, (square * view).astype(np.float32))
    picture = np.asarray(cv2.warpPerspective(source, change, (int(view[0]), int(view[1]))))
    return Seen(_jpeg(picture.astype(np.uint8)), None, outlined([corners.ravel().tolist()], height, width))


def _jpeg(pixels: Pixels) -> bytes:
    return cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes()
