"""A photograph: what looks like it."""

from __future__ import annotations

from agents.params import SearchParts
from agents.search.parts import Ranked, appearance_of, without
from thresher.types import Filter, Query


async def search(query: Query, where: Filter, limit: int, parts: SearchParts) -> Ranked:
    """Photographs whose appearance is nearest. NotFound, InvalidImage."""
    appearance = await appearance_of(query, parts)
    hits = await parts.store.search(appearance, where, limit + bool(query.image), "appearance")
    return Ranked(without(hits, query.image, limit))
