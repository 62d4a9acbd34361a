from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrievers.fusion import best_first, convex_combination, reciprocal_rank_fusion

ids = st.sampled_from("abcdefgh")
rankings = st.dictionaries(ids, st.integers(0, 1000).map(lambda n: n / 10), max_size=8)
weights = st.floats(0.125, 2)


def test_reciprocal_ranks_by_hand() -> None:
    fused = reciprocal_rank_fusion([{"a": 9.0, "b": 1.0}, {"b": 0.3, "c": 0.1}], [1, 2])
    assert fused == pytest.approx({"a": 1 / 61, "b": 1 / 62 + 2 / 61, "c": 2 / 62})
    assert best_first(fused) == ["b", "c", "a"]


def test_ties_share_a_rank() -> None:
    fused = reciprocal_rank_fusion([{"a": 1.0, "b": 1.0, "c": 0.5}], [1])
    assert fused["a"] == fused["b"] == 1 / 61
    assert fused["c"] == 1 / 63


def test_a_convex_combination_by_hand() -> None:
    fused = convex_combination([{"a": 0.8, "b": 0.4}, {"b": 6.0, "c": 3.0}], [0.25, 0.75], [0.0, 0.0])
    assert fused == pytest.approx({"a": 0.25, "b": 0.125 + 0.75, "c": 0.375})
    assert convex_combination([{"a": 0.5, "b": 0.0}], [1], [-1.0]) == pytest.approx({"a": 1, "b": 2 / 3})


def test_nothing_to_fuse() -> None:
    assert reciprocal_rank_fusion([], []) == {}
    assert convex_combination([{}, {"a": 0.0}], [0.5, 0.5], [0, 0]) == {"a": 0.0}
    with pytest.raises(ValueError):
        convex_combination([{}], [1, 2], [0])


@given(rankings, weights)
def test_one_ranking_keeps_its_order(ranking: dict[str, float], weight: float) -> None:
    assert best_first(reciprocal_rank_fusion([ranking], [weight])) == best_first(ranking)
    fused = convex_combination([ranking], [weight], [0.0])
    order = best_first(fused)
    assert sorted(order) == sorted(ranking)
    assert all(ranking[first] >= ranking[second] for first, second in pairwise(order))


@given(rankings, rankings, weights, weights)
def test_better_everywhere_is_better(left: dict[str, float], right: dict[str, float], one: float, two: float) -> None:
    for fused in (
        reciprocal_rank_fusion([left, right], [one, two]),
        convex_combination([left, right], [one, two], [0.0, 0.0]),
    ):
        assert set(fused) == set(left) | set(right)
        for a in fused:
            for b in fused:
                if all(r.get(a, -1.0) >= r.get(b, -1.0) for r in (left, right)):
                    assert fused[a] >= fused[b] or math.isclose(fused[a], fused[b])


@given(rankings, rankings, st.floats(0.25, 50))
def test_the_scale_of_a_ranking_does_not_matter(left: dict[str, float], right: dict[str, float], by: float) -> None:
    scaled = {key: score * by for key, score in right.items()}
    plain = convex_combination([left, right], [0.4, 0.6], [0.0, 0.0])
    assert convex_combination([left, scaled], [0.4, 0.6], [0.0, 0.0]) == pytest.approx(plain)


@given(rankings, rankings)
def test_convex_scores_stay_within_the_weights(left: dict[str, float], right: dict[str, float]) -> None:
    fused = convex_combination([left, right], [0.3, 0.7], [0.0, 0.0])
    assert all(0 <= score <= 1 + 1e-9 for score in fused.values())
