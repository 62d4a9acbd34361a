"""Fit the concept heads: overall, cell, stack, class calibration, and the appearance projection.

    python -m training.heads

The overall and cell head are fitted on folds 1-4 with the shipped trunk. The stack needs scores of photographs
that trained neither trunk nor heads: they come from the trunks tuned without one fold (`training.finetune`).
Writes concepts.safetensors and appearance.safetensors, and oof.pt (those scores) in the cache folder.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor

from models.encoders.appearance import APPEARANCE_DIM, Appearance
from models.encoders.captions import CaptionHead
from models.encoders.coco import CATEGORIES
from models.encoders.heads import CLASS_SCORES, ClassCalibration, ConceptHeads, class_logits, stack_scores
from training.cache import load_shards
from training.cells import CellStore, extract, sample_cells
from training.data import cache_folder, weights_folder
from training.fit import fit_cells, fit_pooled, fit_stack
from training.material import LEARNT_FOLDS, Material, load_material
from training.metrics import mean_average_precision
from training.trunks import HELD_FOLDS, load_trunk

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


def fit_heads(store: CellStore, material: Material, rows: NDArray[np.int64]) -> ConceptHeads:
    """Overall and cell head from the given rows of the material (the store has one image a row, in order)."""
    heads = ConceptHeads()
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
def score(heads: ConceptHeads, store: CellStore, rows: NDArray[np.int64]) -> Tensor:
    """The stack's scores of some images, (rows, 80, 6)."""
    found = []
    for row in rows:
        priors = [store.priors[store.rows(row, s)].float() for s in (0, 1)]
        logits = [heads.cell(store.cells[store.rows(row, s)].float(), priors[s]) for s in (0, 1)]
        found.append(stack_scores(heads.overall(store.pooled[row]), logits, priors))
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


@dataclass(frozen=True, slots=True)
class OutOfFold:
    """Scores of rows that trained nothing behind them: `rows` into the material, `scores` (rows, 80, 6)."""

    rows: NDArray[np.int64]
    scores: Tensor


def out_of_fold(material: Material) -> OutOfFold:
    """Scores of the held folds, each by a trunk and heads that never saw it."""
    tails = load_shards("tails")
    found_rows, found = [], []
    for held in HELD_FOLDS:
        store = extract(load_trunk(held), tails, material.keys)
        heads = fit_heads(store, material, np.flatnonzero(material.folds != held))
        save_heads(heads, cache_folder() / f"concepts-without-{held}.safetensors")
        rows = np.flatnonzero(material.folds == held)
        found_rows.append(rows)
        found.append(score(heads, store, rows))
        print(f"scored fold {held}: {len(rows)} rows", flush=True)
    return OutOfFold(np.concatenate(found_rows), torch.cat(found))


def main() -> None:
    material = load_material(LEARNT_FOLDS)
    oof = out_of_fold(material)
    rows = torch.from_numpy(oof.rows)
    store = extract(load_trunk(None), load_shards("tails"), material.keys)
    heads = fit_heads(store, material, np.arange(len(material.keys)))
    heads.stack = fit_stack(oof.scores, material.labels[rows], material.weights[rows])
    heads.calibration = fit_classes(store.class_logs, material)
    coco = material.is_coco[oof.rows]
    shown = material.labels[rows][coco].numpy() == 1
    print(f"out-of-fold mAP of the stack {mean_average_precision(heads.stack(oof.scores[coco]).numpy(), shown):.3f}")
    print("class calibration", heads.calibration.weight.tolist(), heads.calibration.bias.item())
    save_heads(heads, weights_folder() / "concepts.safetensors")
    appearance = {k: v.half() for k, v in fit_appearance(store).state_dict().items()}
    save_file(appearance, weights_folder() / "appearance.safetensors")
    torch.save({"rows": oof.rows, "scores": oof.scores}, cache_folder() / "oof.pt")
    save_caption_inputs(heads, store, material, oof)


def save_heads(heads: ConceptHeads, path: Path) -> None:
    """Matrices as f16 (it costs nothing measurable), the rest as f32."""
    state = heads.state_dict()
    save_file({k: (v.half() if v.dim() == 2 else v).contiguous() for k, v in state.items()}, path)


def save_caption_inputs(heads: ConceptHeads, store: CellStore, material: Material, oof: OutOfFold) -> None:
    """Inputs of the caption head for coco/, from out-of-fold scores, to caption-inputs.pt in the cache folder."""
    frozen = torch.load(cache_folder() / "frozen-oof.pt", weights_only=False)
    scores = dict(zip(frozen["rows"], frozen["scores"], strict=True)) | dict(zip(oof.rows, oof.scores, strict=True))
    rows = [n for n in range(len(material.keys)) if material.keys[n] in material.photos]
    inputs = CaptionHead.inputs(heads.stack(torch.stack([scores[n] for n in rows])), store.class_logs[rows])
    ids = [material.photos[material.keys[n]].id for n in rows]
    torch.save(
        {"ids": ids, "folds": material.folds[rows].tolist(), "inputs": inputs}, cache_folder() / "caption-inputs.pt"
    )


if __name__ == "__main__":
    main()
