"""The haystack suite against a client that knows the labels."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from evaluation.coco import LabelledPhotographs
from evaluation.haystacks import Draw
from evaluation.suites import vhs
from thresher.errors import InvalidInput, Unavailable
from thresher.records import Reply, SearchResult
from thresher.types import (
    AskEvent,
    AskOptions,
    Filter,
    Grounding,
    Hit,
    ImageRecord,
    Kind,
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
    """A fake server: answers by the labels of the scope. `dumb` gives no values, `rank` is the needle's,
    `gone`: no answer to a search."""

    def __init__(self, known: LabelledPhotographs, *, dumb: bool = False, gone: bool = False, rank: int = 0) -> None:
        self.known, self.dumb, self.gone, self.rank = known, dumb, gone, rank
        self.options: list[AskOptions] = []

    async def ask(self, collection: str, question: str, options: AskOptions | None = None) -> AsyncIterator[AskEvent]:
        assert collection == "set" and options is not None
        self.options.append(options)
        read = re.fullmatch(r"For the image with a (.+), is there a (.+)\?", question)
        assert read is not None
        x, y = (CATEGORIES.index(name) for name in read.groups())
        rows = [self.known.ids.index(image) for image in options.scope.ids or ()]
        needles = [row for row in rows if self.known.presence[row, x]]
        assert len(needles) == 1
        yield Plan(Kind.ANY, Predicate(CATEGORIES[x]), Predicate(CATEGORIES[y]))
        value = None if self.dumb else bool(self.known.presence[needles[0], y])
        yield Reply(Verdict(Kind.ANY, value, (self.known.ids[needles[0]],)), "", (), 1.0)

    async def search(
        self, collection: str, text: str = "", *, where: Filter | None = None, limit: int = 20
    ) -> SearchResult:
        assert collection == "set" and where is not None and where.ids is not None
        if self.gone:
            raise Unavailable("No server answers.")
        x = CATEGORIES.index(text)
        needle = next(image for image in where.ids if self.known.presence[self.known.ids.index(image), x])
        ranking = [image for image in where.ids if image != needle]
        ranking.insert(self.rank, needle)
        moment = datetime(2024, 1, 1, tzinfo=UTC)
        records = [ImageRecord(image, (), 1, 1, "image/jpeg", 1, moment) for image in ranking[:limit]]
        return SearchResult(tuple(Hit(record, 1.0) for record in records))


@pytest.mark.parametrize("draw", Draw)
async def test_a_client_that_knows_has_everything_right(draw: Draw) -> None:
    known = photographs()
    client = LabelClient(known)
    drawn = vhs.draw_all(known, vhs.Settings((1, 4, 10), 30, 7, draw))
    asked: list[int] = []
    rows = await vhs.run(client, "set", known, drawn, 3, asked.append)
    assert [row["n"] for row in rows] == [1, 4, 10]
    assert asked == [1] * 30 + [4] * 30 + [10] * 30
    for row in rows:
        assert row["questions"] == 30
        assert row["accuracy_strict"] == row["compliance"] == row["recall_at_1"] == row["recall_at_5"] == 1.0
        assert 0.0 <= row["base_rate_accuracy"] <= 1.0
        assert row["seconds_per_question"] >= 0.0
    assert [row["dropped"] for row in rows] == [[], ["wall"], ["wall"]]
    assert {(o.abstain, o.wording, o.ground) for o in client.options} == {(False, Wording.NONE, Grounding.NONE)}


async def test_no_value_is_wrong_and_ranks_are_counted() -> None:
    known = photographs()
    drawn = vhs.draw_all(known, vhs.Settings((10,), 20))
    for rank, at_1, at_5 in ((0, 1.0, 1.0), (1, 0.0, 1.0), (4, 0.0, 1.0), (5, 0.0, 0.0)):
        (row,) = await vhs.run(LabelClient(known, dumb=True, rank=rank), "set", known, drawn, 2)
        assert (row["accuracy_strict"], row["compliance"]) == (0.0, 0.0)
        assert (row["recall_at_1"], row["recall_at_5"]) == (at_1, at_5)


async def test_a_server_that_goes_away_ends_the_run() -> None:
    known = photographs()
    with pytest.raises(Unavailable):
        await vhs.run(LabelClient(known, gone=True), "set", known, vhs.draw_all(known, vhs.Settings((4,), 20)), 2)


def test_a_size_that_cannot_be_filled_is_refused_before_anything_runs() -> None:
    with pytest.raises(InvalidInput, match="size 400"):
        vhs.draw_all(photographs(), vhs.Settings((4, 400), 20))


def test_the_json_of_a_run() -> None:
    result = vhs.result({"version": "1"}, vhs.Settings(seed=3, draw=Draw.FREE), [{"n": 1}])
    assert result == {"suite": "vhs", "run": {"version": "1", "seed": 3, "draw": "free"}, "rows": [{"n": 1}]}
