"""Photographs that words in them, a named picture or a taught name select: what each such part of a question found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from agents.params import SearchParts
from agents.says import said
from agents.search.run import search
from retrievers.protocols import ImageStore
from thresher.errors import InvalidInput, NotFound
from thresher.types import Aspect, Filter, Hit, ImageId, ImageRecord, Like, Query, Region, Says

NEAREST = 12
"""Photographs at most that are taken to be like another, where nothing but nearness says so."""

ALIKE = {Aspect.WHOLE: 0.42, Aspect.OBJECT: 0.69, Aspect.COLOUR: 0.96, Aspect.PLACE: 0.35, Aspect.INSTANCE: 1.0}
TAUGHT = 0.72
"""Score from which they are: of 1,000 photographs, each of another thing, the nearest one has it (median of 25 queries,
for `TAUGHT` 15, on photos-1k). A geometric match counts at least 1 where there is one."""

CHANGED = 3.0
"""Log-likelihood by which a photograph may be behind the best one for a picture and words."""

SURE, LEAST = 0.95, 0.5
"""What the nearest, and one with the least score, are given as a probability: the order is known, chances are not."""


@dataclass(frozen=True)
class Picked:
    """`probability` f64 (n,) of each photograph of a scope; `regions` where the match is, where that is known."""

    probability: NDArray[np.float64]
    regions: dict[ImageId, tuple[Region, ...]] = field(default_factory=dict)


async def pick(leaf: Says | Like, ids: Sequence[ImageId], scope: Filter, parts: SearchParts) -> Picked:
    """What one part of a question selects among the photographs `ids` of the scope. NotFound, InvalidInput."""
    if isinstance(leaf, Says):
        regions = await said(leaf, scope, parts.store)
        return Picked(np.array([float(image_id in regions) for image_id in ids]), regions)
    query = await query_of(leaf, parts.store)
    ranked = await search(query, scope, NEAREST, parts)
    if ranked.unknown:
        raise InvalidInput(f'I do not know what "{leaf.change}" means.', "Say it with other words.", "question")
    least = _least(leaf, ranked.hits)
    hits = [hit for hit in ranked.hits if hit.score >= least]
    chance = _chances(hits, least)
    places = {hit.record.id: hit.regions for hit in hits if hit.regions}
    return Picked(np.array([chance.get(image_id, 0.0) for image_id in ids]), places)


async def query_of(like: Like, store: ImageStore) -> Query:
    """The search that a part of a question stands for. NotFound where the collection has no such photograph."""
    if like.exemplar:
        return Query(like.change, exemplar=like.reference)
    record = await named(like.reference, store)
    return Query(like.change, image=record.id, aspect=like.aspect)


async def named(name: str, store: ImageStore) -> ImageRecord:
    """The photograph that a person calls `name`: a path, a file name, or one without its ending. NotFound."""
    wanted = name.casefold()
    records = await store.get(await store.ids(Filter()))
    for record in records.values():
        for path in record.paths:
            base = path.casefold().rpartition("/")[2]
            if wanted in (path.casefold(), base, base.rpartition(".")[0]):
                return record
    raise NotFound(f'The collection has no photograph called "{name}".', "Give its file name as `images` lists it.")


def _least(like: Like, hits: Sequence[Hit]) -> float:
    """The score from which a photograph is near enough to say so."""
    if like.change and hits:
        return hits[0].score - CHANGED
    return TAUGHT if like.exemplar else ALIKE[like.aspect]


def _chances(hits: Sequence[Hit], least: float) -> dict[ImageId, float]:
    """From how far each is between the least score and the best one."""
    spread = max(hits[0].score - least, 1e-9) if hits else 1.0
    return {hit.record.id: LEAST + (SURE - LEAST) * min(1.0, (hit.score - least) / spread) for hit in hits}
