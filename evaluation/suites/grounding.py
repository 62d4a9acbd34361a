"""Where things are: photographs ranked, regions pointed at, boxes and masks, for every labelled category.

Protocol, all of it through the public client:

- ranking: `Search` for the name of each category over all photographs; average precision of the ranking.
- regions: `Ground` with the name of every category in every photograph. For a pair (photograph, category it shows with
  at least one single object) the best region counts: *pointing* is right where its centre lies in a true box of the
  category, *best box* where its IoU with one is at least .5; no region is wrong. `pointing_small` is of the pairs whose
  true boxes cover less than a tenth of the photograph. Box AP and AP50 (COCO, 100 regions a photograph) are of all
  regions, so that those in photographs without the category are false ones. What the server holds back as unlikely is
  missing from them.
- masks: in photographs that have true masks, `Ground` with the true box of every single object of `LEAST_SIDE` pixels
  or more: IoU of the mask with the true one, over the whole photograph; and COCO AP of the regions' masks.

Crowds are neither hits nor misses in COCO's figures and no single object in the others. Photographs are resampled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from faster_coco_eval.core import mask as coco_mask

from evaluation.coco import LabelledPhotographs
from evaluation.grounding_rows import rows
from evaluation.labels import Object, Scene
from evaluation.scopes import photos, refuse_one_category, scope_filter
from evaluation.suite import Question, Record, Suite
from thresher.client import Client
from thresher.errors import InvalidInput
from thresher.types import Box, Hit, Mask, Prompt, Region

PROMPTS = 100
"""In one call: what servers take."""
HITS = 1000
"""In one search: what servers take. Larger sets are searched part by part, which the scores allow to merge."""
LEAST_SIDE = 8.0
"""Pixels. A mask in a smaller box is a few pixels that depend on how the polygon is rounded."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The questions are all there are: nothing is drawn. `seed` is the bootstrap's."""

    seed: int = 7


def suite(photographs: LabelledPhotographs, scenes: Sequence[Scene], settings: Settings) -> Suite:
    """`scenes` belong to `photographs`. `InvalidInput` where these show fewer than two categories."""
    refuse_one_category(photographs)
    shown = np.flatnonzero(photographs.presence.any(0)).tolist()
    masked = [row for row, scene in enumerate(scenes) if scene.has_masks]
    names = [file.name for file in photographs.files]
    ranking = [
        Question(f"ranking/{photographs.categories[x]}", "ranking", partial(_rank, photographs, x)) for x in shown
    ]
    regions = [
        Question(f"regions/{names[row]}", "regions", partial(_regions, photographs, scenes[row], row, shown))
        for row in range(len(scenes))
    ]
    masks = [
        Question(f"masks/{names[row]}", "masks", partial(_masks, photographs, scenes[row], row))
        for row in masked
        if whole_objects(scenes[row])
    ]
    return Suite(
        name="grounding",
        title=f"grounding, {len(scenes)} photographs, {len(masked)} with masks",
        settings={"seed": settings.seed, "labels": photographs.digest},
        photographs=photos(photographs),
        ids=photographs.ids,
        questions=(*ranking, *regions, *masks),
        rows=partial(rows, photographs, scenes, seed=settings.seed),
    )


def whole_objects(scene: Scene) -> list[Object]:
    """Single objects with a true mask that are large enough to be asked about."""
    return [
        thing
        for thing in scene.objects
        if thing.polygons
        and not thing.crowd
        and min(thing.box.x1 - thing.box.x0, thing.box.y1 - thing.box.y0) >= LEAST_SIDE
    ]


async def _rank(photographs: LabelledPhotographs, x: int, client: Client, collection: str) -> Record:
    """`ranking`: rows of the labels, best first; empty where the encoder does not know the word."""
    name, row = photographs.categories[x], {image: row for row, image in enumerate(photographs.ids)}
    hits: list[Hit] = []
    for start in range(0, len(photographs.ids), HITS):
        part = tuple(range(start, min(start + HITS, len(photographs.ids))))
        found = await client.search(
            collection, name, where=scope_filter(photographs, part), limit=len(part), separate_duplicates=True
        )
        hits += found.hits
    ranking = [row[hit.record.id] for hit in sorted(hits, key=lambda hit: -hit.score)]
    scores = {"known": bool(hits)}
    return {"row": {"part": "ranking"}, "cluster": name, "question": name, "ranking": ranking, "scores": scores}


