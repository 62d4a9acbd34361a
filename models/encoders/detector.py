"""Boxes of one image with class scores: an anchor-free head (FCOS) on the stride-16 maps of both scales."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.encoders.coco import CATEGORIES
from models.encoders.trunk import CHANNELS

WIDTH = 128
DEPTH, DEEP_DEPTH = 3, 2
"""Residual blocks on the stride-16 map, and before them on the stride-32 map."""

COUNT = len(CATEGORIES)
MIN_SCORE = 0.005
"""Raw scores of boxes below this count as 0."""

OBJECTS_WEIGHT = 0.2
"""Weight of the cell logits that the detector was not trained with (its training photographs would have been known to
them)."""

SUPPRESS, MERGE, VOTE = 0.5, 0.75, 0.6
"""IoU over which a box gives way to a better one of its category; over which boxes of two categories are one; over
which boxes of a category are averaged, weighted by their scores."""


class Dense(NamedTuple):
    """Per position of the stride-16 map: class logits (n, 80, h, w), distances to the box's left, top, right and
    bottom in cells (n, 4, h, w), logit of the box's IoU (n, h, w)."""

    classes: Tensor
    sides: Tensor
    quality: Tensor


def block() -> nn.Sequential:
    """What a residual step adds: depthwise 5x5, then two 1x1."""
    return nn.Sequential(
        nn.Conv2d(WIDTH, WIDTH, 5, padding=2, groups=WIDTH),
        nn.GroupNorm(8, WIDTH),
        nn.Conv2d(WIDTH, 2 * WIDTH, 1),
        nn.GELU(),
        nn.Conv2d(2 * WIDTH, WIDTH, 1),
    )


class Detector(nn.Module):
    """Neck over the maps of strides 8, 16, 32 and the cell logits; class logits add to the cell logits. One head for
    both scales, so that what is too big for the one or too small for the other is found in the other."""

    scales: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.from8 = nn.Conv2d(4 * CHANNELS[8], WIDTH, 1)
        self.from16 = nn.Conv2d(CHANNELS[16], WIDTH, 1)
        self.from32 = nn.Conv2d(CHANNELS[32], WIDTH, 1)
        self.from_cells = nn.Conv2d(COUNT, WIDTH, 1)
        self.deep_norm = nn.GroupNorm(8, WIDTH)
        self.norm = nn.GroupNorm(8, WIDTH)
        self.deep_blocks = nn.ModuleList(block() for _ in range(DEEP_DEPTH))
        self.blocks = nn.ModuleList(block() for _ in range(DEPTH))
        self.classes = nn.Conv2d(WIDTH, COUNT, 1)
        self.sides = nn.Conv2d(WIDTH, 5, 1)
        self.cell_weight = nn.Parameter(torch.tensor(0.5))
        self.calibration = nn.Parameter(torch.tensor([1.0, 0.0, 0.0]), requires_grad=False)
        self.register_buffer("scales", torch.ones(3))
        nn.init.normal_(self.classes.weight, std=0.01)
        nn.init.constant_(self.classes.bias, -1.0) if self.classes.bias is not None else None
        nn.init.zeros_(self.sides.weight)
        self.sides.bias.data[:4] = 1.0  # type: ignore[union-attr]

    def forward(self, s8: Tensor, s16: Tensor, s32: Tensor, cells: Tensor) -> Dense:
        """From maps (n, 48, 2h, 2w), (n, 120, h, w), (n, 352, h/2, w/2) and cell logits (n, 80, h/2, w/2)."""
        size = [s16.shape[-2], s16.shape[-1]]

        def up(x: Tensor) -> Tensor:
            return F.interpolate(x, size=size, mode="bilinear", align_corners=False)

        deep = self.deep_norm(self.from32(s32 / self.scales[2]) + self.from_cells(torch.sigmoid(cells)))
        for step in self.deep_blocks:
            deep = deep + step(deep)
        fine = self.from8(F.pixel_unshuffle(s8, 2) / self.scales[0])
        x = self.norm(fine + self.from16(s16 / self.scales[1]) + up(deep))
        for step in self.blocks:
            x = x + step(x)
        sides = self.sides(x)
        classes = self.classes(x) + self.cell_weight * up(cells)
        return Dense(classes, F.softplus(sides[:, :4]) * 4, sides[:, 4])

    def calibrated(self, scores: Tensor, image_logits: Tensor) -> Tensor:
        """P(a box of this category with IoU >= .5), (n, 80), from a box's raw score and its category's logit in the
        whole image (80,)."""
        slope, image_slope, offset = self.calibration
        logits = slope * torch.logit(scores, 1e-6) + image_slope * image_logits.clamp(-8, 8) + offset
        return torch.where(scores > MIN_SCORE, torch.sigmoid(logits), 0.0)


