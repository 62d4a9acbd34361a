"""The grounding suite against a client that knows the labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from faster_coco_eval.core import mask as coco_mask

from evaluation.labels import Object, Scene
from evaluation.suites import grounding
from evaluation.suites.grounding import Settings, suite, whole_objects
from tests.evaluation.label_client import CATEGORIES, SIZE, LabelClient, records_of, world
from thresher.errors import InvalidInput
from thresher.records import SearchResult
from thresher.types import Box, Mask, Prompt, Region


def filled(box: Box) -> Mask:
    """A box as a mask."""
    mask = np.zeros((SIZE[1], SIZE[0]), np.uint8, order="F")
    mask[int(box.y0) : int(box.y1), int(box.x0) : int(box.x1)] = 1
    return Mask(SIZE[1], SIZE[0], coco_mask.encode(mask)["counts"])


class Grounded(LabelClient):
    """Gives true boxes and masks, moved by `shift` pixels; masks of true boxes are moved too."""

    shift = 0.0

    async def ground(self, collection: str, image: str, prompts: Sequence[Prompt]) -> list[tuple[Region, ...]]:
        found = await super().ground(collection, image, prompts)
        for place, prompt in enumerate(prompts):
            if isinstance(prompt, Box):
                found[place] = (Region(prompt, 1.0, ""),)
        return [tuple(self._moved(region) for region in own) for own in found]

    def _moved(self, region: Region) -> Region:
        box = Box(*(value + self.shift for value in (region.box.x0, region.box.y0, region.box.x1, region.box.y1)))
        return replace(region, box=box, mask=filled(box))


async def rows_of(client: LabelClient) -> dict[str, dict[str, Any]]:
    built = suite(client.photographs, client.scenes, Settings())
    rows = built.rows(await records_of(built, client))
    return {row["category"]: row for row in rows}


async def test_a_server_that_knows() -> None:
    photographs, scenes = world(24)
    rows = await rows_of(Grounded(photographs, scenes))
    assert list(rows) == ["all", *CATEGORIES]
    assert rows["all"]["photographs"] == 24 and rows["dog"]["photographs"] == photographs.presence[:, 0].sum()
    assert sum(rows[name]["pairs"] for name in CATEGORIES) == rows["all"]["pairs"]
    assert rows["all"]["pairs"] == sum(bool(scene.boxes(x)) for scene in scenes for x in range(len(CATEGORIES)))
    masked = [thing for scene in scenes if scene.has_masks for thing in whole_objects(scene)]
    assert rows["all"]["masks"] == len(masked) == sum(rows[name]["masks"] for name in CATEGORIES)
    for name, row in rows.items():
        assert row["image_ap"] == row["pointing"] == row["best_box_iou50"] == row["region_found"] == 1.0, name
        assert row["box_ap"] == row["box_ap50"] == pytest.approx(1.0), name
        assert row["mask_iou"] > 0.95 and row["mask_ap50"] == pytest.approx(1.0), name
        assert row["mask_iou"] == pytest.approx(row["box_as_mask_iou"], abs=0.05)
    assert rows["all"]["box_ap50_interval"] == (1.0, 1.0)
    assert rows["dog"]["box_ap50_interval"] is None


async def test_boxes_that_are_off() -> None:
    photographs, scenes = world(24)
    client = Grounded(photographs, scenes)
    client.shift = 4.0
    row = (await rows_of(client))["all"]
    assert row["image_ap"] == 1.0 and row["region_found"] == 1.0
    assert 0 < row["box_ap"] < row["box_ap50"] < 1
    assert row["best_box_iou50"] < row["pointing"]
    assert row["mask_iou"] < 0.8 < row["box_as_mask_iou"]
    low, high = row["best_box_iou50_interval"]
    assert low < row["best_box_iou50"] < high


async def test_a_server_that_finds_nothing() -> None:
    photographs, scenes = world(24)

    class Blind(LabelClient):
        async def search(self, *_: Any, **__: Any) -> SearchResult:
            return SearchResult((), True)

        async def ground(self, _collection: str, _image: str, prompts: Sequence[Prompt]) -> list[tuple[Region, ...]]:
            return [() for _ in prompts]

    row = (await rows_of(Blind(photographs, scenes)))["all"]
    names = ("image_ap", "pointing", "best_box_iou50", "region_found", "box_ap", "mask_ap50", "mask_iou")
    assert all(row[name] == 0.0 for name in names)


async def test_rankings_of_more_photographs_than_one_search_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grounding, "HITS", 7)
    photographs, scenes = world(24)
    built = suite(photographs, scenes, Settings())
    records = await records_of(built, Grounded(photographs, scenes))
    assert all(sorted(record["ranking"]) == list(range(24)) for record in records if "ranking" in record)
    assert built.rows(records)[0]["image_ap"] == 1.0


async def test_labels_of_another_size_are_refused() -> None:
    photographs, scenes = world(4)
    halved = tuple(replace(scene, width=32) for scene in scenes)
    built = suite(photographs, halved, Settings())
    with pytest.raises(InvalidInput, match=r"0\.jpg is 64 x 48 pixels, and 32 x 48 by its labels"):
        await records_of(built, Grounded(photographs, halved))


def test_objects_whose_masks_are_asked_for() -> None:
    corners = ((0.0, 0.0, 20.0, 0.0, 20.0, 20.0),)
    large, small = Object(0, Box(0, 0, 20, 20), False, corners), Object(0, Box(0, 0, 20, 7), False, corners)
    crowd, bare = Object(0, Box(0, 0, 20, 20), True, corners), Object(0, Box(0, 0, 20, 20), False, ())
    assert whole_objects(Scene(1, 64, 48, True, (large, small, crowd, bare))) == [large]


async def test_masks_only_where_there_are_true_ones() -> None:
    photographs, scenes = world(9)
    none = tuple(replace(scene, has_masks=False) for scene in scenes)
    row = (await rows_of(Grounded(photographs, none)))["all"]
    assert row["masks"] == 0 and row["mask_iou"] is None and row["mask_ap"] is None and row["box_ap50"] == 1.0
