"""The colour histogram: what a dot product of two says."""

import colorsys
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrievers.colours import colour_histogram
from thresher.types.images import COLOUR_DIM


def plain(*rgb: float, size: tuple[int, int] = (20, 30)) -> np.ndarray:
    return np.full((*size, 3), np.array(rgb) * 255, np.uint8)


def scene(seed: int, height: int = 90, width: int = 120) -> np.ndarray:
    """Blots of a few colours."""
    random = np.random.default_rng(seed)
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:] = random.integers(0, 256, 3)
    for _ in range(12):
        y, x = random.integers(0, height), random.integers(0, width)
        pixels[y : y + 40, x : x + 40] = random.integers(0, 256, 3)
    return pixels


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 200), st.integers(1, 200), st.integers(0, 2**32 - 1))
def test_any_picture_gives_a_unit_histogram_without_negative_bins(height: int, width: int, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    found = colour_histogram(pixels)
    assert found.shape == (COLOUR_DIM,) and found.dtype == np.float32
    assert found.min() >= 0
    assert np.linalg.norm(found) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("value", [0, 255])
def test_black_and_white_are_grey(value: int) -> None:
    assert colour_histogram(np.full((5, 5, 3), value, np.uint8))[-8:].sum() == pytest.approx(1)


@pytest.mark.parametrize("seed", range(5))
def test_turned_and_scaled_pictures_have_the_same_colours(seed: int) -> None:
    pixels = scene(seed)
    found = colour_histogram(pixels)
    assert found @ colour_histogram(pixels[:, ::-1]) > 0.999
    assert found @ colour_histogram(pixels.repeat(2, 0).repeat(2, 1)) > 0.99
    assert found @ colour_histogram(np.rot90(pixels)) > 0.98


def test_the_nearer_hue_is_the_more_alike_and_there_is_no_edge_between_two_bins() -> None:
    hues = [colour_histogram(plain(*colorsys.hsv_to_rgb(hue, 1, 0.8))) for hue in np.linspace(0, 1, 61)]
    alike = np.array([hues[0] @ each for each in hues])
    assert alike[0] == alike[-1] == pytest.approx(1, abs=1e-6)  # red at both ends
    assert (np.diff(alike[:31]) <= 1e-6).all()
    steps = [left @ right for left, right in pairwise(hues)]
    assert min(steps) > 0.7  # a soft bin: no hue is far from its neighbour


def test_a_shifted_hue_is_less_alike_than_another_picture_of_the_same_colours() -> None:
    pixels = scene(3)
    shifted = pixels[..., [1, 2, 0]]
    moved = np.concatenate([pixels[45:], pixels[:45]])
    found = colour_histogram(pixels)
    assert found @ colour_histogram(moved) > 0.95 > found @ colour_histogram(shifted)
