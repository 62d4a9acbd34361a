"""A unit vector of what an image looks like, for image to image search: whitened pooled features."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.encoders.trunk import CELL_CHANNELS

APPEARANCE_DIM = 256


class Appearance(nn.Module):
    """Projection (2560,) -> (256,) unit; `weight` (256, 2560) whitens principal components, `mean` (2560,)."""

    weight: Tensor
    mean: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("weight", torch.zeros(APPEARANCE_DIM, 2 * CELL_CHANNELS))
        self.register_buffer("mean", torch.zeros(2 * CELL_CHANNELS))

    @staticmethod
    def features(pooled: Tensor, means: Tensor) -> Tensor:
        """From pooled cells (..., 5120) and mean cells (..., 2, 1280) of both scales to (..., 2560)."""
        scales = pooled.reshape(*pooled.shape[:-1], 2, 2, CELL_CHANNELS)
        return torch.cat([means.mean(-2), scales[..., 0, :].mean(-2)], -1)

    def forward(self, pooled: Tensor, means: Tensor) -> Tensor:
        return F.normalize((self.features(pooled, means) - self.mean) @ self.weight.T, dim=-1)
