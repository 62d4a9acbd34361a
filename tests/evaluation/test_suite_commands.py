"""The suites as commands, against a server on a socket, and what they say of bad input."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from evaluation.coco import load
from evaluation.command import app
from evaluation.labels import load_scenes
from retrievers.protocols import ImageStore
from tests.evaluation.colours import NAMES, colour_server, labelled_folder
from tests.evaluation.label_client import LabelClient
from thresher.types import Answer, AskEvent, AskOptions, Box, Pixels, Plan, Predicate, Prompt, Region


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def boxed_folder(folder: Path, presence: np.ndarray[Any, np.dtype[np.bool_]]) -> Path:
    """Stripes of colour with their boxes."""
    coco = labelled_folder(folder, presence)
    data = json.loads((coco / "instances.json").read_text())
    for image in data["images"]:
        image |= {"width": 16, "height": 8}
    for annotation in data["annotations"]:
        annotation |= {"bbox": [4 * annotation["category_id"], 0, 4, 8], "iscrowd": 0}
    (coco / "instances.json").write_text(json.dumps(data))
    return coco


class StripeGrounder:
    """Finds the stripe of a colour."""

    async def ground(self, image: Pixels, prompts: Sequence[Prompt]) -> Sequence[Sequence[Region]]:
        places = [(4 * NAMES.index(str(prompt)), str(prompt)) for prompt in prompts]
        return [
            [Region(Box(x, 0, x + 4, 8), 0.9, phrase)] if image[:, x : x + 4].mean() > 20 else []
            for x, phrase in places
        ]


@asynccontextmanager
async def label_server(folder: Path, coco: Path) -> AsyncIterator[str]:
    """Address of a server whose answers are the labels of a folder."""
    photographs = load(coco)
    known = LabelClient(photographs, load_scenes(coco, photographs))

    async def ask(
        question: str, options: AskOptions, _images: ImageStore, _seconds: float | None
    ) -> AsyncGenerator[AskEvent, None]:
        verdict = known.verdict(question, [known.row[image] for image in options.scope.ids or ()])
        yield Plan(verdict.kind, Predicate("thing"))
        yield Answer(verdict, "", (), 1.0)

    async with colour_server(folder, ask, StripeGrounder()) as address:
        yield address


@pytest.mark.parametrize(
    ("suite", "arguments", "figures"),
    [
        ("counting", ("--size", 9, "--questions", 12), ("exact", "within_one", "answered")),
        ("abstention", ("--size", 6, "--questions", 18), ("precision", "recall", "f1", "right")),
        ("grounding", (), ("image_ap", "pointing", "best_box_iou50", "box_ap50")),
    ],
)
async def test_from_a_folder_to_json(
    tmp_path: Path, suite: str, arguments: tuple[object, ...], figures: tuple[str, ...]
) -> None:
    coco = boxed_folder(tmp_path / "coco", np.random.RandomState(5).rand(24, 3) < 0.4)
    out = tmp_path / f"{suite}.json"
    async with label_server(tmp_path / "data", coco) as address:
        whole = (suite, "--coco", coco, *arguments, "--json", out, "--address", address)
        done = await asyncio.to_thread(invoke, *whole)
        assert done.exit_code == 0, done.output
        result = json.loads(out.read_text())
        again = await asyncio.to_thread(invoke, *whole)
        assert again.exit_code == 0 and json.loads(out.read_text()) == result
    assert result["suite"] == suite and result["run"]["seed"] == 7 and result["run"]["photographs"] == 24
    assert all(result["rows"][0][figure] == pytest.approx(1.0) for figure in figures)
    assert all(len(result["rows"][0][f"{figure}_interval"]) == 2 for figure in figures)
    records = [json.loads(line) for line in out.with_suffix(".jsonl").read_text().splitlines()[1:]]
    assert all({"key", "row", "cluster", "question", "scores"} <= set(record) for record in records)
    assert "| questions |" in done.output or "| pairs |" in done.output


def test_what_pope_cannot_be_asked_about(tmp_path: Path) -> None:
    coco = boxed_folder(tmp_path / "coco", np.ones((4, 3), bool))
    done = invoke("pope", "--coco", coco)
    assert done.exit_code == 1 and "No photograph shows 3 categories, and is without 3" in done.output
    done = invoke("pope", "--coco", coco, "--pipelines", "agent,oracle")
    assert done.exit_code == 1 and "names one that is unknown" in done.output


@pytest.mark.parametrize("suite", ["counting", "abstention", "pope", "grounding"])
def test_one_category_is_refused(tmp_path: Path, suite: str) -> None:
    only_red = np.zeros((8, 3), bool)
    only_red[::2, 0] = True
    done = invoke(suite, "--coco", boxed_folder(tmp_path / "coco", only_red))
    assert done.exit_code == 1 and "one category only: red" in done.output


@pytest.mark.parametrize("suite", ["counting", "abstention", "grounding"])
def test_labels_without_boxes_are_refused(tmp_path: Path, suite: str) -> None:
    done = invoke(suite, "--coco", labelled_folder(tmp_path / "coco", np.eye(3, dtype=bool)))
    assert done.exit_code == 1 and "without its figures: KeyError('bbox')" in done.output


@pytest.mark.parametrize("suite", ["counting", "abstention", "captions"])
def test_a_size_that_cannot_be_filled_is_refused(tmp_path: Path, suite: str) -> None:
    coco = boxed_folder(tmp_path / "coco", np.random.RandomState(5).rand(24, 3) < 0.4)
    (coco / "captions.json").write_text('{"0": ["red"]}')
    done = invoke(suite, "--coco", coco)
    assert done.exit_code == 1 and "Ask for smaller" in done.output, done.output


@pytest.mark.parametrize("suite", ["counting", "abstention", "pope", "grounding", "captions"])
def test_missing_photographs_are_refused(tmp_path: Path, suite: str) -> None:
    coco = boxed_folder(tmp_path / "coco", np.eye(3, dtype=bool))
    (coco / "images" / "0001.png").unlink()
    done = invoke(suite, "--coco", coco)
    assert done.exit_code == 1 and "1 photographs are not in" in done.output and "0001.png" in done.output
