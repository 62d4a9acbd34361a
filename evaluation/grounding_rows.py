"""The table of the grounding suite: all categories, then each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluation.average_precision import CocoFigures, Found, coco_figures, mean_of, ranking_precision
from evaluation.bootstrap import interval, interval_of
from evaluation.coco import LabelledPhotographs
from evaluation.labels import Scene
from evaluation.suite import Record, Row

Rows = NDArray[np.intp]
PAIR_FIGURES: Mapping[str, Callable[[Mapping[str, Any]], bool | None]] = {
    "pointing": lambda pair: pair["pointing"],
    "pointing_small": lambda pair: pair["pointing"] if pair["small"] else None,
    "best_box_iou50": lambda pair: pair["best_box"],
    "region_found": lambda pair: pair["found"],
}


def rows(
    photographs: LabelledPhotographs, scenes: Sequence[Scene], records: Sequence[Record], seed: int = 0
) -> list[Row]:
    """Figures are 0..1. Of "all": `image_ap`, `box_ap`, `box_ap50`, `mask_ap50` are means over categories; the others
    are over pairs (photograph, category it shows) and over objects with masks. A figure that nothing is labelled for is
    None. COCO's figures have intervals for all categories together only.
    """
    parts: dict[str, list[Record]] = {"ranking": [], "regions": [], "masks": []}
    for record in records:
        parts[record["row"]["part"]].append(record)
    shown = np.flatnonzero(photographs.presence.any(0))
    ranked = _ranking(photographs, shown, parts["ranking"], seed)
    boxes = _coco(photographs, scenes, range(len(scenes)), parts["regions"], "box", seed)
    masked = [row for row, scene in enumerate(scenes) if scene.has_masks]
    masks = _coco(photographs, scenes, masked, parts["regions"], "mask", seed)
    table: list[Row] = []
    for category in (None, *shown.tolist()):
        presence = photographs.presence if category is None else photographs.presence[:, category]
        row: Row = {
            "category": "all" if category is None else photographs.categories[category],
            "photographs": int(presence.sum()) if category is not None else len(scenes),
        }
        row |= ranked[category] | _pairs(parts["regions"], category, seed) | boxes[category]
        row |= _mask_iou(parts["masks"], category, seed) | masks[category]
        table.append(row)
    return table


Figures = dict[int | None, Row]
"""By category; None: of all."""


def ranking_figures(
    photographs: LabelledPhotographs, records: Sequence[Record]
) -> Callable[[Rows | None], NDArray[np.float64]]:
    """Average precision of each category that is shown, in a resample of the photographs (None: each once).

    A category that the encoder does not know is ranked nowhere: 0.
    """
    shown = np.flatnonzero(photographs.presence.any(0))
    presence = photographs.presence[:, shown]
    known = {record["question"]: record["ranking"] for record in records}
    everything = list(range(len(presence)))
    rankings = np.array([known[photographs.categories[x]] or everything for x in shown], np.intp)
    ranked = np.array([bool(known[photographs.categories[x]]) for x in shown])

    def figures(resample: Rows | None) -> NDArray[np.float64]:
        precision = ranking_precision(rankings, presence, resample)
        return np.where(ranked | np.isnan(precision), precision, 0.0)

    return figures


def _ranking(photographs: LabelledPhotographs, shown: Rows, records: Sequence[Record], seed: int) -> Figures:
    name, figures, drawn = "image_ap", ranking_figures(photographs, records), list[NDArray[np.float64]]()

    def mean(resample: Rows) -> float:
        drawn.append(figures(resample))
        return mean_of(drawn[-1])

    whole = figures(None)
    found: Figures = {None: {name: mean_of(whole)}}
    found[None][f"{name}_interval"] = interval_of(mean, len(photographs.presence), seed)
    with np.errstate(invalid="ignore"):
        low, high = np.nanpercentile(np.stack(drawn), [2.5, 97.5], axis=0)
    for place, x in enumerate(shown.tolist()):
        found[x] = {name: float(whole[place]), f"{name}_interval": (float(low[place]), float(high[place]))}
    return found


def _pairs(records: Sequence[Record], category: int | None, seed: int) -> Row:
    pairs = [
        (pair, record["cluster"])
        for record in records
        for pair in record["pairs"]
        if category in (None, pair["category"])
    ]
    row: Row = {"pairs": len(pairs)}
    for name, figure in PAIR_FIGURES.items():
        values = [(float(value), cluster) for pair, cluster in pairs if (value := figure(pair)) is not None]
        row |= _mean(name, values, seed)
    return row


def _mask_iou(records: Sequence[Record], category: int | None, seed: int) -> Row:
    masks = [
        (iou, box, record["cluster"]) for record in records for x, iou, box in record["masks"] if category in (None, x)
    ]
    row: Row = {"masks": len(masks)}
    row |= _mean("mask_iou", [(iou, cluster) for iou, _, cluster in masks], seed)
    return row | _mean("box_as_mask_iou", [(box, cluster) for _, box, cluster in masks], seed)


def _mean(name: str, values: Sequence[tuple[float, str]], seed: int) -> Row:
    if not values:
        return {name: None, f"{name}_interval": None}
    numbers, clusters = zip(*values, strict=True)
    return {name: sum(numbers) / len(numbers), f"{name}_interval": interval(numbers, clusters, seed)}


def _coco(
    photographs: LabelledPhotographs,
    scenes: Sequence[Scene],
    members: Sequence[int],
    records: Sequence[Record],
    kind: str,
    seed: int,
) -> Figures:
    figures = region_figures(photographs, scenes, members, records, kind, seed)
    table: Figures = {}
    for category in (None, *range(len(photographs.categories))):
        row: Row = {}
        for name, values, spread in (
            (f"{kind}_ap", figures.ap, figures.ap_interval),
            (f"{kind}_ap50", figures.ap50, figures.ap50_interval),
        ):
            given = values[~np.isnan(values)] if category is None else values[[category]]
            value = float(given.mean()) if len(given) and not np.isnan(given).any() else None
            row |= {name: value, f"{name}_interval": spread if category is None else None}
        table[category] = row
    return table


def region_figures(
    photographs: LabelledPhotographs,
    scenes: Sequence[Scene],
    members: Sequence[int],
    records: Sequence[Record],
    kind: str,
    seed: int,
) -> CocoFigures:
    """COCO's figures of the photographs `members`, "box" or "mask"."""
    place = {row: number for number, row in enumerate(members)}
    found = [
        Found(place[record["photograph"]], x, score, (x0, y0, x1, y1), mask if kind == "mask" else None)
        for record in records
        for x, score, x0, y0, x1, y1, mask in record["found"]
        if record["photograph"] in place and (kind == "box" or mask is not None)
    ]
    own = [scenes[row] for row in members]
    return coco_figures(own, photographs.categories, found, "segm" if kind == "mask" else "bbox", seed)
