"""Searches for what photographs show, what they say, and both, by each ranker of a text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial

from evaluation.hybrid import Made, Search, Settings, scores
from evaluation.suite import Question, Record, Suite, mean_rows
from thresher.client import Client
from thresher.importing import Photo
from thresher.types import Filter, Ranker

DEPTH = 50
"""Hits that are looked through."""


def suite(made: Sequence[Made], searches: Sequence[Search], settings: Settings, rankers: Sequence[Ranker]) -> Suite:
    """Every search by every ranker."""
    ids = tuple(dict.fromkeys(each.id for each in made))
    return Suite(
        name="hybrid",
        title="Hybrid search: what photographs show and what they say",
        settings={**asdict(settings), "rankers": [ranker.value for ranker in rankers]},
        photographs=tuple(Photo(each.path, each.path.name, ()) for each in made),
        ids=ids,
        questions=tuple(
            Question(f"{one.kind}/{ranker.value}/{one.text}", ranker.value, partial(_ask, one, ranker, ids))
            for one in searches
            for ranker in rankers
        ),
        rows=mean_rows,
    )


async def _ask(one: Search, ranker: Ranker, ids: tuple[str, ...], client: Client, collection: str) -> Record:
    found = await client.search(
        collection, one.text, where=Filter(ids=ids), limit=DEPTH, ranker=ranker, separate_duplicates=True
    )
    ranking = [hit.record.id for hit in found.hits]
    return {
        "row": {"searches": one.kind, "ranker": ranker.value},
        "cluster": min(one.relevant),
        "question": one.text,
        "unknown": found.unknown_concept,
        "scores": scores(ranking, one.relevant),
    }
