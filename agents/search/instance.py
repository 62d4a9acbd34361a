"""The very same thing in other photographs: candidates by global vectors, re-ranked by local features and geometry."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain, zip_longest

import cv2
import numpy as np
from numpy.typing import NDArray

from agents.params import SearchParts
from agents.search.parts import Ranked, pixels_of, without
from agents.search.regions import region_masks
from retrievers.instance import LocalFeatures, Points, corners, local_features, match, matched_region
from thresher.errors import NotFound, Unsupported
from thresher.rle import decode
from thresher.types import Box, Filter, Hit, ImageId, Mask, Pixels, Query, Region

CANDIDATES = 100
"""Photographs that are looked at by their local features."""

_EDGE = np.ones((9, 9), np.uint8)
"""Pixels around a mask that belong to the thing: its edge is what features are made of."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the query's picture: its pixels alone, its features, and its outline f32 (n, 2) in the picture."""

    pixels: Pixels
    features: LocalFeatures
    outline: Points


async def search(query: Query, where: Filter, limit: int, parts: SearchParts) -> Ranked:
    """First the photographs that show the same thing by geometry, with the match as their regions, those with more
    points in agreement first; then the other candidates, those that look alike first. Of several regions all have to be
    there.

    A hit's score is the number of points that agree (of the region that has the fewest), under 1 where geometry finds
    nothing. NotFound, InvalidImage; InvalidInput and Unsupported for regions, as `agents.search.regions`.
    """
    pixels = await pixels_of(query, parts)
    wanted = await _wanted(query, pixels, parts)
    candidates = without(await _candidates(wanted, where, parts), query.image, CANDIDATES)
    working = asyncio.Semaphore(os.cpu_count() or 1)

    async def look(place: int, hit: Hit) -> Hit:
        unlike = replace(hit, score=1 / (2 + place), regions=())
        async with working:
            try:
                candidate = await parts.load_pixels(hit.record.id)
            except NotFound:  # deleted meanwhile
                return unlike
            return await asyncio.to_thread(verified, unlike, wanted, candidate)

    looked = await asyncio.gather(*(look(place, hit) for place, hit in enumerate(candidates)))
    return Ranked(sorted(looked, key=lambda hit: -hit.score)[:limit])


def verified(hit: Hit, wanted: Sequence[Part], candidate: Pixels) -> Hit:
    """The hit with its matches as regions and the score of a match, or as it is where one of the parts is not there."""
    features = local_features(candidate)
    regions: list[Region] = []
    counts: list[int] = []
    for part in wanted:
        found = match(part.features, features)
        region = None if found is None else matched_region(found, part.outline, candidate)
        if found is None or region is None:
            return hit
        regions.append(region)
        counts.append(found.count)
    return replace(hit, score=float(min(counts)), regions=tuple(regions))


async def _wanted(query: Query, pixels: Pixels, parts: SearchParts) -> list[Part]:
    """The regions of a query, or its whole picture."""
    if not query.regions:
        return [await asyncio.to_thread(_part, pixels, None, None)]
    if parts.grounder is None:
        raise Unsupported("This server cannot mask the parts of a picture.", "Search with the whole picture.")
    masks = await region_masks(pixels, query.regions, parts.grounder)
    boxes = [prompt if isinstance(prompt, Box) else None for prompt in query.regions]
    return [await asyncio.to_thread(_part, pixels, box, mask) for box, mask in zip(boxes, masks, strict=True)]


def _part(pixels: Pixels, box: Box | None, mask: Mask | None) -> Part:
    """Features are those on the mask or next to it: what is behind a thing is in other photographs, too."""
    if mask is None:
        x0, y0, x1, y1 = corners(None, pixels)
        frame = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float32)
        return Part(pixels, local_features(pixels, enlarge=True), frame)
    covered = decode(mask).astype(np.uint8)
    outline = _outline(covered)
    if box is None:
        (x0, y0), (x1, y1) = outline.min(0), outline.max(0) + 1
        box = Box(float(x0), float(y0), float(x1), float(y1))
    x0, y0, x1, y1 = corners(box, pixels)
    features = local_features(pixels, box, enlarge=True).on(cv2.dilate(covered, _EDGE))
    return Part(pixels[y0:y1, x0:x1], features, outline)


def _outline(covered: NDArray[np.uint8]) -> Points:
    """The outer edge of the largest piece of a mask (h, w): f32 (n, 2)."""
    pieces, _ = cv2.findContours(covered, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    largest = max(pieces, key=cv2.contourArea)
    return largest.reshape(-1, 2).astype(np.float32)


async def _candidates(wanted: Sequence[Part], where: Filter, parts: SearchParts) -> Sequence[Hit]:
    """Photographs that look like a part, and those with patches like its own, in turn; one more than are looked at."""
    lists: list[Sequence[Hit]] = []
    for features in await parts.encoder.images([np.ascontiguousarray(part.pixels) for part in wanted]):
        lists.append(await parts.store.search(features.appearance, where, CANDIDATES + 1, "appearance"))
        if len(features.patches.vectors):
            patches = features.patches.vectors.astype(np.float32)
            lists.append(await parts.store.search_patches(patches, where, CANDIDATES + 1))
    mixed: dict[ImageId, Hit] = {}
    for hit in chain(*zip_longest(*lists)):
        if hit is not None:
            mixed.setdefault(hit.record.id, hit)
    return list(mixed.values())[: CANDIDATES + 1]
