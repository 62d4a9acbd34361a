"""What a text shows, by further witnesses than the vector: the patches' MaxSim, and the best stored box.

Two stages, both on the photographs that the vector finds first. Late interaction (Khattab and Zaharia, ColBERT, arXiv
2004.12832) adds the mean, over the text's phrases, of the best patch's cosine; the judge adds the logit of the best
box's score, for the best `JUDGED` of that order. Both are logistic models, fitted with the encoder
(training/ranking.py), and what they give is a probability again. Sentences have no probability; their mean MaxSim is
added to the cosine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from agents.boxes import phrase_scores
from agents.decide import logit, sigmoid
from agents.params import LEAST_BOX, SearchParts
from thresher.types import Filter, Hit, ImageId, TextFeatures

JUDGED = 100
"""Photographs whose boxes are read."""


async def late(shown: Sequence[Hit], text: TextFeatures, parts: SearchParts) -> Sequence[Hit]:
    """Hits of the vector, best first by vector and patches together. As they are where one of the two says nothing."""
    if not shown or not len(text.phrases):
        return shown
    near = await maxsim(shown, text, parts)
    weights = parts.judge.late
    if not text.calibrated:
        share = parts.judge.late_sentence
        return _ordered([replace(hit, score=hit.score + share * near.get(hit.record.id, 0.0)) for hit in shown])
    if weights is None:
        return shown
    a, b, c = weights
    return _ordered(
        [
            replace(h, score=_probability(a * logit(h.score) + b * near[h.record.id] + c)) if h.record.id in near else h
            for h in shown
        ]
    )


async def judged(shown: Sequence[Hit], text: TextFeatures, parts: SearchParts) -> Sequence[Hit]:
    """The best `JUDGED` ordered anew by what their boxes say, too; the others stay behind them."""
    weights = parts.judge.boxed
    if not shown or weights is None or not text.calibrated:
        return shown
    a, b, c = weights
    best, others = shown[:JUDGED], shown[JUDGED:]
    proposals = await parts.store.proposals([hit.record.id for hit in best])
    found = []
    for hit in best:
        box = LEAST_BOX
        if hit.record.id in proposals:
            box = float(phrase_scores(proposals[hit.record.id], text).max(initial=LEAST_BOX))
        found.append(replace(hit, score=_probability(a * logit(hit.score) + b * logit(box) + c)))
    found = _ordered(found)
    return [*found, *(replace(hit, score=min(hit.score, found[-1].score)) for hit in others)]


async def maxsim(hits: Sequence[Hit], text: TextFeatures, parts: SearchParts) -> Mapping[ImageId, float]:
    """Mean MaxSim of those that have patches."""
    where = Filter(ids=tuple(hit.record.id for hit in hits))
    found = await parts.store.search_patches(text.phrases, where, len(hits))
    return {hit.record.id: hit.score / len(text.phrases) for hit in found}


def _probability(x: NDArray[np.float64]) -> float:
    return float(sigmoid(x))


def _ordered(hits: Sequence[Hit]) -> list[Hit]:
    return sorted(hits, key=lambda hit: (-hit.score, hit.record.id))
