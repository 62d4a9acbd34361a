"""What is labelled in each photograph beside the presence of categories: objects with boxes and polygons, captions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluation.coco import LabelledPhotographs
from thresher.errors import InvalidInput
from thresher.types import Box


@dataclass(frozen=True, slots=True)
class Object:
    """One annotation. `category` is a column of the labels, `box` in pixels; `crowd`: many objects, not told apart.

    `polygons` are x y x y ... in pixels, none where nobody drew them.
    """

    category: int
    box: Box
    crowd: bool
    polygons: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class Scene:
    """All objects of one photograph. `width`, `height` in pixels; `has_masks`: its objects have true polygons."""

    image: int
    width: int
    height: int
    has_masks: bool
    objects: tuple[Object, ...]

    def count(self, category: int) -> int | None:
        """Objects of a category; None where some are a crowd, which has no number."""
        own = [thing for thing in self.objects if thing.category == category]
        return None if any(thing.crowd for thing in own) else len(own)

    def boxes(self, category: int) -> list[Box]:
        """Boxes of the single objects of a category."""
        return [thing.box for thing in self.objects if thing.category == category and not thing.crowd]


def load_scenes(folder: Path, photographs: LabelledPhotographs) -> tuple[Scene, ...]:
    """The scene of each of `photographs`, which `evaluation.coco.load` read from the same folder.

    Of a photograph that is there twice the objects are those of its first file. `InvalidInput` where an annotation has
    no box or a photograph no size.
    """
    source = folder / "instances.json"
    data = json.loads(source.read_text(encoding="utf-8"))
    column = {int(row["id"]): index for index, row in enumerate(data["categories"])}
    try:
        objects: dict[int, list[Object]] = {}
        for row in data["annotations"]:
            objects.setdefault(int(row["image_id"]), []).append(_object(row, column))
        scenes = {
            str(row["file_name"]): Scene(
                image=int(row["id"]),
                width=int(row["width"]),
                height=int(row["height"]),
                has_masks=bool(row.get("has_masks", False)),
                objects=tuple(objects.get(int(row["id"]), ())),
            )
            for row in data["images"]
        }
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidInput(f"{source} has an annotation or a photograph without its figures: {error!r}.") from error
    return tuple(scenes[file.name] for file in photographs.files)


def load_captions(folder: Path, photographs: LabelledPhotographs) -> tuple[tuple[str, ...], ...]:
    """Captions of each photograph, none where nobody wrote any: `captions.json` has lists of them by COCO id as text.

    `InvalidInput` where there is no such file, or none of the photographs has a caption.
    """
    source = folder / "captions.json"
    try:
        data: Mapping[str, Any] = json.loads(source.read_text(encoding="utf-8"))
        written = {int(image): _captions(texts) for image, texts in data.items()}
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise InvalidInput(
            f"{source} has no captions by image id: {error!r}.", 'It is to hold {"139": ["A woman ...", ...], ...}.'
        ) from error
    rows = json.loads((folder / "instances.json").read_text(encoding="utf-8"))["images"]
    image = {str(row["file_name"]): int(row["id"]) for row in rows}
    captions = tuple(written.get(image[file.name], ()) for file in photographs.files)
    if not any(captions):
        raise InvalidInput(f"{source} has no caption of these photographs.", "Its keys are COCO ids, as text.")
    return captions


def _captions(texts: Any) -> tuple[str, ...]:
    if not isinstance(texts, list):
        raise TypeError(f"{texts!r} is no list")
    return tuple(text for text in (" ".join(str(text).split()) for text in texts) if text)


def _object(row: Mapping[str, Any], column: Mapping[int, int]) -> Object:
    x, y, width, height = map(float, row["bbox"])
    segmentation = row.get("segmentation") or ()
    polygons = segmentation if isinstance(segmentation, list) else ()
    return Object(
        category=column[int(row["category_id"])],
        box=Box(x, y, x + width, y + height),
        crowd=bool(row.get("iscrowd", 0)),
        polygons=tuple(tuple(map(float, polygon)) for polygon in polygons if len(polygon) >= 6),
    )
