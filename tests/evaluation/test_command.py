"""`thresher eval` against a server on a socket, and what it says of bad input."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from evaluation.coco import LabelledPhotographs, load
from evaluation.command import app
from evaluation.commands import all_suites, demo
from evaluation.commands.options import is_test, parse_sizes, shared_folder
from evaluation.server import REPOSITORY
from evaluation.suite import Suite
from evaluation.suites import vhs
from evaluation.table import DemoQuestion
from evaluation.vhs_questions import Settings, drawn
from tests.evaluation.colours import colour_server, labelled_folder
from tests.evaluation.test_suite_commands import boxed_folder
from thresher.client import Client
from thresher.errors import InvalidInput
from thresher.types import Pipeline

FIGURES = ("accuracy", "accuracy_strict", "compliance", "recall_at_1", "recall_at_5", "seconds")
KEYS = ["pipeline", "draw", "needles", "n", "questions",
        *(f"{name}{suffix}" for name in FIGURES for suffix in ("", "_interval")),
        "needles_seen", "distractors_seen", "unanswered", "why", "dropped"]  # fmt: skip


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def coco(tmp_path: Path) -> Path:
    presence = np.random.RandomState(5).rand(30, 3) < 0.4
    return labelled_folder(tmp_path / "coco", presence)


@pytest.mark.parametrize("draw", ["matched", "free"])
async def test_vhs_from_a_folder_to_json(
    tmp_path: Path, coco: Path, monkeypatch: pytest.MonkeyPatch, draw: str
) -> None:
    monkeypatch.setattr("evaluation.run_info.revision", lambda: "0" * 40)
    out = tmp_path / "results" / "vhs.json"
    arguments = ("vhs", "--coco", coco, "--sizes", "1,5", "--questions", 24, "--draw", draw)
    arguments += ("--pipelines", "agent", "--json", out)
    async with colour_server(tmp_path / "data") as address:
        first = await asyncio.to_thread(invoke, *arguments, "--address", address)
        assert first.exit_code == 0, first.output
        result: dict[str, Any] = json.loads(out.read_text())
        lines = len(out.with_suffix(".jsonl").read_text().splitlines())
        second = await asyncio.to_thread(invoke, *arguments, "--address", address)
        assert second.exit_code == 0, second.output
        again: dict[str, Any] = json.loads(out.read_text())
        async with Client(address) as client:
            (collection,) = await client.list_collections()
    assert collection.image_count == 30
    assert result["suite"] == "vhs"
    assert result["run"]["seed"] == 7 and result["run"]["draws"] == [draw]
    assert result["run"]["models"]["encoder"] == {"id": "fake", "weights": "0" * 64}
    assert {"version", "revision", "packages"} <= set(result["run"])
    assert [list(row) for row in result["rows"]] == [KEYS, KEYS]
    for row in result["rows"]:
        assert row["questions"] == 24
        assert row["accuracy_strict"] == row["compliance"] == row["recall_at_1"] == 1.0
    assert "| accuracy_strict |" in first.output
    assert again == result and len(out.with_suffix(".jsonl").read_text().splitlines()) == lines == 49


async def test_a_choice_of_photographs(tmp_path: Path, coco: Path) -> None:
    chosen = tmp_path / "chosen.txt"
    chosen.write_text("\n".join(f"{row:04d}.png" for row in range(0, 30, 2)))
    out = tmp_path / "out.json"
    async with colour_server(tmp_path / "data") as address:
        arguments = ("vhs", "--coco", coco, "--images", chosen, "--sizes", 3, "--questions", 4)
        arguments += ("--pipelines", "agent", "--json", out)
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
        (("--pipelines", "agent,oracle"), "agent,oracle"),
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
    monkeypatch.setattr(demo, "load_table", lambda: table)
    carried = {"a.png": coco / "images" / "0000.png", "b.png": coco / "images" / "0001.png"}
    monkeypatch.setattr("evaluation.suites.demo.find_photographs", lambda: carried)
    monkeypatch.setattr(demo, "PHOTOS", tmp_path / "photos")
    out = tmp_path / "demo.json"
    async with colour_server(tmp_path / "data") as address:
        result = await asyncio.to_thread(invoke, "demo-questions", "--json", out, "--address", address)
    assert result.exit_code == status, result.output
    assert "1 of 2 right" in result.output
    assert [row["right"] for row in json.loads(out.read_text())["rows"]] == [True, False]


def two_suites(
    _: Path, labelled: LabelledPhotographs, questions: int, trained: frozenset[str] | None
) -> dict[str, Suite]:
    return {
        name: vhs.suite(drawn(labelled, Settings((1, 5), questions, seed)), (Pipeline.AGENT,), trained)
        for seed, name in ((7, "vhs"), (8, "again"))
    }


def test_all_makes_every_table_of_the_document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evaluation.suites.pope.POSITIVES", 1)  # there are three colours
    coco = boxed_folder(tmp_path / "coco", np.random.RandomState(5).rand(200, 3) < 0.2)
    (coco / "captions.json").write_text(json.dumps({str(row): ["red"] for row in range(200)}))
    found = all_suites.suites(tmp_path, load(coco), 4, None)
    slots = set(re.findall(r"<!-- table: (\S+)", (REPOSITORY / "docs" / "evaluation.md").read_text()))
    assert slots == {*found, "vhs-large", "demo"}, "photos-1k is not there"
    assert all(suite.questions for suite in found.values())


async def test_all_suites_go_on_in_a_folder_of_their_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    presence = np.random.RandomState(5).rand(120, 3) < 0.4
    coco = labelled_folder(tmp_path / "shared" / "data" / "coco", presence)
    monkeypatch.setenv("THRESHER_SHARED", str(tmp_path / "shared"))
    table = (DemoQuestion("For the image with a red, is there a red?", demo=True, value=True),)
    monkeypatch.setattr(demo, "load_table", lambda: table)
    monkeypatch.setattr("evaluation.suites.demo.find_photographs", lambda: {"a.png": coco / "images" / "0000.png"})
    monkeypatch.setattr(demo, "PHOTOS", tmp_path / "photos")
    monkeypatch.setattr(all_suites, "RESULTS", tmp_path / "eval")
    monkeypatch.setattr(all_suites, "suites", two_suites)
    for module in ("evaluation.run_info", "evaluation.commands.all_suites"):
        monkeypatch.setattr(f"{module}.revision", lambda: "a" * 40)
    async with colour_server(tmp_path / "data") as address:

        @asynccontextmanager
        async def started(*_: object) -> AsyncIterator[Client]:
            async with Client(address) as client:
                yield client

        monkeypatch.setattr(all_suites, "asked_server", started)
        for _ in range(2):
            result = await asyncio.to_thread(invoke, "all", "--questions", 4)
            assert result.exit_code == 0, result.output
    written = tmp_path / "eval" / ("a" * 40)
    assert {"demo.json", "demo.jsonl", "vhs.json", "vhs.jsonl", "again.json"} <= {
        path.name for path in written.iterdir()
    }
    vhs = json.loads((written / "vhs.json").read_text())
    assert vhs["run"]["photographs"] == 24, "those whose id is 0 modulo 5"
    assert {(row["draw"], row["n"]) for row in vhs["rows"]} == {
        (draw, size) for draw in ("matched", "free") for size in (1, 5)
    }


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