async def _regions(
    photographs: LabelledPhotographs, scene: Scene, row: int, shown: Sequence[int], client: Client, collection: str
) -> Record:
    """`found`: [category, score, x0, y0, x1, y1, mask or None]. Masks are kept where there are true ones."""
    await _refuse_other_size(client, collection, photographs, scene, row)
    prompts = [photographs.categories[x] for x in shown]
    regions = dict(zip(shown, await _ground(client, collection, photographs.ids[row], prompts), strict=True))
    found = [
        [x, region.score, region.box.x0, region.box.y0, region.box.x1, region.box.y1, _counts(scene, region)]
        for x, own in regions.items()
        for region in own
    ]
    pairs = [{"name": photographs.categories[x], **_pair(scene, x, regions[x])} for x in shown if scene.boxes(x)]
    scores = {
        name: float(np.mean([pair[name] for pair in pairs])) if pairs else None for name in ("pointing", "best_box")
    }
    return {
        "row": {"part": "regions"},
        "cluster": photographs.ids[row],
        "question": f"every category in {photographs.files[row].name}",
        "photograph": row,
        "found": found,
        "pairs": pairs,
        "scores": scores,
    }


def _pair(scene: Scene, x: int, regions: Sequence[Region]) -> dict[str, Any]:
    """What the best region for a category is worth in a photograph that shows it."""
    true = scene.boxes(x)
    best = max(regions, key=lambda region: region.score, default=None)
    small = sum(box.area for box in true) < 0.1 * scene.width * scene.height
    return {
        "category": x,
        "small": small,
        "found": best is not None,
        "pointing": best is not None and any(_inside(best.box.center, box) for box in true),
        "best_box": best is not None and max(best.box.iou(box) for box in true) >= 0.5,
    }


def _inside(point: tuple[float, float], box: Box) -> bool:
    return box.x0 <= point[0] < box.x1 and box.y0 <= point[1] < box.y1


async def _masks(photographs: LabelledPhotographs, scene: Scene, row: int, client: Client, collection: str) -> Record:
    """`masks`: [category, IoU of the mask, IoU of the box taken for a mask] of each object."""
    await _refuse_other_size(client, collection, photographs, scene, row)
    things = whole_objects(scene)
    regions = await _ground(client, collection, photographs.ids[row], [thing.box for thing in things])
    masks = []
    for thing, found in zip(things, regions, strict=True):
        true = true_mask(thing, scene)
        given = found[0].mask if found else None
        iou = _iou({"size": [given.height, given.width], "counts": given.counts}, true) if given is not None else 0.0
        x0, y0, x1, y1 = thing.box.x0, thing.box.y0, thing.box.x1, thing.box.y1
        box = coco_mask.merge(coco_mask.frPyObjects([[x0, y0, x1, y0, x1, y1, x0, y1]], scene.height, scene.width))
        masks.append([thing.category, iou, _iou(box, true)])
    scores = {"mask_iou": float(np.mean([iou for _, iou, _ in masks]))}
    return {
        "row": {"part": "masks"},
        "cluster": photographs.ids[row],
        "question": f"every box in {photographs.files[row].name}",
        "photograph": row,
        "masks": masks,
        "scores": scores,
    }


def true_mask(thing: Object, scene: Scene) -> dict[str, Any]:
    """The polygons of an object as one COCO mask of the photograph."""
    polygons = [list(polygon) for polygon in thing.polygons]
    mask: dict[str, Any] = coco_mask.merge(coco_mask.frPyObjects(polygons, scene.height, scene.width))
    return mask


def _iou(one: dict[str, Any], other: dict[str, Any]) -> float:
    return float(np.asarray(coco_mask.iou([one], [other], [0])).ravel()[0])


def _counts(scene: Scene, region: Region) -> str | None:
    mask: Mask | None = region.mask if scene.has_masks else None
    return None if mask is None else mask.counts.decode("ascii")


async def _ground(client: Client, collection: str, image: str, prompts: Sequence[Prompt]) -> list[tuple[Region, ...]]:
    found: list[tuple[Region, ...]] = []
    for start in range(0, len(prompts), PROMPTS):
        found += await client.ground(collection, image, prompts[start : start + PROMPTS])
    return found


async def _refuse_other_size(
    client: Client, collection: str, photographs: LabelledPhotographs, scene: Scene, row: int
) -> None:
    record = await client.get_image(collection, photographs.ids[row])
    if (record.width, record.height) != (scene.width, scene.height):
        raise InvalidInput(
            f"{photographs.files[row].name} is {record.width} x {record.height} pixels, and {scene.width} x "
            f"{scene.height} by its labels.",
            "Give labels in pixels of the files.",
        )
