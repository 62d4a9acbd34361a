"""Pictures of photographs in other media, made by rule: what somebody who looks for a photograph may have of it.

A sketch is an edge map (Canny, IEEE TPAMI 1986) of the blurred photograph, line art the outlines of its labelled
objects, both black on white; a low-resolution copy is as small as a thumbnail.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from thresher.types import Pixels

BLUR = 1.4
"""Standard deviation of the blur before edges are looked for, in pixels of a photograph of 640."""

LOW, HIGH = 60, 150
"""Hysteresis of the edges."""

SIDES = (32, 40, 48)
"""Long sides of low-resolution copies, in pixels."""

_WHITE = 255


def sketch(pixels: Pixels, blur: float = BLUR, thickness: int = 1) -> Pixels:
    """Edges of a photograph, of the same size."""
    gray = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY)
    sigma = blur * max(gray.shape) / 640
    edges = cv2.Canny(cv2.GaussianBlur(gray, (0, 0), sigma), LOW, HIGH)
    if thickness > 1:
        edges = cv2.dilate(edges, np.ones((thickness, thickness), np.uint8))
    return _gray(_WHITE - np.asarray(edges, np.uint8))


def line_art(polygons: Iterable[Sequence[float]], height: int, width: int, thickness: int = 3) -> Pixels:
    """Outlines of polygons (x y x y ... in pixels) on a page of the given size."""
    page = np.full((height, width), _WHITE, np.uint8)
    for polygon in polygons:
        points = np.asarray(polygon, np.float64).reshape(-1, 1, 2).round().astype(np.int32)
        cv2.polylines(page, [points], isClosed=True, color=0, thickness=thickness, lineType=cv2.LINE_AA)
    return _gray(page)


def low_resolution(pixels: Pixels, side: int) -> Pixels:
    """A copy whose long side has `side` pixels."""
    height, width = pixels.shape[:2]
    scale = side / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(cv2.resize(np.ascontiguousarray(pixels), size, interpolation=cv2.INTER_AREA), np.uint8)


def _gray(page: NDArray[np.uint8]) -> Pixels:
    return np.repeat(page[:, :, None], 3, axis=2)
