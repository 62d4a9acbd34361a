"""The haystack suite against a client that knows the labels."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from evaluation.coco import LabelledPhotographs
from evaluation.haystacks import Draw
from evaluation.suite import Record, Suite
from evaluation.suites import vhs
from evaluation.vhs_questions import Settings, drawn
from thresher.client import Client
from thresher.errors import InvalidInput, Unsupported
from thresher.records import Reply, SearchResult
from thresher.types import (
    AskEvent,
    AskOptions,
    Filter,
    Grounding,
    Hit,
    ImageRecord,
    Kind,
    Pipeline,
    Plan,
    Predicate,
    Verdict,
    Wording,
)

CATEGORIES = ("dog", "traffic light", "cat", "wall")


def photographs(count: int = 40) -> LabelledPhotographs:
    presence = np.random.RandomState(1).rand(count, len(CATEGORIES)) < 0.35
    presence[:, 3] = True
    return LabelledPhotographs(
        files=tuple(Path(f"{index}.jpg") for index in range(count)),
        ids=tuple(f"{index:064x}" for index in range(count)),
        categories=CATEGORIES,
        presence=presence,
    )


class LabelClient:
    """A fake server: answers by the labels of the scope. `dumb` gives no values, `rank` is the needles' first; the
    detector says no, and the model is not there."""

    def __init__(self, known: LabelledPhotographs, *, dumb: bool = False, rank: int = 0) -> None:
        self.known, self.dumb, self.rank = known, dumb, rank
        self.options: list[AskOptions] = []

    async def ask(self, collection: str, question: str, options: AskOptions | None = None) -> AsyncIterator[AskEvent]:
        assert collection == "set" and options is not None
        self.options.append(options)
        one = re.fullmatch(r"For the image with a (.+), is there a (.+)\?", question)
        several = re.fullmatch(r"For all images with a (.+), do (all|any) of them contain a (.+)\?", question)
        if options.pipeline is Pipeline.MODEL:
            raise Unsupported("There is no model that sees.")
        read = one or several
        assert read is not None
        x, y = CATEGORIES.index(read[1]), CATEGORIES.index(read[read.lastindex or 0])
        rows = [self.known.ids.index(image) for image in options.scope.ids or ()]
        needles = [row for row in rows if self.known.presence[row, x]]
        assert (len(needles) == 1) == (one is not None)
        shows = [bool(self.known.presence[row, y]) for row in needles]
        said = any(shows) if several and several[2] == "any" else all(shows)
        value = None if self.dumb else said and options.pipeline is not Pipeline.DETECTOR
        text = "Hard to say." if value is None else "Yes, it is." if value else "No."
        yield Plan(Kind.ANY, Predicate(CATEGORIES[x]), Predicate(CATEGORIES[y]))
        yield Reply(Verdict(Kind.ANY, value, (self.known.ids[needles[0]],)), text, (), 1.0)

    async def search(
        self, collection: str, text: str = "", *, where: Filter | None = None, limit: int = 20, **_: bool
    ) -> SearchResult:
        assert collection == "set" and where is not None and where.ids is not None
        x = CATEGORIES.index(text)
        needles = [image for image in where.ids if self.known.presence[self.known.ids.index(image), x]]
        ranking = [image for image in where.ids if image not in needles]
        ranking[self.rank : self.rank] = needles
        moment = datetime(2024, 1, 1, tzinfo=UTC)
        records = [ImageRecord(image, (), 1, 1, "image/jpeg", 1, moment) for image in ranking[:limit]]
        return SearchResult(tuple(Hit(record, 1.0) for record in records))


async def asked(suite: Suite, client: LabelClient) -> list[Record]:
    """Every question, as a run asks it."""
    return [{"key": each.key, **await each.ask(cast(Client, client), "set")} for each in suite.questions]


SETTINGS = Settings((10,), 20)


def suite_of(known: LabelledPhotographs, settings: Settings = SETTINGS, *others: Pipeline) -> Suite:
    return vhs.suite(drawn(known, settings), (Pipeline.AGENT, *others))


async def test_a_client_that_knows_has_everything_right() -> None:
    known = photographs()
    client = LabelClient(known)
    suite = suite_of(known, replace(SETTINGS, sizes=(1, 4, 10), questions=30))
    keys = [each.key for each in suite.questions]
    assert len(set(keys)) == len(keys) == 180
    rows = suite.rows(await asked(suite, client))
    assert [(row["draw"], row["n"]) for row in rows] == [(draw.value, n) for draw in Draw for n in (1, 4, 10)]
    for row in rows:
        assert (row["pipeline"], row["needles"], row["questions"]) == ("agent", "1", 30)
        assert row["accuracy"] == row["accuracy_strict"] == row["compliance"] == 1.0
        assert row["recall_at_1"] == row["recall_at_5"] == 1.0
        assert row["seconds"] >= 0.0
    assert [row["dropped"] for row in rows] == [[], ["wall"], ["wall"]] * 2
    assert {(o.abstain, o.wording, o.ground) for o in client.options} == {(False, Wording.PLAIN, Grounding.NONE)}


@pytest.mark.parametrize("draw", Draw)
async def test_several_needles(draw: Draw) -> None:
    known = photographs()
    suite = suite_of(known, replace(SETTINGS, sizes=(6, 12), questions=24, draws=(draw,), needles=(2, 3)))
    records = await asked(suite, LabelClient(known))
    rows = suite.rows(records)
    assert [(row["needles"], row["n"]) for row in rows] == [("2..3", 6), ("2..3", 12)]
    for row in rows:
        assert row["accuracy_strict"] == row["recall_at_3"] == row["recall_at_5"] == 1.0
    assert sum(record["answer"] for record in records) == 24
    shifted = suite.rows(await asked(suite, LabelClient(known, rank=3)))
    assert all(row["recall_at_3"] == 0.0 and 0.0 <= row["recall_at_5"] < 1.0 for row in shifted)


async def test_baselines_stand_beside_the_agent_on_the_same_questions() -> None:
    known = photographs()
    settings = replace(SETTINGS, questions=40, draws=(Draw.MATCHED,))
    suite = suite_of(known, settings, Pipeline.DETECTOR, Pipeline.MODEL)
    records = await asked(suite, LabelClient(known))
    agent, detector, model = suite.rows(records)
    assert [agent["pipeline"], detector["pipeline"], model["pipeline"]] == ["agent", "detector", "model"]
    assert (agent["accuracy_strict"], detector["accuracy_strict"]) == (1.0, 0.5)
    assert detector["agent_ahead"] == 0.5
    low, high = detector["agent_ahead_interval"]
    assert 0.2 < low < 0.5 < high < 0.8
    assert detector["recall_at_1"] is None
    assert model["questions"] == 40 and model["accuracy_strict"] is None and model["accuracy_strict_interval"] is None
    assert records[-1]["why"] == "There is no model that sees."
    (line,) = suite.notes([agent, detector, model])
    assert line.startswith("agent - detector (draw matched, needles 1, n 10): +0.500 [+0.")
    assert line.endswith("excludes 0")


async def test_an_agent_that_is_not_there_is_an_error() -> None:
    known = photographs()
    client = LabelClient(known)

    async def refuse(*_: object, **__: object) -> AsyncIterator[AskEvent]:
        raise Unsupported("No agent here.")
        yield

    client.ask = refuse  # type: ignore[method-assign, assignment]
    with pytest.raises(Unsupported):
        await asked(suite_of(known), client)


async def test_no_value_is_wrong_and_ranks_are_counted() -> None:
    known = photographs()
    suite = suite_of(known, replace(SETTINGS, draws=(Draw.MATCHED,)))
    for rank, at_1, at_5 in ((0, 1.0, 1.0), (1, 0.0, 1.0), (4, 0.0, 1.0), (5, 0.0, 0.0)):
        (row,) = suite.rows(await asked(suite, LabelClient(known, dumb=True, rank=rank)))
        assert (row["accuracy"], row["accuracy_strict"], row["compliance"]) == (0.0, 0.0, 0.0)
        assert (row["recall_at_1"], row["recall_at_5"]) == (at_1, at_5)


@pytest.mark.parametrize(
    ("text", "answer", "score"),
    [
        ("Yes.", True, (True, True)),
        ("Yes.", False, (False, True)),
        ("No, none of them.", False, (True, True)),
        ("yes and no", True, (True, True)),
        ("yes and no", False, (True, True)),
        ("Nothing of note; yesterday", False, (False, False)),
        ("", True, (False, False)),
    ],
)
def test_the_official_rule(text: str, answer: bool, score: Sequence[bool]) -> None:
    assert vhs.official_score(text, answer) == score


def test_a_size_that_cannot_be_filled_is_refused_before_anything_runs() -> None:
    with pytest.raises(InvalidInput, match="size 400"):
        suite_of(photographs(), replace(SETTINGS, sizes=(4, 400)))


def test_settings_tell_runs_apart() -> None:
    known = photographs()
    same = suite_of(known).settings
    assert same == suite_of(photographs()).settings
    relabelled = replace(known, presence=~known.presence)
    for other in (
        suite_of(relabelled),
        suite_of(known, replace(SETTINGS, seed=3)),
        suite_of(known, replace(SETTINGS, draws=(Draw.FREE,))),
    ):
        assert other.settings != same
