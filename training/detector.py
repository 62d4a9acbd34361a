"""Train the box head on the tuned trunk's maps.

    python -m training.detector HELD      (3 or 4: leave that fold out, for calibration; "none": what ships)

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

EPOCHS = 10
BATCH = 8
RATE = 2e-3
SEED = 0


@dataclass(slots=True)
class Group:
    """Training photographs of one map shape: f16 maps, i8 class targets."""

    s16: Tensor
    s32: Tensor
    cells: Tensor
    targets: BoxTargets


def detector_path(held: int | None) -> Path:
    if held is None:
        return weights_folder() / "detector.safetensors"
    return cache_folder() / f"detector-without-{held}.safetensors"


def crossed_cell_logits(store: CellStore, material: Material, halves: int = 3) -> list[Tensor]:
    """Cell logits of every photograph at the larger scale, (80, h, w), by a head fitted without its part."""
    parts = np.arange(len(material.keys)) % halves
    found: list[Tensor] = [torch.empty(0)] * len(parts)
    for which in range(halves):
        rows = np.flatnonzero(parts != which)
        picked, targets, images = sample_cells(part(store, rows), material.cell_labels(store, rows))
        head = fit_cells(store.cells[picked], store.priors[picked], targets, torch.ones(len(images)))
        for row in np.flatnonzero(parts == which):
            cells = store.rows(row, len(SCALES) - 1)
            logits = head(store.cells[cells].float(), store.priors[cells].float())
            found[row] = logits.T.reshape(-1, *store.shapes[row][-1]).half()
    return found


def load_groups(held: int | None) -> list[Group]:
    """Everything the head trains on, stacked by shape."""
    material = load_material(tuple(fold for fold in LEARNT_FOLDS if fold != held), extras=False)
    tails, boxes, trunk = load_shards("tails"), load_shards("boxes"), load_trunk(held)
    logits = crossed_cell_logits(extract(trunk, tails, material.keys), material)
    rows: dict[tuple[int, ...], list[tuple[Tensor, Tensor, Tensor, BoxTargets]]] = {}
    with torch.inference_mode():
        for key, cells in zip(material.keys, logits, strict=True):
            s16 = boxes[key].clone()
            s32 = trunk.tail(tails[(key, SCALES[-1], False)][None].bfloat16())[0].half()
            targets = box_targets(material.photos[key].things, s16.shape[1], s16.shape[2])
            rows.setdefault(tuple(s16.shape), []).append((s16, s32, cells, targets))
    groups = []
    for items in rows.values():
        s16s, s32s, cell_maps, each = zip(*items, strict=True)
        stacked = BoxTargets(*(torch.stack(parts) for parts in zip(*each, strict=True)))
        groups.append(Group(torch.stack(s16s), torch.stack(s32s), torch.stack(cell_maps), stacked))
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


def train(groups: list[Group]) -> Detector:
    torch.manual_seed(SEED)
    rng = np.random.default_rng(SEED)
    model = Detector()
    with torch.no_grad():
        model.scale16.fill_(torch.cat([g.s16[:20].flatten().float() for g in groups[:3]]).std())
        model.scale32.fill_(torch.cat([g.s32[:20].flatten().float() for g in groups[:3]]).std())
    for block in model.blocks:
        assert isinstance(block, nn.Sequential) and isinstance(block[0], nn.Conv2d)
        fast_depthwise(block[0])
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=RATE, weight_decay=1e-3)
    count = sum(math.ceil(len(g.s16) / BATCH) for g in groups)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda n: min(1.0, (n + 1) / 50) * 0.5 * (1 + math.cos(math.pi * n / (count * EPOCHS)))
    )
    start = time.monotonic()
    for epoch in range(EPOCHS):
        batches = []
        for n, group in enumerate(groups):
            order = rng.permutation(len(group.s16))
            batches += [(n, order[k : k + BATCH]) for k in range(0, len(order), BATCH)]
        total = 0.0
        for b in rng.permutation(len(batches)):
            group, rows = groups[batches[b][0]], torch.from_numpy(batches[b][1])
            maps = [part[rows].float() for part in (group.s16, group.s32, group.cells)]
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
            schedule.step()
            total += loss.item()
        print(f"epoch {epoch + 1} loss {total / len(batches):.3f} {time.monotonic() - start:.0f} s", flush=True)
    return model.eval()


def main() -> None:
    held = None if sys.argv[1] == "none" else int(sys.argv[1])
    save_file(train(load_groups(held)).state_dict(), detector_path(held))


if __name__ == "__main__":
    main()
