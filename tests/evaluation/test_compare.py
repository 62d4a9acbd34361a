"""Runs compared: figures by hand, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from evaluation.command import app
from evaluation.compare import differences, paired_rows, pipeline_rows, read_run
from evaluation.paired import compare
from evaluation.suite import Record
from evaluation.suites import abstention, grounding, pope
from tests.evaluation.label_client import LabelClient, records_of, world
from tests.evaluation.run_files import ABOUT, answered, write_run
from tests.evaluation.test_grounding import Grounded
from thresher.errors import InvalidInput
from thresher.types import Verdict

NAMES = ("dog", "cat", "cup", "bus", "sink", "tie", "book", "vase", "boat", "kite")
Marks = st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 5)), min_size=2, max_size=12)


def score(rows: list[dict[str, Any]], name: str = "accuracy_strict", **about: Any) -> dict[str, Any]:
    """The only row of a score."""
    (found,) = [row for row in rows if row["score"] == name and about.items() <= row.items()]
    return found


def test_a_difference_by_hand() -> None:
    a = [answered(str(number), number < 20) for number in range(40)]
    b = [answered(str(number), number < 36) for number in reversed(range(40))]
    row = score(paired_rows(a, b))
    assert (row["pipeline"], row["n"], row["questions"]) == ("agent", 10, 40)
    assert (row["a"], row["b"]) == (0.5, 0.9) and row["difference"] == pytest.approx(0.4)
    low, high = row["difference_interval"]
    assert 0.2 < low < 0.4 < high < 0.6
    assert row["excludes_0"] is True
    assert score(paired_rows(a, b), "seconds")["excludes_0"] is False


@settings(max_examples=20, deadline=None)
@given(Marks)
def test_the_other_way_round_is_the_negative(marks: list[tuple[bool, bool, int]]) -> None:
    a = [answered(str(n), first, cluster=str(cluster)) for n, (first, _, cluster) in enumerate(marks)]
    b = [answered(str(n), second, cluster=str(cluster)) for n, (_, second, cluster) in enumerate(marks)]
    forth, back, self = (score(paired_rows(*pair)) for pair in ((a, b), (b, a), (a, a)))
    assert forth["difference"] == pytest.approx(-back["difference"])
    assert self["difference"] == 0 and not self["excludes_0"]
    if len({cluster for _, _, cluster in marks}) == 1:
        assert forth["difference_interval"] is forth["excludes_0"] is None
        return
    assert forth["difference_interval"] == pytest.approx([-edge for edge in reversed(back["difference_interval"])])
    assert self["difference_interval"] == (0, 0)


def test_what_is_not_there_is_left_out() -> None:
    a = [answered("1", True), answered("2", None), answered("3", True), answered("4", False)]
    b = [answered("1", False), answered("2", True), answered("3", None), answered("4", False)]
    row = score(paired_rows(a, b))
    assert (row["questions"], row["a"], row["b"], row["difference"]) == (2, 0.5, 0.0, -0.5)
    nothing = score(paired_rows([answered("1", None)], [answered("1", True)]))
    assert nothing["questions"] == 0 and nothing["difference"] is nothing["excludes_0"] is None


def test_pipelines_of_one_run() -> None:
    records = [
        answered(str(n), n < right, pipeline=pipeline, n=size)
        for pipeline, right in (("agent", 18), ("detector", 6), ("model", 0))
        for size in (1, 10)
        for n in range(20)
    ]
    rows = pipeline_rows(records)
    assert {row["against"] for row in rows} == {"detector", "model"}
    row = score(rows, against="detector", n=10)
    assert "pipeline" not in row and (row["a"], row["b"]) == (0.3, 0.9)
    assert row["difference"] == pytest.approx(0.6) and row["excludes_0"]
    assert pipeline_rows(records, reference="nobody") == []


def test_either_name_of_a_run(tmp_path: Path) -> None:
    file = write_run(tmp_path / "a.json", [answered("1", True)])
    one, other = read_run(file), read_run(file.with_suffix(".jsonl"))
    assert one.records == other.records == (answered("1", True),)
    assert one.rows == other.rows and one.rows[0]["accuracy_strict"] == 1.0
    cut = write_run(tmp_path / "cut.json", [answered("1", True)], rows=None)
    assert read_run(cut).rows == ()


def test_files_that_do_not_serve(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no file"):
        read_run(tmp_path / "nowhere.json")
    file = write_run(tmp_path / "a.json", [answered("1", True)])
    file.write_text(json.dumps({"suite": "vhs", "run": ABOUT | {"seed": 8}, "rows": []}))
    with pytest.raises(InvalidInput, match="different runs"):
        read_run(file)
    file.write_text("[]")
    with pytest.raises(InvalidInput, match="not the file of a run"):
        read_run(file)


def test_what_differs() -> None:
    other = ABOUT | {"revision": "b", "packages": {"numpy": "2.1", "torch": "2"}}
    assert differences(ABOUT, ABOUT) == []
    assert differences(ABOUT, other) == [
        {"what": "revision", "a": "a" * 40, "b": "b"},
        {"what": "packages.numpy", "a": "2.0", "b": "2.1"},
        {"what": "packages.torch", "a": "none", "b": "2"},
    ]


def test_other_questions_are_refused(tmp_path: Path) -> None:
    a = read_run(write_run(tmp_path / "a.json", [answered("1", True), answered("2", True)]))
    fewer = read_run(write_run(tmp_path / "b.json", [answered("2", True), answered("3", True)], seed=8))
    with pytest.raises(InvalidInput, match=r"1 keys are common, 1 only in .*a\.json.*1 only in .*b\.json.*seed"):
        compare(a, fewer)
    elsewhere = read_run(write_run(tmp_path / "c.json", [answered("1", True, cluster="x"), answered("2", True)]))
    with pytest.raises(InvalidInput, match="1 of the common keys ask about something else"):
        compare(a, elsewhere)
    suite = read_run(write_run(tmp_path / "d.json", [answered("1", True)], suite="pope"))
    with pytest.raises(InvalidInput, match="a run of vhs"):
        compare(a, suite)


async def test_f1_is_that_of_the_tables(tmp_path: Path) -> None:
    photographs, scenes = world(40, categories=NAMES)

    def forgetful(verdict: Verdict) -> Verdict:
        return replace(verdict, value=False) if verdict.value is True else verdict

    asked = pope.suite(photographs, pope.Settings())
    one = await records_of(asked, LabelClient(photographs, scenes))
    other = await records_of(asked, LabelClient(photographs, scenes, forgetful))
    a = read_run(write_run(tmp_path / "a.json", one, "pope", pope.rows))
    b = read_run(write_run(tmp_path / "b.json", other, "pope", pope.rows))
    rows = compare(b, a)
    assert score(rows, "recall", negatives="popular") | {"difference_interval": None} == {
        "pipeline": "agent", "negatives": "popular", "score": "recall", "questions": a.rows[1]["questions"], "a": 0.0,
        "b": 1.0, "difference": 1.0, "difference_interval": None, "excludes_0": True,
    }  # fmt: skip
    assert score(rows, "accuracy", negatives="random")["a"] == b.rows[0]["accuracy"] == 0.5
    assert score(rows, "precision", negatives="random")["difference"] is None


async def test_abstention_has_a_row_for_all(tmp_path: Path) -> None:
    photographs, scenes = world(40)
    asked = abstention.suite(photographs, scenes, abstention.Settings(size=10, questions=36))
    one = await records_of(asked, LabelClient(photographs, scenes))
    runs = [read_run(write_run(tmp_path / f"{n}.json", one, "abstention", abstention.rows)) for n in range(2)]
    row = score(compare(*runs), "f1", form="all")
    assert row["questions"] == 36 and row["a"] == row["b"] == 1.0 and row["difference_interval"] == (0, 0)


async def test_grounding_by_photographs(tmp_path: Path) -> None:
    photographs, scenes = world(12)
    asked = grounding.suite(photographs, scenes, grounding.Settings())
    good, shifted = Grounded(photographs, scenes), Grounded(photographs, scenes)
    shifted.shift = 6.0

    async def run(name: str, client: Grounded, change: bool = False) -> Any:
        records = await records_of(asked, client)
        if change:
            records = [backwards(record) for record in records]
        settings = {"labels": photographs.digest}
        return read_run(write_run(tmp_path / name, records, "grounding", asked.rows, **settings))

    a, b = await run("a.json", good), await run("b.json", shifted, change=True)
    rows = compare(a, b, (photographs, scenes))
    for name in ("image_ap", "box_ap", "box_ap50", "mask_ap", "mask_ap50", "pointing", "best_box_iou50", "mask_iou"):
        row = score(rows, name)
        assert row["category"] == "all"
        assert (row["a"], row["b"]) == pytest.approx((a.rows[0][name], b.rows[0][name])), name
        assert row["difference"] == pytest.approx(b.rows[0][name] - a.rows[0][name])
        low, high = row["difference_interval"]
        assert low <= row["difference"] <= high
    assert score(rows, "image_ap")["excludes_0"] and score(rows, "mask_iou")["excludes_0"]
    with pytest.raises(InvalidInput, match="needs the labels"):
        compare(a, b)
    with pytest.raises(InvalidInput, match="other photographs or labels"):
        compare(a, b, world(25))


def backwards(record: Record) -> Record:
    """The worst photograph first."""
    return record | {"ranking": record["ranking"][::-1]} if "ranking" in record else record


def test_the_command(tmp_path: Path) -> None:
    a = write_run(tmp_path / "a.json", [answered(str(n), n < 5) for n in range(10)])
    b = write_run(tmp_path / "b.json", [answered(str(n), n < 9) for n in range(10)], revision="b" * 40)
    out = tmp_path / "out.json"
    result = CliRunner().invoke(app, ["compare", str(a), str(b), "--json", str(out)])
    assert result.exit_code == 0, result.output
    assert "| revision |" in result.output and "0.400 [" in result.output
    written = json.loads(out.read_text())
    assert written["run"]["b"]["revision"] == "b" * 40
    assert score(written["rows"])["difference"] == pytest.approx(0.4)
    alone = CliRunner().invoke(app, ["compare", str(a)])
    assert alone.exit_code == 1 and "no pipelines to compare" in alone.output
    wrong = CliRunner().invoke(app, ["compare", str(a), str(tmp_path / "c.json")])
    assert wrong.exit_code == 1 and len(wrong.output.strip().splitlines()) == 1
