from __future__ import annotations

import numpy as np
import pytest

from evaluation import media
from thresher.types import Pixels


def disc(size: int = 200) -> Pixels:
    y, x = np.mgrid[:size, :size]
    inside = (x - size / 2) ** 2 + (y - size / 2) ** 2 < (size / 4) ** 2
    return np.where(inside[:, :, None], 220, 30).astype(np.uint8).repeat(3, axis=2)


def test_a_sketch_has_the_edges_alone() -> None:
    drawn = media.sketch(disc())
    assert drawn.shape == (200, 200, 3) and set(np.unique(drawn)) == {0, 255}
    y, x = np.nonzero(drawn[:, :, 0] == 0)
    radius = np.hypot(x - 100, y - 100)
    assert len(radius) > 200 and abs(radius - 50).max() < 4
    assert (media.sketch(disc(), thickness=3) == 0).sum() > 2 * (drawn == 0).sum()
    assert (media.sketch(np.full((40, 60, 3), 90, np.uint8)) == 255).all()


def test_line_art_has_the_outlines_alone() -> None:
    drawn = media.line_art([(10, 10, 90, 10, 90, 50, 10, 50)], 60, 100, thickness=1)
    assert drawn.shape == (60, 100, 3)
    assert max(drawn[10, 10:90].max(), drawn[10:50, 10].max(), drawn[50, 10:90].max()) < 60
    assert (drawn[12:49, 12:89] == 255).all() and (drawn[:9] == 255).all()
    assert (media.line_art([], 5, 5) == 255).all()


@pytest.mark.parametrize(("shape", "side", "size"), [((200, 200), 32, (32, 32)), ((60, 300), 40, (8, 40))])
def test_a_small_copy_keeps_shape_and_brightness(shape: tuple[int, int], side: int, size: tuple[int, int]) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (*shape, 3), dtype=np.uint8)
    small = media.low_resolution(pixels, side)
    assert small.shape == (*size, 3)
    assert small.mean() == pytest.approx(pixels.mean(), abs=2)
