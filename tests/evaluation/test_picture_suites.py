"""The suites that ask with pictures: what they draw, and their commands against a server that knows colours."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from evaluation.coco import load
from evaluation.command import app
from evaluation.labels import load_scenes
from evaluation.suites import regions, sketches
from tests.evaluation.colours import colour_server
from tests.evaluation.test_suite_commands import boxed_folder
from thresher.client import Client
from thresher.types import Medium

SHOWN = np.random.RandomState(5).rand(40, 3) < 0.4


def outlined_folder(folder: Path, outlined: int) -> Path:
    """`boxed_folder` whose first photographs have polygons."""
    coco = boxed_folder(folder, SHOWN)
    data = json.loads((coco / "instances.json").read_text())
    for annotation in data["annotations"]:
        x, y, w, h = annotation["bbox"]
        if annotation["image_id"] < outlined:
            annotation["segmentation"] = [[x, y, x + w, y, x + w, y + h, x, y + h]]
    (coco / "instances.json").write_text(json.dumps(data))
    return coco


def test_what_is_asked_about_regions(tmp_path: Path) -> None:
    coco = boxed_folder(tmp_path / "coco", SHOWN)
    photographs = load(coco)
    scenes = load_scenes(coco, photographs)
    for count in (1, 2):
        asked = regions.drawn(photographs, scenes, count, 12, 7)
        assert len(asked) == 12 == len({parts.row for parts in asked})
        assert (
            asked
            == regions.drawn(photographs, scenes, count, 12, 7)
            != regions.drawn(photographs, scenes, count, 12, 8)
        )
        for parts in asked:
            assert len(parts.categories) == count and SHOWN[parts.row][list(parts.categories)].all()
            assert [int(box.x0) // 4 for box in parts.boxes] == list(parts.categories)
            others = regions.relevant(photographs, parts.categories, {photographs.ids[parts.row]})
            assert len(others) == SHOWN[:, list(parts.categories)].all(1).sum() - 1 >= regions.RELEVANT
    lessons = list(regions.to_teach(photographs, scenes, 7))
    assert [len(each) for each in lessons] == [1, 3] * 3
    assert all(SHOWN[parts.row, parts.categories[0]] for each in lessons for parts in each)


def test_what_is_drawn(tmp_path: Path) -> None:
    coco = outlined_folder(tmp_path / "coco", 9)
    photographs = load(coco)
    scenes = load_scenes(coco, photographs)
    with_outlines = [row for row in range(9) if SHOWN[row].any()]
    assert sketches.drawn(scenes, Medium.LINE_ART, sketches.Settings()) == with_outlines
    assert len(sketches.drawn(scenes, Medium.SKETCH, sketches.Settings(pictures=11))) == 11
    row = with_outlines[0]
    pictures = {sketches.picture(photographs, scenes[row], row, medium) for medium in sketches.MEDIA}
    assert len(pictures) == 3
    one = next(row for row in range(40) if SHOWN[row].sum() == 1)
    same = [photographs.ids[n] for n in range(40) if n != one and (SHOWN[n] & SHOWN[one]).any()]
    other = [photographs.ids[n] for n in range(40) if not (SHOWN[n] & SHOWN[one]).any()]
    assert sketches.alike(photographs, one, [*same[:3], *other[:2]]) == pytest.approx(0.6)
    nothing = next(row for row in range(40) if not SHOWN[row].any())
    assert sketches.alike(photographs, nothing, same[:5]) is None


async def run(suite: str, coco: Path, folder: Path, *arguments: str) -> list[dict[str, Any]]:
    out = folder / "out.json"
    async with colour_server(folder / "data") as address:
        whole = [suite, "--coco", str(coco), *arguments, "--json", str(out), "--address", address]
        done = await asyncio.to_thread(CliRunner().invoke, app, whole)
        assert done.exit_code == 0, done.output
        async with Client(address) as client:
            for collection in await client.list_collections():
                assert await client.exemplars(collection.name) == []
    rows: list[dict[str, Any]] = json.loads(out.read_text())["rows"]
    return rows


async def test_regions_beat_the_whole_where_only_a_part_counts(tmp_path: Path) -> None:
    coco = boxed_folder(tmp_path / "coco", SHOWN)
    rows = await run("regions", coco, tmp_path, "--questions", "20", "--draws", "1")
    by = {(row["of"], row["query"]): row for row in rows}
    assert set(by) == {
        ("one region", "regions"),
        ("one region", "whole"),
        ("two regions", "regions"),
        ("two regions", "whole"),
        ("taught name", "1 photograph"),
        ("taught name", "3 photographs"),
    }
    assert by["one region", "regions"]["right_at_1"] == by["taught name", "1 photograph"]["right_at_1"] == 1
    assert by["one region", "regions"]["questions"] == 20
    assert 12 <= by["two regions", "regions"]["questions"] == by["two regions", "whole"]["questions"]
    assert by["taught name", "3 photographs"]["questions"] == 3


async def test_sketches_are_asked_as_they_are_and_adapted(tmp_path: Path) -> None:
    coco = outlined_folder(tmp_path / "coco", 9)
    rows = await run("sketches", coco, tmp_path, "--pictures", "15")
    by = {(row["medium"], row["query"]): row for row in rows}
    assert len(by) == 6
    assert by["low_resolution", "as it is"]["recall_at_10"] > by["low_resolution", "adapted"]["recall_at_10"] + 0.3
    assert by["line_art", "adapted"]["questions"] == sum(SHOWN[row].any() for row in range(9))


def test_too_few_photographs_are_refused(tmp_path: Path) -> None:
    coco = boxed_folder(tmp_path / "coco", np.eye(3, dtype=bool))
    for suite, why in (("regions", "No category is shown"), ("sketches", "too few")):
        done = CliRunner().invoke(app, [suite, "--coco", str(coco)])
        assert done.exit_code == 1 and why in done.output
