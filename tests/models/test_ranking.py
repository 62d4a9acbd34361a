"""How the weights of a search's witnesses are fitted, on scores with a known best combination."""

from __future__ import annotations

import numpy as np
import pytest

from training.ranking import SIZE, Witnesses, draw, fit_stages, part, recall


@pytest.fixture(scope="module")
def seen() -> Witnesses:
    """Vector and patches know half of it each, boxes know nothing."""
    rng = np.random.default_rng(0)
    is_coco = np.arange(600) < 400
    labels = (rng.random((600, 8)) < 0.1).astype(np.int8)
    labels[~is_coco & (rng.random(600) < 0.2)] = -1
    noise = rng.normal(size=(3, 600, 8)).astype(np.float32)
    signal = 2 * (labels == 1).astype(np.float32)
    return Witnesses(signal + noise[0] - 3, np.float32(0.1) * (signal + noise[1]), noise[2], labels, is_coco)


def test_haystacks_have_one_needle_and_no_photograph_without_a_label(seen: Witnesses) -> None:
    for kind in ("coco", "photos-1k"):
        drawn = draw(seen, kind, 3)
        assert drawn.rows.shape == (len(drawn.category), SIZE)
        labels = seen.labels[drawn.rows, drawn.category[:, None]]
        assert (labels[:, 0] == 1).all() and (labels[:, 1:] == 0).all()
        assert seen.is_coco[drawn.rows[:, 0]].all()
        assert (seen.is_coco[drawn.rows[:, 1:]] == (kind == "coco")).all()
        np.testing.assert_array_equal(draw(seen, kind, 3).rows, drawn.rows)


def test_what_knows_something_counts_and_the_result_is_a_probability(seen: Witnesses) -> None:
    drawn = draw(seen, "coco", 3)
    (late, boxed), scores = fit_stages(seen, [part(drawn, 0)])
    assert late[1] * 0.1 == pytest.approx(late[0], rel=0.3)  # both are as good, one on a tenth of the scale
    assert abs(boxed[1]) < 0.2 * boxed[0]
    first, second, third = (np.mean(recall(stage, part(drawn, 1)) < 1) for stage in scores)
    assert second > first + 0.1
    assert third == pytest.approx(second, abs=0.05)
    probability = 1 / (1 + np.exp(-scores[-1][seen.is_coco]))
    assert probability.mean() == pytest.approx((seen.labels[seen.is_coco] == 1).mean(), abs=0.005)


def test_ties_are_against_the_needle(seen: Witnesses) -> None:
    drawn = draw(seen, "coco", 3)
    assert (recall(np.zeros_like(seen.patches), drawn) == SIZE - 1).all()
