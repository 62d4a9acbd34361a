"""The photographs that train and test the offline models, as `../shared/data/SOURCES.md` describes them."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from thresher.types import Pixels

FOLDS = 5
TEST_FOLD = 0
"""Photographs of coco/ whose id is 0 modulo 5 train and choose nothing; they are the test set."""


def shared_folder() -> Path:
    """The folder named by THRESHER_SHARED, by default ../shared beside the checkout."""
    default = Path(__file__).resolve().parents[2] / "shared"
    return Path(os.environ.get("THRESHER_SHARED", default))


def cache_folder() -> Path:
    """Where intermediate features go (several GB), named by THRESHER_TRAINING_CACHE."""
    folder = Path(os.environ.get("THRESHER_TRAINING_CACHE", "/tmp/thresher-training"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def weights_folder() -> Path:
    """Where the weights that ship are written, models/offline unless THRESHER_TRAINING_OUT names another folder."""
    return Path(os.environ.get("THRESHER_TRAINING_OUT", Path(__file__).resolve().parents[1] / "models" / "offline"))


@dataclass(frozen=True, slots=True)
class Thing:
    """One labelled object. `box` is x0 y0 x1 y1 in 0..1; `polygons` are flat x y lists in 0..1, maybe none."""

    category: int
    box: tuple[float, float, float, float]
    crowd: bool
    polygons: tuple[NDArray[np.float32], ...]

    @property
    def area(self) -> float:
        return (self.box[2] - self.box[0]) * (self.box[3] - self.box[1])


@dataclass(frozen=True, slots=True)
class Photo:
    """One labelled photograph of coco/ or coco-partial4/."""

    key: str
    id: int
    path: Path
    width: int
    height: int
    has_masks: bool
    things: tuple[Thing, ...]

    @property
    def fold(self) -> int:
        return self.id % FOLDS

    @property
    def categories(self) -> set[int]:
        return {thing.category for thing in self.things}


def _thing(annotation: dict[str, Any], width: int, height: int) -> Thing:
    x, y, w, h = annotation["bbox"]
    scale = np.array([width, height], np.float32)
    segmentation = annotation.get("segmentation")
    polygons = segmentation if isinstance(segmentation, list) else []
    return Thing(
        category=annotation["category_id"],
        box=(x / width, y / height, (x + w) / width, (y + h) / height),
        crowd=bool(annotation.get("iscrowd")),
        polygons=tuple((np.array(p, np.float32).reshape(-1, 2) / scale).ravel() for p in polygons if len(p) >= 6),
    )


def load_photos(name: str = "coco") -> list[Photo]:
    """All photographs of a labelled set, by ascending id."""
    folder = shared_folder() / "data" / name
    labels = json.loads((folder / "instances.json").read_text())
    by_image: dict[int, list[dict[str, Any]]] = {}
    for annotation in labels["annotations"]:
        by_image.setdefault(annotation["image_id"], []).append(annotation)
    photos = []
    for image in sorted(labels["images"], key=lambda image: image["id"]):
        things = (_thing(a, image["width"], image["height"]) for a in by_image.get(image["id"], []))
        photos.append(
            Photo(
                key=f"{name}/{image['id']}",
                id=image["id"],
                path=folder / "images" / image["file_name"],
                width=image["width"],
                height=image["height"],
                has_masks=bool(image.get("has_masks")),
                things=tuple(things),
            )
        )
    return photos


def image_labels(photos: list[Photo]) -> NDArray[np.bool_]:
    """Which of the 80 categories each photograph shows, (n, 80)."""
    shown = np.zeros((len(photos), 80), bool)
    for row, photo in zip(shown, photos, strict=True):
        row[list(photo.categories)] = True
    return shown


@dataclass(frozen=True, slots=True)
class ClassPhoto:
    """One of photos-1k: `index` is its ImageNet class."""

    key: str
    path: Path
    index: int


def load_class_photos() -> list[ClassPhoto]:
    folder = shared_folder() / "data" / "photos-1k"
    labels = json.loads((folder / "labels.json").read_text())
    photos = [ClassPhoto(f"photos-1k/{v['index']}", folder / "images" / k, v["index"]) for k, v in labels.items()]
    return sorted(photos, key=lambda photo: photo.index)


def load_captions() -> dict[int, list[str]]:
    """Five captions a photograph (of those that have any), by id."""
    captions = json.loads((shared_folder() / "data" / "coco" / "captions.json").read_text())
    return {int(key): [text.strip() for text in texts[:5]] for key, texts in captions.items()}


def read_pixels(path: Path) -> Pixels:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))
