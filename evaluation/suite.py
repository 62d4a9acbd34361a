"""What every suite is: photographs, questions about them, and how records of answers become rows of figures."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evaluation.bootstrap import interval
from thresher.client import Client
from thresher.importing import Photo
from thresher.types import ImageId

Record = dict[str, Any]
"""What one question gave, in JSON: `key`; `row`, what names the row it counts for ({"draw": "matched", "n": 10});
`cluster`, the photograph that the question is about; `scores`, number by name (True and False are 1 and 0); None where
the figure does not exist for it; and whatever else the suite wants to keep."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Question:
    """One thing to ask. `key` names it for good: a run that goes on skips the keys it has. `group` is its bar's."""

    key: str
    group: str
    ask: Callable[[Client, str], Awaitable[Record]]


@dataclass(frozen=True, slots=True)
class Suite:
    """`settings` is all that decides the questions (sizes, seed, draw ...); it is part of what a run is known by.

    `photographs` are imported before the first question, `ids` are their SHA-256. `rows` makes the table,
    and `notes` the lines that are printed below it.
    """

    name: str
    title: str
    settings: Mapping[str, Any]
    photographs: tuple[Photo, ...]
    ids: tuple[ImageId, ...]
    questions: tuple[Question, ...]
    rows: Callable[[Sequence[Record]], list[Row]]
    notes: Callable[[Sequence[Row]], list[str]] = lambda _: []

    def __post_init__(self) -> None:
        if len({question.key for question in self.questions}) != len(self.questions):
            raise ValueError(f"two questions of {self.name} have one key")


def mean_rows(records: Sequence[Record], seed: int = 0) -> list[Row]:
    """A row for each distinct `row` of the records, in their order: questions, and each score's mean with its interval.

    A score that no record has is None. The interval of `x` is `x_interval`: 95 %, over photographs, then questions.
    """
    groups: dict[tuple[tuple[str, Any], ...], list[Record]] = {}
    for record in records:
        groups.setdefault(tuple(record["row"].items()), []).append(record)
    return [_mean_row(dict(key), members, seed) for key, members in groups.items()]


def _mean_row(about: Row, records: Sequence[Record], seed: int) -> Row:
    row: Row = {**about, "questions": len(records)}
    for name in dict.fromkeys(name for record in records for name in record["scores"]):
        scored = [record for record in records if record["scores"].get(name) is not None]
        row[name] = sum(float(record["scores"][name]) for record in scored) / len(scored) if scored else None
        row[f"{name}_interval"] = (
            interval([float(r["scores"][name]) for r in scored], [r["cluster"] for r in scored], seed)
            if scored
            else None
        )
    return row
