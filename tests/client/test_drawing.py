from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image
from pycocotools import mask as coco

from thresher.errors import InvalidInput
from thresher.overlays import color, draw_regions
from thresher.rle import decode
from thresher.types import Box, Mask, Region


def encoded(mask: np.ndarray) -> Mask:
    return Mask(*mask.shape, coco.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"])


@given(arrays(bool, st.tuples(st.integers(1, 40), st.integers(1, 40))))
def test_masks_are_read_as_pycocotools_writes_them(mask: np.ndarray) -> None:
    assert (decode(encoded(mask)) == mask).all()


def test_large_runs() -> None:
    mask = np.zeros((700, 900), bool)
    mask[10:690, 3:890] = True
    mask[300, 400] = False
    assert (decode(encoded(mask)) == mask).all()


@pytest.mark.parametrize("mask", [Mask(3, 3, b"=5700000S4"), Mask(12, 16, b"o"), Mask(1, 1, b"")])
def test_masks_that_do_not_fit(mask: Mask) -> None:
    with pytest.raises(InvalidInput):
        decode(mask)


def test_boxes_and_masks_are_drawn_each_in_its_hue() -> None:
    inside = np.zeros((200, 300), bool)
    inside[100:140, 50:90] = True
    regions = [
        Region(Box(50, 100, 90, 140), 0.9, "dog", encoded(inside)),
        Region(Box(200, 0, 299, 60), 0.5, "cat"),
        Region(Box(0, 0, 10, 10), 0.5, "other size", Mask(3, 3, b"90")),
    ]
    white = Image.new("RGB", (300, 200), "white")
    drawn = np.asarray(draw_regions(white, regions))
    assert drawn.shape == (200, 300, 3)
    assert tuple(drawn[139, 70]) == color(0)
    tint = drawn[120, 70].astype(int)
    assert (tint < 255).any()
    assert tuple(drawn[59, 250]) == color(1)
    assert tuple(drawn[180, 150]) == (255, 255, 255)
    assert np.asarray(white).min() == 255


def test_hues_differ() -> None:
    assert len({color(number) for number in range(20)}) == 20
