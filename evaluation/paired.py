"""How two runs of a suite are compared: means of questions by question, figures that are no means by photograph.

Average precision and F1 of both runs are computed by the suite's own rules on the same resamples of photographs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from evaluation import average_precision, bootstrap
from evaluation.bootstrap import interval_of
from evaluation.coco import LabelledPhotographs
from evaluation.compare import Run, difference_row, paired_rows, refuse_unlike
from evaluation.confusion import Told, confusion_statistics
from evaluation.grounding_rows import PAIR_FIGURES, ranking_figures, region_figures
from evaluation.labels import Scene
from evaluation.suite import Record, Row
from evaluation.suites import abstention, counting, pope
from thresher.errors import InvalidInput

Rows = NDArray[np.intp]
Labels = tuple[LabelledPhotographs, Sequence[Scene]]


def compare(a: Run, b: Run, labels: Labels | None = None, seed: int = 0) -> list[Row]:
    """A row for each row of the table and score: `a`, `b`, `difference` b - a, its 95 % interval, `excludes_0`.

    `InvalidInput` unless both asked the same questions; for grounding also without the `labels` of both. Of grounding
    the figures of all categories are compared.
    """
    refuse_unlike(a, b)
    if a.suite == "grounding":
        return list(_grounding(a, b, labels))
    by_row = _BY_ROW.get(a.suite, list)
    first, second = by_row(a.records), by_row(b.records)
    rows = paired_rows(first, second, seed)
    if a.suite in _TOLD:
        told, names = _TOLD[a.suite]
        rows += _confusion(first, second, told, names, seed)
    places = {row: place for place, row in enumerate(dict.fromkeys(map(_place, first)))}
    return sorted(rows, key=lambda row: places[str({name: row[name] for name in first[0]["row"]})])


def _place(record: Record) -> str:
    return str(record["row"])


def _in_one(records: Sequence[Record]) -> list[Record]:
    return [{**record, "row": {"table": "all"}} for record in records]


_BY_ROW: Mapping[str, Callable[[Sequence[Record]], list[Record]]] = {
    "abstention": abstention.by_row,
    "counting": counting.by_row,
    "demo": _in_one,
}
_TOLD: Mapping[str, tuple[Callable[[Record], Told], Sequence[str]]] = {
    "abstention": (abstention.told_of, abstention.FIGURES),
    "pope": (pope.told_of, pope.FIGURES),
}


def _confusion(
    a: Sequence[Record], b: Sequence[Record], told: Callable[[Record], Told], names: Sequence[str], seed: int
) -> Iterator[Row]:
    for about in {str(record["row"]): record["row"] for record in a}.values():
        first, second = (
            [told(record) for record in records if record["row"] == about and "value" in record] for records in (a, b)
        )
        if len(first) != len(second) or not first:
            continue
        clusters = list(dict.fromkeys(one.cluster for one in first))
        ours, theirs = confusion_statistics(first, clusters), confusion_statistics(second, clusters)
        for name in names:
            figures = _paired(ours[name], theirs[name], len(clusters), seed)
            yield {**about, "score": name, **difference_row(len(first), *figures)}


def _paired(
    a: Callable[[Rows], float], b: Callable[[Rows], float], photographs: int, seed: int, resamples: int | None = None
) -> tuple[float | None, float | None, float | None, tuple[float, float] | None]:
    """a, b, b - a and the interval of that; None where one is not defined."""
    everything = np.arange(photographs)
    first, second = a(everything), b(everything)
    if np.isnan(first) or np.isnan(second):
        return *(None if np.isnan(value) else value for value in (first, second)), None, None  # type: ignore[return-value]
    interval = interval_of(lambda rows: b(rows) - a(rows), photographs, seed, resamples or bootstrap.RESAMPLES)
    return first, second, second - first, interval


def _grounding(a: Run, b: Run, labels: Labels | None) -> Iterator[Row]:
    if labels is None:
        raise InvalidInput(
            "Average precision of two runs needs the labels they were measured with.", "Give the folder: --coco DIR."
        )
    photographs, scenes = labels
    for run in (a, b):
        if run.about.get("labels") != photographs.digest:
            raise InvalidInput(
                f"{run.path} was measured with other photographs or labels.",
                "Give the folder (--coco), and the file of names (--images), of both runs.",
            )
    seed = int(a.about.get("seed", 0))
    first, second = _parts(a.records), _parts(b.records)
    about = {"category": "all"}

    everyone = len(photographs.ids)
    ranked = [ranking_figures(photographs, part["ranking"]) for part in (first, second)]
    means = [_mean_of(figures) for figures in ranked]
    yield {**about, "score": "image_ap", **difference_row(everyone, *_paired(means[0], means[1], everyone, seed))}
    yield from paired_rows(_pairs(first["regions"]), _pairs(second["regions"]), seed)
    yield from paired_rows(_masks(first["masks"]), _masks(second["masks"]), seed)
    masked = [row for row, scene in enumerate(scenes) if scene.has_masks]
    for kind, members in (("box", list(range(everyone))), ("mask", masked)):
        ours, theirs = (
            region_figures(photographs, scenes, members, part["regions"], kind, seed).means for part in (first, second)
        )
        for place, name in enumerate((f"{kind}_ap", f"{kind}_ap50")):
            figures = _paired(
                lambda rows, place=place, ours=ours: ours(rows)[place],  # type: ignore[misc]
                lambda rows, place=place, theirs=theirs: theirs(rows)[place],  # type: ignore[misc]
                len(members),
                seed,
                average_precision.RESAMPLES,
            )
            yield {**about, "score": name, **difference_row(len(members), *figures)}


def _mean_of(figures: Callable[[Rows | None], NDArray[np.float64]]) -> Callable[[Rows], float]:
    return lambda rows: average_precision.mean_of(figures(rows))


def _parts(records: Sequence[Record]) -> dict[str, list[Record]]:
    parts: dict[str, list[Record]] = {"ranking": [], "regions": [], "masks": []}
    for record in records:
        parts[record["row"]["part"]].append(record)
    return parts


def _pairs(records: Sequence[Record]) -> list[Record]:
    """A record for each pair (photograph, category it shows)."""
    return [
        {
            "key": f"{record['key']}/{pair['category']}",
            "row": {"category": "all"},
            "cluster": record["cluster"],
            "scores": {name: figure(pair) for name, figure in PAIR_FIGURES.items()},
        }
        for record in records
        for pair in record["pairs"]
    ]


def _masks(records: Sequence[Record]) -> list[Record]:
    """A record for each object whose mask was asked for."""
    return [
        {
            "key": f"{record['key']}/{number}",
            "row": {"category": "all"},
            "cluster": record["cluster"],
            "scores": {"mask_iou": iou},
        }
        for record in records
        for number, (_, iou, _) in enumerate(record["masks"])
    ]
