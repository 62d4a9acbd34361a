"""What the shipped models say about the test photographs, kept so that two sets of weights can be compared.

Everything goes through the tower as at import, from the files' pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from models.encoders.coco import CATEGORIES
from models.encoders.detector import class_map
from models.encoders.tower import OfflineTower
from models.grounders.mask_decoder import MaskDecoder, paste, sample_maps
from thresher.types import Box, Pixels
from training.data import Photo
from training.masks import polygon_mask, usable_objects

CAPTION_START = len(CATEGORIES) + 1000


@dataclass(frozen=True, slots=True)
class Seen:
    """One photograph: the stored `vector` (1464,), proposals as `boxes` (n, 4) in pixels, `concepts` and `scores`
    (n, 12); `peaks` (80, 2): where each category's class map is highest, x y in 0..1; `mask_ious` of its objects'
    masks given their boxes, and of the boxes themselves."""

    vector: NDArray[np.float32]
    boxes: NDArray[np.float32]
    concepts: NDArray[np.int16]
    scores: NDArray[np.float32]
    peaks: NDArray[np.float32]
    mask_ious: list[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class SeenSet:
    """All test photographs of one set of weights, by ascending id, and the caption vectors (with, 5, 384) of those
    rows that have captions, in the space of these weights."""

    photos: list[Seen]
    caption_rows: list[int]
    captions: NDArray[np.float32]

    @property
    def probabilities(self) -> NDArray[np.float32]:
        """(photographs, 80)."""
        return np.stack([s.vector[: len(CATEGORIES)] for s in self.photos])

    def save(self, path: Path) -> None:
        photos = [{name: getattr(s, name) for name in Seen.__slots__} for s in self.photos]
        torch.save({"photos": photos, "caption_rows": self.caption_rows, "captions": self.captions}, path)

    @staticmethod
    def load(path: Path) -> SeenSet:
        values = torch.load(path, weights_only=False)
        photos = [Seen(**{name: photo[name] for name in Seen.__slots__}) for photo in values["photos"]]
        return SeenSet(photos, values["caption_rows"], values["captions"])


@torch.inference_mode()
def see(photo: Photo, pixels: Pixels, tower: OfflineTower, decoder: MaskDecoder) -> Seen:
    """Run everything on one photograph."""
    looks = tower.looks(pixels)
    features = tower.features(pixels, looks)
    found = class_map(tower.boxes(looks))
    rows, columns = found.shape[1:]
    place = found.flatten(1).argmax(1)
    peaks = torch.stack([(place % columns + 0.5) / columns, (place // columns + 0.5) / rows], 1)
    ious = []
    objects = usable_objects(photo) if photo.has_masks else []
    if objects:
        logits = decoder.both_ways(sample_maps(looks[-1].maps, torch.tensor([o.thing.box for o in objects])))
        for one, o in zip(logits, objects, strict=True):
            ious.append(_mask_iou(one, polygon_mask(o.thing, o.thing.box, 112, 0.0)))
    proposals = features.proposals
    return Seen(features.vector, proposals.boxes, proposals.concepts, proposals.scores, peaks.numpy(), ious)


def _mask_iou(logits: torch.Tensor, wanted: NDArray[np.float32]) -> tuple[float, float]:
    """IoU inside the box of the decoder's mask, and of the whole box, with the true mask on a 112 x 112 grid."""
    size = wanted.shape[0]
    found = paste(logits, Box(0, 0, size, size), size, size) > 0
    true = wanted > 0.5
    return float((found & true).sum() / max(1, (found | true).sum())), float(true.mean())


def unit(x: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(F.normalize(torch.from_numpy(x), dim=-1).numpy())
