"""Words: what they show by vectors, what they say by full text, both rankings fused.

Words in quotes have to be read in the photograph; photographs that show or say an unwanted word are left out
(`agents.search.wording`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from agents.params import SearchParts
from agents.says import said
from agents.search.judged import judged, late
from agents.search.parts import Ranked
from agents.search.wording import Wording, read_wording
from retrievers.documents import query_words
from retrievers.fusion import Ranking, best_first, reciprocal_rank_fusion
from thresher.errors import InvalidInput
from thresher.types import Filter, Hit, ImageId, Query, Ranker, Region, Says, TextFeatures

DEPTH = 200
"""Photographs of each ranking that are fused."""

TEXT_WEIGHT = 0.45
RRF_K = 10
"""Reciprocal rank fusion, full text beside 1 - TEXT_WEIGHT of vectors, chosen by evaluation/fusing.py: within .004 of
the best of 78 choices, and of these the one in which a photograph that is found by its words alone stands among the
first five however many there are."""

READING = frozenset({Ranker.HYBRID, Ranker.JUDGED, Ranker.DEFAULT})
"""Rankers that fuse full text. Boxes are looked at by `JUDGED` alone: the stored probability knows them already
(docs/retrieval-ablation.md)."""

SHOWN = 0.5
"""Probability from which a photograph shows what is unwanted."""

MOST = 100_000
"""Photographs that can be left out for saying an unwanted word."""


async def search(query: Query, where: Filter, limit: int, parts: SearchParts) -> Ranked:
    """Photographs nearest to a text. InvalidInput where it names nothing but what is unwanted."""
    wording = read_wording(query.text)
    if not (wording.wanted or wording.said):
        raise InvalidInput(
            "The text says only what is not wanted.", 'Add what is looked for: "dog -leash".', "query.text"
        )
    where, places = await _saying(wording, where, parts)
    where = await _without(wording, where, parts)
    words = wording.wanted or " ".join(wording.said)
    [features] = await parts.encoder.texts([words])
    shown = await _showing(features, where, max(limit, DEPTH), parts) if features.known else ()
    text = " ".join((wording.wanted, *wording.said))
    named = _names(features, text)
    reading = parts.ranker in READING
    read = await parts.store.search_text(text, where, max(limit, DEPTH), every=named) if reading else ()
    hits = _fused(shown, read)[:limit]
    if not hits and not features.known:
        return Ranked(unknown=True, nearest=features.nearest)
    return Ranked([replace(hit, regions=places.get(hit.record.id, ())) for hit in hits])


def _names(features: TextFeatures, text: str) -> bool:
    """Whether the text is the name of one thing: "teddy bear", so that a file called "brown bear" is not meant."""
    words = set(query_words(text.casefold()))
    return any(words <= set(query_words(concept.name.casefold())) for concept in features.concepts)


async def _showing(features: TextFeatures, where: Filter, depth: int, parts: SearchParts) -> Sequence[Hit]:
    """What the photographs show, by as many witnesses as the ranker asks."""
    shown = await parts.store.search(features.vector, where, depth)
    if parts.ranker is not Ranker.VECTOR:
        shown = await late(shown, features, parts)
    return await judged(shown, features, parts) if parts.ranker is Ranker.JUDGED else shown


def _fused(shown: Sequence[Hit], read: Sequence[Hit]) -> list[Hit]:
    """Where only one of the two found anything, its own scores stay."""
    if not (shown and read):
        return [*shown, *read]
    scores = reciprocal_rank_fusion([_ranking(shown), _ranking(read)], [1 - TEXT_WEIGHT, TEXT_WEIGHT], RRF_K)
    records = {hit.record.id: hit.record for hit in (*shown, *read)}
    return [Hit(records[image_id], scores[image_id]) for image_id in best_first(scores)]


def _ranking(hits: Sequence[Hit]) -> Ranking:
    return {hit.record.id: hit.score for hit in hits}


async def _saying(
    wording: Wording, where: Filter, parts: SearchParts
) -> tuple[Filter, dict[ImageId, tuple[Region, ...]]]:
    """The scope in which everything in quotes can be read, and where."""
    places: dict[ImageId, tuple[Region, ...]] = {}
    for phrase in wording.said:
        found = await said(Says(phrase), where, parts.store)
        places = {image_id: (*places.get(image_id, ()), *regions) for image_id, regions in found.items()}
        where = replace(where, ids=tuple(sorted(found)))
    return where, places


async def _without(wording: Wording, where: Filter, parts: SearchParts) -> Filter:
    """The scope without photographs that show or say what is unwanted."""
    gone: set[ImageId] = set()
    for phrase in wording.not_said:
        gone |= set(await said(Says(phrase), where, parts.store))
    for word, features in zip(wording.unwanted, await parts.encoder.texts(wording.unwanted), strict=True):
        gone |= {hit.record.id for hit in await parts.store.search_text(word, where, MOST)}
        if features.known and features.calibrated:
            scores = await parts.store.scores(features.vector[None], where)
            gone |= {scores.ids[i] for i in np.flatnonzero(scores.values[0] >= SHOWN)}
    if not gone:
        return where
    return replace(where, ids=tuple(image_id for image_id in await parts.store.ids(where) if image_id not in gone))
