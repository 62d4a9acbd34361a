"""The counting suite against a client that knows the labels."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evaluation.suites.counting import Settings, draw, suite
from tests.evaluation.label_client import LabelClient, records_of, world
from thresher.errors import InvalidInput
from thresher.types import Abstention, Grounding, Verdict, Wording

SETTINGS = Settings(size=20, questions=40)


def test_scopes_and_truths() -> None:
    photographs, scenes = world()
    counts = draw(photographs, scenes, SETTINGS)
    assert [count.what for count in counts] == ["photographs"] * 40 + ["objects"] * 40
    assert len({count.key for count in counts}) == 80
    assert counts == draw(photographs, scenes, SETTINGS)
    assert counts != draw(photographs, scenes, replace(SETTINGS, seed=8))
    scopes = {count.cluster: count.scope for count in counts if count.what == "photographs"}
    assert len(scopes) == len(set(scopes.values())) == 8  # five categories in each
    for count in counts:
        assert len(set(count.scope)) == 20
    crowds = {row for row, scene in enumerate(scenes) if scene.count(0) is None}
    dogs = [count for count in counts if count.question == "How many dogs are there?"]
    assert crowds and dogs and all(crowds.isdisjoint(count.scope) for count in dogs)
    assert any(crowds & set(count.scope) for count in counts if count.question == "How many photos show a dog?")


async def test_a_server_that_counts_right() -> None:
    photographs, scenes = world()
    client = LabelClient(photographs, scenes)
    built = suite(photographs, scenes, SETTINGS)
    records = await records_of(built, client)
    rows = built.rows(records)
    assert [row["true_count"] for row in rows if row["what"] == "photographs"] == ["all", "1-4", "5-19"]
    for row in rows:
        assert row["exact"] == row["within_one"] == row["answered"] == 1.0 and row["absolute_error"] == 0.0
    whole = {row["what"]: row for row in rows if row["true_count"] == "all"}
    assert whole["photographs"]["covered"] == 1.0 and whole["photographs"]["interval_width"] == 2.0
    assert whole["objects"]["covered"] is None and whole["objects"]["covered_interval"] is None
    binned = [row["questions"] for row in rows if row["what"] == "objects" and row["true_count"] != "all"]
    assert sum(binned) == whole["objects"]["questions"] == 40
    for question, options in client.asked:
        assert options.abstain and options.wording is Wording.NONE and options.ground is Grounding.NONE, question


async def test_a_server_that_is_off_and_one_that_abstains() -> None:
    photographs, scenes = world()
    built = suite(photographs, scenes, SETTINGS)

    def more(verdict: Verdict) -> Verdict:
        assert isinstance(verdict.value, int)
        return replace(verdict, value=verdict.value + 1, interval=(verdict.value + 1, verdict.value + 3))

    off = built.rows(await records_of(built, LabelClient(photographs, scenes, more)))[0]
    assert (off["exact"], off["within_one"], off["absolute_error"], off["error"]) == (0.0, 1.0, 1.0, 1.0)
    assert (off["covered"], off["interval_width"]) == (0.0, 2.0)
    silent = LabelClient(photographs, scenes, lambda v: Verdict(v.kind, None, abstention=Abstention.UNSURE))
    row = built.rows(await records_of(built, silent))[0]
    assert (row["answered"], row["exact"], row["within_one"], row["absolute_error"]) == (0.0, 0.0, 0.0, None)


async def test_yes_or_no_is_no_count() -> None:
    photographs, scenes = world()
    built = suite(photographs, scenes, SETTINGS)
    client = LabelClient(photographs, scenes, lambda verdict: replace(verdict, value=True))
    records = await records_of(built, client)
    assert not any(record["scores"]["exact"] or record["scores"]["answered"] for record in records)


def test_scopes_that_cannot_be_filled() -> None:
    photographs, scenes = world(19)
    with pytest.raises(InvalidInput, match="There are 19 photographs for a scope of 20"):
        suite(photographs, scenes, SETTINGS)
