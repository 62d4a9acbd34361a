"""Cells of every photograph by a given trunk, with cell labels: the training material of the concept heads."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from torch import Tensor

from models.encoders.coco import CATEGORIES
from models.encoders.heads import membership, pool, prior_log_odds
from models.encoders.preprocess import SCALES
from models.encoders.trunk import Trunk
from training.data import Photo, Thing

TailMaps = Mapping[tuple[str, int, bool], Tensor]
SHRINK = 0.8
"""Part of a box (per side) that counts as covered by its object where there is no mask."""

IGNORE = -1


def box_cover(box: tuple[float, float, float, float], width: int, height: int, shrink: float) -> NDArray[np.float64]:
    """Part of each cell of a (height, width) grid covered by a box in 0..1, its sides scaled by `shrink`."""
    x, y = (box[0] + box[2]) / 2 * width, (box[1] + box[3]) / 2 * height
    w, h = (box[2] - box[0]) * width * shrink / 2, (box[3] - box[1]) * height * shrink / 2
    columns, rows = np.arange(width), np.arange(height)
    across = (np.minimum(columns + 1, x + w) - np.maximum(columns, x - w)).clip(0, 1)
    down = (np.minimum(rows + 1, y + h) - np.maximum(rows, y - h)).clip(0, 1)
    return np.asarray(down[:, None] * across[None])


def polygon_cover(thing: Thing, width: int, height: int) -> NDArray[np.float32]:
    """Part of each cell covered by the polygons of an object, (height, width)."""
    fine = 4
    canvas = Image.new("L", (width * fine, height * fine))
    draw = ImageDraw.Draw(canvas)
    scale = np.array([width * fine, height * fine])
    for polygon in thing.polygons:
        draw.polygon([float(v) for v in (polygon.reshape(-1, 2) * scale).ravel()], fill=1)
    cover: NDArray[np.float32] = np.asarray(canvas, np.float32).reshape(height, fine, width, fine).mean((1, 3))
    return cover


def cell_labels(photo: Photo, width: int, height: int) -> NDArray[np.int8]:
    """(80, height, width): 1 where an object covers more than half of the cell, -1 where it touches it, else 0.

    A tiny object, which covers no cell by half, takes the cell of its centre. Crowds are only ignored.
    """
    labels = np.zeros((len(CATEGORIES), height, width), np.int8)
    for thing in sorted(photo.things, key=lambda thing: not thing.crowd):
        layer = labels[thing.category]
        layer[(box_cover(thing.box, width, height, 1.0) > 0) & (layer == 0)] = IGNORE
        if thing.crowd:
            continue
        cover = polygon_cover(thing, width, height) if thing.polygons else box_cover(thing.box, width, height, SHRINK)
        inside = cover > 0.5
        if not inside.any() and math.sqrt(thing.area * width * height) > 0.25:
            x, y = (thing.box[0] + thing.box[2]) / 2 * width, (thing.box[1] + thing.box[3]) / 2 * height
            inside = np.zeros((height, width), bool)
            inside[min(height - 1, int(y)), min(width - 1, int(x))] = True
        layer[inside] = 1
    return labels


@dataclass(slots=True)
class CellStore:
    """Flat cells of many images. Image i at scale s owns rows offsets[i][s] to offsets[i][s + 1].

    `cells` f16 (rows, 1280), `priors` f16 (rows, 80), `pooled` f32 (images, 5120), `means` f32 (images, 2, 1280),
    `class_logs` f16 (images, 4, 1000).
    """

    keys: list[str]
    cells: Tensor
    priors: Tensor
    offsets: list[tuple[int, int, int]]
    shapes: list[tuple[tuple[int, int], ...]]
    pooled: Tensor
    means: Tensor
    class_logs: Tensor

    def rows(self, image: int, scale: int) -> slice:
        return slice(self.offsets[image][scale], self.offsets[image][scale + 1])


@torch.inference_mode()
def extract(trunk: Trunk, tails: TailMaps, keys: Sequence[str]) -> CellStore:
    """Run the trunk's tail (in bf16, as at import) on cached maps."""
    members = membership()
    cells: list[Tensor] = []
    priors: list[Tensor] = []
    offsets, shapes, pooled, means, logs = [], [], [], [], []
    rows, start = 0, time.monotonic()
    for n, key in enumerate(keys):
        bounds, grid, pools, mean, log = [rows], [], [], [], []
        for scale in SCALES:
            h = trunk.cells(trunk.tail(tails[(key, scale, False)][None].bfloat16()))[0].float()
            flat = h.flatten(1).T
            m = flat.mean(0)
            lp = F.log_softmax(trunk.classes(torch.cat([flat, m[None]])), -1)
            cells.append(flat.half())
            priors.append(prior_log_odds(lp[:-1].exp(), members).half())
            rows += len(flat)
            bounds.append(rows)
            grid.append((h.shape[1], h.shape[2]))
            pools.append(pool(flat))
            mean.append(m)
            log.append(torch.stack([lp[-1], lp[:-1].amax(0)]))
        offsets.append((bounds[0], bounds[1], bounds[2]))
        shapes.append(tuple(grid))
        pooled.append(torch.cat(pools))
        means.append(torch.stack(mean))
        logs.append(torch.cat(log).half())
        if n and n % 1000 == 0:
            print(f"cells {n}/{len(keys)} {time.monotonic() - start:.0f} s", flush=True)
    return CellStore(
        list(keys), torch.cat(cells), torch.cat(priors), offsets, shapes,
        torch.stack(pooled), torch.stack(means), torch.stack(logs),
    )  # fmt: skip


def sample_cells(
    store: CellStore, labels: Sequence[Sequence[NDArray[np.int8]]], positives: int = 3, others: int = 40, seed: int = 0
) -> tuple[Tensor, Tensor, NDArray[np.int64]]:
    """Rows for the cell head: up to `positives` cells a category, image and scale, and `others` random ones.

    `labels[i][s]` are the (80, h, w) cell labels of image i at scale s. Returns rows, their labels i8 (rows, 80), and
    the image of each row.
    """
    rng = np.random.default_rng(seed)
    rows, targets, images = [], [], []
    for i, scales in enumerate(labels):
        for s, grid in enumerate(scales):
            flat = grid.reshape(len(CATEGORIES), -1)
            chosen = set(rng.choice(flat.shape[1], min(others, flat.shape[1]), replace=False).tolist())
            for category in np.flatnonzero((flat == 1).any(1)):
                shown = np.flatnonzero(flat[category] == 1)
                chosen.update(rng.choice(shown, min(positives, len(shown)), replace=False).tolist())
            picked = np.array(sorted(chosen))
            rows.append(picked + store.offsets[i][s])
            targets.append(flat[:, picked].T)
            images.append(np.full(len(picked), i))
    return torch.from_numpy(np.concatenate(rows)), torch.from_numpy(np.concatenate(targets)), np.concatenate(images)
