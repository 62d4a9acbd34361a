"""Train the box head on the tuned trunk's maps.

    python -m training.detector HELD      (4: leave that fold out, for calibration; "none": what ships)

Writes detector.safetensors (or detector-without-<held>.safetensors in the cache folder). The cell logits that the
head reads come, for training photographs, from cell heads that did not see them, as they will for new ones.
"""

from __future__ import annotations

import math
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn

from models.encoders.detector import Dense, Detector
from models.encoders.preprocess import SCALES
from training.box_targets import BoxTargets, box_targets, generalized_iou, mirrored
from training.cache import load_shards
from training.cells import CellStore, extract, sample_cells
from training.data import cache_folder, weights_folder
from training.depthwise import fast_depthwise
from training.fit import fit_cells
from training.heads import part
from training.material import LEARNT_FOLDS, Material, load_material
from training.trunks import load_trunk

EPOCHS = 12
BATCH = 8
RATE = 2e-3
SMALL_SCALE_SHARE = 0.4
AVERAGE = 0.998
"""Weights that ship are a running average with this much kept at each step."""

SEED = 0


@dataclass(slots=True)
class Group:
    """Training photographs of one map shape: f16 maps of strides 8, 16, 32 and cell logits; targets."""

    scale: int
    maps: list[Tensor]
    targets: BoxTargets


def detector_path(held: int | None) -> Path:
    if held is None:
        return weights_folder() / "detector.safetensors"
    return cache_folder() / f"detector-without-{held}.safetensors"


def crossed_cell_logits(store: CellStore, material: Material, parts: int = 3) -> list[list[Tensor]]:
    """Cell logits of every photograph at each scale, (80, h, w), by a head fitted without its part."""
    part_of = np.arange(len(material.keys)) % parts
    found: list[list[Tensor]] = [[] for _ in part_of]
    for which in range(parts):
        rows = np.flatnonzero(part_of != which)
        picked, targets, images = sample_cells(part(store, rows), material.cell_labels(store, rows))
        head = fit_cells(store.cells[picked], store.priors[picked], targets, torch.ones(len(images)))
        for row in np.flatnonzero(part_of == which):
            for s, shape in enumerate(store.shapes[row]):
                cells = store.rows(row, s)
                logits = head(store.cells[cells].float(), store.priors[cells].float())
                found[row].append(logits.T.reshape(-1, *shape).half())
    return found


def load_groups(held: int | None) -> list[Group]:
    """Everything the head trains on, stacked by scale and shape."""
    material = load_material(tuple(fold for fold in LEARNT_FOLDS if fold != held), extras=False)
    tails, boxes, trunk = load_shards("tails"), load_shards("boxes"), load_trunk(held)
    logits = crossed_cell_logits(extract(trunk, tails, material.keys), material)
    rows: dict[tuple[int, ...], list[tuple[list[Tensor], BoxTargets]]] = {}
    with torch.inference_mode():
        for key, cells in zip(material.keys, logits, strict=True):
            for scale, cell_map in zip(SCALES, cells, strict=True):
                s8, s16 = boxes[(key, scale)]
                s32 = trunk.tail(tails[(key, scale, False)][None].bfloat16())[0].half()
                targets = box_targets(material.photos[key].things, s16.shape[1], s16.shape[2])
                rows.setdefault((scale, *s16.shape), []).append(([s8, s16, s32, cell_map], targets))
    groups = []
    for shape, items in rows.items():
        maps, each = zip(*items, strict=True)
        stacked = BoxTargets(*(torch.stack(parts) for parts in zip(*each, strict=True)))
        groups.append(Group(shape[0], [torch.stack(level) for level in zip(*maps, strict=True)], stacked))
    return groups


def detection_loss(dense: Dense, targets: BoxTargets) -> Tensor:
    """Focal loss of the classes, GIoU of the boxes and cross-entropy of the IoU at owned positions."""
    p, labels, owned = dense.classes.sigmoid(), targets.classes, targets.owned
    shown, absent = labels == 1, labels == 0
    focal = (F.softplus(-dense.classes) * (1 - p).detach() ** 2 * shown).sum()
    focal = focal + (F.softplus(dense.classes) * p.detach() ** 2 * absent).sum()
    loss = focal / max(1, int(shown.sum()))
    if owned.any():
        giou, iou = generalized_iou(dense.sides.transpose(0, 1)[:, owned], targets.sides.transpose(0, 1)[:, owned])
        quality = F.binary_cross_entropy_with_logits(dense.quality[owned], iou.detach().clamp(0, 1))
        loss = loss + (1 - giou).mean() + 0.3 * quality
    return loss


def epoch_batches(groups: list[Group], rng: np.random.Generator) -> list[tuple[Group, Tensor]]:
    """Part of the photographs of each scale, in shuffled batches of one shape."""
    shares = {SCALES[0]: SMALL_SCALE_SHARE, SCALES[-1]: 1 - SMALL_SCALE_SHARE}
    batches = []
    for group in groups:
        order = rng.permutation(len(group.maps[0]))
        order = order[: max(1, round(len(order) * shares[group.scale]))]
        batches += [(group, torch.from_numpy(order[k : k + BATCH])) for k in range(0, len(order), BATCH)]
    return [batches[i] for i in rng.permutation(len(batches))]


def train(groups: list[Group]) -> Detector:
    torch.manual_seed(SEED)
    rng = np.random.default_rng(SEED)
    model = Detector()
    with torch.no_grad():
        for n in range(3):
            model.scales[n] = torch.cat([g.maps[n][:20].flatten().float() for g in groups[:3]]).std()
    for step in (*model.blocks, *model.deep_blocks):
        assert isinstance(step, nn.Sequential) and isinstance(step[0], nn.Conv2d)
        fast_depthwise(step[0])
    trained = [p for p in model.parameters() if p.requires_grad]
    average = [p.detach().clone() for p in trained]
    optimizer = torch.optim.AdamW(trained, lr=RATE, weight_decay=1e-2)
    step_count, start = 0, time.monotonic()
    for epoch in range(EPOCHS):
        batches = epoch_batches(groups, rng)
        total = 0.0
        for n, (group, rows) in enumerate(batches):
            done = (epoch + n / len(batches)) / EPOCHS
            for settings in optimizer.param_groups:
                settings["lr"] = RATE * min(1.0, (step_count + 1) / 50) * 0.5 * (1 + math.cos(math.pi * done))
            maps = [level[rows].float() for level in group.maps]
            targets = BoxTargets(*(part[rows] for part in group.targets))
            if rng.random() < 0.5:
                maps, targets = [m.flip(-1) for m in maps], mirrored(targets)
            with torch.autocast("cpu", dtype=torch.bfloat16):
                dense = model(*maps)
            loss = detection_loss(Dense(*(part.float() for part in dense)), targets)
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            nn.utils.clip_grad_norm_(trained, 5.0)
            optimizer.step()
            step_count += 1
            keep = min(AVERAGE, (step_count + 1) / (step_count + 20))
            with torch.no_grad():
                for kept, value in zip(average, trained, strict=True):
                    kept.lerp_(value, 1 - keep)
            total += loss.item()
        print(f"epoch {epoch + 1} loss {total / len(batches):.3f} {time.monotonic() - start:.0f} s", flush=True)
    with torch.no_grad():
        for kept, value in zip(average, trained, strict=True):
            value.copy_(kept)
    return model.eval()


def main() -> None:
    held = None if sys.argv[1] == "none" else int(sys.argv[1])
    save_file(train(load_groups(held)).state_dict(), detector_path(held))


if __name__ == "__main__":
    main()
