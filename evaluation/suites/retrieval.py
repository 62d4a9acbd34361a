"""The needle in a haystack by each ranker of a text, one stage after the other.

Questions are those of `thresher eval vhs` with one needle: a search for X among the photographs of the haystack, of
which one shows it. Nothing is asked. Two kinds of distractors: photographs of another folder, and other labelled ones,
which come from where the needle comes from and are harder. `recall_at_k`: the needle is among the best k.
`ahead_at_k`: how much more often than with the ranker before, with the interval of that, paired by question.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from evaluation.bootstrap import paired_interval
from evaluation.distractors import seen
from evaluation.suite import Question, Record, Row, Suite, mean_rows
from evaluation.vhs_questions import Asked, Haystacks
from thresher.client import Client
from thresher.errors import InvalidInput
from thresher.types import Filter, Ranker

STAGES = (Ranker.VECTOR, Ranker.MULTI_VECTOR, Ranker.HYBRID, Ranker.JUDGED)
RANKS = (1, 5)
SCORES = tuple(f"recall_at_{rank}" for rank in RANKS)


def suite(
    haystacks: Mapping[str, Haystacks], rankers: Sequence[Ranker] = STAGES, trained: frozenset[str] | None = None
) -> Suite:
    """`haystacks` by the name of what fills them; the photographs are those of all. `trained` as `suites.vhs.suite`."""
    if not haystacks or not rankers:
        raise InvalidInput("There is nothing to search for.", "Give haystacks and rankers.")
    photographs = {
        image: photo for one in haystacks.values() for image, photo in zip(one.ids, one.photographs, strict=True)
    }
    names = " and ".join(haystacks)
    return Suite(
        name="retrieval",
        title=f"retrieval, {len(photographs)} photographs, distractors: {names}",
        settings={
            "haystacks": {name: dict(one.settings) for name, one in haystacks.items()},
            "rankers": [ranker.value for ranker in rankers],
            "trained": None if trained is None else len(trained),
        },
        photographs=tuple(photographs.values()),
        ids=tuple(photographs),
        questions=tuple(
            Question(
                f"{name}/{asked.key}/{ranker.value}",
                f"{name}, {ranker.value}",
                partial(_find, name, asked, ranker, trained),
            )
            for name, one in haystacks.items()
            for ranker in rankers
            for asked in one.asked
        ),
        rows=rows,
    )


def rows(records: Sequence[Record]) -> list[Row]:
    """Means, and by how much each ranker is ahead of the one before it (None for the first)."""
    found = mean_rows(records)
    members: dict[tuple[Any, ...], list[Record]] = {}
    for record in records:
        members.setdefault(tuple(record["row"].values()), []).append(record)
    before: dict[tuple[Any, ...], list[Record]] = {}
    for row in found:
        mine = members[row["distractors"], row["draw"], row["n"], row["ranker"]]
        place = row["distractors"], row["draw"], row["n"]
        seen_ones = [record["seen"] for record in mine if record["seen"] is not None]
        for index, name in enumerate(("needles_seen", "distractors_seen")):
            row[name] = sum(counts[index] for counts in seen_ones) / len(seen_ones) if seen_ones else None
        for rank, score in zip(RANKS, SCORES, strict=True):
            paired = _ahead(mine, before[place], score) if place in before else (None, None)
            row[f"ahead_at_{rank}"], row[f"ahead_at_{rank}_interval"] = paired
        before[place] = mine
    return found


def _ahead(ours: Sequence[Record], theirs: Sequence[Record], score: str) -> tuple[float, tuple[float, float]]:
    """Records of two rankers on the same questions, in the same order."""
    first, second = ([float(record["scores"][score]) for record in records] for records in (ours, theirs))
    return paired_interval(first, second, [record["cluster"] for record in ours])


async def _find(
    name: str, asked: Asked, ranker: Ranker, trained: frozenset[str] | None, client: Client, collection: str
) -> Record:
    [needle] = asked.needles
    scope = Filter(ids=asked.haystack)
    found = await client.search(
        collection, asked.x, where=scope, limit=max(RANKS), ranker=ranker, separate_duplicates=True
    )
    ranking = [hit.record.id for hit in found.hits]
    others = set(asked.haystack) - {needle}
    return {
        "row": {"distractors": name, "draw": asked.row["draw"], "n": asked.row["n"], "ranker": ranker.value},
        "cluster": needle,
        "question": asked.x,
        "seen": None if trained is None else [seen([needle], trained), seen(others, trained)],
        "scores": {f"recall_at_{rank}": needle in ranking[:rank] for rank in RANKS},
    }
