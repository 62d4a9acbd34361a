"""Precision, recall and F1 against scikit-learn, and their intervals."""

from __future__ import annotations

import numpy as np
import pytest

from evaluation.confusion import Told, confusion_row


def test_figures_are_those_of_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    random = np.random.default_rng(3)
    truth, said = random.random(200) < 0.3, random.random(200) < 0.4
    told = [Told(bool(t), bool(s), str(n % 50)) for n, (t, s) in enumerate(zip(truth, said, strict=True))]
    row = confusion_row(told)
    assert row["accuracy"] == pytest.approx(metrics.accuracy_score(truth, said))
    assert row["precision"] == pytest.approx(metrics.precision_score(truth, said))
    assert row["recall"] == pytest.approx(metrics.recall_score(truth, said))
    assert row["f1"] == pytest.approx(metrics.f1_score(truth, said))
    assert row["yes_ratio"] == pytest.approx(said.mean())
    for name in ("accuracy", "precision", "recall", "f1", "yes_ratio"):
        low, high = row[f"{name}_interval"]
        assert 0 <= low < row[name] < high <= 1


def test_no_yes_or_no_is_wrong_and_no_yes() -> None:
    row = confusion_row([Told(True, None, "a"), Told(False, None, "b"), Told(True, True, "c"), Told(False, False, "d")])
    assert row["accuracy"] == 0.5
    assert row["recall"] == 0.5
    assert row["precision"] == 1.0
    assert row["yes_ratio"] == 0.25


def test_what_is_not_defined_is_none() -> None:
    row = confusion_row([Told(False, False, "a"), Told(False, False, "b")])
    assert row["accuracy"] == 1.0
    assert row["precision"] is row["precision_interval"] is row["recall"] is row["f1"] is None
    assert confusion_row([])["f1"] is None


def test_photographs_are_resampled_whole() -> None:
    one_photograph = [Told(True, n % 2 == 0, "same") for n in range(40)]
    assert confusion_row(one_photograph)["recall_interval"] == (0.5, 0.5)
