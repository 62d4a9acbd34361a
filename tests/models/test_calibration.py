"""Decisions from stored probabilities."""

from __future__ import annotations

import pytest

from models.encoders.calibration import Calibration, logit, sigmoid
from tests.models.pictures import WEIGHTS

PLAIN = Calibration(
    (0.5, 0.1, 0.2), (0.5, 0.4, 0.6), (0.3, 0.2, 0.1), (1.0, -1.0, 0.0), (1.0, 0.0, 0.0), (1.0, 0.0, 0.0)
)


def test_logit_and_sigmoid_are_inverse() -> None:
    for p in (1e-5, 0.2, 0.5, 0.9, 1 - 1e-5):
        assert sigmoid(logit(p)) == pytest.approx(p)
    assert sigmoid(-1000) == 0
    assert logit(0) == logit(1e-9)


def test_asking_takes_the_base_rate_out() -> None:
    assert PLAIN.answer(0.1, [1]) == pytest.approx(0.5)
    assert PLAIN.answer(0.3, [1]) > 0.7
    assert PLAIN.answer(0.3, [0]) == pytest.approx(0.3)


def test_unions() -> None:
    assert PLAIN.base_rate([1, 2]) == pytest.approx(1 - 0.9 * 0.8)


def test_the_shipped_numbers_are_complete_and_sane() -> None:
    judge = Calibration.load(WEIGHTS / "judge.json")
    assert len(judge.base_rates) == len(judge.thresholds) == len(judge.box_thresholds) == 1080
    assert all(0 < value < 1 for value in (*judge.base_rates, *judge.thresholds, *judge.box_thresholds[:80]))
    assert all(value > 1 for value in judge.box_thresholds[80:]), "no detector finds an ImageNet class"
    for slope, base, _ in (judge.asked, judge.asked_all, judge.asked_any):
        assert slope > 0 > base
