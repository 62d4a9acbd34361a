"""Average precision against scikit-learn and pycocotools."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from evaluation import average_precision
from evaluation.average_precision import Found, coco_figures, ranking_precision
from evaluation.labels import Object, Scene
from tests.evaluation.label_client import CATEGORIES, world
from thresher.types import Box


def test_ranking_precision_is_scikit_learns() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    random = np.random.default_rng(2)
    scores, presence = random.random((50, 4)), random.random((50, 4)) < 0.3
    presence[:, 3] = False
    rankings = np.argsort(-scores.T, axis=1)
    drawn = random.integers(50, size=50)
    weights = np.bincount(drawn, minlength=50)
    for resample, weight in ((None, None), (drawn, weights)):
        found = ranking_precision(rankings, presence, resample)
        for category in range(3):
            expected = metrics.average_precision_score(presence[:, category], scores[:, category], sample_weight=weight)
            assert found[category] == pytest.approx(expected)
        assert np.isnan(found[3])


def guesses(scenes: tuple[Scene, ...], seed: int = 4) -> list[Found]:
    """Boxes near the true ones, and some elsewhere."""
    random = np.random.default_rng(seed)
    found = []
    for row, scene in enumerate(scenes):
        for thing in scene.objects:
            x0, y0, x1, y1 = np.array([thing.box.x0, thing.box.y0, thing.box.x1, thing.box.y1]) + random.normal(0, 2, 4)
            if random.random() < 0.8:
                found.append(Found(row, thing.category, float(random.random()), (x0, y0, x1 + 3, y1 + 3)))
        if random.random() < 0.5:
            found.append(Found(row, int(random.integers(len(CATEGORIES))), float(random.random()), (1, 1, 20, 20)))
    return found


def pycocotools_ap(scenes: tuple[Scene, ...], found: list[Found]) -> tuple[float, float]:
    """(AP, AP50) by the reference implementation."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    labels: Any = COCO()
    labels.dataset = average_precision._truth(scenes, CATEGORIES, "bbox")
    labels.createIndex()
    measure: Any = COCOeval(labels, labels.loadRes([average_precision._result(one, scenes) for one in found]), "bbox")
    measure.evaluate()
    measure.accumulate()
    measure.summarize()
    return float(measure.stats[0]), float(measure.stats[1])


def test_box_figures_are_pycocotools() -> None:
    _, scenes = world(40)
    found = guesses(scenes)
    figures = coco_figures(scenes, CATEGORIES, found, "bbox", seed=1)
    ap, ap50 = pycocotools_ap(scenes, found)
    assert 0.05 < ap < ap50 < 0.95
    assert figures.ap.mean() == pytest.approx(ap)
    assert figures.ap50.mean() == pytest.approx(ap50)


def test_a_resample_is_a_set_of_photographs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The interval's figure of a resample is that of a set in which its photographs are there as often."""
    _, scenes = world(12)
    found = guesses(scenes)
    rows = np.array([0, 0, 1, 3, 3, 3, 5, 6, 7, 9, 11, 11])
    given: list[float] = []

    def once(statistic: Any, photographs: int, seed: int, resamples: int) -> tuple[float, float]:
        assert (photographs, seed, resamples) == (12, 1, 200)
        given.append(statistic(rows))
        return (0.0, 1.0)

    monkeypatch.setattr(average_precision, "interval_of", once)
    coco_figures(scenes, CATEGORIES, found, "bbox", seed=1)
    copies = tuple(scenes[row] for row in rows)
    moved = [
        Found(place, one.category, one.score, one.box)
        for place, row in enumerate(rows)
        for one in found
        if one.photograph == row
    ]
    again = coco_figures(copies, CATEGORIES, moved, "bbox", seed=1)
    assert given[:2] == pytest.approx([np.nanmean(again.ap), np.nanmean(again.ap50)], abs=1e-6)


def test_a_crowd_is_neither_hit_nor_miss() -> None:
    single, crowd = Object(0, Box(0, 0, 20, 20), False, ()), Object(0, Box(30, 10, 60, 40), True, ())
    scenes = (Scene(1, 64, 48, False, (single, crowd)), Scene(2, 64, 48, False, ()))
    right = Found(0, 0, 0.5, (0, 0, 20, 20))
    inside_crowd, wrong = Found(0, 0, 0.9, (35, 15, 50, 30)), Found(1, 0, 0.9, (35, 15, 50, 30))
    assert coco_figures(scenes, ("dog",), [right, inside_crowd], "bbox", 1).ap50[0] == pytest.approx(1.0)
    assert coco_figures(scenes, ("dog",), [right, wrong], "bbox", 1).ap50[0] == pytest.approx(0.5)


def test_nothing_labelled_and_nothing_found() -> None:
    _, scenes = world(8, categories=CATEGORIES)
    blank = tuple(Scene(scene.image, 64, 48, False, ()) for scene in scenes)
    nothing = coco_figures(blank, CATEGORIES, guesses(scenes), "bbox", 1)
    assert np.isnan(nothing.ap).all() and nothing.ap_interval is None
    missed = coco_figures(scenes, CATEGORIES, [], "bbox", 1)
    assert np.nanmax(missed.ap50) == 0.0 and missed.ap50_interval == (0.0, 0.0)
