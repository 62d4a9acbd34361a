"""`thresher eval vhs` on a socket: distractors, several needles, official files, baselines, very large haystacks."""

from __future__ import annotations

import asyncio
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from evaluation.command import app
from evaluation.commands.vhs import parse_needles
from tests.evaluation.colours import colour_server, labelled_folder, striped
from thresher.client import Client
from thresher.errors import InvalidInput
from thresher.types import AskOptions, Filter, Grounding, Wording


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["vhs", *map(str, arguments)])


@pytest.fixture
def coco(tmp_path: Path) -> Path:
    return labelled_folder(tmp_path / "coco", np.random.RandomState(5).rand(24, 3) < 0.4)


async def rows_of(tmp_path: Path, *arguments: object) -> tuple[list[dict[str, Any]], str]:
    """The rows of a run that goes well, and what it printed."""
    out = tmp_path / "out.json"
    async with colour_server(tmp_path / "data") as address:
        result = await asyncio.to_thread(invoke, *arguments, "--json", out, "--address", address)
    assert result.exit_code == 0, result.output
    return json.loads(out.read_text())["rows"], result.output


async def test_several_needles(tmp_path: Path, coco: Path) -> None:
    rows, _ = await rows_of(
        tmp_path, "--coco", coco, "--needles", "2..3", "--sizes", "5,8", "--questions", 16, "--pipelines", "agent"
    )
    assert [(row["draw"], row["needles"], row["n"]) for row in rows] == [
        ("matched", "2..3", 5),
        ("matched", "2..3", 8),
        ("free", "2..3", 5),
        ("free", "2..3", 8),
    ]
    assert all(row["accuracy"] == row["accuracy_strict"] == row["recall_at_3"] == 1.0 for row in rows)


async def test_baselines_that_cannot_answer_are_not_applicable(tmp_path: Path, coco: Path) -> None:
    arguments = ("--sizes", 5, "--questions", 12, "--draw", "free", "--pipelines", "agent,model,detector")
    rows, output = await rows_of(tmp_path, "--coco", coco, *arguments)
    agent, model, detector = rows
    assert (agent["accuracy_strict"], agent["agent_ahead"]) == (1.0, None)
    assert (model["accuracy_strict"], model["agent_ahead"], model["questions"]) == (None, None, 12)
    assert (detector["accuracy_strict"], detector["agent_ahead"], detector["recall_at_1"]) == (1.0, 0.0, None)
    assert "- agent - detector (draw free, needles 1, n 5): +0.000 [+0.000, +0.000], the interval holds 0" in output
    assert (model["unanswered"], model["why"], agent["unanswered"]) == (12, "No model here sees.", 0)


async def test_distractors_fill_and_are_counted(tmp_path: Path, coco: Path) -> None:
    more = tmp_path / "more"
    more.mkdir()
    shown = np.eye(4, 3, dtype=np.bool_)[np.arange(40) % 4]
    labels: dict[str, list[str]] = {}
    for number, row in enumerate(shown):
        (more / f"{number}.png").write_bytes(striped(row, 100 + number))
        labels[f"{number}.png"] = [name for name, is_in in zip(("red", "green", "blue"), row, strict=True) if is_in]
    (tmp_path / "labels.json").write_text(json.dumps(labels))
    seen = tmp_path / "seen.txt"
    seen.write_text("\n".join(hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(more.iterdir())))
    arguments = ("--coco", coco, "--sizes", "5,35", "--questions", 12, "--pipelines", "agent", "--distractors", more)
    rows, output = await rows_of(
        tmp_path, *arguments, "--distractor-labels", tmp_path / "labels.json", "--seen", seen, "--draw", "matched"
    )
    assert "24 photographs and 40 distractors" in output
    assert [row["accuracy_strict"] for row in rows] == [1.0, 1.0]
    assert [row["needles_seen"] for row in rows] == [0.0, 0.0]
    assert rows[0]["distractors_seen"] == 0.0 and 15 < rows[1]["distractors_seen"] < 34
    too_large = ("--sizes", 60, "--distractors", more, "--distractor-labels", tmp_path / "labels.json")
    refused = await asyncio.to_thread(invoke, "--coco", coco, *too_large)
    assert refused.exit_code == 1 and "24 photographs and 40 distractors" in refused.output
    unlabelled = await asyncio.to_thread(invoke, "--coco", coco, "--distractors", more)
    assert unlabelled.exit_code == 1 and "does not know blue, green, red" in unlabelled.output


