"""Boxes of one image with class scores: an anchor-free head (FCOS) on the stride-16 map of the larger scale."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.encoders.coco import CATEGORIES
from models.encoders.trunk import CHANNELS

WIDTH = 96
DEPTH = 3
COUNT = len(CATEGORIES)


class Dense(NamedTuple):
    """Per position of the stride-16 map: class logits (n, 80, h, w), distances to the box's left, top, right and
    bottom in cells (n, 4, h, w), logit of the box's IoU (n, h, w)."""

    classes: Tensor
    sides: Tensor
    quality: Tensor


class Detector(nn.Module):
    """Neck over the stride-16 map, the stride-32 map and the cell logits; class logits add to the cell logits."""

    scale16: Tensor
    scale32: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.from16 = nn.Conv2d(CHANNELS[16], WIDTH, 1)
        self.from32 = nn.Conv2d(CHANNELS[32], WIDTH, 1)
        self.from_cells = nn.Conv2d(COUNT, WIDTH, 1)
        self.norm = nn.GroupNorm(8, WIDTH)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(WIDTH, WIDTH, 5, padding=2, groups=WIDTH),
                nn.GroupNorm(8, WIDTH),
                nn.Conv2d(WIDTH, 2 * WIDTH, 1),
                nn.GELU(),
                nn.Conv2d(2 * WIDTH, WIDTH, 1),
            )
            for _ in range(DEPTH)
        )
        self.classes = nn.Conv2d(WIDTH, COUNT, 1)
        self.sides = nn.Conv2d(WIDTH, 5, 1)
        self.cell_weight = nn.Parameter(torch.tensor(0.5))
        self.calibration = nn.Parameter(torch.tensor([1.0, 0.0]), requires_grad=False)
        self.register_buffer("scale16", torch.tensor(1.0))
        self.register_buffer("scale32", torch.tensor(1.0))
        nn.init.normal_(self.classes.weight, std=0.01)
        nn.init.constant_(self.classes.bias, -1.0) if self.classes.bias is not None else None
        nn.init.zeros_(self.sides.weight)
        self.sides.bias.data[:4] = 1.0  # type: ignore[union-attr]

    def forward(self, s16: Tensor, s32: Tensor, cells: Tensor) -> Dense:
        """From maps (n, 120, h, w), (n, 352, h/2, w/2) and cell logits (n, 80, h/2, w/2)."""
        size = [s16.shape[-2], s16.shape[-1]]

        def up(x: Tensor) -> Tensor:
            return F.interpolate(x, size=size, mode="bilinear", align_corners=False)

        logits = up(cells)
        x = self.from16(s16 / self.scale16) + up(self.from32(s32 / self.scale32))
        x = self.norm(x + self.from_cells(torch.sigmoid(logits)))
        for block in self.blocks:
            x = x + block(x)
        sides = self.sides(x)
        classes = self.classes(x) + self.cell_weight * logits
        return Dense(classes, F.softplus(sides[:, :4]) * 4, sides[:, 4])


class Candidates(NamedTuple):
    """`boxes` (n, 4) x0 y0 x1 y1 in 0..1; `scores` (n, 80) in 0..1, 0 where a better box has the category."""

    boxes: Tensor
    scores: Tensor


def pairwise_iou(a: Tensor, b: Tensor) -> Tensor:
    """IoU of boxes (n, 4) and (m, 4): (n, m)."""
    low = torch.maximum(a[:, None, :2], b[None, :, :2])
    high = torch.minimum(a[:, None, 2:], b[None, :, 2:])
    common = (high - low).clamp(min=0).prod(-1)
    area_a, area_b = (a[:, 2:] - a[:, :2]).prod(-1), (b[:, 2:] - b[:, :2]).prod(-1)
    return common / (area_a[:, None] + area_b[None] - common).clamp(min=1e-9)


def suppress(overlap: Tensor, scores: Tensor, limit: float) -> Tensor:
    """Greedy suppression in the given (descending) order: kept rows, bool (n,). `overlap` (n, n) of IoUs."""
    keep = scores > 0
    clash = overlap > limit
    for i in range(len(keep)):
        if keep[i]:
            keep[i + 1 :] &= ~clash[i, i + 1 :]
    return keep


def decode(dense: Dense, top: int, candidates: int = 300, limit: float = 0.5, merge: float = 0.75) -> Candidates:
    """The best boxes of one image (dense maps with n = 1).

    A peak of a category's score is a candidate; per category, overlapping ones are suppressed (IoU > `limit`); boxes
    of different categories that overlap by more than `merge` become one box with both scores.
    """
    height, width = dense.quality.shape[-2:]
    scores = dense.classes[0].sigmoid() * dense.quality[0].sigmoid().sqrt()
    peaks = scores * (scores == F.max_pool2d(scores[None], 3, 1, 1)[0])
    value, place = peaks.flatten().topk(min(candidates, peaks.numel()))
    category, cell = place // (height * width), place % (height * width)
    y, x = cell // width, cell % width
    sides = dense.sides[0][:, y, x]
    corners = [(x + 0.5 - sides[0]) / width, (y + 0.5 - sides[1]) / height]
    corners += [(x + 0.5 + sides[2]) / width, (y + 0.5 + sides[3]) / height]
    boxes = torch.stack(corners, -1).clamp(0, 1)
    overlap = pairwise_iou(boxes, boxes)
    same = category[:, None] == category[None]
    best = suppress(overlap * same, value, limit)
    boxes, value, category = boxes[best], value[best], category[best]
    overlap = overlap[best][:, best]
    first = suppress(overlap, value, merge)
    table = torch.zeros(len(boxes), COUNT)
    table[torch.arange(len(boxes)), category] = value
    owner = torch.where(first[None], overlap, -1.0).argmax(1)
    merged = torch.zeros_like(table).scatter_reduce(0, owner[:, None].expand_as(table), table, "amax")
    rows = first.nonzero()[:top, 0]
    return Candidates(boxes[rows], merged[rows])
