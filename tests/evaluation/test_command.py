"""`thresher eval` against a server on a socket, and what it says of bad input."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from evaluation import command, runs
from evaluation.command import app, is_test, parse_sizes, shared_folder
from evaluation.table import DemoQuestion
from tests.evaluation.colours import colour_server, labelled_folder
from thresher.client import Client
from thresher.errors import InvalidInput

KEYS = ["n", "questions", "accuracy_strict", "base_rate_accuracy", "compliance", "recall_at_1", "recall_at_5",
        "seconds_per_question", "dropped"]  # fmt: skip


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def coco(tmp_path: Path) -> Path:
    presence = np.random.RandomState(5).rand(30, 3) < 0.4
    return labelled_folder(tmp_path / "coco", presence)


@pytest.mark.parametrize("draw", ["matched", "free"])
async def test_vhs_from_a_folder_to_json(tmp_path: Path, coco: Path, draw: str) -> None:
    out = tmp_path / "results" / "vhs.json"
    arguments = ("vhs", "--coco", coco, "--sizes", "1,5", "--questions", 24, "--draw", draw, "--json", out)
    async with colour_server(tmp_path / "data") as address:
        first = await asyncio.to_thread(invoke, *arguments, "--address", address)
        assert first.exit_code == 0, first.output
        result: dict[str, Any] = json.loads(out.read_text())
        second = await asyncio.to_thread(invoke, *arguments, "--address", address)
        assert second.exit_code == 0, second.output
        again: dict[str, Any] = json.loads(out.read_text())
        async with Client(address) as client:
            (collection,) = await client.list_collections()
    assert collection.image_count == 30
    assert result["suite"] == "vhs"
    assert result["run"]["seed"] == 7 and result["run"]["draw"] == draw
    assert result["run"]["models"]["encoder"] == {"id": "fake", "weights": "0" * 64}
    assert {"version", "revision", "packages"} <= set(result["run"])
    assert [list(row) for row in result["rows"]] == [KEYS, KEYS]
    for row in result["rows"]:
        assert row["questions"] == 24
        assert row["accuracy_strict"] == row["compliance"] == row["recall_at_1"] == 1.0
    assert "| accuracy_strict |" in first.output
    for row in [*result["rows"], *again["rows"]]:
        row.pop("seconds_per_question")
    assert again == result


async def test_a_choice_of_photographs(tmp_path: Path, coco: Path) -> None:
    chosen = tmp_path / "chosen.txt"
    chosen.write_text("\n".join(f"{row:04d}.png" for row in range(0, 30, 2)))
    out = tmp_path / "out.json"
    async with colour_server(tmp_path / "data") as address:
        arguments = ("vhs", "--coco", coco, "--images", chosen, "--sizes", 3, "--questions", 4, "--json", out)
        result = await asyncio.to_thread(invoke, *arguments, "--address", address)
    assert result.exit_code == 0, result.output
    assert json.loads(out.read_text())["run"]["photographs"] == 15


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--sizes", "1,x"), "--sizes 1,x"),
        (("--sizes", "0"), "--sizes 0"),
        (("--sizes", "500"), "size 500"),
        (("--images", "/nowhere.txt"), "/nowhere.txt"),
        (("--json", "/proc/none/out.json"), "/proc/none/out.json"),
        (("--sizes", "2", "--address", "127.0.0.1:1"), "127.0.0.1:1"),
    ],
)
def test_bad_input_is_one_line(coco: Path, arguments: tuple[str, ...], message: str) -> None:
    result = invoke("vhs", "--coco", coco, *arguments)
    assert result.exit_code == 1
    assert message in result.output.strip().splitlines()[-1]
    assert "Traceback" not in result.output


def test_no_folder() -> None:
    result = invoke("vhs", "--coco", "/nowhere")
    assert result.exit_code == 1
    assert result.output.strip() == "There is no folder /nowhere. Give a folder with instances.json and images/."


@pytest.mark.parametrize(("marked", "status"), [(True, 1), (False, 0)])
async def test_a_wrong_answer_matters_where_it_is_marked(
    tmp_path: Path, coco: Path, monkeypatch: pytest.MonkeyPatch, marked: bool, status: int
) -> None:
    ask = "For the image with a red, is there a red?"
    table = (DemoQuestion(ask, demo=True, value=True), DemoQuestion(ask, demo=marked, value=False))
    monkeypatch.setattr(runs, "load_table", lambda: table)
    carried = {"a.png": coco / "images" / "0000.png", "b.png": coco / "images" / "0001.png"}
    monkeypatch.setattr("evaluation.suites.demo.find_photographs", lambda: carried)
    monkeypatch.setattr(command, "PHOTOS", tmp_path / "photos")
    out = tmp_path / "demo.json"
    async with colour_server(tmp_path / "data") as address:
        result = await asyncio.to_thread(invoke, "demo-questions", "--json", out, "--address", address)
    assert result.exit_code == status, result.output
    assert "1 of 2 right" in result.output
    assert [row["right"] for row in json.loads(out.read_text())["rows"]] == [True, False]


def test_sizes() -> None:
    assert parse_sizes("1,10, 50,10") == (1, 10, 50)
    with pytest.raises(InvalidInput):
        parse_sizes("")


def test_shared_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THRESHER_SHARED", "/somewhere")
    assert shared_folder() == Path("/somewhere")
    monkeypatch.delenv("THRESHER_SHARED")
    assert shared_folder().name == "shared"
    assert [image for image in range(11) if is_test(image)] == [0, 5, 10]
