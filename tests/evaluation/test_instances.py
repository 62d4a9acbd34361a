"""Pictures in which something is seen again, and the suite that asks where it was taken from."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from evaluation.coco import LabelledPhotographs
from evaluation.labels import Object, Scene
from evaluation.pasting import outlined, pasted, slanted
from evaluation.suites import instances
from thresher.errors import InvalidInput
from thresher.types import Box, Pixels

RED: Pixels = np.full((200, 300, 3), (200, 20, 20), np.uint8)
GREEN: Pixels = np.full((240, 320, 3), (20, 200, 20), np.uint8)
SQUARE = (100.0, 60.0, 180.0, 60.0, 180.0, 140.0, 100.0, 140.0)


def decoded(content: bytes) -> Pixels:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


@pytest.mark.parametrize("seed", range(8))
def test_an_object_is_pasted_within_its_box(seed: int) -> None:
    seen = pasted(RED, outlined([SQUARE], 200, 300), GREEN, np.random.default_rng(seed))
    picture = decoded(seen.content)
    red = picture[..., 0] > 110
    assert picture.shape == GREEN.shape and red.sum() > 500
    rows, columns = np.nonzero(red)
    box = seen.box
    assert box is not None
    assert box.x0 - 2 <= columns.min() <= box.x0 + 6 and box.x1 - 6 <= columns.max() <= box.x1 + 2
    assert box.y0 - 2 <= rows.min() <= box.y0 + 6 and box.y1 - 6 <= rows.max() <= box.y1 + 2


def test_a_slanted_part_shows_what_its_mask_covers() -> None:
    left: Pixels = np.zeros((300, 400, 3), np.uint8)
    left[:, 200:] = 250
    seen = slanted(left, np.random.default_rng(3))
    bright = (decoded(seen.content)[..., 0] > 125).mean()
    assert seen.box is None and 0.08 < seen.source.mean() < 0.6
    assert bright == pytest.approx((left[..., 0] > 0)[seen.source].mean(), abs=0.1)


def scene(image: int, *objects: Object, masks: bool = True) -> Scene:
    return Scene(image, 300, 200, masks, objects)


def thing(polygon: tuple[float, ...], crowd: bool = False) -> Object:
    return Object(0, Box(0, 0, 1, 1), crowd, (polygon,))


def test_only_whole_objects_of_some_size_are_cut_out() -> None:
    tiny = (0.0, 0.0, 5.0, 0.0, 5.0, 5.0)
    objects = thing(tiny), thing(SQUARE), thing(SQUARE, crowd=True)
    assert instances.cuttable(scene(1, *objects)) == [1]
    assert instances.cuttable(scene(1, *objects, masks=False)) == []


def test_the_questions_of_a_suite(tmp_path: Path) -> None:
    files = tuple(tmp_path / f"{number}.png" for number in range(8))
    for number, file in enumerate(files):
        Image.fromarray(np.full((200, 300, 3), number * 20, np.uint8)).save(file)
    ids = tuple(f"{number:064x}" for number in range(8))
    photographs = LabelledPhotographs(files, ids, ("dog",), np.zeros((8, 1), bool), ())
    scenes = [scene(number, thing(SQUARE)) for number in range(8)]
    suite = instances.suite(photographs, scenes, instances.Settings(pictures=3))
    assert len(suite.questions) == 2 * 2 * 3
    one, again = (instances.made(photographs, scenes, (2, 0), "pasted", 7) for _ in range(2))
    assert one.content == again.content
    assert instances.made(photographs, scenes, (2, 0), "pasted", 8).content != one.content
    assert all(instances.background((2, number), 8, 7) != 2 for number in range(40))
    few = LabelledPhotographs(files[:5], ids[:5], ("dog",), np.zeros((5, 1), bool), ())
    with pytest.raises(InvalidInput):
        instances.suite(few, scenes[:5], instances.Settings())
