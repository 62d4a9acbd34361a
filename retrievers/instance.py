"""Whether two pictures show the very same thing: local features, mutual nearest ones, and a geometry that they share.

SIFT (Lowe, IJCV 2004) with the square root of its histograms (Arandjelović and Zisserman, "Three things everyone should
know to improve object retrieval", CVPR 2012); a similarity transform by RANSAC, then a homography (MAGSAC++, Barath et
al., CVPR 2020) where a plane explains clearly more. Measured in docs/retrieval-instances.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from thresher.types import Box, Mask, Pixels, Region

SIDE = 640
"""Pixels of the longer side in which features are looked for; a smaller query is enlarged to it."""

FEATURES = 1000
RATIO = 0.8
"""Of the distances to the nearest and the second nearest feature, at most (Lowe's test)."""

TOLERANCE = 8.0
"""Pixels at `SIDE` by which a point may miss its place."""

LEAST = 6
"""Points in agreement from which a match is believed."""

_PLANE = 1.2
"""A homography has twice the freedom: it must bring this many times the points."""

_SCALES = 0.05, 20.0
_TRIES, _SURE = 2000, 0.995

Points = NDArray[np.float32]

cv2.setNumThreads(1)  # pictures are matched side by side, one a thread


@dataclass(frozen=True, slots=True)
class LocalFeatures:
    """Of one picture or a part of it: `points` f32 (n, 2) x y in its pixels; `descriptors` f32 (n, 128), unit rows.

    `scale`: pixels of the picture that one pixel was, when they were found.
    """

    points: Points
    descriptors: NDArray[np.float32]
    scale: float

    def on(self, mask: NDArray[Any]) -> LocalFeatures:
        """Those at the places of the picture where `mask` (h, w) is not 0."""
        columns, rows = np.clip(np.round(self.points).astype(int), 0, [mask.shape[1] - 1, mask.shape[0] - 1]).T
        kept = mask[rows, columns] > 0
        return LocalFeatures(self.points[kept], self.descriptors[kept], self.scale)


@dataclass(frozen=True, slots=True)
class Match:
    """`count` points agree on `transform` f64 (3, 3), from the query's pixels to the candidate's."""

    count: int
    transform: NDArray[np.float64]


def local_features(pixels: Pixels, part: Box | None = None, enlarge: bool = False) -> LocalFeatures:
    """Of an upright RGB picture (h, w, 3), or of what of it is in `part`. None where there is nothing to hold on to."""
    x0, y0, x1, y1 = corners(part, pixels)
    grey = cv2.cvtColor(np.ascontiguousarray(pixels[y0:y1, x0:x1]), cv2.COLOR_RGB2GRAY)
    height, width = grey.shape
    factor = SIDE / max(height, width)
    if factor < 1 or enlarge:
        size = max(1, round(width * factor)), max(1, round(height * factor))
        grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC)
    scale = np.array([width / grey.shape[1], height / grey.shape[0]])
    found, descriptors = cv2.SIFT.create(nfeatures=FEATURES).detectAndCompute(grey, None)
    if descriptors is None or not len(found):
        return LocalFeatures(np.zeros((0, 2), np.float32), np.zeros((0, 128), np.float32), float(scale.max()))
    points = np.array([point.pt for point in found]) * scale + [x0, y0]
    histograms = descriptors / np.maximum(descriptors.sum(1, keepdims=True), 1e-9)
    return LocalFeatures(points.astype(np.float32), np.sqrt(histograms).astype(np.float32), float(scale.max()))


def match(query: LocalFeatures, candidate: LocalFeatures) -> Match | None:
    """None where fewer than `LEAST` points agree."""
    pairs = mutual_nearest(query.descriptors, candidate.descriptors)
    if len(pairs) < LEAST:
        return None
    source, target = query.points[pairs[:, 0]], candidate.points[pairs[:, 1]]
    tolerance = TOLERANCE * candidate.scale
    similarity = _similarity(source, target, tolerance)
    if similarity is None:
        return None
    plane = _homography(source, target, tolerance, query.points)
    if plane is not None and plane.count >= _PLANE * similarity.count:
        return plane
    return similarity


