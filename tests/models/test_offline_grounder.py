"""The offline grounder against the grounder contract, on synthetic pictures."""

from __future__ import annotations

import numpy as np
import pytest
from pycocotools import mask as coco_mask

from models.grounders.mask_decoder import paste
from models.grounders.offline import OfflineGrounder, at_point, clip_box, encode, for_concepts
from models.protocols import Grounder
from tests.models.pictures import picture
from thresher.types import Box, Mask, Point, Proposals


def decoded(mask: Mask) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.asarray(coco_mask.decode({"size": [mask.height, mask.width], "counts": mask.counts}))


def proposals() -> Proposals:
    """A large dog (also a little cat), a small dog inside it, and a car."""
    return Proposals(
        np.array([[0, 0, 200, 200], [20, 20, 80, 80], [210, 50, 300, 120]], np.float32),
        np.array([[16, 15], [16, -1], [2, 16]], np.int16),
        np.array([[0.9, 0.1], [0.6, 0.0], [0.7, 0.05]], np.float32),
    )


async def test_a_box_gives_a_mask_inside_it(grounder: OfflineGrounder) -> None:
    typed: Grounder = grounder
    pixels = picture(2, 321, 203)
    box = Box(40.5, 30.2, 180.0, 150.7)
    ((region,),) = await typed.ground(pixels, [box])
    assert region.box == box
    assert region.mask is not None
    mask = decoded(region.mask)
    assert mask.shape == (203, 321)
    ys, xs = np.nonzero(mask)
    if len(xs):
        assert xs.min() >= 40
        assert xs.max() < 180
        assert ys.min() >= 30
        assert ys.max() < 151


async def test_several_prompts_keep_their_order(grounder: OfflineGrounder) -> None:
    pixels = picture(4)
    prompts = [Box(0, 0, 100, 100), "flibbertigibbet", Box(50, 50, 300, 200), Point(100, 100)]
    found = await grounder.ground(pixels, prompts)
    assert len(found) == 4
    assert len(found[0]) == len(found[2]) == 1
    assert list(found[1]) == []
    for region in found[3]:
        assert region.box.x0 <= 100 < region.box.x1
        assert region.box.y0 <= 100 < region.box.y1


async def test_boxes_beside_the_image_give_nothing(grounder: OfflineGrounder) -> None:
    found = await grounder.ground(picture(5), [Box(900, 900, 950, 950), Box(10, 10, 10, 10), Box(-50, -50, 60, 60)])
    assert [len(regions) for regions in found] == [0, 0, 1]
    assert found[2][0].box == Box(0, 0, 60, 60)


async def test_masks_together_equal_masks_alone(grounder: OfflineGrounder) -> None:
    pixels = picture(6)
    boxes = [Box(10, 10, 200, 200), Box(100, 50, 310, 230)]
    together = await grounder.ground(pixels, boxes)
    for box, regions in zip(boxes, together, strict=True):
        alone = await grounder.ground(pixels, [box])
        a, b = alone[0][0].mask, regions[0].mask
        assert a is not None and b is not None
        assert (decoded(a) != decoded(b)).mean() < 0.002


def test_a_point_takes_the_smallest_confident_proposal() -> None:
    (region,) = at_point(Point(50, 50), proposals())
    assert region.box == Box(20, 20, 80, 80)
    assert region.phrase == "dog"
    (region,) = at_point(Point(150, 150), proposals())
    assert region.box == Box(0, 0, 200, 200)
    assert at_point(Point(500, 500), proposals()) == []


def test_a_phrase_takes_its_concepts_boxes() -> None:
    assert [r.box.x0 for r in for_concepts("dogs", {16: 1.0}, proposals())] == [0, 20]
    assert [r.phrase for r in for_concepts("a car", {2: 1.0}, proposals())] == ["a car"]
    (unsure,) = for_concepts("cat", {15: 1.0}, proposals())  # the best one, however unsure
    assert unsure.score == pytest.approx(0.1)
    assert for_concepts("kite", {33: 1.0}, proposals()) == []
    assert for_concepts("dog", {16: 1.0}, Proposals.none()) == []


@pytest.mark.parametrize("box", [Box(3.2, 4.7, 40.1, 60.9), Box(0, 0, 99.9, 79.9), Box(50, 50, 50.5, 50.5)])
def test_paste_stays_inside_the_box(box: Box) -> None:
    import torch

    mask = paste(torch.ones(56, 56), box, 80, 100)
    ys, xs = np.nonzero(mask)
    assert (xs.min(), ys.min()) == (int(box.x0), int(box.y0))
    assert xs.max() + 1 >= box.x1
    assert ys.max() + 1 >= box.y1
    assert not paste(-torch.ones(56, 56), box, 80, 100).any()


def test_masks_are_coco_run_lengths() -> None:
    mask = np.zeros((7, 5), np.uint8)
    mask[2:4, 1:3] = 1
    rle = encode(mask)
    assert (rle.height, rle.width) == (7, 5)
    np.testing.assert_array_equal(decoded(rle), mask)


def test_clip_box() -> None:
    assert clip_box(Box(-5, 10, 200, 20), 100, 50) == Box(0, 10, 100, 20)
    assert clip_box(Box(300, 10, 400, 20), 100, 50).area == 0
