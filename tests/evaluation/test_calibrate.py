"""`thresher eval calibrate` against a server on a socket."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from evaluation.command import app
from evaluation.commands.calibrate import judge_file
from tests.evaluation.colours import colour_server, labelled_folder


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["calibrate", *(str(argument) for argument in arguments)])


def labelled(folder: Path, count: int, wrong: float = 0.1) -> Path:
    """Stripes, of which some are labelled wrong."""
    random = np.random.RandomState(5)
    shown = random.rand(count, 3) < 0.4
    made = labelled_folder(folder, shown)
    data = json.loads((made / "instances.json").read_text())
    data["annotations"] = [row for row in data["annotations"] if random.rand() > wrong]
    (made / "instances.json").write_text(json.dumps(data))
    return made


async def test_from_a_folder_to_a_judge(tmp_path: Path) -> None:
    out = tmp_path / "made" / "colours.judge.json"
    async with colour_server(tmp_path / "data") as address:
        arguments = ("--coco", labelled(tmp_path / "coco", 120), "--out", out, "--address", address)
        result = await asyncio.to_thread(invoke, *arguments)
    assert result.exit_code == 0, result.output
    made = json.loads(out.read_text())
    assert made["models"]["encoder"] == {"id": "fake", "weights": "0" * 64}
    assert made["models"]["generator"]["id"] == ""
    assert made["data"]["photographs"] == 120
    assert {"revision", "version", "profile"} <= set(made)
    stored, alone, _ = made["figures"]["rows"]
    assert alone["ece"] < stored["ece"]
    assert alone["ece"] < 0.05
    assert made["judge"]["similarity"][0] > 5  # a stripe is a quarter of the picture
    assert set(made["judge"]["concepts"]) == {"red", "green", "blue"}
    assert made["figures"]["kept"] == ["similarity"]
    assert out.with_suffix(".svg").read_text().startswith("<svg")
    assert str(out) in result.output


@pytest.mark.parametrize("count", [20])
async def test_too_little_to_fit(tmp_path: Path, count: int) -> None:
    out = tmp_path / "judge.json"
    async with colour_server(tmp_path / "data") as address:
        arguments = ("--coco", labelled(tmp_path / "coco", count), "--out", out, "--address", address)
        result = await asyncio.to_thread(invoke, *arguments)
    assert result.exit_code == 1
    assert f"{count} photographs" in result.output
    assert not out.exists()


def test_bad_folders_and_the_place_beside_the_profile(tmp_path: Path) -> None:
    result = invoke("--coco", tmp_path / "nothing", "--out", tmp_path / "judge.json")
    assert result.exit_code == 1
    assert "no folder" in result.output
    assert judge_file("offline").parts[-3:] == ("server", "profiles", "offline.judge.json")
    assert judge_file(str(tmp_path / "mine.toml")) == tmp_path / "mine.judge.json"
