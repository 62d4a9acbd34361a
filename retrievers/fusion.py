"""Several rankings of the same photographs -> one. A ranking is a score for each id, larger is better; an id that is
missing from one was not found by it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from thresher.types import ImageId

Ranking = Mapping[ImageId, float]

RRF_K = 60
"""Dampens the first ranks; the paper's value."""


def reciprocal_rank_fusion(rankings: Sequence[Ranking], weights: Sequence[float], k: float = RRF_K) -> Ranking:
    """sum of weight / (k + rank), ranks from 1, what ties shares the best of its ranks.

    Cormack, Clarke and Büttcher, Reciprocal Rank Fusion Outperforms Condorcet and Individual Rank Learning Methods,
    SIGIR 2009 (there without weights). Looks at the order alone.
    """
    fused: dict[ImageId, float] = {}
    for ranking, weight in zip(rankings, weights, strict=True):
        rank, last = 0, float("nan")
        for place, image_id in enumerate(best_first(ranking), 1):
            if ranking[image_id] != last:
                rank, last = place, ranking[image_id]
            fused[image_id] = fused.get(image_id, 0.0) + weight / (k + rank)
    return fused


def convex_combination(rankings: Sequence[Ranking], weights: Sequence[float], floors: Sequence[float]) -> Ranking:
    """sum of weight x score, each ranking's scores brought to 0..1 by its floor and its largest score.

    Bruch, Gai and Ingber, An Analysis of Fusion Functions for Hybrid Retrieval, TOIS 2023 (arXiv 2210.11934): `floors`
    are the least scores possible (0 for BM25 and probabilities, -1 for a cosine), more robust than the least score
    found. An id that a ranking did not find has its floor there.
    """
    fused: dict[ImageId, float] = {}
    for ranking, weight, floor in zip(rankings, weights, floors, strict=True):
        spread = max(ranking.values(), default=floor) - floor
        for image_id, score in ranking.items():
            part = (score - floor) / spread if spread > 0 else 0.0
            fused[image_id] = fused.get(image_id, 0.0) + weight * min(1.0, max(0.0, part))
    return fused


def best_first(ranking: Ranking) -> list[ImageId]:
    """Ids by score, ties by id."""
    return sorted(ranking, key=lambda image_id: (-ranking[image_id], image_id))
