"""Tune the last blocks of the trunk (stride 32) on the labelled photographs.

    python -m training.finetune NAME HELD      (NAME: "tail" or "objects"; HELD: a fold to leave out, or "none")

Trained: 1x1 convolutions and biases of the tail's blocks and the head convolution (3.2 M numbers). The loss is a
photograph's labels (an overall head a scale) + cell labels (every cell), for "tail" also KL to the frozen trunk's
1,000 classes, on coco/, photos-1k and drawings, so that the ImageNet classes are kept. "objects" is free of it and
sees half of its batches with a part of each photograph replaced by a part of another one. Inputs are cached maps,
plain or mirrored, whole or cropped. Weights are averaged over the run.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor

from models.encoders.heads import membership
from models.encoders.preprocess import SCALES
from training.cache import load_shards
from training.cells import TailMaps, cell_labels
from training.data import cache_folder
from training.fit import CELL_FACTOR, folded_linear, linear_factor, masked_bce
from training.material import LEARNT_FOLDS, Material, load_material
from training.tail import TrainableTail
from training.trunks import frozen_trunk, tail_path

BATCH = 16
TRUNK_RATE = 0.005
"""Learning rate of a 1x1 weight, in units of its own standard deviation."""

HEAD_RATE = 2e-3
SMALL_SCALE_SHARE = 0.7
EXTRA_SHARE = 0.5
"""Part of photos-1k and of the drawings that an epoch sees."""

CROP_SHARE = 0.5
POSITIVE_CELLS, OTHER_CELLS = 3.0, 40.0
"""Weight of a category's positive cells in a photograph together, and of all cells together."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """`distill`: weight of the KL to the frozen trunk's classes; `mixed`: part of the batches with two photographs'
    parts side by side."""

    epochs: int
    distill: float
    mixed: float
    seed: int


RECIPES = {"tail": Recipe(8, 1.0, 0.0, 1), "objects": Recipe(12, 0.0, 0.5, 2)}


@dataclass(frozen=True, slots=True)
class Item:
    """One photograph in one epoch."""

    row: int
    scale: int
    mirrored: bool


class JointHeads:
    """The start heads in standardised units, trainable."""

    def __init__(self, start: Mapping[str, Tensor]) -> None:
        self.start = start
        self.params: dict[str, Tensor] = {}
        for scale in SCALES:
            factor = linear_factor(start[f"mean{scale}"].shape[0])
            weight = start[f"weight{scale}"] * start[f"deviation{scale}"]
            self.params[f"weight{scale}"] = (weight / factor).T.contiguous()
            self.params[f"bias{scale}"] = start[f"bias{scale}"] + start[f"weight{scale}"] @ start[f"mean{scale}"]
        self.params["weight"] = (start["weight_cell"] * start["deviation_cell"] / CELL_FACTOR).T.contiguous()
        self.params["bias"] = start["bias_cell"] + start["weight_cell"] @ start["mean_cell"]
        self.params["prior"] = start["prior_cell"].clone()
        for value in self.params.values():
            value.requires_grad_()

    def overall(self, pooled: Tensor, scale: int) -> Tensor:
        x = (pooled - self.start[f"mean{scale}"]) / self.start[f"deviation{scale}"] * linear_factor(pooled.shape[-1])
        return x @ self.params[f"weight{scale}"] + self.params[f"bias{scale}"]

    def cells(self, cells: Tensor, prior: Tensor) -> Tensor:
        x = (cells - self.start["mean_cell"]) / self.start["deviation_cell"]
        return x @ self.params["weight"] * CELL_FACTOR + self.params["prior"] * prior + self.params["bias"]

    def folded(self, params: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The state of `models.encoders.heads.Objects`: such parameters on raw features."""
        overall = {}
        for scale in SCALES:
            mean, deviation = self.start[f"mean{scale}"], self.start[f"deviation{scale}"]
            weight = params[f"weight{scale}"] * linear_factor(len(mean))
            overall[scale] = folded_linear(weight, params[f"bias{scale}"], mean, deviation)
        cell = folded_linear(
            params["weight"] * CELL_FACTOR, params["bias"], self.start["mean_cell"], self.start["deviation_cell"]
        )
        return {
            "overall.linear.weight": torch.cat([layer.weight for layer in overall.values()], 1) / len(SCALES),
            "overall.linear.bias": torch.stack([layer.bias for layer in overall.values()]).mean(0),
            "cell.linear.weight": cell.weight, "cell.linear.bias": cell.bias, "cell.prior_weight": params["prior"],
        }  # fmt: skip

    def penalty(self, scale: int) -> Tensor:
        return 0.002 * self.params[f"weight{scale}"].pow(2).sum() + 1e-6 * self.params["weight"].pow(2).sum()


