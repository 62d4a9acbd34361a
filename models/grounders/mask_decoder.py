"""A class-agnostic mask of what fills a box, from the trunk's maps (272k parameters)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor, nn

from models.encoders.trunk import CHANNELS, Maps
from thresher.types import Box

GRID = 28
MARGIN = 0.1
"""The box is enlarged by so much of its size on each side before it is sampled."""

OUT = 2 * GRID
WIDTH = 64
LAYERS = 4
INNER = slice(8, 20)
"""Rows and columns of the grid whose mean describes the object as a whole."""


class MaskDecoder(nn.Module):
    """Maps sampled on a 28 x 28 grid of the enlarged box -> residual 3x3 convolutions -> 56 x 56 logits."""

    scales: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.project = nn.ModuleList(nn.Conv2d(channels, WIDTH, 1) for channels in CHANNELS.values())
        self.position = nn.Parameter(torch.zeros(1, WIDTH, GRID, GRID))
        self.context = nn.Linear(CHANNELS[16] + CHANNELS[32], WIDTH)
        self.layers = nn.ModuleList(
            nn.Sequential(nn.GroupNorm(8, WIDTH), nn.GELU(), nn.Conv2d(WIDTH, WIDTH, 3, padding=1))
            for _ in range(LAYERS)
        )
        self.up = nn.ConvTranspose2d(WIDTH, WIDTH // 2, 2, 2)
        self.out = nn.Conv2d(WIDTH // 2, 1, 1)
        self.register_buffer("scales", torch.ones(len(CHANNELS)))

    @staticmethod
    def load(folder: Path) -> MaskDecoder:
        decoder = MaskDecoder()
        decoder.load_state_dict(load_file(folder / "masks.safetensors"))
        return decoder.eval().requires_grad_(False)

    def both_ways(self, samples: list[Tensor]) -> Tensor:
        """Mean of the logits of the sampled maps and of their mirror images."""
        plain: Tensor = self(samples)
        mirrored: Tensor = self([sample.flip(-1) for sample in samples]).flip(-1)
        return (plain + mirrored) / 2

    def forward(self, samples: list[Tensor]) -> Tensor:
        """From the four sampled maps, each (n, channels, 28, 28), to logits (n, 56, 56)."""
        scaled = [sample / scale for sample, scale in zip(samples, self.scales, strict=True)]
        x = self.position + sum(p(s) for p, s in zip(self.project, scaled, strict=True))
        inner = torch.cat([s[:, :, INNER, INNER].mean((2, 3)) for s in scaled[2:]], 1)
        x = x + self.context(inner)[:, :, None, None]
        for layer in self.layers:
            x = x + layer(x)
        logits: Tensor = self.out(F.gelu(self.up(x)))[:, 0]
        return logits


def sample_maps(maps: Maps, boxes: Tensor) -> list[Tensor]:
    """Each map of one image (n = 1) on the grids of boxes (n, 4) in 0..1: four of (n, channels, 28, 28)."""
    size = boxes[:, 2:] - boxes[:, :2]
    low, span = boxes[:, :2] - MARGIN * size, size * (1 + 2 * MARGIN)
    steps = (torch.arange(GRID) + 0.5) / GRID
    x = (low[:, :1] + span[:, :1] * steps) * 2 - 1
    y = (low[:, 1:] + span[:, 1:] * steps) * 2 - 1
    n = len(boxes)
    grid = torch.stack([x[:, None, :].expand(n, GRID, GRID), y[:, :, None].expand(n, GRID, GRID)], -1)
    flat = grid.reshape(1, n * GRID, GRID, 2)
    found = []
    for level in maps:
        sampled = F.grid_sample(level.float(), flat, mode="bilinear", padding_mode="border", align_corners=False)
        found.append(sampled[0].reshape(-1, n, GRID, GRID).transpose(0, 1))
    return found


def paste(logits: Tensor, box: Box, height: int, width: int) -> NDArray[np.uint8]:
    """Logits (56, 56) of an enlarged box as a binary mask (height, width), inside the box only."""
    mask = np.zeros((height, width), np.uint8)
    x0, y0 = max(0, int(np.floor(box.x0))), max(0, int(np.floor(box.y0)))
    x1, y1 = min(width, int(np.ceil(box.x1))), min(height, int(np.ceil(box.y1)))
    if x1 <= x0 or y1 <= y0:
        return mask
    grid = torch.stack(torch.meshgrid(_places(y0, y1, box.y0, box.y1), _places(x0, x1, box.x0, box.x1), indexing="ij"))
    field = F.grid_sample(
        logits[None, None], grid.flip(0).permute(1, 2, 0)[None], padding_mode="border", align_corners=False
    )
    mask[y0:y1, x0:x1] = (field[0, 0] > 0).numpy()
    return mask


def _places(first: int, last: int, low: float, high: float) -> Tensor:
    """Centres of pixels first..last - 1 in -1..1 of the enlarged span of low..high."""
    size = max(high - low, 1e-3)
    start, span = low - MARGIN * size, size * (1 + 2 * MARGIN)
    return (torch.arange(first, last) + 0.5 - start) / span * 2 - 1
