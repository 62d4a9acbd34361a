"""What FastVLM's connector learns from: the frozen trunk's last map of every photograph of coco/, and questions.

    python -m training.fastvlm.data

writes fastvlm-maps.pt in the cache folder: {"ids": i64 (n,), "maps": f16 (n, 49, 1280)}, of the photographs squashed to
224 x 224 as the served processor does. Folds 1-3 and two thirds of fold 4 train, the rest of fold 4
chooses, fold 0 tests.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from models.encoders.coco import CATEGORIES
from models.generators.fastvlm import CELLS, IMAGE_SIDE, TRAINED, package_trunk
from training.cells import cell_labels
from training.data import TEST_FOLD, Photo, cache_folder, load_photos, weights_folder

GRID = 7
CHOICE_FOLD, CHOICE_STRIDE = 4, 3
"""Every third photograph of this fold chooses and does not train."""

MAPS = "fastvlm-maps.pt"


def trained_path() -> Path:
    """Where what FastVLM adds to its packages is written."""
    return weights_folder() / TRAINED.name


def squash(photo: Photo) -> NDArray[np.float32]:
    """(3, 224, 224) in -1..1."""
    with Image.open(photo.path) as image:
        small = image.convert("RGB").resize((IMAGE_SIDE, IMAGE_SIDE), Image.Resampling.BICUBIC)
    return np.asarray(np.asarray(small, np.float32).transpose(2, 0, 1) / 127.5 - 1)


@dataclass(frozen=True, slots=True)
class Seen:
    """A photograph with its map, f16 (49, 1280)."""

    photo: Photo
    map: Tensor

    @property
    def shown(self) -> list[int]:
        return sorted(self.photo.categories)

    def cells(self) -> Tensor:
        """i8 (80, 49): 1 where a category covers a cell, -1 where it touches it, else 0."""
        return torch.from_numpy(cell_labels(self.photo, GRID, GRID)).flatten(1)


@dataclass(frozen=True, slots=True)
class Parts:
    """Photographs by what they are for."""

    train: list[Seen]
    choose: list[Seen]
    test: list[Seen]


def load_parts() -> Parts:
    stored = torch.load(cache_folder() / MAPS, mmap=True)
    place = {int(key): n for n, key in enumerate(stored["ids"])}
    parts = Parts([], [], [])
    chosen = 0
    for photo in load_photos("coco"):
        part = parts.train
        if photo.fold == TEST_FOLD:
            part = parts.test
        elif photo.fold == CHOICE_FOLD:
            part = parts.choose if chosen % CHOICE_STRIDE == 0 else parts.train
            chosen += 1
        part.append(Seen(photo, stored["maps"][place[photo.id]]))
    return parts


def frequencies(photographs: Sequence[Seen]) -> NDArray[np.float64]:
    """Photographs that show each category, plus one."""
    counts = np.ones(len(CATEGORIES))
    for seen in photographs:
        counts[seen.shown] += 1
    return counts


def balanced_questions(photographs: Sequence[Seen], each: int, seed: int) -> list[tuple[int, int, bool]]:
    """(photograph, category, shown): of every category as many photographs with it as without, at most `each`."""
    choose = random.Random(seed)
    questions: list[tuple[int, int, bool]] = []
    for category in range(len(CATEGORIES)):
        split: Mapping[bool, list[int]] = {True: [], False: []}
        for n, seen in enumerate(photographs):
            split[category in seen.photo.categories].append(n)
        count = min(each, *(len(rows) for rows in split.values()))
        questions += [(n, category, shown) for shown, rows in split.items() for n in choose.sample(rows, count)]
    return questions


def training_questions(
    seen: Seen, weights: NDArray[np.float64], choose: random.Random, most: int
) -> list[tuple[int, bool]]:
    """(category, shown) about one photograph: as many absent categories as shown ones, drawn by how often they are
    shown elsewhere, so that the noun alone says nothing."""
    shown = choose.sample(seen.shown, min(len(seen.shown), most))
    absent = [c for c in range(len(CATEGORIES)) if c not in seen.photo.categories]
    drawn = dict.fromkeys(choose.choices(absent, [weights[c] for c in absent], k=4 * most))
    questions = [(c, True) for c in shown] + [(c, False) for c in list(drawn)[: max(1, len(shown))]]
    choose.shuffle(questions)
    return questions


@torch.inference_mode()
def main() -> None:
    torch.set_num_threads(1)
    trunk = package_trunk().to(memory_format=torch.channels_last)
    photos = load_photos("coco")
    maps = torch.zeros(len(photos), CELLS, 1280, dtype=torch.float16)
    start = time.monotonic()
    for n, photo in enumerate(photos):
        x = torch.from_numpy(squash(photo))[None].contiguous(memory_format=torch.channels_last)
        maps[n] = trunk.forward_features(x)[0].flatten(1).T.half()
        if n and n % 200 == 0:
            print(f"{n} photographs, {(time.monotonic() - start) / n:.3f} s each", flush=True)
    torch.save({"ids": torch.tensor([photo.id for photo in photos]), "maps": maps}, cache_folder() / MAPS)


if __name__ == "__main__":
    main()