def summary(grid: Tensor) -> Tensor:
    """Labels of an image by its cells' (h, w, 80): 1 where one is, -1 where one is only touched, else 0."""
    flat = grid.flatten(0, 1)
    return torch.where((flat == 1).any(0), 1, torch.where((flat == -1).any(0), -1, 0)).to(torch.int8)


@dataclass(frozen=True, slots=True)
class Seam:
    """Where two maps meet: along dimension 1 (rows) or 2 (columns), at a part of its length."""

    dimension: int
    part: float

    def mix(self, maps: Tensor) -> Tensor:
        """(n, h, w, channels) with what lies beyond the seam taken from the next of the batch."""
        length = maps.shape[self.dimension]
        first = min(max(round(length * self.part), 1), length - 1)
        near, far = maps.narrow(self.dimension, 0, first), maps.narrow(self.dimension, first, length - first)
        return torch.cat([near, far.roll(1, 0)], self.dimension)


class Trainer:
    """Losses of batches of one map shape."""

    def __init__(self, material: Material, tails: TailMaps, start: Mapping[str, Tensor], distill: float) -> None:
        trunk = frozen_trunk()
        self.material, self.tails, self.distill = material, tails, distill
        self.tail, self.heads = TrainableTail(trunk), JointHeads(start)
        self.classifier = trunk.classifier.weight.detach().bfloat16(), trunk.classifier.bias.detach()
        self.taught = torch.load(cache_folder() / "teacher.pt", mmap=True)
        self.members = membership()
        self.has_prior = self.members.sum(1) > 0
        self.labels: dict[tuple[int, int], Tensor] = {}

    def classes(self, cells: Tensor) -> Tensor:
        """ImageNet log-probabilities of (..., 1280) features."""
        logits = F.linear(cells.to(torch.bfloat16), self.classifier[0]).float() + self.classifier[1]
        return F.log_softmax(logits, -1)

    def grid_labels(self, item: Item, height: int, width: int) -> Tensor:
        """(height, width, 80) cell labels of an item, mirrored if it is."""
        key = (item.row, item.scale)
        if key not in self.labels:
            photo = self.material.photos.get(self.material.keys[item.row])
            if photo is None:
                absent = torch.where(self.material.labels[item.row] == 0, 0, -1).to(torch.int8)
                self.labels[key] = absent.expand(height, width, -1)
            else:
                self.labels[key] = torch.from_numpy(cell_labels(photo, width, height)).permute(1, 2, 0)
        grid = self.labels[key]
        return grid.flip(1) if item.mirrored else grid

    def image_labels(self, item: Item, grid: Tensor, cropped: bool) -> Tensor:
        """Labels of what is left in the crop: shown, not shown, or (only touched) unlabelled."""
        labels = self.material.labels[item.row]
        if not cropped or self.material.keys[item.row] not in self.material.photos:
            return labels
        left = summary(grid)
        return torch.where(labels == 1, left, labels)

    def loss(self, batch: list[Item], window: tuple[slice, slice] | None, seam: Seam | None) -> Tensor:
        """Mean loss of a batch whose maps have one shape; `window` crops all of them, beyond the `seam` each goes on
        with another one's map."""
        keys = [self.material.keys[item.row] for item in batch]
        scale = batch[0].scale
        maps = torch.stack([self.tails[(k, scale, item.mirrored)] for k, item in zip(keys, batch, strict=True)])
        n, _, height, width = maps.shape
        rows, columns = window or (slice(0, height), slice(0, width))
        grids = [self.grid_labels(item, height, width)[rows, columns] for item in batch]
        shown = torch.stack([self.image_labels(i, g, window is not None) for i, g in zip(batch, grids, strict=True)])
        targets = torch.stack(grids)
        maps = maps[:, :, rows, columns].bfloat16().permute(0, 2, 3, 1).contiguous()
        if seam is not None and n > 1:
            maps, targets = seam.mix(maps), seam.mix(targets)
            shown = torch.stack([summary(grid) for grid in targets])
        targets = targets.flatten(1, 2)
        cells = self.tail(maps)
        grid = cells.float()
        flat = grid.flatten(1, 2)
        logs = self.classes(flat)
        weights = self.material.weights[[item.row for item in batch]]
        p = (logs.exp() @ self.members.T).clamp(1e-6, 1 - 1e-6)
        logits = self.heads.cells(flat, torch.log(p / (1 - p)) * self.has_prior)
        positive = (targets == 1).float()
        each = (POSITIVE_CELLS / positive.sum(1, keepdim=True).clamp(min=POSITIVE_CELLS)) * positive
        each = torch.maximum(each, torch.full_like(each, min(1.0, OTHER_CELLS / flat.shape[1])))
        cell = masked_bce(logits, targets, each * weights[:, None, None]) / (n * (OTHER_CELLS + 5))
        pooled = torch.cat([(flat.pow(3).mean(1) + 1e-7).pow(1 / 3), flat.amax(1)], -1)
        overall = masked_bce(self.heads.overall(pooled, scale), shown, weights[:, None]) / n
        if not self.distill:
            return overall + cell
        return overall + cell + self.distill * self.distillation(batch, grid, logs, rows, columns, width)

    def distillation(
        self, batch: list[Item], grid: Tensor, logs: Tensor, rows: slice, columns: slice, width: int
    ) -> Tensor:
        """KL from the frozen trunk's classes at its sampled cells inside the crop, and at the mean of whole maps."""
        h, w = grid.shape[1:3]
        student, teacher = [], []
        whole = w == width and rows.start == 0
        for n, item in enumerate(batch):
            places, features = self.taught[(self.material.keys[item.row], item.scale)]
            y, x = places // width, places % width
            x = width - 1 - x if item.mirrored else x
            y, x = y - rows.start, x - columns.start
            inside = (y >= 0) & (y < h) & (x >= 0) & (x < w)
            student.append(logs[n, y[inside] * w + x[inside]])
            teacher.append(features[:-1][inside])
            if whole:
                student.append(self.classes(grid[n].mean((0, 1)))[None].expand(4, -1))
                teacher.append(features[-1:].expand(4, -1))
        with torch.no_grad():
            target = self.classes(torch.cat(teacher))
        got = torch.cat(student)
        return (target.exp() * (target - got)).sum(-1).mean() * 1.5