def _resized(x: Tensor, like: Dense) -> Tensor:
    return F.interpolate(x, size=list(like.quality.shape[-2:]), mode="bilinear", align_corners=False)


def fuse(scales: Sequence[Dense], objects: Sequence[Tensor]) -> list[Dense]:
    """Class logits of one image at each scale as the mean over scales, plus a part of the cell logits of the tail that
    was tuned for the categories, each (1, 80, h, w)."""
    fused = []
    for dense, cells in zip(scales, objects, strict=True):
        classes = torch.stack([_resized(other.classes, dense) for other in scales]).mean(0)
        fused.append(dense._replace(classes=classes + OBJECTS_WEIGHT * _resized(cells, dense)))
    return fused


def best_logits(scales: Sequence[Dense]) -> Tensor:
    """The highest logit of each category at each scale of one image, (80, scales)."""
    return torch.stack([dense.classes[0].flatten(1).amax(1) for dense in scales], -1)


def class_map(scales: Sequence[Dense]) -> Tensor:
    """Mean class logits of one image's scales on the finest grid, (80, h, w)."""
    return torch.stack([_resized(dense.classes, scales[-1]) for dense in scales]).mean(0)[0]


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


def peaks(dense: Dense, candidates: int) -> tuple[Tensor, Tensor, Tensor]:
    """Boxes (n, 4), scores and categories at the highest peaks of one image's dense maps (n = 1)."""
    height, width = dense.quality.shape[-2:]
    scores = dense.classes[0].sigmoid() * dense.quality[0].sigmoid().sqrt()
    high = scores * (scores == F.max_pool2d(scores[None], 3, 1, 1)[0])
    value, place = high.flatten().topk(min(candidates, high.numel()))
    category, cell = place // (height * width), place % (height * width)
    y, x = cell // width, cell % width
    sides = dense.sides[0][:, y, x]
    corners = [(x + 0.5 - sides[0]) / width, (y + 0.5 - sides[1]) / height]
    corners += [(x + 0.5 + sides[2]) / width, (y + 0.5 + sides[3]) / height]
    return torch.stack(corners, -1).clamp(0, 1), value, category


def decode(scales: Sequence[Dense], top: int, candidates: int = 300) -> Candidates:
    """The best boxes of one image from its dense maps at each scale.

    A peak of a category's score is a candidate; per category, overlapping ones are averaged and suppressed; boxes of
    different categories that overlap much become one box with both scores.
    """
    found = [peaks(dense, candidates) for dense in scales]
    boxes, value, category = (torch.cat(parts) for parts in zip(*found, strict=True))
    order = value.argsort(descending=True)[:candidates]
    boxes, value, category = boxes[order], value[order], category[order]
    overlap = pairwise_iou(boxes, boxes) * (category[:, None] == category[None])
    best = suppress(overlap, value, SUPPRESS)
    votes = (overlap[best] > VOTE) * value
    boxes = votes @ boxes / votes.sum(1, keepdim=True).clamp(min=1e-9)
    value, category = value[best], category[best]
    overlap = pairwise_iou(boxes, boxes)
    first = suppress(overlap, value, MERGE)
    table = torch.zeros(len(boxes), COUNT)
    table[torch.arange(len(boxes)), category] = value
    owner = torch.where(first[None], overlap, -1.0).argmax(1)
    merged = torch.zeros_like(table).scatter_reduce(0, owner[:, None].expand_as(table), table, "amax")
    rows = first.nonzero()[:top, 0]
    return Candidates(boxes[rows], merged[rows])
