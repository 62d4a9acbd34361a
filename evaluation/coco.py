"""Labelled photographs: a folder with COCO's `instances.json` and the photographs in `images/`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thresher.errors import InvalidInput
from thresher.types import ImageId

Presence = NDArray[np.bool_]
"""Bool, shape (photographs, categories): an annotation of the category is in the photograph, crowds included."""


@dataclass(frozen=True, slots=True)
class LabelledPhotographs:
    """Photographs with what they show. `files`, `ids` (SHA-256 of the bytes) and rows of `presence` go together.

    `duplicates` are file names left out because an earlier file has the same bytes; their labels were added to it.
    """

    files: tuple[Path, ...]
    ids: tuple[ImageId, ...]
    categories: tuple[str, ...]
    presence: Presence
    duplicates: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """Of photographs and labels: questions drawn from the same are the same."""
        names = json.dumps([self.ids, self.categories]).encode()
        return hashlib.sha256(names + np.packbits(self.presence).tobytes()).hexdigest()[:12]


def load(
    folder: Path, names: Sequence[str] | None = None, keep: Callable[[int], bool] | None = None
) -> LabelledPhotographs:
    """Read a folder. `names` (file names, or COCO ids as text) choose photographs, and `keep` by their COCO id.

    The order is that of `instances.json`. Raises `InvalidInput` where the folder, the file or a photograph is not as
    it should be.
    """
    source = folder / "instances.json"
    if not folder.is_dir():
        raise InvalidInput(f"There is no folder {folder}.", "Give a folder with instances.json and images/.")
    if not source.is_file():
        raise InvalidInput(f"There is no {source}.", "Give a folder with COCO's instances.json and images/.")
    try:
        data = json.loads(source.read_text(encoding="utf-8"))
        images = [(int(row["id"]), str(row["file_name"])) for row in data["images"]]
        categories = {int(row["id"]): str(row["name"]) for row in data["categories"]}
        pairs = [(int(row["image_id"]), int(row["category_id"])) for row in data["annotations"]]
    except (OSError, UnicodeDecodeError, ValueError, KeyError, TypeError) as error:
        raise InvalidInput(f"{source} is not COCO's instances format: {error!r}.") from error
    _refuse_inconsistent(source, images, categories, pairs)
    if names is not None:
        images = _choose(images, names)
    if keep is not None:
        images = [(image, name) for image, name in images if keep(image)]
    if not images:
        raise InvalidInput(f"{source} has no photographs to use.")

    files = [folder / "images" / name for _, name in images]
    missing = [path.name for path in files if not path.is_file()]
    if missing:
        raise InvalidInput(f"{len(missing)} photographs are not in {folder / 'images'}, the first is {missing[0]}.")
    presence = presence_matrix([image for image, _ in images], list(categories), pairs)
    ids = [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]
    return merge_duplicates(files, ids, tuple(categories.values()), presence)


def read_names(path: Path) -> list[str]:
    """Names or ids from a file, one a line; empty lines and lines that start with # are skipped."""
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"Cannot read {path}: {error}.") from error
    names = [line for line in lines if line and not line.startswith("#")]
    if not names:
        raise InvalidInput(f"{path} names no photographs.", "One file name or COCO id a line.")
    return names


def presence_matrix(images: Sequence[int], categories: Sequence[int], pairs: Sequence[tuple[int, int]]) -> Presence:
    """Bool (images, categories) from (image id, category id) pairs; pairs of other images are left out."""
    row = {image: index for index, image in enumerate(images)}
    column = {category: index for index, category in enumerate(categories)}
    presence = np.zeros((len(row), len(column)), np.bool_)
    for image, category in pairs:
        if image in row:
            presence[row[image], column[category]] = True
    return presence


def merge_duplicates(
    files: Sequence[Path], ids: Sequence[ImageId], categories: tuple[str, ...], presence: Presence
) -> LabelledPhotographs:
    """One row for each content id: the first file of it, with the labels of all."""
    first: dict[ImageId, int] = {}
    keep: list[int] = []
    dropped: list[str] = []
    merged = presence.copy()
    for index, content in enumerate(ids):
        if content in first:
            merged[first[content]] |= presence[index]
            dropped.append(files[index].name)
        else:
            first[content] = index
            keep.append(index)
    return LabelledPhotographs(
        files=tuple(files[index] for index in keep),
        ids=tuple(ids[index] for index in keep),
        categories=categories,
        presence=merged[keep],
        duplicates=tuple(dropped),
    )


def _choose(images: Sequence[tuple[int, str]], names: Sequence[str]) -> list[tuple[int, str]]:
    wanted = set(names)
    chosen = [(image, name) for image, name in images if name in wanted or str(image) in wanted]
    found = {name for _, name in chosen} | {str(image) for image, _ in chosen}
    unknown = [name for name in names if name not in found]
    if unknown:
        raise InvalidInput(f"{len(unknown)} names are not in instances.json, the first is {unknown[0]}.")
    return chosen


def _refuse_inconsistent(
    source: Path,
    images: Sequence[tuple[int, str]],
    categories: Mapping[int, str],
    pairs: Sequence[tuple[int, int]],
) -> None:
    known: set[Any] = {image for image, _ in images}
    if len(known) != len(images):
        raise InvalidInput(f"{source} gives an image id twice.")
    foreign = [pair for pair in pairs if pair[0] not in known or pair[1] not in categories]
    if foreign:
        raise InvalidInput(
            f"{source} has {len(foreign)} annotations of images or categories that it does not list, "
            f"the first of image {foreign[0][0]}, category {foreign[0][1]}."
        )
