"""The caption suite."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from evaluation.command import app
from evaluation.suites.captions import Settings, galleries, suite
from tests.evaluation.colours import colour_server, labelled_folder
from tests.evaluation.label_client import LabelClient, records_of, world
from thresher.errors import InvalidInput


def test_galleries() -> None:
    drawn = galleries(30, Settings(gallery=8, draws=3))
    assert list(drawn) == ["draw 0", "draw 1", "draw 2", "all"]
    assert [len(set(gallery)) for gallery in drawn.values()] == [8, 8, 8, 30]
    assert len(set(drawn.values())) == 4
    assert drawn == galleries(30, Settings(gallery=8, draws=3))
    assert list(galleries(30, Settings(gallery=99, draws=0))) == ["all"]
    with pytest.raises(InvalidInput, match="7 photographs have captions, which does not fill a gallery of 8"):
        galleries(7, Settings(gallery=8))


async def test_five_captions_of_those_that_have_some() -> None:
    photographs, scenes = world(30)
    captions = tuple(("dog",) * 6 if row % 2 else () for row in range(30))
    built = suite(photographs, captions, Settings(gallery=5, draws=2))
    assert built.ids == photographs.ids and len(built.photographs) == 30
    assert len(built.questions) == len({question.key for question in built.questions}) == (5 + 5 + 15) * 5
    records = await records_of(built, LabelClient(photographs, scenes))
    rows = built.rows(records)
    assert [(row["gallery"], row["questions"]) for row in rows] == [(5, 50), (15, 75)]
    for record in records:
        rank = record["rank"]
        assert record["scores"]["recall_at_1"] == (rank == 0)
        assert record["scores"]["recall_at_10"] == (rank is not None and rank < 10)
    # Every photograph has the same captions, so that a gallery has one at each place.
    assert rows[0]["recall_at_1"] == pytest.approx(1 / 5) and rows[0]["recall_at_5"] == 1.0
    assert rows[1]["recall_at_5"] == pytest.approx(5 / 15) and rows[1]["recall_at_10"] == pytest.approx(10 / 15)


async def test_words_that_are_unknown_find_nothing() -> None:
    photographs, scenes = world(12)
    built = suite(photographs, (("gibberish",),) * 12, Settings(draws=0))
    records = await records_of(built, LabelClient(photographs, scenes))
    assert all(record["unknown"] and record["rank"] is None for record in records)
    assert built.rows(records)[0]["recall_at_10"] == 0.0


async def test_the_command_against_a_server(tmp_path: Path) -> None:
    coco = labelled_folder(tmp_path / "coco", np.eye(3, dtype=bool))
    (coco / "captions.json").write_text(json.dumps({"0": ["red", "red"], "1": ["green"], "2": ["red"]}))
    out = tmp_path / "captions.json"
    async with colour_server(tmp_path / "data") as address:
        arguments = ("captions", "--coco", coco, "--gallery", 2, "--draws", 1, "--json", out, "--address", address)
        done = await asyncio.to_thread(CliRunner().invoke, app, [str(argument) for argument in arguments])
    assert done.exit_code == 0, done.output
    result = json.loads(out.read_text())
    assert result["suite"] == "captions" and result["run"]["gallery"] == 2
    whole = result["rows"][-1]
    assert (whole["gallery"], whole["questions"], whole["recall_at_1"], whole["recall_at_5"]) == (3, 4, 0.75, 1.0)
