"""Near-duplicates are one photograph: judged once, counted once, and one hit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from agents.params import SearchParts
from agents.retrieve import Retrieved
from agents.search.parts import Ranked
from agents.search.run import search
from retrievers.protocols import ImageStore
from thresher.types import Filter, Hit, ImageId, Query


async def once(found: Retrieved, store: ImageStore) -> Retrieved:
    """The scope with one photograph of each group: the one that the others repeat, or the first by id where the scope
    does not have it. `repeats` says how many each stands for beside itself."""
    groups = await store.groups(found.ids)
    if not groups:
        return found
    chosen: dict[ImageId, int] = {}
    repeats: dict[ImageId, int] = {}
    for index, image_id in enumerate(found.ids):
        leader = groups.get(image_id, image_id)
        if leader in chosen:
            repeats[leader] = repeats.get(leader, 0) + 1
        if leader not in chosen or image_id == leader:
            chosen[leader] = index
    kept = sorted(chosen.values())
    return replace(found.only(kept), repeats={found.ids[chosen[leader]]: count for leader, count in repeats.items()})


async def search_once(query: Query, where: Filter, limit: int, parts: SearchParts) -> Ranked:
    """As `agents.search.run.search`, with near-duplicates as one hit: the best of them."""
    wanted = 2 * limit
    while True:
        found = await search(query, where, wanted, parts)
        groups = await parts.store.groups([hit.record.id for hit in found.hits])
        hits = collapsed(found.hits, groups, limit)
        if len(hits) == limit or len(found.hits) < wanted:
            return replace(found, hits=hits)
        wanted *= 2


def collapsed(hits: Sequence[Hit], groups: Mapping[ImageId, ImageId], limit: int) -> Sequence[Hit]:
    """At most `limit` hits, one of each group: the best, with the others of `hits` as its `duplicates`."""
    best: dict[ImageId, Hit] = {}
    for hit in hits:
        leader = groups.get(hit.record.id, hit.record.id)
        first = best.get(leader)
        best[leader] = hit if first is None else replace(first, duplicates=(*first.duplicates, hit.record.id))
    return list(best.values())[:limit]