def mutual_nearest(query: NDArray[np.float32], candidate: NDArray[np.float32]) -> NDArray[np.int64]:
    """Index pairs (k, 2) of descriptors that are each other's nearest and pass Lowe's test."""
    if not len(query) or len(candidate) < 2:
        return np.zeros((0, 2), np.int64)
    cosines = query @ candidate.T
    nearest, back = cosines.argmax(1), cosines.argmax(0)
    rows = np.arange(len(query))
    first = cosines[rows, nearest]
    cosines[rows, nearest] = -1
    second = cosines.max(1)
    passed = np.sqrt(np.maximum(1 - first, 0)) < RATIO * np.sqrt(np.maximum(1 - second, 0))
    kept = np.flatnonzero(passed & (back[nearest] == rows))
    return np.stack([kept, nearest[kept]], 1)


def matched_region(found: Match, outline: Points, candidate: Pixels, phrase: str = "") -> Region | None:
    """Where the query's `outline` f32 (n, 2) is in the candidate: its part inside, as mask and box. None: outside.

    `score` is 1 - 1 / count: how far the number of points is from one that chance brings.
    """
    height, width = candidate.shape[:2]
    warped = cv2.perspectiveTransform(outline[None].astype(np.float64), found.transform)[0]
    limit = 4 * max(height, width)
    mask = np.zeros((height, width), np.uint8)
    cv2.fillPoly(mask, [np.round(np.clip(warped, -limit, limit)).astype(np.int32)], 1)
    if not mask.any():
        return None
    encoded = coco_mask.encode(np.asfortranarray(mask))
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    box = Box(float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1))
    return Region(box, 1 - 1 / found.count, phrase, Mask(height, width, encoded["counts"]))


def corners(part: Box | None, pixels: Pixels) -> tuple[int, int, int, int]:
    """x0 y0 x1 y1 in whole pixels of what of a box is inside, a pixel at least; of the picture where there is none."""
    height, width = pixels.shape[:2]
    if part is None:
        return 0, 0, width, height
    x0, y0 = min(max(int(part.x0), 0), width - 1), min(max(int(part.y0), 0), height - 1)
    return x0, y0, max(x0 + 1, min(int(np.ceil(part.x1)), width)), max(y0 + 1, min(int(np.ceil(part.y1)), height))


def _similarity(source: Points, target: Points, tolerance: float) -> Match | None:
    transform, inside = cv2.estimateAffinePartial2D(
        source, target, method=cv2.RANSAC, ransacReprojThreshold=tolerance, maxIters=_TRIES, confidence=_SURE
    )
    if transform is None or not _SCALES[0] < np.hypot(*transform[0, :2]) < _SCALES[1]:
        return None
    count = _distinct(source, target, inside)
    return Match(count, np.vstack([transform, [0, 0, 1]])) if count >= LEAST else None


def _homography(source: Points, target: Points, tolerance: float, seen: Points) -> Match | None:
    try:
        transform, inside = cv2.findHomography(
            source, target, cv2.USAC_MAGSAC, tolerance, maxIters=_TRIES, confidence=_SURE
        )
    except cv2.error:  # points of no general position
        return None
    if transform is None or not _orderly(transform, seen):
        return None
    return Match(_distinct(source, target, inside), transform.astype(np.float64))


def _distinct(source: Points, target: Points, inside: NDArray[Any]) -> int:
    """Pairs in agreement, each place once: SIFT gives a point of two directions twice."""
    pairs: Sequence[Points] = (source[inside.ravel() > 0], target[inside.ravel() > 0])
    return min((len(np.unique(np.round(points), axis=0)) for points in pairs), default=0)


def _orderly(transform: NDArray[Any], points: Points) -> bool:
    """Whether it keeps the points on one side of the horizon and does not mirror them."""
    depth = points @ transform[2, :2] + transform[2, 2]
    return bool((depth > 1e-6).all() and np.linalg.det(transform[:2, :2]) > 0)
