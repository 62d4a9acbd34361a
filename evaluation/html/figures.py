"""Which plots a run has: they follow from the names of its figures, whatever the suite."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from evaluation.compare import Run
from evaluation.html.gallery import is_wrong
from evaluation.html.plots import Plot, Series, bars, lines, reliability
from evaluation.html.words import told, words
from evaluation.suite import Record, Row

SHARES = ("accuracy_strict", "recall_at_1", "recall_at_5", "accuracy")
_RECALL = re.compile(r"recall_at_(\d+)")
_FAR = 10


def plots(run: Run) -> list[Plot]:
    """Shares over the size of a haystack, recall over rank, stated probabilities, errors of counts: those there are."""
    names = tuple(dict.fromkeys(name for record in run.records for name in record["row"]))
    return [*_over_size(run.rows, names), *_over_rank(run.rows, names), *_stated(run.records), *_counts(run)]


def _over_size(rows: Sequence[Row], names: Sequence[str]) -> Iterator[Plot]:
    """A plot for each share and kind of question, a line for each pipeline; only where there are several sizes."""
    if "n" not in names:
        return
    kinds: dict[str, list[Row]] = {}
    for row in rows:
        kinds.setdefault(told(row, [name for name in names if name not in ("n", "pipeline")]), []).append(row)
    for kind, members in kinds.items():
        for share in SHARES:
            if share == "accuracy" and all(row.get(share) == row.get("accuracy_strict") for row in members):
                continue
            groups: dict[str, list[Row]] = {}
            for row in members:
                if row.get(share) is not None:
                    groups.setdefault(str(row.get("pipeline", "agent")), []).append(row)
            series = [
                Series(words(name), *_points([(float(row["n"]), row, share) for row in own]))
                for name, own in groups.items()
            ]
            if any(len(each.x) > 1 for each in series):
                title = words(share).capitalize() + (f", {kind}" if kind else "")
                yield lines(title, "photographs in the haystack", series, logarithmic=True)


def _over_rank(rows: Sequence[Row], names: Sequence[str]) -> Iterator[Plot]:
    """Recall at k, a line for each row; where sizes differ, `_over_size` shows it."""
    if "n" in names:
        return
    series = []
    for row in rows:
        at = {int(found[1]): name for name in row if (found := _RECALL.fullmatch(name)) and row[name] is not None}
        if len(at) > 1:
            points = [(float(rank), row, at[rank]) for rank in sorted(at)]
            series.append(Series(told(row, names) or "all", *_points(points)))
    if series:
        yield lines("Recall at k", "k", series)


def _points(
    points: Sequence[tuple[float, Row, str]],
) -> tuple[tuple[float, ...], tuple[float, ...], tuple[tuple[float, float], ...]]:
    """x, y and bands of (x, row, name of the figure)."""
    bands = [tuple(map(float, row[f"{name}_interval"])) for _, row, name in points]
    return (
        tuple(x for x, _, _ in points),
        tuple(float(row[name]) for _, row, name in points),
        tuple((low, high) for low, high in bands),
    )


def _stated(records: Sequence[Record]) -> Iterator[Plot]:
    """Records that hold the `confidence` of an answer that was given."""
    groups: dict[str, tuple[list[float], list[bool]]] = {}
    for record in records:
        if record.get("confidence") is not None and record.get("value") is not None:
            confidences, right = groups.setdefault(str(record["row"].get("pipeline", "agent")), ([], []))
            confidences.append(float(record["confidence"]))
            right.append(not is_wrong(record))
    if groups:
        yield reliability("Confidence and being right", groups)


def _counts(run: Run) -> Iterator[Plot]:
    """Of the counting suite: how far counts were off, a plot for each row."""
    if run.suite != "counting":
        return
    groups: dict[str, Counter[int]] = {}
    for record in run.records:
        value, true = record["value"], record["truth"]
        if value is not None:
            error = max(-_FAR, min(_FAR, value - true))
            groups.setdefault(told(record["row"], list(record["row"])), Counter())[error] += 1
    for name, errors in groups.items():
        title = f"Errors of counts, {name}" if name else "Errors of counts"
        yield bars(title, f"count said - true count (the ends: {_FAR} and more)", "questions", errors)
