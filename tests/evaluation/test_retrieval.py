"""`thresher eval retrieval` on a socket, and how its rows are made."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from evaluation.command import app
from evaluation.haystacks import Draw, Pool, draw_questions
from evaluation.suites.retrieval import rows
from tests.evaluation.colours import colour_server, labelled_folder, striped


def test_fillers_first_fill_all_they_can() -> None:
    presence = np.random.RandomState(3).rand(60, 5) < 0.4
    fillers = np.random.RandomState(4).rand(20, 5) < 0.3
    for size, draw in ((8, Draw.MATCHED), (40, Draw.FREE)):
        for question in draw_questions(Pool.of(presence, fillers, fillers_first=True), size, 50, 7, draw).questions:
            free = int((~fillers[:, question.x]).sum())
            assert len(set(question.haystack)) == size
            assert sum(row >= len(presence) for row in question.haystack) == min(size - 1, free)
            both = np.concatenate([presence, fillers])
            assert [row for row in question.haystack if both[row, question.x]] == list(question.needles)


def test_each_ranker_stands_beside_the_one_before() -> None:
    hits = {"vector": (1, 0, 0, 0), "hybrid": (1, 1, 0, 0), "judged": (1, 1, 1, 0)}
    records = [
        {
            "row": {"distractors": "a", "draw": "free", "n": 9, "ranker": ranker},
            "cluster": str(number),
            "seen": [1, 4],
            "scores": {"recall_at_1": bool(hit), "recall_at_5": True},
        }
        for ranker, found in hits.items()
        for number, hit in enumerate(found)
    ]
    first, second, third = rows(records)
    assert (first["recall_at_1"], first["ahead_at_1"], first["ahead_at_1_interval"]) == (0.25, None, None)
    assert (second["ahead_at_1"], third["ahead_at_1"], third["ahead_at_5"]) == (0.25, 0.25, 0)
    low, high = second["ahead_at_1_interval"]
    assert low == 0 < 0.25 < high
    assert (first["needles_seen"], first["distractors_seen"]) == (1, 4)


async def test_needles_are_found_among_both_kinds_of_distractors(tmp_path: Path) -> None:
    coco = labelled_folder(tmp_path / "coco", np.random.RandomState(5).rand(24, 3) < 0.4)
    more = tmp_path / "more"
    more.mkdir()
    labels: dict[str, list[str]] = {}
    for number in range(20):
        (more / f"{number}.png").write_bytes(striped(np.zeros(3, bool), 100 + number))
        labels[f"{number}.png"] = []
    (tmp_path / "labels.json").write_text(json.dumps(labels))
    out = tmp_path / "out.json"
    arguments = ["retrieval", "--coco", coco, "--distractors", more, "--distractor-labels", tmp_path / "labels.json"]
    arguments += ["--sizes", "10,30", "--labelled-sizes", "6", "--questions", "12", "--rankers", "vector,judged"]
    async with colour_server(tmp_path / "data") as address:
        whole = [*map(str, arguments), "--json", str(out), "--address", address]
        done = await asyncio.to_thread(CliRunner().invoke, app, whole)
    assert done.exit_code == 0, done.output
    found = json.loads(out.read_text())["rows"]
    places = [(row["distractors"], row["draw"], row["n"]) for row in found if row["ranker"] == "vector"]
    assert places == [
        ("more", "matched", 10), ("more", "matched", 30), ("more", "free", 10), ("more", "free", 30),
        ("labelled", "matched", 6), ("labelled", "free", 6),
    ]  # fmt: skip
    assert all(row["recall_at_1"] == 1 and row["questions"] == 12 for row in found)
    assert all(row["ahead_at_1"] == 0 for row in found if row["ranker"] == "judged")


@pytest.mark.parametrize("rankers", ["", "nearest", "vector,"])
def test_unknown_rankers_are_refused(tmp_path: Path, rankers: str) -> None:
    coco = labelled_folder(tmp_path / "coco", np.eye(3, dtype=bool))
    done = CliRunner().invoke(app, ["retrieval", "--coco", str(coco), "--rankers", rankers])
    assert done.exit_code == 1 and "Known: default, vector" in done.output
