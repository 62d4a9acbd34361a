"""Records to rows, and a whole run of a suite against a server that knows colours."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from evaluation import runs
from evaluation.coco import load
from evaluation.runs import run_suite
from evaluation.suite import Question, Record, Suite, mean_rows
from tests.evaluation.colours import colour_server, labelled_folder
from thresher.client import Client
from thresher.errors import InvalidInput, Unavailable
from thresher.importing import Photo


def scored(n: int, cluster: str, **scores: float | bool | None) -> Record:
    return {"key": "", "row": {"n": n}, "cluster": cluster, "scores": scores}


def test_rows_are_means_by_row() -> None:
    records = [
        scored(10, "a", right=True, seconds=1.0),
        scored(1, "a", right=False, seconds=3.0),
        scored(10, "b", right=False, seconds=2.0),
        scored(10, "b", right=None, seconds=None),
    ]
    ten, one = mean_rows(records)
    assert (ten["n"], ten["questions"], ten["right"], ten["seconds"]) == (10, 3, 0.5, 1.5)
    assert ten["right_interval"] == (0.0, 1.0)
    assert (one["n"], one["questions"], one["right"], one["right_interval"]) == (1, 1, 0.0, (0.0, 0.0))


def test_a_score_that_nothing_has_is_none_and_not_zero() -> None:
    (row,) = mean_rows([scored(1, "a", right=None), scored(1, "b", right=None)])
    assert (row["questions"], row["right"], row["right_interval"]) == (2, None, None)


class Served:
    """A suite that counts photographs of a scope, and notes what was asked; `gone`: keys whose ask fails."""

    def __init__(self, folder: Path, setting: int = 1) -> None:
        self.photographs = load(labelled_folder(folder, np.eye(3, dtype=np.bool_)) if not folder.exists() else folder)
        self.asked: list[str] = []
        self.gone: set[str] = set()
        self.setting = setting

    def suite(self) -> Suite:
        return Suite(
            name="served",
            title="served",
            settings={"setting": self.setting},
            photographs=tuple(Photo(file, file.name, ()) for file in self.photographs.files),
            ids=self.photographs.ids,
            questions=tuple(Question(key, "all", partial(self._ask, key)) for key in "abcdef"),
            rows=mean_rows,
            notes=lambda rows: [f"{len(rows)} row"],
        )

    async def _ask(self, key: str, client: Client, collection: str) -> Record:
        if key in self.gone:
            raise Unavailable("No server answers.")
        self.asked.append(key)
        held = (await client.get_collection(collection)).image_count
        return {"row": {"n": 1}, "cluster": key, "scores": {"held": held}}


@pytest.fixture
async def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Client]:
    monkeypatch.setattr("evaluation.run_info.revision", lambda: "0" * 40)
    async with colour_server(tmp_path / "data") as address, Client(address) as client:
        yield client


async def test_a_run_that_was_cut_off_asks_only_what_is_left(
    tmp_path: Path, client: Client, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(runs, "PARALLEL", 1)
    served, out = Served(tmp_path / "coco"), tmp_path / "run.json"
    served.gone = {"d"}
    with pytest.raises(Unavailable):
        await run_suite(client, served.suite(), out)
    assert served.asked == ["a", "b", "c"] and not out.exists()
    served.gone = set()
    result = await run_suite(client, served.suite(), out)
    assert served.asked == list("abcdef")
    assert json.loads(out.read_text()) == json.loads(json.dumps(result))
    assert result["rows"][0]["questions"] == 6 and result["rows"][0]["held"] == 3.0
    assert {"suite": result["suite"], "setting": result["run"]["setting"]} == {"suite": "served", "setting": 1}
    await run_suite(client, served.suite(), out)
    assert len(served.asked) == 6
    assert "- 1 row" in capsys.readouterr().out


async def test_other_settings_overwrite_nothing(tmp_path: Path, client: Client) -> None:
    out = tmp_path / "run.json"
    await run_suite(client, Served(tmp_path / "coco").suite(), out)
    before = {path: path.read_bytes() for path in (out, out.with_suffix(".jsonl"))}
    other = Served(tmp_path / "coco", setting=2)
    with pytest.raises(InvalidInput, match="setting differ"):
        await run_suite(client, other.suite(), out)
    assert other.asked == [] and before == {path: path.read_bytes() for path in before}


async def test_another_revision_overwrites_nothing(
    tmp_path: Path, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run.json"
    await run_suite(client, Served(tmp_path / "coco").suite(), out)
    before = {path: path.read_bytes() for path in (out, out.with_suffix(".jsonl"))}
    monkeypatch.setattr("evaluation.run_info.revision", lambda: "f" * 40)
    with pytest.raises(InvalidInput, match="revision differ"):
        await run_suite(client, Served(tmp_path / "coco").suite(), out)
    assert before == {path: path.read_bytes() for path in before}
    out.with_suffix(".jsonl").unlink()
    with pytest.raises(InvalidInput, match="revision differ"):
        await run_suite(client, Served(tmp_path / "coco").suite(), out)
    assert out.read_bytes() == before[out] and not out.with_suffix(".jsonl").exists()


async def test_a_foreign_file_is_not_overwritten(tmp_path: Path, client: Client) -> None:
    out = tmp_path / "run.json"
    out.write_text("[1, 2]")
    with pytest.raises(InvalidInput, match="not the file of a run"):
        await run_suite(client, Served(tmp_path / "coco").suite(), out)
    assert out.read_text() == "[1, 2]"


def test_two_questions_of_one_key_are_a_mistake(tmp_path: Path) -> None:
    served = Served(tmp_path / "coco").suite()
    with pytest.raises(ValueError, match="one key"):
        replace(served, questions=served.questions * 2)
