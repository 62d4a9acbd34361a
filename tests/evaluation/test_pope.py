"""The suite of questions about objects against a client that knows the labels."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from evaluation.suites.pope import Negatives, Settings, draw, suite
from tests.evaluation.label_client import LabelClient, records_of, world
from thresher.errors import InvalidInput, Unsupported
from thresher.types import Pipeline

CATEGORIES = tuple(f"thing{letter}" for letter in "abcdefghij")


def test_balanced_questions_and_true_answers() -> None:
    photographs, _ = world(60, categories=CATEGORIES)
    questions = draw(photographs.presence, Settings())
    assert questions == draw(photographs.presence, Settings())
    by_kind = {kind: [q for q in questions if q.negatives is kind] for kind in Negatives}
    about = {kind: Counter(q.photograph for q in own) for kind, own in by_kind.items()}
    assert about[Negatives.RANDOM] == about[Negatives.POPULAR] == about[Negatives.ADVERSARIAL]
    assert set(about[Negatives.RANDOM].values()) == {6}
    assert set(about[Negatives.RANDOM]) == set(
        np.flatnonzero((photographs.presence.sum(1) >= 3) & (photographs.presence.sum(1) <= 7))
    )
    for own in by_kind.values():
        assert len({(q.photograph, q.category) for q in own}) == len(own)
        assert sum(q.answer for q in own) * 2 == len(own)
        assert all(q.answer == photographs.presence[q.photograph, q.category] for q in own)
    yes = [{(q.photograph, q.category) for q in own if q.answer} for own in by_kind.values()]
    assert yes[0] == yes[1] == yes[2]


def test_popular_and_adversarial_negatives() -> None:
    presence = np.zeros((9, 8), bool)
    presence[0, [0, 1, 2]] = True  # the photograph asked about
    presence[1:7, 3] = True  # 3, 4 and 5 are frequent, but never with what it shows
    presence[1:6, 4] = True
    presence[1:5, 5] = True
    presence[7, [0, 6]] = presence[8, [1, 6]] = True  # 6 is seen with it twice, 7 once
    presence[8, 7] = True
    questions = [q for q in draw(presence, Settings()) if q.photograph == 0 and not q.answer]
    by_kind = {kind: [q.category for q in questions if q.negatives is kind] for kind in Negatives}
    assert by_kind[Negatives.POPULAR] == [3, 4, 5]
    assert by_kind[Negatives.ADVERSARIAL] == [6, 7, 3]
    assert set(by_kind[Negatives.RANDOM]) <= {3, 4, 5, 6, 7}


async def test_a_server_that_knows_and_one_that_says_yes() -> None:
    photographs, scenes = world(30, categories=CATEGORIES)
    built = suite(photographs, Settings(photographs=10))
    client = LabelClient(photographs, scenes)
    rows = built.rows(await records_of(built, client))
    assert [row["negatives"] for row in rows] == ["random", "popular", "adversarial"]
    for row in rows:
        assert row["pipeline"] == "agent" and row["questions"] == 60
        assert row["accuracy"] == row["precision"] == row["recall"] == row["f1"] == row["compliance"] == 1.0
        assert row["yes_ratio"] == 0.5
    assert all(len(options.scope.ids or ()) == 1 and not options.abstain for _, options in client.asked)
    yes = LabelClient(photographs, scenes, lambda verdict: replace(verdict, value=True))
    for row in built.rows(await records_of(built, yes)):
        assert (row["accuracy"], row["precision"], row["recall"], row["yes_ratio"]) == (0.5, 0.5, 1.0, 1.0)
    silent = LabelClient(photographs, scenes, lambda verdict: replace(verdict, value=None))
    for row in built.rows(await records_of(built, silent)):
        assert (row["accuracy"], row["compliance"], row["recall"], row["precision"]) == (0.0, 0.0, 0.0, None)


class NoBaseline(LabelClient):
    """Has the agent only."""

    def ask(self, collection, question, options=None):  # type: ignore[no-untyped-def]
        if options.pipeline is not Pipeline.AGENT:
            raise Unsupported("There is no such model here.")
        return super().ask(collection, question, options)


async def test_a_pipeline_that_is_not_there_has_no_figures() -> None:
    photographs, scenes = world(30, categories=CATEGORIES)
    built = suite(photographs, Settings(photographs=4, pipelines=(Pipeline.AGENT, Pipeline.MODEL)))
    records = await records_of(built, NoBaseline(photographs, scenes))
    agent, model = (row for row in built.rows(records) if row["negatives"] == "random")
    assert agent["accuracy"] == 1.0
    assert model["pipeline"] == "model" and model["questions"] == 24
    assert model["accuracy"] is model["f1"] is model["yes_ratio"] is None
    assert {record["why"] for record in records if "why" in record} == {"There is no such model here."}


def test_photographs_that_show_too_little() -> None:
    photographs, _ = world(30, categories=("dog", "cat", "cow"))
    with pytest.raises(InvalidInput, match="No photograph shows 3 categories"):
        suite(photographs, Settings())
