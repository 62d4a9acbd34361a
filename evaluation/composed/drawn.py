"""Composed queries drawn from labels: a photograph, words for one object more or less, and the photographs that show
exactly that.

    without   {person, dog}      "without the dog"                       {person}
    instead   {person, dog}      "with a cat instead of the dog"         {person, cat}
    and       {person}           "and a dog"                             {person, dog}

Every photograph with exactly the categories that are left is right, whatever else it looks like. Pure and seeded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from evaluation.coco import LabelledPhotographs, Presence
from evaluation.phrases import with_article


class Change(StrEnum):
    """What the words of a drawn query ask for."""

    WITHOUT = "without"
    INSTEAD = "instead"
    AND = "and"


@dataclass(frozen=True, slots=True)
class Drawn:
    """One query. `reference` and `targets` are rows of the labels; no target is the reference."""

    change: Change
    reference: int
    text: str
    targets: tuple[int, ...]


def draw(photographs: LabelledPhotographs, each: int, seed: int) -> list[Drawn]:
    """At most `each` queries of every change, of one reference no two with the same change."""
    random = np.random.default_rng(seed)
    rows = _rows_by_set(photographs.presence)
    found: list[Drawn] = []
    for change in Change:
        taken = 0
        for reference in random.permutation(len(photographs.files)).tolist():
            shown = frozenset(np.flatnonzero(photographs.presence[reference]).tolist())
            possible = list(_changes(change, shown, rows)) if taken < each else []
            if possible:
                gone, come, wanted = possible[random.integers(len(possible))]
                text = wording(change, *(photographs.categories[c] if c is not None else "" for c in (gone, come)))
                found.append(Drawn(change, reference, text, rows[wanted]))
                taken += 1
    return found


def wording(change: Change, gone: str, come: str) -> str:
    """The words of a query."""
    match change:
        case Change.WITHOUT:
            return f"without the {gone}"
        case Change.INSTEAD:
            return f"with {with_article(come)} instead of the {gone}"
        case Change.AND:
            return f"and {with_article(come)}"


def _rows_by_set(presence: Presence) -> dict[frozenset[int], tuple[int, ...]]:
    rows: dict[frozenset[int], list[int]] = {}
    for row, shown in enumerate(presence):
        rows.setdefault(frozenset(np.flatnonzero(shown).tolist()), []).append(row)
    return {shown: tuple(members) for shown, members in rows.items()}


def _changes(
    change: Change, shown: frozenset[int], sets: Iterable[frozenset[int]]
) -> Iterator[tuple[int | None, int | None, frozenset[int]]]:
    """(what goes, what comes, what is left) for every set that one change leads to, in a fixed order."""
    for wanted in sorted(sets, key=sorted):
        gone, come = shown - wanted, wanted - shown
        sizes = {Change.WITHOUT: (1, 0), Change.INSTEAD: (1, 1), Change.AND: (0, 1)}[change]
        if (len(gone), len(come)) == sizes and wanted:
            yield next(iter(gone), None), next(iter(come), None), wanted
