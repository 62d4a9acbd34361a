"""What the detector is taught at each position of the stride-16 map."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from models.encoders.coco import CATEGORIES
from training.data import Thing

CENTRE = 0.22
"""Positions within this part of a box's size of its centre (each way) answer for it."""


class BoxTargets(NamedTuple):
    """`classes` i8 (80, h, w): 1, 0 or -1 (not used); `sides` f32 (4, h, w) in cells; `owned` bool (h, w)."""

    classes: Tensor
    sides: Tensor
    owned: Tensor


def box_targets(things: tuple[Thing, ...], height: int, width: int) -> BoxTargets:
    """Targets of one photograph. Where objects share a position the smallest one has it, and the others' categories are
    not taught there, since a position has one box."""
    classes = np.zeros((len(CATEGORIES), height, width), np.int8)
    sides = np.zeros((4, height, width), np.float32)
    owned = np.zeros((height, width), bool)
    ys, xs = np.arange(height) + 0.5, np.arange(width) + 0.5
    for thing in sorted(things, key=lambda thing: -thing.area):
        x0, y0, x1, y1 = (v * s for v, s in zip(thing.box, (width, height, width, height), strict=True))
        layer = classes[thing.category]
        if thing.crowd:
            layer[int(y0) : math.ceil(y1), int(x0) : math.ceil(x1)] = -1
            continue
        inside = ((ys > y0) & (ys < y1))[:, None] & ((xs > x0) & (xs < x1))[None]
        layer[inside & (layer == 0)] = -1
        x, y = (x0 + x1) / 2, (y0 + y1) / 2
        reach_x, reach_y = max(0.5, (x1 - x0) * CENTRE), max(0.5, (y1 - y0) * CENTRE)
        mine = (np.abs(ys - y) <= reach_y)[:, None] & (np.abs(xs - x) <= reach_x)[None]
        if not mine.any():
            mine[min(height - 1, int(y)), min(width - 1, int(x))] = True
        classes[:, mine] = np.where(classes[:, mine] == 1, -1, classes[:, mine])
        layer[mine] = 1
        owned |= mine
        distances = np.stack(np.broadcast_arrays(xs[None] - x0, ys[:, None] - y0, x1 - xs[None], y1 - ys[:, None]))
        sides[:, mine] = distances[:, mine].clip(0.02)
    return BoxTargets(torch.from_numpy(classes), torch.from_numpy(sides), torch.from_numpy(owned))


def mirrored(targets: BoxTargets) -> BoxTargets:
    """Targets of the mirrored photograph, or of a batch of them."""
    sides = targets.sides.flip(-1)[..., [2, 1, 0, 3], :, :]
    return BoxTargets(targets.classes.flip(-1), sides, targets.owned.flip(-1))


def generalized_iou(found: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """GIoU and IoU of boxes given as distances (4, n) to left, top, right, bottom of the same points."""
    area = (found[0] + found[2]) * (found[1] + found[3]) + (wanted[0] + wanted[2]) * (wanted[1] + wanted[3])
    least, most = torch.minimum(found, wanted), torch.maximum(found, wanted)
    common = (least[0] + least[2]).clamp(min=0) * (least[1] + least[3]).clamp(min=0)
    union = (area - common).clamp(min=1e-6)
    hull = ((most[0] + most[2]) * (most[1] + most[3])).clamp(min=1e-6)
    iou = common / union
    return iou - (hull - union) / hull, iou
