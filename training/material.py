"""Everything the concept heads learn from, as aligned rows: keys, folds, labels, weights, cell labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.encoders.coco import CATEGORIES
from training.cells import CellStore, cell_labels
from training.class_labels import class_labels
from training.data import FOLDS, Photo, image_labels, load_class_photos, load_photos
from training.drawings import drawings

EXTRA_WEIGHT = 0.5
"""Weight of a photograph of photos-1k or a drawing, beside 1 for a photograph of coco/."""

LEARNT_FOLDS = (1, 2, 3, 4)


@dataclass(frozen=True, slots=True)
class Material:
    """`labels` i8 (rows, 80) with -1 for unlabelled; `weights` f32 (rows,); `folds` (rows,), 0 is the test set."""

    keys: list[str]
    folds: NDArray[np.int64]
    labels: Tensor
    weights: Tensor
    photos: dict[str, Photo]

    @property
    def is_coco(self) -> NDArray[np.bool_]:
        return np.array([key in self.photos for key in self.keys])

    def of_fold(self, fold: int) -> set[str]:
        """Keys of the rows of a fold."""
        return {self.keys[row] for row in np.flatnonzero(self.folds == fold)}

    def cell_labels(self, store: CellStore, rows: NDArray[np.int64]) -> list[list[NDArray[np.int8]]]:
        """Cell labels of the given rows at both scales. Of partly labelled photographs only absences are used."""
        found = []
        for row in rows:
            photo = self.photos.get(self.keys[row])
            if photo is not None:
                found.append([cell_labels(photo, w, h) for h, w in store.shapes[row]])
                continue
            absent = np.where(self.labels[row].numpy() == 0, 0, -1).astype(np.int8)[:, None, None]
            found.append([np.broadcast_to(absent, (len(CATEGORIES), h, w)) for h, w in store.shapes[row]])
        return found


def load_material(folds: tuple[int, ...] = LEARNT_FOLDS, extras: bool = True) -> Material:
    """Rows of coco/ in the given folds and, as `extras`, photos-1k and drawings spread over the learnt folds."""
    photos = [photo for photo in load_photos("coco") if photo.fold in folds]
    keys = [photo.key for photo in photos]
    labels = [image_labels(photos).astype(np.int8)]
    fold = [photo.fold for photo in photos]
    weights = [1.0] * len(photos)
    if extras:
        classes, blank = [photo.key for photo in load_class_photos()], list(drawings())
        labels += [class_labels(), np.zeros((len(blank), len(CATEGORIES)), np.int8)]
        for n, key in [*enumerate(classes), *enumerate(blank)]:
            keys.append(key)
            fold.append(1 + n % (FOLDS - 1))
            weights.append(EXTRA_WEIGHT)
    return Material(
        keys=keys,
        folds=np.array(fold),
        labels=torch.from_numpy(np.concatenate(labels)),
        weights=torch.tensor(weights),
        photos={photo.key: photo for photo in photos},
    )
