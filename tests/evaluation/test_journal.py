"""Records of a run on disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.journal import Journal, read_journal
from thresher.errors import InvalidInput

ABOUT = {"suite": "vhs", "run": {"revision": "abc", "models": {"encoder": {"id": "m", "weights": "1"}}, "seed": 7}}


def record(key: str) -> dict[str, Any]:
    return {"key": key, "row": {"n": 1}, "cluster": "c", "scores": {"right": True}}


def filled(path: Path, *keys: str) -> Path:
    with Journal(path, ABOUT) as journal:
        for key in keys:
            journal.add(record(key))
    return path


def test_goes_on_where_it_was(tmp_path: Path) -> None:
    path = filled(tmp_path / "deep" / "run.jsonl", "a", "b")
    with Journal(path, ABOUT) as journal:
        assert list(journal.records) == ["a", "b"]
        journal.add(record("c"))
    about, records = read_journal(path)
    assert about == ABOUT
    assert [each["key"] for each in records] == ["a", "b", "c"]
    assert len(path.read_text().splitlines()) == 4


def test_every_record_is_on_disk_at_once(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    with Journal(path, ABOUT) as journal:
        journal.add(record("ä"))
        assert json.loads(path.read_text().splitlines()[-1]) == record("ä")


@given(st.integers(1, 400))
def test_a_torn_end_is_dropped_and_the_rest_kept(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    path = filled(tmp_path_factory.mktemp("torn") / "run.jsonl", *"abcd")
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut] if cut < len(whole) else b"")
    kept = path.read_bytes().count(b"\n")
    with Journal(path, ABOUT) as journal:
        assert list(journal.records) == list("abcd")[: max(0, kept - 1)]
        for key in "abcd":
            if key not in journal.records:
                journal.add(record(key))
    assert path.read_bytes() == whole


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"revision": "def"}, "revision"),
        ({"models": {"encoder": {"id": "m", "weights": "2"}}}, "models"),
        ({"seed": 8}, "seed"),
        ({"sizes": [1]}, "sizes"),
    ],
)
def test_another_run_is_refused_and_nothing_changed(tmp_path: Path, change: dict[str, Any], named: str) -> None:
    path = filled(tmp_path / "run.jsonl", "a")
    with path.open("a") as file:
        file.write('{"key": "torn')
    before = path.read_bytes()
    with pytest.raises(InvalidInput, match=f"another run: {named} differ"):
        Journal(path, {"suite": "vhs", "run": {**ABOUT["run"], **change}})  # type: ignore[dict-item]
    with pytest.raises(InvalidInput, match="suite"):
        Journal(path, {**ABOUT, "suite": "pope"})
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "text", ["not json\n", "[1]\n", '{"suite": 1}\n', '{"suite": "a", "run": {}}\n{"no": "key"}\n']
)
def test_a_foreign_file_is_refused_and_not_changed(tmp_path: Path, text: str) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text(text)
    with pytest.raises(InvalidInput, match="not the file of a run"):
        Journal(path, ABOUT)
    assert path.read_text() == text


def test_tuples_are_lists_on_disk(tmp_path: Path) -> None:
    about = {"suite": "vhs", "run": {"sizes": (1, 10)}}
    for _ in range(2):
        with Journal(tmp_path / "run.jsonl", about):
            pass


def test_without_a_file_records_are_kept_in_memory() -> None:
    with Journal(None, ABOUT) as journal:
        journal.add(record("a"))
        assert journal.records == {"a": record("a")}


def test_reading_what_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no file"):
        read_journal(tmp_path / "run.jsonl")
    (tmp_path / "run.jsonl").touch()
    with pytest.raises(InvalidInput, match="holds no run"):
        read_journal(tmp_path / "run.jsonl")
