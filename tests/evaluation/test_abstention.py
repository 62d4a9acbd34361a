"""The abstention suite against a client that knows the labels."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from evaluation.suites.abstention import Form, Settings, draw, suite
from tests.evaluation.label_client import LabelClient, records_of, world
from thresher.errors import InvalidInput
from thresher.types import Abstention, Kind, Verdict

SETTINGS = Settings(size=12, questions=180)


def test_a_third_of_every_form_has_no_answer() -> None:
    photographs, scenes = world()
    asked = draw(photographs, scenes, SETTINGS)
    assert asked == draw(photographs, scenes, SETTINGS)
    assert Counter(one.form for one in asked) == {
        Form.TWO_HOP: 60, Form.FIND: 30, Form.OBJECTS: 30, Form.EXISTS: 30, Form.COUNT: 30,
    }  # fmt: skip
    assert Counter(one.form for one in asked if one.truth is None) == {
        Form.TWO_HOP: 20, Form.FIND: 10, Form.OBJECTS: 10, Form.EXISTS: 10, Form.COUNT: 10,
    }  # fmt: skip
    assert all(len(set(one.scope)) == 12 for one in asked)
    two_hop = Counter(one.truth for one in asked if one.form is Form.TWO_HOP)
    assert two_hop[True] >= 10 and two_hop[False] >= 10


async def test_a_server_that_knows() -> None:
    """What the fake answers from the labels is what the suite holds for true: of one photograph where there is one."""
    photographs, scenes = world()
    built = suite(photographs, scenes, SETTINGS)
    client = LabelClient(photographs, scenes)
    rows = built.rows(await records_of(built, client))
    assert [row["form"] for row in rows] == ["all", "two_hop", "find", "objects", "exists", "count"]
    assert [row["without_answer"] for row in rows] == [60, 20, 10, 10, 10, 10]
    for row in rows:
        assert row["precision"] == row["recall"] == row["f1"] == row["answered"] == row["right"] == 1.0
    assert all(options.abstain for _, options in client.asked)


async def test_a_server_that_always_answers_and_one_that_never_does() -> None:
    photographs, scenes = world()
    built = suite(photographs, scenes, SETTINGS)

    def bold(verdict: Verdict) -> Verdict:
        value = True if verdict.kind is Kind.EXISTS else 1
        return replace(verdict, value=value, abstention=Abstention.NONE, images=(photographs.ids[0],))

    answered = built.rows(await records_of(built, LabelClient(photographs, scenes, bold)))
    assert answered[1]["recall"] == 0.0 and answered[1]["precision"] is None and answered[1]["f1"] == 0.0
    assert answered[2]["recall"] == 0.0
    silent = LabelClient(photographs, scenes, lambda v: Verdict(v.kind, None, abstention=Abstention.UNSURE))
    row = built.rows(await records_of(built, silent))[0]
    assert (row["recall"], row["precision"], row["answered"], row["right"]) == (1.0, pytest.approx(1 / 3), 0.0, None)
    assert row["f1"] == pytest.approx(0.5)


async def test_a_list_without_photographs_denies_that_there_is_one() -> None:
    photographs, scenes = world()
    built = suite(photographs, scenes, SETTINGS)
    records = await records_of(built, LabelClient(photographs, scenes, lambda _: Verdict(Kind.FIND, 0)))
    finds = [record for record in records if record["row"]["form"] == "find"]
    assert all(record["value"] is None for record in finds)
    two_hop = [record for record in records if record["row"]["form"] == "two_hop"]
    assert all(record["value"] is None for record in two_hop)  # a number is neither yes nor no


def test_no_scope_without_a_category() -> None:
    photographs, scenes = world()
    photographs.presence[:] = True
    with pytest.raises(InvalidInput, match="none fills a scope of 12 without it"):
        suite(photographs, scenes, SETTINGS)
    photographs, scenes = world(30)
    with pytest.raises(InvalidInput):
        suite(photographs, scenes, Settings(size=31, questions=6))
