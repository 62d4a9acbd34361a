"""Stored boxes read for one phrase."""

from __future__ import annotations

import numpy as np

from agents.boxes import boxes_of
from thresher.types import Box, Concept, Proposals, TextFeatures

DOG = TextFeatures(np.zeros(1, np.float32), (Concept(0, "dog", 1.0),))


def found(*boxes: tuple[float, float, float, float, float], threshold: float = 0.1) -> list[Box]:
    edges = np.array([box[:4] for box in boxes], np.float32)
    scores = np.array([[box[4]] for box in boxes], np.float32)
    proposals = Proposals(edges, np.zeros((len(boxes), 1), np.int16), scores)
    return [box for box, _ in boxes_of(proposals, DOG, threshold)]


def test_a_part_of_a_better_box_is_no_second_object() -> None:
    whole, part = (0, 0, 100, 100, 0.9), (10, 10, 40, 40, 0.8)
    assert found(part, whole) == [Box(0, 0, 100, 100)]


def test_neighbours_are_two_objects() -> None:
    assert len(found((0, 0, 100, 100, 0.9), (50, 0, 150, 100, 0.8))) == 2


def test_of_boxes_that_score_alike_the_larger_is_kept() -> None:
    assert found((10, 10, 40, 40, 0.999), (0, 0, 100, 100, 0.998)) == [Box(0, 0, 100, 100)]


def test_weak_boxes_are_left_out() -> None:
    assert found((0, 0, 10, 10, 0.05)) == []
