"""Fit the heads on the tail that keeps the classes, the class calibration, and the appearance projection.

    python -m training.heads

Writes appearance.safetensors and, in the cache folder, kept-heads-<held>.safetensors (fitted with and without the
held fold, each on its own trunk; `training.stack` puts them together) and calibration.safetensors.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor

from models.encoders.appearance import APPEARANCE_DIM, Appearance
from models.encoders.coco import CATEGORIES
from models.encoders.heads import CLASS_SCORES, CategoryHeads, ClassCalibration, class_logits, tail_scores
from training.cache import load_shards
from training.cells import CellStore, extract, sample_cells
from training.data import cache_folder, weights_folder
from training.fit import fit_cells, fit_pooled
from training.material import LEARNT_FOLDS, Material, load_material
from training.trunks import HELD_FOLD, load_trunk

SAME_CLASS = {
    "zebra": 340, "backpack": 414, "cell phone": 487, "keyboard": 508, "microwave": 651, "mouse": 673, "bench": 703,
    "parking meter": 704, "refrigerator": 760, "remote": 761, "teddy bear": 850, "toaster": 859, "toilet": 861,
    "umbrella": 879, "traffic light": 920, "hot dog": 934, "broccoli": 937, "orange": 950, "banana": 954, "pizza": 963,
}  # fmt: skip
"""Categories that are the same thing as one ImageNet class, so that coco/ labels the class too."""

LEAD = 1.0
"""Weight of a class's lead over all others. Left to the fit it grows to 14, which is better on photographs of one thing
(photos-1k: own photograph first by its class .898 without a lead, .920 with 1, .924 with 14) and worse on scenes
(coco/: average precision of the categories above .661, .641, .627)."""


def fit_heads(store: CellStore, material: Material, rows: NDArray[np.int64]) -> CategoryHeads:
    """Overall and cell head from the given rows of the material (the store has one image a row, in order)."""
    heads = CategoryHeads()
    index = torch.from_numpy(rows)
    labels, weights = material.labels[index], material.weights[index]
    heads.overall.linear = fit_pooled(store.pooled[index], labels, weights)
    picked, targets, images = sample_cells(part(store, rows), material.cell_labels(store, rows))
    weight = weights[torch.from_numpy(images)]
    heads.cell = fit_cells(store.cells[picked], store.priors[picked], targets, weight)
    return heads


def part(store: CellStore, rows: NDArray[np.int64]) -> CellStore:
    """The store seen through some of its images: same cells, fewer offsets."""
    return CellStore(
        [store.keys[i] for i in rows], store.cells, store.priors, [store.offsets[i] for i in rows],
        [store.shapes[i] for i in rows], store.pooled[rows], store.means[rows], store.class_logs[rows],
    )  # fmt: skip


@torch.inference_mode()
def score(heads: CategoryHeads, store: CellStore, rows: NDArray[np.int64]) -> Tensor:
    """What the stack reads of one tail, of some images: (rows, 80, 6)."""
    found = []
    for row in rows:
        priors = [store.priors[store.rows(row, s)].float() for s in (0, 1)]
        logits = [heads.cell(store.cells[store.rows(row, s)].float(), priors[s]) for s in (0, 1)]
        found.append(tail_scores(heads.overall(store.pooled[row]), logits, priors))
    return torch.stack(found)


def fit_classes(class_logs: Tensor, material: Material) -> ClassCalibration:
    """Weights that are not negative, and an offset, on photos-1k and on the categories of coco/ that are a class."""
    is_class = torch.tensor([key.startswith("photos-1k/") for key in material.keys])
    own, own_shown = class_logs[is_class].float(), torch.eye(1000)
    is_coco = torch.from_numpy(material.is_coco)
    coco = class_logs[is_coco].float()
    same = torch.tensor(list(SAME_CLASS.values()))
    categories = [CATEGORIES.index(name) for name in SAME_CLASS]
    coco_shown = (material.labels[is_coco][:, categories] == 1).float()
    raw = torch.full((CLASS_SCORES,), -1.0, requires_grad=True)
    lead = torch.tensor(LEAD)
    bias = torch.zeros((), requires_grad=True)
    optimizer = torch.optim.LBFGS([raw, bias], max_iter=60, line_search_fn="strong_wolfe")

    def logits(logs: Tensor) -> Tensor:
        return class_logits(logs, F.softplus(raw), lead, bias)

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = F.binary_cross_entropy_with_logits(logits(own), own_shown, reduction="sum") / 1000
        errors = F.binary_cross_entropy_with_logits(logits(coco)[:, same], coco_shown, reduction="sum")
        loss = loss + errors / len(coco)
        torch.autograd.backward(loss)
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    calibration = ClassCalibration()
    with torch.no_grad():
        calibration.weight.copy_(F.softplus(raw.detach()))
        calibration.lead.copy_(lead)
        calibration.bias.copy_(bias.detach())
    return calibration.requires_grad_(False)


def fit_appearance(store: CellStore) -> Appearance:
    """Principal components of the pooled features, whitened."""
    x = Appearance.features(store.pooled, store.means)
    mean = x.mean(0)
    _, singular, basis = torch.linalg.svd(x - mean, full_matrices=False)
    deviation = singular[:APPEARANCE_DIM] / len(x) ** 0.5
    appearance = Appearance()
    with torch.no_grad():
        appearance.weight.copy_(basis[:APPEARANCE_DIM] / (deviation + 0.3 * deviation.mean())[:, None])
        appearance.mean.copy_(mean)
    return appearance


def main() -> None:
    material = load_material(LEARNT_FOLDS)
    for held in (HELD_FOLD, None):
        store = extract(load_trunk(held), load_shards("tails"), material.keys)
        heads = fit_heads(store, material, np.flatnonzero(material.folds != (held or 0)))
        save_file(heads.state_dict(), cache_folder() / f"kept-heads-{held or 'none'}.safetensors")
    calibration = fit_classes(store.class_logs, material)
    print("class calibration", calibration.weight.tolist(), calibration.bias.item())
    save_file(calibration.state_dict(), cache_folder() / "calibration.safetensors")
    appearance = {k: v.half() for k, v in fit_appearance(store).state_dict().items()}
    save_file(appearance, weights_folder() / "appearance.safetensors")


if __name__ == "__main__":
    main()
