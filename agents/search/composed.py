"""A picture and words that say what is to be different ("without the dog", "in the snow").

Where the encoder names concepts with probabilities: how likely a photograph shows what is wanted, nothing unwanted and
else what the reference shows (retrievers.composed.shown), the direction that the words make in the space of sentences
(retrievers.composed.pdv), and a little of how the reference looks. In a joint space of images and texts: that direction
alone. Weights were chosen on photographs that the models had not seen (docs/retrieval.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agents.params import SearchParts
from agents.phrases import read_phrases
from agents.search.modification import Modification, read_modification
from agents.search.parts import Ranked, features_of, without
from retrievers.composed.pdv import pdv_query
from retrievers.composed.shown import shown_scores
from thresher.errors import InvalidInput, NotFound
from thresher.types import Aspect, Filter, Hit, Proposals, Query, TextFeatures

CANDIDATES = 500
"""Photographs that each of two searches contributes; those are scored exactly."""

PRESERVED, DIRECTION, APPEARANCE = 1.0, 3.0, 1.0
"""Weights of what the reference shows, of the direction in sentences, and of how the reference looks."""

SHOWN, NAMED = 0.5, 6
"""Probability from which a sentence about the reference names a thing, and how many it names at most."""

Vector = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Reference:
    """The picture of a query. `vector` f32 (dim,), `appearance` f32 (appearance_dim,), its proposals, and `caption`:
    what is written of it, empty where nothing is."""

    vector: Vector
    appearance: Vector
    proposals: Proposals
    caption: str = ""


async def search(query: Query, where: Filter, limit: int, parts: SearchParts) -> Ranked:
    """Photographs that are what the words make of the picture; it is none of them itself.

    InvalidInput where the words say nothing or an aspect is given, too; NotFound, InvalidImage. Unknown where the
    encoder knows no word and can read the sentence neither.
    """
    if query.aspect is not Aspect.WHOLE:
        raise InvalidInput(
            "A search for what is alike in one aspect takes no words.",
            "Leave out the text or the aspect.",
            "query.aspect",
        )
    modification = read_modification(query.text)
    reference = await read_reference(query, parts)
    if len(parts.encoder.concepts):
        return await _by_concepts(modification, reference, query, where, limit, parts)
    was = reference.caption or "a photo"
    before, after = await parts.encoder.texts([was, f"{was} {modification.text}"])
    if not after.known:
        return Ranked(unknown=True, nearest=after.nearest)
    wanted = pdv_query(reference.vector, before.vector, after.vector)
    return Ranked(without(await parts.store.search(wanted, where, limit + 1), query.image, limit))


async def read_reference(query: Query, parts: SearchParts) -> Reference:
    """What is stored of the picture, or made of its bytes. NotFound, InvalidImage."""
    if not query.image:
        features = await features_of(query, parts)
        return Reference(features.vector, features.appearance, features.proposals)
    records = await parts.store.get([query.image])
    vectors = await parts.store.vectors([query.image], "vector")
    appearances = await parts.store.vectors([query.image], "appearance")
    if not (query.image in records and query.image in vectors and query.image in appearances):
        raise NotFound(f"There is no photograph {query.image} in this collection.", "Import it, or send its bytes.")
    proposals = (await parts.store.proposals([query.image])).get(query.image, Proposals.none())
    return Reference(vectors[query.image], appearances[query.image], proposals, records[query.image].caption)


def countable(parts: SearchParts) -> NDArray[np.intp]:
    """Indices of the concepts that a photograph can show beside each other: those that have boxes."""
    thresholds = parts.judge.box_thresholds
    default = parts.judge.box_threshold
    count = len(parts.encoder.concepts)
    return np.flatnonzero([(thresholds[c] if c < len(thresholds) else default) <= 1 for c in range(count)])


async def _by_concepts(
    modification: Modification, reference: Reference, query: Query, where: Filter, limit: int, parts: SearchParts
) -> Ranked:
    phrases = [*modification.wanted, *modification.unwanted]
    texts, _ = await read_phrases(phrases, parts.encoder)
    known = {phrase: texts[phrase] for phrase in phrases if texts[phrase].known}
    wanted = [known[phrase].vector for phrase in modification.wanted if phrase in known]
    unwanted = [known[phrase].vector for phrase in modification.unwanted if phrase in known]
    direction = await _direction(modification, reference, known, parts)
    if not known and direction is None:
        return Ranked(unknown=True, nearest=next((texts[phrase].nearest for phrase in phrases), ()))
    count = len(parts.encoder.concepts)
    changed = {concept.index for text in known.values() for concept in text.concepts}
    kept = np.array([c for c in countable(parts) if c not in changed], np.intp)

    likely = np.zeros_like(reference.vector)
    likely[kept] = reference.vector[kept]
    likely += sum(wanted, np.zeros_like(likely)) - sum(unwanted, np.zeros_like(likely))
    if direction is not None:
        likely[count:] = direction
    hits = await candidates(likely, reference, where, max(limit + 1, CANDIDATES), parts)
    hits, vectors, looks = await stored(hits, parts)
    if not hits:
        return Ranked()
    scores = shown_scores(
        _probabilities(wanted, vectors),
        _probabilities(unwanted, vectors),
        reference.vector[kept],
        vectors[:, kept],
        PRESERVED,
    )
    if direction is not None:
        scores += DIRECTION * (vectors[:, count:] @ direction)
    scores += APPEARANCE * (looks @ reference.appearance)
    return Ranked(without(ranked(hits, scores), query.image, limit))


async def _direction(
    modification: Modification, reference: Reference, known: Mapping[str, TextFeatures], parts: SearchParts
) -> Vector | None:
    """The query in the space of sentences, f32 (dim - concepts,); None where the encoder reads no sentences.

    The reference in words is what it shows; composed, that without what is unwanted and with what is wanted, or
    followed by the words themselves where one of them names no concept ("in the snow").
    """
    names, count = parts.encoder.concepts, len(parts.encoder.concepts)
    if len(reference.vector) == count:
        return None
    shown = [c for c in countable(parts) if reference.vector[c] > SHOWN]
    shown = sorted(shown, key=lambda c: -reference.vector[c])[:NAMED]
    gone = {c.index for phrase in modification.unwanted if phrase in known for c in known[phrase].concepts}
    left = [names[c] for c in shown if c not in gone]
    all_known = bool(known) and all(phrase in known for phrase in modification.wanted)
    after = _sentence([*left, *modification.wanted]) if all_known else f"{_sentence(left)}, {modification.text}"
    was, composed = await parts.encoder.texts([_sentence([names[c] for c in shown]), after])
    if not composed.known or composed.concepts:
        return None
    before = was.vector[count:] if was.known and not was.concepts else composed.vector[count:]
    return pdv_query(reference.vector[count:], before, composed.vector[count:])


def _sentence(things: Sequence[str]) -> str:
    return f"a photo with {', '.join(things)} in it" if things else "a photo of it"


def _probabilities(phrases: Sequence[Vector], vectors: Vector) -> Vector:
    """P(shown) of each phrase in each photograph, f32 (phrases, photographs)."""
    stack = np.stack(phrases) if phrases else np.zeros((0, vectors.shape[1]), np.float32)
    return np.clip(stack @ vectors.T, 0, 1)


async def candidates(
    vector: Vector, reference: Reference, where: Filter, limit: int, parts: SearchParts
) -> Sequence[Hit]:
    """The best by a vector and the best by the reference's appearance, each once."""
    by_vector = await parts.store.search(vector, where, limit)
    by_looks = await parts.store.search(reference.appearance, where, limit, "appearance")
    return list({hit.record.id: hit for hit in (*by_vector, *by_looks)}.values())


async def stored(hits: Sequence[Hit], parts: SearchParts) -> tuple[Sequence[Hit], Vector, Vector]:
    """Those of the hits that are still stored, their vectors f32 (n, dim) and appearances f32 (n, appearance_dim)."""
    ids = [hit.record.id for hit in hits]
    vectors = await parts.store.vectors(ids, "vector")
    looks = await parts.store.vectors(ids, "appearance")
    there = [hit for hit in hits if hit.record.id in vectors and hit.record.id in looks]
    if not there:
        return [], np.zeros((0, parts.encoder.spec.dim), np.float32), np.zeros((0, 1), np.float32)
    return (
        there,
        np.stack([vectors[hit.record.id] for hit in there]),
        np.stack([looks[hit.record.id] for hit in there]),
    )


def ranked(hits: Sequence[Hit], scores: Vector) -> Sequence[Hit]:
    """Hits with other scores, best first; the id decides between equal ones."""
    order = sorted(range(len(hits)), key=lambda n: (-scores[n], hits[n].record.id))
    return [Hit(hits[n].record, float(scores[n])) for n in order]
