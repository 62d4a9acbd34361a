"""Fit the stack of all scores of a category, and put the concept heads together.

    python -m training.stack

The scores are those of the held fold by tails, heads and detector that never saw it. Writes concepts.safetensors
and, in the cache folder, oof.pt (scores), caption-inputs-4.pt and -none.pt (what the caption head learns from).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor

from models.encoders.captions import CaptionHead
from models.encoders.detector import Dense, Detector, best_logits, fuse
from models.encoders.heads import TAIL_SCORES, CategoryHeads, ConceptHeads
from models.encoders.preprocess import SCALES
from training.cache import load_shards
from training.captions import caption_inputs_path
from training.cells import CellStore, extract
from training.data import cache_folder, weights_folder
from training.detector import detector_path
from training.fit import fit_stack
from training.heads import score
from training.material import LEARNT_FOLDS, Material, load_material
from training.metrics import mean_average_precision
from training.trunks import HELD_FOLD, load_trunk


def load_heads(name: str, held: int | None) -> CategoryHeads:
    """Heads of the "kept" or the "objects" tail, fitted without a fold."""
    heads = CategoryHeads()
    heads.load_state_dict(load_file(cache_folder() / f"{name}-heads-{held or 'none'}.safetensors"))
    return heads.requires_grad_(False)


def load_detector(held: int | None) -> Detector:
    detector = Detector()
    detector.load_state_dict(load_file(detector_path(held)))
    return detector.eval().requires_grad_(False)


class HeldFold:
    """What the models without the held fold say of photographs of it, from cached maps."""

    def __init__(self, keys: list[str]) -> None:
        self.kept, self.tuned = load_heads("kept", HELD_FOLD), load_heads("objects", HELD_FOLD)
        self.trunk, self.detector = load_trunk(HELD_FOLD), load_detector(HELD_FOLD)
        self.store = extract(self.trunk, load_shards("tails"), keys)
        self.others = extract(load_trunk(HELD_FOLD, "objects"), load_shards("tails"), keys)

    def cell_logits(self, heads: CategoryHeads, store: CellStore, row: int) -> list[Tensor]:
        """Of one photograph at each scale, (1, 80, h, w)."""
        found = []
        for s, shape in enumerate(store.shapes[row]):
            cells = store.rows(row, s)
            logits = heads.cell(store.cells[cells].float(), store.priors[cells].float())
            found.append(logits.T.reshape(1, -1, *shape))
        return found

    @torch.inference_mode()
    def dense(self, row: int) -> list[Dense]:
        """What the detector says of one photograph at each scale."""
        tails, maps, key = load_shards("tails"), load_shards("boxes"), self.store.keys[row]
        found = []
        for scale, logits in zip(SCALES, self.cell_logits(self.kept, self.store, row), strict=True):
            s32 = self.trunk.tail(tails[(key, scale, False)][None].bfloat16()).float()
            s8, s16 = (level[None].float() for level in maps[(key, scale)])
            found.append(self.detector(s8, s16, s32, logits))
        return found

    def boxes(self, row: int) -> list[Dense]:
        """The same with all evidence together."""
        return fuse(self.dense(row), self.cell_logits(self.tuned, self.others, row))

    def scores(self) -> Tensor:
        """The stack's scores, (photographs, 80, 14)."""
        rows = np.arange(len(self.store.keys))
        peaks = torch.stack([best_logits(self.dense(row)) for row in range(len(rows))])
        return torch.cat([score(self.kept, self.store, rows), score(self.tuned, self.others, rows), peaks], -1)


def crossed_logits(scores: Tensor, labels: Tensor, weights: Tensor, parts: int = 5) -> Tensor:
    """Logits of each row by a stack that was fitted on the other parts of the rows, (rows, 80)."""
    part = torch.arange(len(scores)) % parts
    found = torch.empty(scores.shape[:2])
    for which in range(parts):
        others = part != which
        found[~others] = fit_stack(scores[others], labels[others], weights[others])(scores[~others])
    return found


def main() -> None:
    material = load_material(LEARNT_FOLDS)
    rows = np.flatnonzero(material.folds == HELD_FOLD)
    scores = HeldFold([material.keys[row] for row in rows]).scores()
    labels, weights = material.labels[rows], material.weights[rows]
    logits = crossed_logits(scores, labels, weights)
    torch.save({"rows": rows, "scores": scores, "logits": logits}, cache_folder() / "oof.pt")
    heads = ConceptHeads()
    heads.kept, heads.tuned = load_heads("kept", None), load_heads("objects", None)
    heads.stack = fit_stack(scores, labels, weights)
    heads.calibration.load_state_dict(load_file(cache_folder() / "calibration.safetensors"))
    coco = material.is_coco[rows]
    shown = material.labels[rows][coco].numpy() == 1
    values = [mean_average_precision(s[coco].numpy(), shown) for s in (heads.stack(scores), logits)]
    print(f"mAP of the held fold {values[0]:.3f}; {values[1]:.3f} by stacks of its other parts")
    save_heads(heads, weights_folder() / "concepts.safetensors")
    save_caption_inputs(material, rows, scores, logits)


def save_heads(heads: ConceptHeads, path: Path) -> None:
    """Matrices as f16 (it costs nothing measurable), the rest as f32."""
    state = heads.state_dict()
    save_file({k: (v.half() if v.dim() == 2 else v).contiguous() for k, v in state.items()}, path)


def save_caption_inputs(material: Material, rows: NDArray[np.int64], scores: Tensor, logits: Tensor) -> None:
    """Inputs of the caption head for coco/, by the tails without the held fold and by those that ship. Logits: the held
    fold's own; for the others, which trained every tail, those of the frozen trunk out of fold, by a stack of its six
    scores."""
    few = fit_stack(scores[..., :TAIL_SCORES], material.labels[rows], material.weights[rows])
    frozen = torch.load(cache_folder() / "frozen-oof.pt", weights_only=False)
    known = dict(zip(frozen["rows"], few(frozen["scores"]), strict=True)) | dict(zip(rows, logits, strict=True))
    wanted = [n for n, key in enumerate(material.keys) if key in material.photos]
    keys = [material.keys[n] for n in wanted]
    for held in (HELD_FOLD, None):
        saved = {
            "ids": [material.photos[key].id for key in keys],
            "folds": material.folds[wanted].tolist(),
            "inputs": caption_inputs(keys, held, torch.stack([known[n] for n in wanted])),
        }
        torch.save(saved, caption_inputs_path(held))


def caption_inputs(keys: list[str], held: int | None, logits: Tensor) -> Tensor:
    """What the caption head reads of photographs, (photographs, 14320), by tails tuned without a fold."""
    kept = extract(load_trunk(held), load_shards("tails"), keys)
    tuned = extract(load_trunk(held, "objects"), load_shards("tails"), keys)
    return CaptionHead.inputs(logits, kept.class_logs, kept.pooled, tuned.pooled)


if __name__ == "__main__":
    main()
