"""Patch vectors of a photograph and phrase vectors of a text in one space, for late interaction.

A query's score for a photograph is the sum, over its phrases, of the best patch's cosine (MaxSim; Khattab and Zaharia,
ColBERT, arXiv 2004.12832; Yao et al., FILIP, arXiv 2111.07783). Regions of photographs lie in the same space.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.encoders.captions import TEXT_DIM
from models.encoders.trunk import CELL_CHANNELS

PATCH_DIM = 64
PATCHES = 24
"""Patches of a photograph at most: the whole, a grid, and the best proposals."""

GRID = 4


def grid_boxes() -> Tensor:
    """The whole photograph and the cells of the grid, row by row: (17, 4) x0 y0 x1 y1 in 0..1."""
    steps = torch.arange(GRID) / GRID
    y, x = torch.meshgrid(steps, steps, indexing="ij")
    low = torch.stack([x.flatten(), y.flatten()], 1)
    return torch.cat([torch.tensor([[0.0, 0.0, 1.0, 1.0]]), torch.cat([low, low + 1 / GRID], 1)])


def patch_boxes(proposals: Tensor) -> Tensor:
    """Where the patches of a photograph are, from its proposals (n, 4), best first, in 0..1: (17 to 24, 4)."""
    grid = grid_boxes()
    return torch.cat([grid, proposals[: PATCHES - len(grid)]])


class PatchHead(nn.Module):
    """Cells of the tail that keeps the classes, and MiniLM vectors, into one space of unit vectors."""

    def __init__(self) -> None:
        super().__init__()
        self.cells = nn.Linear(CELL_CHANNELS, PATCH_DIM)
        self.words = nn.Linear(TEXT_DIM, PATCH_DIM)

    def forward(self, cells: Tensor) -> Tensor:
        """Mean cells of regions (n, 1280), by box, mask or grid, to unit vectors (n, 64)."""
        return F.normalize(self.cells(cells), dim=-1)

    def text(self, phrases: Tensor) -> Tensor:
        """MiniLM vectors (n, 384) to unit vectors (n, 64)."""
        return F.normalize(self.words(phrases), dim=-1)

    def patches(self, cells: Tensor, boxes: Tensor) -> Tensor:
        """Unit vectors (n, 64) of boxes (n, 4), in 0..1, of one look's cells (1280, h, w).

        The head is linear before it normalises, so the mean is taken after it: the same numbers for a twentieth of the
        work.
        """
        projected = self.cells(cells.flatten(1).T).T.reshape(PATCH_DIM, *cells.shape[1:])
        return F.normalize(box_means(projected, boxes), dim=-1)


def box_means(cells: Tensor, boxes: Tensor) -> Tensor:
    """Mean cell inside each box: (c, h, w), (n, 4) in 0..1 to (n, c). A box takes at least its centre's cell."""
    height, width = cells.shape[1:]
    scale = torch.tensor([width, height, width, height])
    corners = boxes * scale
    low = corners[:, :2].floor().long()
    high = corners[:, 2:].ceil().long()
    sums = F.pad(cells.double().cumsum(1).cumsum(2), (1, 0, 1, 0))
    x0, x1 = low[:, 0].clamp(0, width - 1), high[:, 0].clamp(max=width)
    y0, y1 = low[:, 1].clamp(0, height - 1), high[:, 1].clamp(max=height)
    x1, y1 = torch.maximum(x1, x0 + 1), torch.maximum(y1, y0 + 1)
    total = sums[:, y1, x1] - sums[:, y0, x1] - sums[:, y1, x0] + sums[:, y0, x0]
    return (total / ((x1 - x0) * (y1 - y0))).T.float()
