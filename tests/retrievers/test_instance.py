"""The same thing in two pictures by its local features."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from retrievers.instance import LEAST, Points, local_features, match, matched_region, mutual_nearest
from tests.retrievers.scenery import scenery, turned
from thresher.rle import decode
from thresher.types import Box, Pixels


def outline(width: float, height: float) -> Points:
    return np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)


def test_a_turned_and_scaled_part_is_found_where_it_is() -> None:
    whole = scenery(1)
    part = turned(whole[60:260, 100:340], degrees=25, scale=0.8)
    found = match(local_features(part, enlarge=True), local_features(whole))
    assert found is not None and found.count > 5 * LEAST
    centre = cv2.perspectiveTransform(np.array([[[part.shape[1] / 2, part.shape[0] / 2]]]), found.transform)[0, 0]
    np.testing.assert_allclose(centre, [220, 160], atol=3)


def test_a_slanted_view_has_its_region() -> None:
    whole = scenery(2)
    corners = np.array([[80, 40], [330, 90], [310, 300], [60, 250]], np.float32)
    view = cv2.warpPerspective(whole, cv2.getPerspectiveTransform(corners, outline(300, 240)), (300, 240))
    found = match(local_features(view.astype(np.uint8), enlarge=True), local_features(whole))
    assert found is not None
    region = matched_region(found, outline(300, 240), whole, "view")
    assert region is not None and region.mask is not None and region.phrase == "view"
    expected = np.zeros(whole.shape[:2], np.uint8)
    cv2.fillConvexPoly(expected, corners.astype(np.int32), 1)
    mask = decode(region.mask)
    assert (mask & (expected > 0)).sum() / (mask | (expected > 0)).sum() > 0.95
    assert 0.9 < region.score < 1 and region.box.x0 == np.flatnonzero(mask.any(0))[0]


def test_what_is_outside_of_the_candidate_has_no_region() -> None:
    whole = scenery(3)
    found = match(local_features(whole), local_features(whole))
    assert found is not None
    assert matched_region(found, outline(50, 50) + 5000, whole) is None
    beyond = matched_region(found, outline(5000, 5000) - 100, whole)
    assert beyond is not None and beyond.box == Box(0, 0, whole.shape[1], whole.shape[0])


def test_other_pictures_do_not_match() -> None:
    features = [local_features(scenery(seed)) for seed in range(10, 18)]
    assert all(match(one, other) is None for n, one in enumerate(features) for other in features[:n])


def test_only_the_part_that_is_asked_for_is_looked_for() -> None:
    both = np.hstack([scenery(1), scenery(2)])
    width = scenery(1).shape[1]
    right = local_features(both, Box(width, 0, 2 * width, both.shape[0]), enlarge=True)
    assert (right.points[:, 0] >= width).all()
    assert match(right, local_features(scenery(1))) is None
    found = match(right, local_features(scenery(2)))
    assert found is not None
    np.testing.assert_allclose(found.transform[:2, 2], [-width, 0], atol=3)


@pytest.mark.parametrize("shape", [(1, 1), (10, 10), (1, 3000), (300, 400)])
def test_a_blank_picture_has_nothing_to_hold_on_to(shape: tuple[int, int]) -> None:
    blank: Pixels = np.full((*shape, 3), 128, np.uint8)
    features = local_features(blank, enlarge=True)
    assert features.points.shape == (0, 2) and features.descriptors.shape == (0, 128)
    assert match(features, local_features(scenery(1))) is None
    assert match(local_features(scenery(1)), features) is None


def test_a_tiny_picture_of_noise_is_no_match_and_no_error() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (10, 10, 3), np.uint8)
    assert match(local_features(noise, enlarge=True), local_features(scenery(1))) is None
    assert local_features(noise, Box(-5, -5, 2000, 3)).descriptors.shape[1] == 128


def test_pairs_are_mutual_and_unambiguous() -> None:
    rows = np.eye(4, 128, dtype=np.float32)
    assert mutual_nearest(rows, rows[::-1].copy()).tolist() == [[0, 3], [1, 2], [2, 1], [3, 0]]
    assert mutual_nearest(rows, np.concatenate([rows, rows])).tolist() == []
    assert mutual_nearest(rows[:1], rows[:1]).tolist() == []
