"""Predicates -> a score for every photograph of the scope: one text batch, one exact matrix product, no top-k."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from agents.algebra import leaves, predicates
from agents.nouns import split_attribute
from models.protocols import Encoder
from retrievers.protocols import ImageStore
from thresher.types import Expr, Filter, ImageId, TextFeatures, Where

EVER = Where(after=datetime(1700, 1, 1, tzinfo=UTC))
"""Every photograph that has a date: older than photographs, and within nanoseconds of 64 bits."""


@dataclass(frozen=True)
class Retrieved:
    """A scope of n photographs as the question's words see it.

    `texts` phrase -> its features; `scores` phrase -> f32 (n,), known phrases only; `reduced` phrase -> the words of it
    that no concept stands for and were left out; `filters` -> bool (n,);
    `dated`: bool (n,), which photographs have a date (all True where no span of time is asked for).
    """

    ids: tuple[ImageId, ...]
    texts: dict[str, TextFeatures]
    scores: dict[str, NDArray[np.float32]]
    reduced: dict[str, str]
    filters: dict[Where, NDArray[np.bool_]]
    dated: NDArray[np.bool_]

    def only(self, indices: Sequence[int]) -> Retrieved:
        """The scope narrowed to the photographs with these indices."""
        kept = list(indices)
        return replace(
            self,
            ids=tuple(self.ids[i] for i in kept),
            scores={phrase: row[kept] for phrase, row in self.scores.items()},
            filters={where: row[kept] for where, row in self.filters.items()},
            dated=self.dated[kept],
        )


async def retrieve(exprs: Sequence[Expr | None], scope: Filter, encoder: Encoder, store: ImageStore) -> Retrieved:
    """Scores of all nouns in the expressions over the whole scope."""
    phrases = list(dict.fromkeys(noun for p in predicates(*exprs) for noun in (p.noun, p.object) if noun))
    texts, reduced = await read_phrases(phrases, encoder)
    known = [phrase for phrase in phrases if texts[phrase].known]
    if known:
        found = await store.scores(np.stack([texts[phrase].vector for phrase in known]), scope)
        ids, rows = found.ids, dict(zip(known, found.values, strict=True))
    else:
        ids, rows = tuple(await store.ids(scope)), {}
    wheres = dict.fromkeys(leaf for leaf in leaves(*exprs) if isinstance(leaf, Where))
    filters = {where: np.isin(ids, await store.ids(narrow(scope, where))) for where in wheres}
    timed = any(where.after or where.before for where in wheres)
    dated = np.isin(ids, await store.ids(narrow(scope, EVER))) if timed else np.ones(len(ids), bool)
    return Retrieved(ids, texts, rows, reduced, filters, dated)


async def read_phrases(phrases: Sequence[str], encoder: Encoder) -> tuple[dict[str, TextFeatures], dict[str, str]]:
    """Features of each phrase, and what had to be left out of it.

    An encoder with a closed vocabulary may know "cup" but not "cup of coffee", or "sofa" but not "red sofa": then the
    head stands for the phrase. Where it does not know the head either, the phrase is unknown.
    """
    closed = bool(len(encoder.concepts))
    shorter = {phrase: head_of(phrase) if closed else phrase for phrase in phrases}
    wanted = list(dict.fromkeys([*phrases, *shorter.values()]))
    features = dict(zip(wanted, await encoder.texts(wanted), strict=True)) if wanted else {}
    texts: dict[str, TextFeatures] = {}
    reduced: dict[str, str] = {}
    for phrase in phrases:
        text, head = features[phrase], shorter[phrase]
        if closed and head != phrase and not (text.known and text.concepts):
            text = features[head]
            reduced[phrase] = " ".join(phrase.replace(head, "", 1).split())
        if closed and not text.concepts:
            text = replace(text, known=False)
            reduced.pop(phrase, None)
        texts[phrase] = text
    return texts, reduced


def head_of(phrase: str) -> str:
    """What stands for a phrase that the encoder does not know: "red cup of coffee" -> "cup"."""
    return split_attribute(phrase.partition(" of ")[0])[1]


def narrow(scope: Filter, where: Where) -> Filter:
    """The scope and the filter together."""
    after = max((moment for moment in (scope.after, where.after) if moment), default=None)
    before = min((moment for moment in (scope.before, where.before) if moment), default=None)
    tags = (*scope.tags, where.tag) if where.tag else scope.tags
    return replace(scope, tags=tags, after=after, before=before)
