"""Probabilities out of witnesses: weights, errors, thresholds and the operating point, on made-up photographs."""

from __future__ import annotations

import numpy as np
import pytest

from evaluation.calibration.calibrate import Looks, Material, fit_judge
from evaluation.calibration.fitting import (
    cross_fitted,
    expected_calibration_error,
    fit,
    folds_of,
    log_losses,
    matching_thresholds,
    predict,
    sigmoid,
)
from evaluation.calibration.operating import EVEN, Drawn, best, choose, draw
from evaluation.calibration.plot import svg

PHOTOGRAPHS, CATEGORIES = 400, 6


def ids(count: int) -> tuple[str, ...]:
    return tuple(f"{number * 2654435761 % 2**32:08x}{number:056x}" for number in range(count))


def made_up(slope: float = 2.0, boxes: float = 0.0, seed: int = 1) -> Material:
    """Photographs whose stored logit is the true one divided by `slope`; boxes know `boxes` of what is left."""
    random = np.random.default_rng(seed)
    true = random.normal(-2.5, 2.0, (PHOTOGRAPHS, CATEGORIES))
    truth = random.random(true.shape) < sigmoid(true)
    detection = random.normal(0, 1, true.shape) + boxes * (truth - 0.5)
    names = tuple("abcdef")
    return Material(ids(PHOTOGRAPHS), names, names, truth, true / slope, detection)


def test_weights_are_found_again_and_few_photographs_change_little() -> None:
    material = made_up(2.0)
    weights = fit([material.similarity], material.truth)
    assert weights == pytest.approx([2.0, 0.0], abs=0.3)
    few = fit([material.similarity[:2, :1], material.detection[:2, :1]], np.array([[True], [False]]))
    assert np.abs(few).max() < 20
    assert np.all((predict([material.similarity], weights) > 0.5) == (material.similarity * weights[0] > -weights[1]))


def test_cross_fitted_predictions_owe_nothing_to_their_own_photographs() -> None:
    material = made_up()
    folds = folds_of(material.ids)
    assert set(folds.tolist()) == {0, 1, 2, 3, 4}
    before = cross_fitted([material.similarity], material.truth, folds)
    changed = material.truth.copy()
    changed[folds == 2] ^= True
    after = cross_fitted([material.similarity], changed, folds)
    assert np.allclose(before[folds == 2], after[folds == 2])
    assert not np.allclose(before[folds == 1], after[folds == 1])


def test_errors() -> None:
    p, truth = np.array([0.2, 0.2, 0.2, 0.2, 0.2]), np.array([True, False, False, False, False])
    assert expected_calibration_error(p, truth) == pytest.approx(0)
    assert expected_calibration_error(p, ~truth) == pytest.approx(0.6)
    assert log_losses(p, truth)[0] == pytest.approx(-np.log(0.2))
    assert log_losses(np.array([0.0]), np.array([True]))[0] < 20


def test_thresholds_let_as_many_through_as_are_true() -> None:
    random = np.random.default_rng(3)
    p = random.random((5000, 2))
    truth = random.random(p.shape) < np.array([0.3, 0.1])
    thresholds = matching_thresholds(p, truth)
    assert ((p >= thresholds).mean(0) == pytest.approx([0.3, 0.1], abs=0.02)) is True
    assert matching_thresholds(p[:50], np.zeros((50, 2), bool)) == pytest.approx([0.95, 0.95], abs=0.06)


def test_a_wrong_scale_is_mended_and_a_witness_that_knows_nothing_is_left_out() -> None:
    fitted = fit_judge(made_up(slope=4.0))
    stored, alone, _ = fitted.rows
    assert alone["ece"] < stored["ece"]
    assert alone["log_loss"] < stored["log_loss"]
    assert fitted.figures["kept"] == ["similarity"]
    assert fitted.constants["detection"] == 0.0
    assert fitted.constants["similarity"][0] == pytest.approx(4.0, abs=0.5)
    assert set(fitted.constants["concepts"]) == set("abcdef")
    assert svg(fitted.curves).startswith("<svg")


def test_a_witness_that_knows_something_is_kept() -> None:
    material = made_up(boxes=3.0)
    fitted = fit_judge(material)
    assert fitted.figures["kept"] == ["similarity", "boxes"]
    assert fitted.constants["detection"] > 0
    random = np.random.default_rng(9)
    pairs = tuple((int(row), int(column)) for row, column in np.argwhere(material.similarity > -2)[:600])
    truth = np.array([material.truth[pair] for pair in pairs])
    sees = fit_judge(material, Looks(pairs, random.normal(0, 1, len(pairs)) + 6.0 * (truth - 0.5)))
    assert sees.figures["kept"][-1] == "language model"
    assert sees.constants["looked"][1] > 0
    blind = fit_judge(material, Looks(pairs, random.normal(0, 1, len(pairs))))
    assert blind.constants["looked"] is None


def test_the_operating_point_is_even_odds_unless_another_is_better() -> None:
    material = made_up(1.0)
    p = sigmoid(material.similarity)
    thresholds, base = matching_thresholds(p, material.truth), material.truth.mean(0)
    drawn = draw(p, material.truth, thresholds, base, 20)
    assert drawn is not None
    assert drawn.there.mean() == pytest.approx(2 / 3, abs=0.01)
    assert drawn.f1(best(drawn)) >= drawn.f1(EVEN)
    there = np.array([True, True, False, False, False, True])
    none, every = np.zeros(6, bool), np.ones(6, bool)
    late = Drawn(there, np.array([0.8, 0.9, 0.6, 0.7, 0.65, 0.75]), every, none)
    least, f1 = choose((late, late))
    assert (0.7 < least <= 0.76, f1) == (True, 1.0)
    other = Drawn(there, np.array([0.55, 0.6, 0.3, 0.4, 0.45, 0.52]), every, none)
    assert choose((late, other)) == (EVEN, pytest.approx((late.f1(EVEN) + 1) / 2))
    assert draw(p, np.ones_like(material.truth), thresholds, base, 20) is None
