"""Regions and other media through the offline encoder."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from evaluation import media
from models.encoders.media import FEATURES, MEDIA, MediaHead
from models.encoders.offline import OfflineEncoder
from models.encoders.regions import masked_means
from models.grounders.offline import encode
from tests.models.pictures import picture
from thresher.errors import InvalidInput
from thresher.types import Mask, Medium, Pixels
from training.media import fit_adapter


def mask(pixels: Pixels, x0: int, y0: int, x1: int, y1: int) -> Mask:
    inside = np.zeros(pixels.shape[:2], np.uint8)
    inside[y0:y1, x0:x1] = 1
    return encode(inside)


def test_masked_means_are_weighted_means() -> None:
    cells = torch.arange(24.0).reshape(2, 3, 4)
    covers = torch.zeros(2, 3, 4)
    covers[0, 1, 2] = 0.3
    covers[1, 0, 0], covers[1, 2, 3] = 1.0, 0.5
    expected = torch.stack([cells[:, 1, 2], (cells[:, 0, 0] + cells[:, 2, 3] / 2) / 1.5])
    torch.testing.assert_close(masked_means(cells, covers), expected)


async def test_a_region_is_near_the_patch_of_the_same_place(encoder: OfflineEncoder) -> None:
    pixels = picture(3, 640, 480)
    [features] = await encoder.images([pixels])
    found = await encoder.regions(pixels, [mask(pixels, 0, 0, 640, 480), mask(pixels, 0, 0, 160, 120)])
    assert found.shape == (2, encoder.spec.patch_dim) and found.dtype == np.float32
    assert np.linalg.norm(found, axis=1) == pytest.approx(1, abs=1e-4)
    patches = features.patches.vectors.astype(np.float32)
    assert found[0] @ patches[0] == pytest.approx(1, abs=0.01)  # the whole
    assert found[1] @ patches[1] > max(0.9, float(found[1] @ patches[0]))  # the first cell of the grid


async def test_masks_that_do_not_fit(encoder: OfflineEncoder) -> None:
    pixels = picture(3)
    with pytest.raises(InvalidInput, match="320 x 240 pixels is empty"):
        await encoder.regions(pixels, [mask(pixels, 5, 5, 5, 5)])
    with pytest.raises(InvalidInput, match="does not fit an image of 320 x 240"):
        await encoder.regions(pixels, [mask(picture(3, 64, 64), 0, 0, 9, 9)])


async def test_queries_are_unit_appearances_and_depend_on_the_medium(encoder: OfflineEncoder) -> None:
    pixels = picture(5)
    [features] = await encoder.images([pixels])
    drawing = media.sketch(pixels)
    assert await encoder.query(pixels, Medium.PHOTOGRAPH) == pytest.approx(features.appearance)
    found = np.stack([await encoder.query(drawing, medium) for medium in Medium])
    assert found.shape == (4, 256)
    assert np.linalg.norm(found, axis=1) == pytest.approx(1, abs=1e-4)
    assert (found @ found.T)[~np.eye(4, dtype=bool)].max() < 0.999


def test_the_fitted_map_recovers_a_linear_one() -> None:
    torch.manual_seed(0)
    hidden, mapping, spread = torch.randn(400, 20), torch.randn(20, 256), torch.randn(20, FEATURES)
    features = hidden @ spread + 3
    targets = normalize(hidden @ mapping + 0.5, dim=-1)
    adapter = fit_adapter(features[:300], targets[:300], 1e-4)
    found = normalize(adapter(features[300:]), dim=-1)
    assert (found * targets[300:]).sum(-1).min() > 0.97


def test_a_head_has_a_map_for_every_medium_but_photographs() -> None:
    assert set(MediaHead()) == {"sketch", "line_art", "low_resolution"} == {medium.value for medium in MEDIA}
