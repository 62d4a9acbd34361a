"""Bootstrap intervals, against cases that are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import norm

from evaluation.bootstrap import interval, interval_of, paired_interval, resampled_means

HALF = [1.0, 0.0] * 200
ALONE = [str(index) for index in range(400)]


def test_one_question_a_photograph_is_the_binomial_interval() -> None:
    low, high = interval(HALF, ALONE)
    width = float(norm.ppf(0.975)) * (0.25 / 400) ** 0.5
    assert (low, high) == pytest.approx((0.5 - width, 0.5 + width), abs=0.006)


def test_questions_of_one_photograph_count_as_one() -> None:
    together = [str(index // 2 % 100) for index in range(400)]  # 100 photographs, 4 questions each
    agreeing = [float(int(name) % 2) for name in together]
    low, high = interval(agreeing, together)
    width = float(norm.ppf(0.975)) * (0.25 / 100) ** 0.5
    assert (low, high) == pytest.approx((0.5 - width, 0.5 + width), abs=0.012)
    assert high - low > 1.8 * (interval(agreeing, ALONE)[1] - interval(agreeing, ALONE)[0])


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 4)), min_size=1, max_size=20), st.integers(0, 5))
def test_an_interval_is_seeded_within_the_values(drawn: list[tuple[bool, int]], seed: int) -> None:
    values = [float(value) for value, _ in drawn]
    clusters = [str(cluster) for _, cluster in drawn]
    low, high = interval(values, clusters, seed)
    assert min(values) <= low <= high <= max(values)
    assert interval(values, clusters, seed) == (low, high)


def test_what_is_alike_pairs_to_a_narrow_interval() -> None:
    theirs = HALF.copy()
    ours = [1.0 if index < 20 else value for index, value in enumerate(HALF)]
    difference, (low, high) = paired_interval(ours, theirs, ALONE)
    assert difference == pytest.approx(10 / 400)
    assert 0 < low < difference < high < 0.05
    assert paired_interval(ours, ours, ALONE) == (0.0, (0.0, 0.0))


def test_any_statistic_of_photographs() -> None:
    values = np.arange(100.0)

    def median(rows: NDArray[np.intp]) -> float:
        return float("nan") if rows[0] % 10 == 0 else float(np.median(values[rows]))

    low, high = interval_of(median, 100)
    assert 35 < low < 49.5 < high < 65


def test_resamples_keep_the_size_of_photographs_drawn() -> None:
    """Photographs with many questions and with one: a mean is over the questions of the photographs drawn."""
    clusters = ["many"] * 99 + ["one"]
    means = resampled_means(np.array([1.0] * 99 + [0.0]), clusters, seed=3)
    assert means.shape == (2000,)
    assert {round(float(mean), 6) for mean in means} == {0.0, 0.99, 1.0}


@pytest.mark.parametrize(("values", "clusters"), [([], []), ([1.0], []), ([1.0], ["a", "b"])])
def test_nothing_has_no_interval(values: list[float], clusters: list[str]) -> None:
    with pytest.raises(ValueError, match="cluster"):
        interval(values, clusters)
