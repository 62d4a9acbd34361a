"""Predicates -> a score for every photograph of the scope: one text batch, one exact matrix product, no top-k."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from agents.algebra import leaves, predicates
from agents.params import SearchParts
from agents.phrases import read_phrases
from agents.picked import Picked, pick
from thresher.types import Expr, Filter, ImageId, Like, Says, TextFeatures, Where

EVER = Where(after=datetime(1700, 1, 1, tzinfo=UTC))
"""Every photograph that has a date: older than photographs, and within nanoseconds of 64 bits."""


@dataclass(frozen=True)
class Retrieved:
    """A scope of n photographs as the question's words see it.

    `texts` phrase -> its features; `scores` phrase -> f32 (n,), known phrases only; `reduced` phrase -> the words of it
    that no concept stands for and were left out; `filters` -> bool (n,);
    `dated`: bool (n,), which photographs have a date (all True where no span of time is asked for); `picked`: what
    words in photographs and pictures that others are like select; `repeats`: near-duplicates that a photograph stands
    for and that are not among these, where there are any.
    """

    ids: tuple[ImageId, ...]
    texts: dict[str, TextFeatures]
    scores: dict[str, NDArray[np.float32]]
    reduced: dict[str, str]
    filters: dict[Where, NDArray[np.bool_]]
    dated: NDArray[np.bool_]
    picked: dict[Says | Like, Picked] = field(default_factory=dict)
    repeats: dict[ImageId, int] = field(default_factory=dict)

    def only(self, indices: Sequence[int]) -> Retrieved:
        """The scope narrowed to the photographs with these indices."""
        kept = list(indices)
        return replace(
            self,
            ids=tuple(self.ids[i] for i in kept),
            scores={phrase: row[kept] for phrase, row in self.scores.items()},
            filters={where: row[kept] for where, row in self.filters.items()},
            dated=self.dated[kept],
            picked={leaf: replace(one, probability=one.probability[kept]) for leaf, one in self.picked.items()},
        )


async def retrieve(exprs: Sequence[Expr | None], scope: Filter, parts: SearchParts) -> Retrieved:
    """Scores of all nouns in the expressions over the whole scope, and what their other parts select."""
    encoder, store = parts.encoder, parts.store
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
    others = dict.fromkeys(leaf for leaf in leaves(*exprs) if isinstance(leaf, Says | Like))
    picked = {leaf: await pick(leaf, ids, scope, parts) for leaf in others}
    return Retrieved(ids, texts, rows, reduced, filters, dated, picked)


def narrow(scope: Filter, where: Where) -> Filter:
    """The scope and the filter together."""
    after = max((moment for moment in (scope.after, where.after) if moment), default=None)
    before = min((moment for moment in (scope.before, where.before) if moment), default=None)
    tags = (*scope.tags, where.tag) if where.tag else scope.tags
    return replace(scope, tags=tags, after=after, before=before)
