"""Average precision: of ranked photographs, and of boxes or masks by COCO's rules (faster-coco-eval)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from faster_coco_eval import COCO, COCOeval_faster
from numpy.typing import NDArray

from evaluation.bootstrap import Interval, interval_of
from evaluation.coco import Presence
from evaluation.labels import Scene

RESAMPLES = 200
"""Of the intervals of COCO's figures: each takes a tenth of a second."""
_ANY_AREA = ((0.0, 1e10),)

Rows = NDArray[np.intp]
Figures = NDArray[np.float64]
"""One a category, NaN where it is not defined."""


def ranking_precision(rankings: Rows, presence: Presence, photographs: Rows | None = None) -> Figures:
    """Average precision of each category's ranking: the mean precision at the places of photographs that show it.

    `rankings` (categories, photographs), best first; `presence` (photographs, categories). `photographs` is a resample,
    rows with repetition (None: each once); one that is drawn more than once is tied with itself. NaN where none of them
    shows the category.
    """
    count = len(presence)
    weights = np.ones(count) if photographs is None else np.bincount(photographs, minlength=count).astype(float)
    weight = weights[rankings]
    hits = weight * presence.T[np.arange(len(rankings))[:, None], rankings]
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = np.nan_to_num(np.cumsum(hits, 1) / np.cumsum(weight, 1))
        figures: Figures = (hits * precision).sum(1) / hits.sum(1)
    return figures


@dataclass(frozen=True, slots=True)
class Found:
    """A region as it was found: `photograph` and `category` are rows and columns of the labels; `box` x0 y0 x1 y1 in
    pixels; `mask` compressed COCO counts, where it has one."""

    photograph: int
    category: int
    score: float
    box: tuple[float, float, float, float]
    mask: str | None = None


@dataclass(frozen=True, slots=True)
class CocoFigures:
    """AP (mean over IoU .50:.05:.95) and AP at IoU .50 of each category, and the intervals of their means.

    `means`: both means of a resample of the photographs.
    """

    ap: Figures
    ap50: Figures
    ap_interval: Interval | None
    ap50_interval: Interval | None
    means: Callable[[Rows], tuple[float, float]]


def coco_figures(
    scenes: Sequence[Scene], categories: Sequence[str], found: Sequence[Found], kind: Literal["bbox", "segm"], seed: int
) -> CocoFigures:
    """`found` in `scenes`, where every category was looked for. Crowds are neither hits nor misses.

    `segm` needs scenes with polygons. No category has figures where nothing is labelled.
    """
    empty = np.full(len(categories), np.nan)
    truth = _truth(scenes, categories, kind)
    if not any(not row["iscrowd"] for row in truth["annotations"]):
        return CocoFigures(empty, empty, None, None, lambda _: (float("nan"), float("nan")))
    if not found:
        zero = np.where(_labelled(truth, len(categories)), 0.0, np.nan)
        return CocoFigures(zero, zero, (0.0, 0.0), (0.0, 0.0), lambda _: (0.0, 0.0))
    labels = COCO(truth)
    measure = COCOeval_faster(labels, labels.loadRes([_result(one, scenes) for one in found]), kind, separate_eval=True)
    measure.params.areaRng, measure.params.areaRngLbl = [list(area) for area in _ANY_AREA], ["all"]
    measure.params.maxDets = [100]
    measure.evaluate()
    ap, ap50 = _accumulated(measure)
    # One evaluation for each category and photograph, in this order: a resample takes those of its photographs.
    each = np.empty(len(categories) * len(scenes), object)
    each[:] = measure._evalImgs_cpp
    by_category = each.reshape(len(categories), len(scenes))
    drawn: dict[bytes, tuple[float, float]] = {}

    def means(rows: Rows) -> tuple[float, float]:
        if rows.tobytes() not in drawn:
            measure._evalImgs_cpp = by_category[:, rows].ravel().tolist()
            both = _accumulated(measure)
            drawn[rows.tobytes()] = (mean_of(both[0]), mean_of(both[1]))
        return drawn[rows.tobytes()]

    return CocoFigures(
        ap,
        ap50,
        interval_of(lambda rows: means(rows)[0], len(scenes), seed, RESAMPLES),
        interval_of(lambda rows: means(rows)[1], len(scenes), seed, RESAMPLES),
        means,
    )


def mean_of(figures: Figures) -> float:
    """Over the categories that have a figure; NaN where none has."""
    given = figures[~np.isnan(figures)]
    return float(given.mean()) if len(given) else float("nan")


def _accumulated(measure: Any) -> tuple[Figures, Figures]:
    measure.accumulate()
    precision = np.asarray(measure.eval["precision"], np.float64)[:, :, :, 0, 0]
    at_each = np.where(precision[:, 0] < 0, np.nan, precision.mean(1))
    return at_each.mean(0), at_each[0]


def _truth(scenes: Sequence[Scene], categories: Sequence[str], kind: str) -> dict[str, Any]:
    annotations: list[dict[str, Any]] = []
    for number, scene in enumerate(scenes):
        for thing in scene.objects:
            box = thing.box
            row = {
                "id": len(annotations) + 1,
                "image_id": number + 1,
                "category_id": thing.category + 1,
                "bbox": [box.x0, box.y0, box.x1 - box.x0, box.y1 - box.y0],
                "area": box.area,
                "iscrowd": int(thing.crowd),
            }
            corners = [[box.x0, box.y0, box.x1, box.y0, box.x1, box.y1, box.x0, box.y1]]
            if kind == "segm":
                if not thing.polygons and not thing.crowd:
                    continue
                row["segmentation"] = [list(polygon) for polygon in thing.polygons] or corners
            annotations.append(row)
    return {
        "images": [{"id": n + 1, "width": scene.width, "height": scene.height} for n, scene in enumerate(scenes)],
        "categories": [{"id": n + 1, "name": name} for n, name in enumerate(categories)],
        "annotations": annotations,
    }


def _labelled(truth: Mapping[str, Any], categories: int) -> NDArray[np.bool_]:
    there = np.zeros(categories, bool)
    there[[row["category_id"] - 1 for row in truth["annotations"] if not row["iscrowd"]]] = True
    return there


def _result(one: Found, scenes: Sequence[Scene]) -> dict[str, Any]:
    x0, y0, x1, y1 = one.box
    row: dict[str, Any] = {"image_id": one.photograph + 1, "category_id": one.category + 1, "score": one.score}
    if one.mask is None:
        return row | {"bbox": [x0, y0, x1 - x0, y1 - y0]}
    scene = scenes[one.photograph]
    return row | {"segmentation": {"size": [scene.height, scene.width], "counts": one.mask}}