def epoch_batches(material: Material, tails: TailMaps, rng: np.random.Generator) -> list[list[Item]]:
    """Items of an epoch in batches of one map shape, shuffled."""
    groups: dict[tuple[int, ...], list[Item]] = {}
    for row, key in enumerate(material.keys):
        coco = key in material.photos
        if not coco and rng.random() > EXTRA_SHARE:
            continue
        scale = SCALES[0] if rng.random() < SMALL_SCALE_SHARE else SCALES[1]
        item = Item(row, scale, coco and scale == SCALES[0] and bool(rng.integers(2)))
        groups.setdefault((scale, *tails[(key, scale, False)].shape), []).append(item)
    batches = []
    for items in groups.values():
        order = rng.permutation(len(items))
        batches += [[items[i] for i in order[k : k + BATCH]] for k in range(0, len(items), BATCH)]
    return [batches[i] for i in rng.permutation(len(batches))]


def crop_window(height: int, width: int, rng: np.random.Generator) -> tuple[slice, slice] | None:
    """For half of the batches a window of 55 to 100 % of each side."""
    if rng.random() > CROP_SHARE:
        return None
    spans = []
    for size in (height, width):
        part = max(2, round(size * rng.uniform(0.55, 1.0)))
        first = int(rng.integers(size - part + 1))
        spans.append(slice(first, first + part))
    return spans[0], spans[1]


