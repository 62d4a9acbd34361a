"""What fine-tuning starts from: heads on the frozen trunk, and what the frozen trunk says (the teacher).

    python -m training.start

Writes to the cache folder: start-<held>.pt, one for each fold left out (and "none"), with an overall head a scale
and a cell head; teacher.pt with the frozen trunk's features of a fixed sample of cells and of the mean cell;
frozen-oof.pt with out-of-fold scores of the folds that no tuned trunk leaves out.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from models.encoders.preprocess import SCALES
from models.encoders.trunk import CELL_CHANNELS
from training.cache import load_shards
from training.cells import CellStore, extract, sample_cells
from training.data import cache_folder
from training.fit import fit_cells, fit_pooled, standardise
from training.heads import fit_heads, part, score
from training.material import LEARNT_FOLDS, Material, load_material
from training.trunks import HELD_FOLD, frozen_trunk

TEACHER_CELLS = 24


def teacher(store: CellStore, seed: int = 0) -> dict[tuple[str, int], tuple[Tensor, Tensor]]:
    """By key and scale: positions of sampled cells (row-major), and their features with the mean's as last row."""
    generator = torch.Generator().manual_seed(seed)
    taught = {}
    for i, key in enumerate(store.keys):
        for s, scale in enumerate(SCALES):
            cells = store.cells[store.rows(i, s)]
            chosen = torch.randperm(len(cells), generator=generator)[:TEACHER_CELLS].sort().values
            taught[(key, scale)] = (chosen, torch.cat([cells[chosen], store.means[i, s][None].half()]))
    return taught


def start_heads(store: CellStore, material: Material, held: int | None) -> dict[str, Tensor]:
    """Heads in standardised units with their statistics: overall a scale, one cell head for both."""
    rows = np.flatnonzero(material.folds != held) if held else np.arange(len(material.keys))
    index = torch.from_numpy(rows)
    labels, weights = material.labels[index], material.weights[index]
    saved: dict[str, Tensor] = {}
    for s, scale in enumerate(SCALES):
        pooled = store.pooled[index][:, 2 * CELL_CHANNELS * s : 2 * CELL_CHANNELS * (s + 1)]
        layer = fit_pooled(pooled, labels, weights)
        mean, deviation = standardise(pooled, 0.05)
        saved |= {f"mean{scale}": mean, f"deviation{scale}": deviation}
        saved |= {f"weight{scale}": layer.weight, f"bias{scale}": layer.bias}
    picked, targets, images = sample_cells(part(store, rows), material.cell_labels(store, rows))
    cell = fit_cells(store.cells[picked], store.priors[picked], targets, weights[torch.from_numpy(images)])
    mean, deviation = standardise(store.cells[picked[:20000]].float(), 0.05)
    saved |= {"mean_cell": mean, "deviation_cell": deviation, "weight_cell": cell.linear.weight}
    saved |= {"bias_cell": cell.linear.bias, "prior_cell": cell.prior_weight.detach()}
    return saved


def main() -> None:
    material = load_material(LEARNT_FOLDS)
    tails = load_shards("tails")
    store = extract(frozen_trunk(), tails, material.keys)
    torch.save(teacher(store), cache_folder() / "teacher.pt")
    scored = []
    for held in (fold for fold in LEARNT_FOLDS if fold != HELD_FOLD):
        rows = np.flatnonzero((material.folds == held) & material.is_coco)
        scored.append((rows, score(fit_heads(store, material, np.flatnonzero(material.folds != held)), store, rows)))
    rows, scores = np.concatenate([s[0] for s in scored]), torch.cat([s[1] for s in scored])
    torch.save({"rows": rows, "scores": scores}, cache_folder() / "frozen-oof.pt")
    for left_out in (HELD_FOLD, None):
        torch.save(start_heads(store, material, left_out), cache_folder() / f"start-{left_out or 'none'}.pt")
        print(f"start heads without fold {left_out}", flush=True)


if __name__ == "__main__":
    main()
