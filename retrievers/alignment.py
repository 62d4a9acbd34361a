"""Whether one photograph is the other saved again: laid over each other, their grey values agree.

Two shots of one scene, and the pictures of a stereo camera, have near hashes and looks too, but no shift, turn or scale
brings all of their parts together.
"""

from __future__ import annotations

import io

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

SIDE = 64
MIN_CORRELATION = 0.95
"""Of the best of five parts: all, or all but a fifth at one side, where a caption may be. A stereo pair reaches .90, 95
of 100 trimmed copies .95 and more (docs/retrieval.md)."""

_CRITERIA = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 60, 1e-4)
_SMOOTH = 3
_EVERYWHERE = np.ones((SIDE, SIDE), np.uint8)
_PARTS = (np.s_[:, :], np.s_[: SIDE * 4 // 5], np.s_[SIDE // 5 :], np.s_[:, : SIDE * 4 // 5], np.s_[:, SIDE // 5 :])

Grey = NDArray[np.float32]


def same_picture(one: Grey | None, other: Grey | None) -> bool:
    """From `small_grey` of each. True where one of them could not be decoded: their hashes and looks say so."""
    return one is None or other is None or correlation(one, other) >= MIN_CORRELATION


def small_grey(content: bytes) -> Grey | None:
    """f32 (SIDE, SIDE) of the upright picture, whatever its shape; None where it is none. Takes as long as decoding it:
    call it in a thread."""
    try:
        with Image.open(io.BytesIO(content)) as image:
            image.draft("L", (2 * SIDE, 2 * SIDE))
            grey = np.asarray(ImageOps.exif_transpose(image).convert("L"))
    except Exception:  # decoders of hostile bytes raise anything
        return None
    small: Grey = cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    return small


def correlation(a: Grey, b: Grey) -> float:
    """Pearson correlation of the best part, as they lie and after an affine alignment by enhanced correlation
    (Evangelidis and Psarakis, 2008): a caption leads the alignment astray, but moves nothing."""
    inside = np.ones((SIDE, SIDE), bool)
    best = max(_correlation(a[part], b[part], inside[part]) for part in _PARTS)
    if best >= MIN_CORRELATION:
        return best
    try:
        start = np.eye(2, 3, dtype=np.float32)
        _, found = cv2.findTransformECC(a, b, start, cv2.MOTION_AFFINE, _CRITERIA, _EVERYWHERE, _SMOOTH)
        warp = np.asarray(found)
    except cv2.error:  # nothing in common
        return best
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    moved = cv2.warpAffine(b, warp, (SIDE, SIDE), flags=flags).astype(np.float32)
    inside = cv2.warpAffine(np.ones_like(b), warp, (SIDE, SIDE), flags=flags) > 0.99
    return max(best, *(_correlation(a[part], moved[part], inside[part]) for part in _PARTS))


def _correlation(a: Grey, b: Grey, inside: NDArray[np.bool_]) -> float:
    if inside.mean() < 0.5:
        return -1.0
    x, y = a[inside] - a[inside].mean(), b[inside] - b[inside].mean()
    size = float(np.sqrt((x @ x) * (y @ y)))
    return float(x @ y) / size if size > 0 else -1.0
