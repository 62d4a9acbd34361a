"""Figures of the offline models and their paired comparison, without photographs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.encoders.calibration import Calibration
from models.encoders.coco import CATEGORIES
from training.compare import compare, resampled, weighted_map
from training.data import Photo, Thing
from training.figures import Ratio, ap50, box_ratios, caption_ratios, mask_ratio, question_ratios
from training.metrics import mean_average_precision
from training.seen import CAPTION_START, Seen, SeenSet

DOG, CAR = CATEGORIES.index("dog"), CATEGORIES.index("car")
COUNT = 240


def photo(index: int) -> Photo:
    """A dog in the left half, in every fourth photograph a car at the right."""
    things = [Thing(DOG, (0.1, 0.1, 0.5, 0.9), False, ())]
    if index % 4 == 0:
        things.append(Thing(CAR, (0.6, 0.4, 0.9, 0.6), False, ()))
    return Photo(f"coco/{index}", index, Path("none.jpg"), 100, 100, False, tuple(things))


def seen(index: int, shift: float = 0.0) -> Seen:
    """The dog's box, moved by `shift` pixels, and a caption vector of its own."""
    vector = np.full(1464, 1e-4, np.float32)
    vector[DOG] = 0.9
    vector[CAPTION_START:] = 0
    vector[CAPTION_START + index] = 1
    peaks = np.full((80, 2), 0.3, np.float32)
    boxes = np.array([[10 + shift, 10, 50 + shift, 90]], np.float32)
    concepts, scores = np.array([[DOG, CAR]], np.int16), np.array([[0.8, 0.1]], np.float32)
    return Seen(vector, boxes, concepts, scores, peaks, [(0.7, 0.5)])


def seen_set(shift: float = 0.0) -> SeenSet:
    rows = list(range(0, COUNT, 1))
    captions = np.stack([np.eye(384, dtype=np.float32)[[i] * 5] for i in rows])
    return SeenSet([seen(i, shift) for i in rows], rows, captions)


def test_box_figures_by_hand() -> None:
    photos = [photo(i) for i in range(COUNT)]
    right = {name: ratio.value for name, ratio in box_ratios(photos, seen_set()).items()}
    assert right["pointing"] == pytest.approx(COUNT / (COUNT * 1.25))
    assert right["pointing_small"] == 0, "only the cars are small, and none was pointed at"
    assert right["best_box_iou50"] == right["pointing_by_box"] == pytest.approx(0.8)
    assert box_ratios(photos, seen_set(30.0))["best_box_iou50"].value == 0
    assert ap50(photos, seen_set()) == pytest.approx(0.5)
    assert mask_ratio(seen_set()).value == pytest.approx(0.7)


def test_captions_find_their_own_photograph() -> None:
    found = {name: ratio.value for name, ratio in caption_ratios(seen_set()).items()}
    assert found["caption_recall_at_1"] == found["caption_recall_at_1_of_200"] == 1


def test_questions_answered_from_perfect_scores() -> None:
    rng = np.random.default_rng(0)
    shown = rng.random((COUNT, 80)) < 0.1
    photos = []
    for i in range(COUNT):
        one = seen(i)
        one.vector[:80] = np.where(shown[i], 0.999, 0.001)
        photos.append(one)
    judge = Calibration(
        (0.1,) * 1080, (0.5,) * 1080, (0.5,) * 1080, (1.0, -1.0, -2.0), (1.0, 0.0, 0.0), (1.0, 0.0, 0.0)
    )
    found = question_ratios(SeenSet(photos, [], np.empty(0)), shown, judge)
    assert found["matched 10 accuracy"].value == found["free 100 recall_at_1"].value == 1
    assert 0.3 < found["matched 10 base_rate"].value < 0.7


def test_seen_photographs_survive_a_file(tmp_path: Path) -> None:
    before = seen_set()
    before.save(tmp_path / "seen.pt")
    after = SeenSet.load(tmp_path / "seen.pt")
    np.testing.assert_array_equal(after.probabilities, before.probabilities)
    assert after.photos[0].mask_ious == [(0.7, 0.5)]


def test_the_map_of_each_photograph_once_is_the_plain_one() -> None:
    rng = np.random.default_rng(0)
    shown, scores = rng.random((50, 4)) < 0.3, rng.random((50, 4)).astype(np.float32)
    once = weighted_map(scores, shown, np.ones((1, 50)))
    assert once[0] == pytest.approx(mean_average_precision(scores, shown), abs=1e-6)
    drawn = rng.multinomial(50, np.full(50, 1 / 50))
    repeated = np.repeat(np.arange(50), drawn)
    expected = mean_average_precision(scores[repeated], shown[repeated])
    assert weighted_map(scores, shown, drawn[None].astype(float))[0] == pytest.approx(expected, abs=0.02)


def test_an_interval_excludes_0_only_where_one_is_better_throughout() -> None:
    rng = np.random.default_rng(1)
    right, ones = (rng.random(200) < 0.6).astype(float), np.ones(200)
    worse = right * (rng.random(200) < 0.9)
    other = (rng.random(200) < 0.6).astype(float)
    former = {"a": Ratio(worse, ones), "b": Ratio(other, ones)}
    now = {"a": Ratio(right, ones), "b": Ratio(right, ones)}
    rows = compare(former, now, resampled(200))
    assert rows["a"]["excludes_0"] and rows["a"]["low"] > 0
    assert not rows["b"]["excludes_0"]
    assert rows["a"]["difference"] == pytest.approx((right - worse).mean(), abs=1e-3)
