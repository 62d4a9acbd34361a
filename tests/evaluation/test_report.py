"""Tables and files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evaluation.report import check_output, markdown, write_json
from thresher.errors import InvalidInput


def test_markdown() -> None:
    rows = [{"n": 1, "accuracy": 0.51234, "dropped": ["a", "b"]}, {"n": 10, "accuracy": 1.0, "dropped": []}]
    assert markdown(rows).splitlines() == [
        "| n | accuracy | dropped |",
        "| -: | -: | - |",
        "| 1 | 0.512 | a, b |",
        "| 10 | 1.000 |  |",
    ]
    assert markdown([]) == ""


def test_an_interval_stands_behind_its_figure() -> None:
    rows = [
        {"n": 1, "right": 1, "right_interval": [0.5, 1], "more": None, "more_interval": None},
        {"n": 2, "right": None, "right_interval": None, "ahead": -0.25},
    ]
    assert markdown(rows).splitlines() == [
        "| n | right | more | ahead |",
        "| -: | -: | - | -: |",
        "| 1 | 1.000 [0.500, 1.000] | n/a | n/a |",
        "| 2 | n/a | n/a | -0.250 |",
    ]


def test_output_is_checked_and_written_whole(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "out.json"
    check_output(path)
    check_output(None)
    assert list(path.parent.iterdir()) == []
    write_json(path, {"a": ["é"]})
    assert json.loads(path.read_text(encoding="utf-8")) == {"a": ["é"]}
    assert list(path.parent.iterdir()) == [path]


def test_output_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="folder"):
        check_output(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(InvalidInput, match="Cannot write"):
        check_output(tmp_path / "file" / "out.json")
