"""Objects and captions of a labelled folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evaluation.coco import load
from evaluation.labels import Scene, load_captions, load_scenes
from thresher.errors import InvalidInput
from thresher.types import Box

SQUARE = [10.0, 5.0, 30.0, 5.0, 30.0, 25.0, 10.0, 25.0]


def folder(path: Path, change: dict[str, Any] | None = None) -> Path:
    """Two photographs, ids 7 and 9, with categories whose ids are not their columns."""
    (path / "images").mkdir(parents=True)
    for name in ("a.jpg", "b.jpg"):
        (path / "images" / name).write_bytes(name.encode())
    data: dict[str, Any] = {
        "categories": [{"id": 18, "name": "dog"}, {"id": 3, "name": "car"}],
        "images": [
            {"id": 9, "file_name": "a.jpg", "width": 60, "height": 40, "has_masks": True},
            {"id": 7, "file_name": "b.jpg", "width": 50, "height": 30},
        ],
        "annotations": [
            {"image_id": 9, "category_id": 3, "bbox": [10, 5, 20, 20], "segmentation": [SQUARE]},
            {"image_id": 9, "category_id": 18, "bbox": [0, 0, 5, 5], "iscrowd": 0, "segmentation": [[1, 2, 3, 4]]},
            {"image_id": 7, "category_id": 18, "bbox": [1, 2, 3, 4], "iscrowd": 1, "segmentation": {"counts": [1]}},
            {"image_id": 7, "category_id": 18, "bbox": [2, 2, 3, 4], "iscrowd": 0},
        ],
        **(change or {}),
    }
    (path / "instances.json").write_text(json.dumps(data))
    return path


def scenes_of(path: Path) -> tuple[Scene, ...]:
    return load_scenes(path, load(path))


def test_objects_in_columns_pixels_and_order_of_the_photographs(tmp_path: Path) -> None:
    coco = folder(tmp_path / "coco")
    first, second = load_scenes(coco, load(coco))
    assert (first.image, first.width, first.height, first.has_masks) == (9, 60, 40, True)
    assert first.objects[0].category == 1 and first.objects[0].box == Box(10, 5, 30, 25)
    assert first.objects[0].polygons == (tuple(SQUARE),)
    assert first.objects[1].polygons == ()
    assert (second.image, second.has_masks) == (7, False)
    (only,) = load_scenes(coco, load(coco, ["b.jpg"]))
    assert only == second


def test_crowds_have_no_number_and_no_box(tmp_path: Path) -> None:
    first, second = scenes_of(folder(tmp_path / "coco"))
    assert first.count(1) == 1 and first.count(0) == 1 and second.count(1) == 0
    assert second.count(0) is None
    assert second.boxes(0) == [Box(2, 2, 5, 6)]


@pytest.mark.parametrize(
    "change",
    [
        {"annotations": [{"image_id": 9, "category_id": 3}]},
        {"annotations": [{"image_id": 9, "category_id": 3, "bbox": [1, 2, 3]}]},
        {"images": [{"id": 9, "file_name": "a.jpg"}, {"id": 7, "file_name": "b.jpg"}]},
    ],
)
def test_labels_without_figures_are_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="without its figures"):
        scenes_of(folder(tmp_path / "coco", change))


def test_captions_by_image_id(tmp_path: Path) -> None:
    coco = folder(tmp_path / "coco")
    (coco / "captions.json").write_text(json.dumps({"7": ["A dog\n here. ", "  "], "99": ["Another."]}))
    assert load_captions(coco, load(coco)) == ((), ("A dog here.",))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "no captions by image id"),
        ("[1, 2]", "no captions by image id"),
        ('{"a.jpg": ["x"]}', "no captions by image id"),
        ('{"7": 5}', "no captions by image id"),
        ('{"7": "A dog."}', "no captions by image id"),
        ('{"99": ["x"]}', "no caption of these photographs"),
    ],
)
def test_a_captions_file_that_is_none(tmp_path: Path, text: str | None, message: str) -> None:
    coco = folder(tmp_path / "coco")
    if text is not None:
        (coco / "captions.json").write_text(text)
    with pytest.raises(InvalidInput, match=message):
        load_captions(coco, load(coco))