def merged(batches: list[list[Item]]) -> list[list[list[Item]]]:
    """Small batches together, to updates of about BATCH photographs."""
    updates: list[list[list[Item]]] = [[]]
    for batch in batches:
        if sum(len(b) for b in updates[-1]) >= BATCH:
            updates.append([])
        updates[-1].append(batch)
    return updates


def draw_seam(share: float, rng: np.random.Generator) -> Seam | None:
    return Seam(int(rng.integers(1, 3)), float(rng.uniform(0.3, 0.7))) if rng.random() < share else None


def tune(recipe: Recipe, held: int | None) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Tune, and return the averaged tail by the trunk's own names, and the averaged heads on raw features."""
    torch.manual_seed(recipe.seed)
    rng = np.random.default_rng(recipe.seed)
    material = load_material(tuple(fold for fold in LEARNT_FOLDS if fold != held))
    tails = load_shards("tails")
    trainer = Trainer(material, tails, torch.load(cache_folder() / f"start-{held or 'none'}.pt"), recipe.distill)
    tail, heads = trainer.tail.params, trainer.heads.params
    groups = [{"params": [p], "lr": TRUNK_RATE * (p.std().item() if p.dim() == 2 else 0.1)} for p in tail.values()] + [
        {"params": [p], "lr": HEAD_RATE} for p in heads.values()
    ]
    optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.99), weight_decay=0.0)
    rates = [group["lr"] for group in optimizer.param_groups]
    trained = {**tail, **{f"joint.{name}": value for name, value in heads.items()}}
    average = {name: value.detach().clone() for name, value in trained.items()}
    step, start = 0, time.monotonic()
    for epoch in range(recipe.epochs):
        updates = merged(epoch_batches(material, tails, rng))
        total, seen = 0.0, 0
        for n, update in enumerate(updates):
            done = (epoch + n / len(updates)) / recipe.epochs
            level = min(1.0, (step + 1) / 40) * 0.5 * (1 + math.cos(math.pi * done))
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * level
            optimizer.zero_grad()
            size = sum(len(batch) for batch in update)
            for batch in update:
                shape = tails[(material.keys[batch[0].row], batch[0].scale, False)].shape
                loss = trainer.loss(batch, crop_window(shape[1], shape[2], rng), draw_seam(recipe.mixed, rng))
                torch.autograd.backward((loss + trainer.heads.penalty(batch[0].scale)) * len(batch) / size)
                total += loss.item() * len(batch)
                seen += len(batch)
            optimizer.step()
            step += 1
            keep = min(0.995, (step + 1) / (step + 20))
            with torch.no_grad():
                for name, value in trained.items():
                    average[name].lerp_(value, 1 - keep)
        print(f"epoch {epoch + 1} loss {total / seen:.3f} {time.monotonic() - start:.0f} s", flush=True)
    joint = {name.removeprefix("joint."): average.pop(name) for name in list(average) if name.startswith("joint.")}
    return trainer.tail.trunk_state(average), trainer.heads.folded(joint)


def main() -> None:
    name, held = sys.argv[1], None if sys.argv[2] == "none" else int(sys.argv[2])
    tail, heads = tune(RECIPES[name], held)
    save_file({key: value.half().contiguous() for key, value in tail.items()}, tail_path(held, name))
    save_file(heads, cache_folder() / f"{name}-heads-{held or 'none'}.safetensors")


if __name__ == "__main__":
    main()
