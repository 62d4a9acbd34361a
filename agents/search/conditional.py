"""A picture and what has to be alike: its colours, the things it shows, the place."""

from __future__ import annotations

import asyncio
import math

import numpy as np
from numpy.typing import NDArray

from agents.params import SearchParts
from agents.search.composed import CANDIDATES, candidates, countable, ranked, read_reference, stored
from agents.search.parts import Ranked, pixels_of, without
from retrievers.colours import colour_histogram
from retrievers.composed.units import unit
from thresher.errors import InvalidInput, NotFound
from thresher.types import Aspect, Filter, Hit, ImageRecord, Pixels, Query

NEAR = 200.0
"""Metres at which two positions say as much for one place as against it."""

FOUND = 0.3
"""Score from which a proposal is taken for a thing."""

LEFT = 0.15
"""Least part of a picture that has to be left when its things are painted over."""

_EARTH = 6_371_000.0


async def search(query: Query, where: Filter, limit: int, parts: SearchParts) -> Ranked:
    """Photographs that are like the picture in one aspect; it is none of them itself.

    InvalidInput where the aspect is another; NotFound, InvalidImage.
    """
    match query.aspect:
        case Aspect.COLOUR:
            hits = await parts.store.search(await _colours(query, parts), where, limit + 1, "colours")
        case Aspect.OBJECT:
            hits = await _objects(query, where, limit + 1, parts)
        case Aspect.PLACE:
            hits = await _places(query, where, limit + 1, parts)
        case _:
            raise InvalidInput(
                f"{query.aspect} is not searched for here.", "Use object, colour or place.", "query.aspect"
            )
    return Ranked(without(hits, query.image, limit))


async def _colours(query: Query, parts: SearchParts) -> NDArray[np.float32]:
    if query.image:
        found = await parts.store.vectors([query.image], "colours")
        if query.image not in found:
            raise NotFound(f"There is no photograph {query.image} in this collection.", "Import it, or send its bytes.")
        return found[query.image]
    return await asyncio.to_thread(colour_histogram, await pixels_of(query, parts))


async def _objects(query: Query, where: Filter, limit: int, parts: SearchParts) -> list[Hit]:
    """By the cosine of the probabilities of things, each weighed by how rare it is (inverse document frequency); in a
    joint space of images and texts by its own metric."""
    reference = await read_reference(query, parts)
    if not len(parts.encoder.concepts):
        return list(await parts.store.search(reference.vector, where, limit))
    things = countable(parts)
    rates = [_rate(parts, int(c)) for c in things]
    rarity = np.sqrt(-np.log(np.clip(rates, 1e-3, 0.999))).astype(np.float32)
    likely = np.zeros_like(reference.vector)
    likely[things] = rarity**2 * reference.vector[things]
    hits, vectors, _ = await stored(await candidates(likely, reference, where, max(limit, CANDIDATES), parts), parts)
    return list(ranked(hits, unit(rarity * vectors[:, things]) @ unit(rarity * reference.vector[things])))[:limit]


def _rate(parts: SearchParts, concept: int) -> float:
    rates = parts.judge.base_rates
    return rates[concept] if concept < len(rates) else parts.judge.base_rate


async def _places(query: Query, where: Filter, limit: int, parts: SearchParts) -> list[Hit]:
    """By the appearance of the picture as it is and with its things painted over, and by the distance of the positions
    where both photographs have one."""
    reference = await read_reference(query, parts)
    looks = reference.appearance
    boxes = reference.proposals.boxes[(reference.proposals.scores > FOUND).any(axis=1)]
    if len(boxes):
        [scenery] = await parts.encoder.images([painted_over(await pixels_of(query, parts), boxes)])
        looks = unit(looks + scenery.appearance)
    hits = await parts.store.search(looks, where, max(limit, CANDIDATES), "appearance")
    here = (await parts.store.get([query.image])).get(query.image) if query.image else None
    scores = np.array([hit.score + nearness(here, hit.record) for hit in hits], np.float32)
    return list(ranked(hits, scores))[:limit]


def painted_over(pixels: Pixels, boxes: NDArray[np.float32]) -> Pixels:
    """The picture with the boxes f32 (n, 4) x0 y0 x1 y1 in the mean colour of everything else; as it is where they
    leave less than `LEFT` of it."""
    inside = np.zeros(pixels.shape[:2], bool)
    for x0, y0, x1, y1 in np.maximum(boxes, 0).astype(int):
        inside[y0:y1, x0:x1] = True
    if inside.mean() > 1 - LEFT:
        return pixels
    painted = pixels.copy()
    painted[inside] = pixels[~inside].mean(axis=0)
    return painted


def nearness(here: ImageRecord | None, there: ImageRecord) -> float:
    """From 1 at the same spot over 0 at `NEAR` metres to -1 far away; 0 where one has no position."""
    if here is None:
        return 0.0
    places = [(record.latitude, record.longitude) for record in (here, there)]
    (south, west), (north, east) = places
    if south is None or west is None or north is None or east is None:
        return 0.0
    return 2 * 2 ** (-metres(south, west, north, east) / NEAR) - 1


def metres(south: float, west: float, north: float, east: float) -> float:
    """Great-circle distance of two positions in degrees (haversine)."""
    a, b = math.radians(south), math.radians(north)
    half = math.sin((b - a) / 2) ** 2 + math.cos(a) * math.cos(b) * math.sin(math.radians(east - west) / 2) ** 2
    return 2 * _EARTH * math.asin(min(1.0, math.sqrt(half)))
