"""Vectors of masked parts of an image, in the space of its patches."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from pycocotools import mask as coco_mask
from torch import Tensor

from models.encoders.preprocess import SCALES
from models.encoders.tower import OfflineTower
from thresher.errors import InvalidInput
from thresher.types import Mask, Pixels


@torch.inference_mode()
def region_vectors(tower: OfflineTower, image: Pixels, masks: Sequence[Mask]) -> NDArray[np.float32]:
    """f32 (n, 64), unit rows: the masked mean of the cells that patches are made of, through the patch head.

    InvalidInput where a mask is empty or of another size than the image.
    """
    cells = tower.trunk.cells(tower.maps(image, SCALES[-1]).s32)[0].float()
    covers = torch.stack([cover(mask, image, cells.shape[1], cells.shape[2]) for mask in masks])
    vectors: NDArray[np.float32] = tower.patch_head(masked_means(cells, covers)).numpy()
    return vectors


def cover(mask: Mask, image: Pixels, height: int, width: int) -> Tensor:
    """Which part of each cell a mask covers: f32 (height, width) in 0..1, not all 0. Errors as `region_vectors`."""
    size = image.shape[:2]
    if (mask.height, mask.width) != size:
        raise InvalidInput(
            f"A mask of {mask.width} x {mask.height} pixels does not fit an image of {size[1]} x {size[0]}.",
            "Masks have the size of the upright image.",
        )
    pixels = coco_mask.decode({"size": [mask.height, mask.width], "counts": mask.counts})
    if not pixels.any():
        raise InvalidInput(f"A mask of an image of {size[1]} x {size[0]} pixels is empty.", "Mark more of the image.")
    whole = torch.from_numpy(np.ascontiguousarray(pixels)).float()
    return F.adaptive_avg_pool2d(whole[None], (height, width))[0]


def masked_means(cells: Tensor, covers: Tensor) -> Tensor:
    """Mean cell under each cover: (c, h, w), (n, h, w) -> (n, c)."""
    weights = covers.flatten(1)
    return weights @ cells.flatten(1).T / weights.sum(1, keepdim=True)
