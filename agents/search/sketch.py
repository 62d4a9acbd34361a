"""Drawings and small copies: photographs that a picture of another medium was made of, or might have been."""

from __future__ import annotations

import numpy as np

from agents.params import SearchParts
from agents.search.parts import Ranked, pixels_of, without
from thresher.errors import InvalidInput
from thresher.types import Filter, Medium, Pixels, Query

LEAST_CONTRAST = 8
"""Levels of 255 between the darkest and the brightest value of a channel: a page with less has nothing on it."""


async def search(query: Query, where: Filter, limit: int, parts: SearchParts) -> Ranked:
    """Photographs whose appearance is nearest to what the encoder takes the picture's photograph to look like.

    InvalidInput where nothing is drawn; NotFound, InvalidImage.
    """
    pixels = await pixels_of(query, parts)
    if blank(pixels):
        height, width = pixels.shape[:2]
        what = {Medium.SKETCH: "sketch", Medium.LINE_ART: "line art"}.get(query.medium, "picture")
        raise InvalidInput(
            f"The {what} of {width} x {height} pixels is empty.", "Draw something on it, dark on white.", "content"
        )
    appearance = await parts.encoder.query(pixels, query.medium)
    hits = await parts.store.search(appearance, where, limit + bool(query.image), "appearance")
    return Ranked(without(hits, query.image, limit))


def blank(pixels: Pixels) -> bool:
    """Whether a picture has one colour only."""
    flat = pixels.reshape(-1, 3)
    return int(np.max(flat.max(0).astype(int) - flat.min(0))) < LEAST_CONTRAST