async def test_official_files_are_asked_as_they_are(tmp_path: Path, coco: Path) -> None:
    presence = np.random.RandomState(5).rand(24, 3) < 0.4
    names = [f"images/{row:04d}.png" for row in range(24)]
    without = [name for name, row in zip(names, presence, strict=True) if not row[0]]
    reds = [row for row in range(24) if presence[row, 0]]
    single = [
        {
            "conversations": [
                {"from": "human", "value": "For the image with a red, is there a green?"},
                {"from": "gpt", "value": "yes" if presence[row, 1] else "no"},
            ],
            "pos_image": [names[row]],
            "neg_image": without[:7],
        }
        for row in reds
    ]
    several = [
        {
            "conversations": [
                {"from": "human", "value": "For all images with a red, do any of them contain a blue?"},
                {"from": "gpt", "value": "yes" if presence[reds[:2], 2].any() else "no"},
            ],
            "pos_image": [names[row] for row in reds[:2]],
            "neg_image": without[:8],
        }
    ]
    for folder, entries in (("single_needle", single), ("multi_needle", several)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "visual_haystack_8.json").write_text(json.dumps(entries))
    official = [
        part
        for folder in ("single_needle", "multi_needle")
        for part in ("--official", tmp_path / folder / "visual_haystack_8.json")
    ]
    rows, _ = await rows_of(tmp_path, *official, "--image-root", coco, "--pipelines", "agent")
    assert [(row["file"], row["n"], row["questions"]) for row in rows] == [
        ("single_needle/visual_haystack_8", 8, len(reds)),
        ("multi_needle/visual_haystack_8", 10, 1),
    ]
    assert all(row["accuracy"] == row["accuracy_strict"] == row["compliance"] == 1.0 for row in rows)
    assert (rows[0]["recall_at_1"], rows[1]["recall_at_2"], "recall_at_2" in rows[0]) == (1.0, 1.0, False)
    missing = await asyncio.to_thread(invoke, *official, "--image-root", tmp_path)
    assert missing.exit_code == 1 and "not below" in missing.output


async def test_a_haystack_of_ten_thousand_goes_through(tmp_path: Path, coco: Path) -> None:
    """As far as names in requests go: most of these photographs are not there."""
    async with colour_server(tmp_path / "data") as address:
        with_photographs = await asyncio.to_thread(
            invoke, "--coco", coco, "--sizes", 2, "--questions", 2, "--pipelines", "agent", "--address", address
        )
        assert with_photographs.exit_code == 0, with_photographs.output
        async with Client(address) as client:
            (collection,) = await client.list_collections()
            stored = [record.id async for record in client.images(collection.name)]
            scope = Filter(ids=(*stored, *(f"{number:064x}" for number in range(10_000 - len(stored)))))
            found = await client.search(collection.name, "red", where=scope, limit=5)
            assert len(found.hits) == 5
            options = AskOptions(wording=Wording.PLAIN, ground=Grounding.NONE, scope=scope)
            question = "For the image with a red, is there a red?"
            events = [event async for event in client.ask(collection.name, question, options)]
    assert events[-1].verdict.value is True  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "--coco DIR, or from --official"),
        (("--official", "a.json"), "--image-root"),
        (("--official", "/nowhere/a.json", "--image-root", "."), "/nowhere/a.json"),
        (("--coco", "COCO", "--image-root", "."), "--official"),
        (("--coco", "COCO", "--official", "a.json", "--image-root", "."), "without --coco"),
        (("--coco", "COCO", "--needles", "1..2"), "--needles 1..2"),
        (("--coco", "COCO", "--distractor-labels", "a.json"), "--distractors DIR"),
        (("--coco", "COCO", "--distractors", "/nowhere"), "/nowhere does not exist"),
        (("--coco", "COCO", "--seen", "/nowhere.txt"), "/nowhere.txt"),
        (("--coco", "COCO", "--needles", "2..3", "--sizes", "2"), "do not fit"),
    ],
)
def test_bad_input_is_one_line(coco: Path, arguments: tuple[str, ...], message: str) -> None:
    result = invoke(*(coco if argument == "COCO" else argument for argument in arguments))
    assert result.exit_code == 1
    assert message in result.output.strip().splitlines()[-1]
    assert "Traceback" not in result.output


def test_needles() -> None:
    assert [parse_needles(text) for text in ("1", "2", "2..3", " 2..5 ")] == [(1, 1), (2, 2), (2, 3), (2, 5)]
    for text in ("", "0", "3..2", "1..3", "two", "2-3", "-1"):
        with pytest.raises(InvalidInput, match="--needles"):
            parse_needles(text)
