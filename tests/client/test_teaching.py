"""`thresher teach`, `exemplars`, `forget`, through a server process."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tests.server.fakes import picture, sha
from thresher.cli import app
from thresher.cli_exemplars import parse_box
from thresher.convert_exemplars import exemplar_from_proto, exemplar_to_proto
from thresher.errors import InvalidInput
from thresher.names import exemplar_name, parse_exemplar
from thresher.types import Box, Example, Exemplar


@pytest.fixture
def run(address: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("THRESHER_ADDRESS", address)

    def run(*arguments: str | Path, code: int = 0) -> Result:
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        assert result.exit_code == code, result.output + repr(result.exception)
        return result

    return run


def test_a_name_is_taught_listed_and_forgotten(run: Any, photos: Path) -> None:
    run("import", "taught", photos)
    assert "None was taught" in run("exemplars", "taught").stdout
    first = run("teach", "taught", "Our Mascot", photos / "2020" / "b.png", "--box", "0,0,8,12")
    assert '"Our Mascot" is taught by 1 photograph.' in first.stdout
    again = json.loads(run("teach", "taught", "our mascot", sha(picture("red", 1)), "--json").stdout)
    assert again["examples"] == [
        {"image_id": sha(picture("blue", 2)), "box": [0, 0, 8, 12]},
        {"image_id": sha(picture("red", 1)), "box": None},
    ]
    assert json.loads(run("exemplars", "taught", "--json").stdout) == [again]
    assert "2 photographs" in run("exemplars", "taught").stdout
    assert '"Our Mascot"' in run("forget", "taught", "rex", code=1).stderr
    run("forget", "taught", "OUR mascot")
    assert json.loads(run("exemplars", "taught", "--json").stdout) == []


def test_what_cannot_teach(run: Any, photos: Path) -> None:
    run("import", "lessons", photos)
    assert "No such file" in run("teach", "lessons", "x", photos / "none.png", code=1).stderr
    assert "is no box" in run("teach", "lessons", "x", photos / "a.png", "--box", "1,2,3", code=1).stderr
    assert "16 x 12" in run("teach", "lessons", "x", photos / "a.png", "--box", "20,0,30,4", code=1).stderr
    empty = photos / "empty.png"
    empty.touch()
    assert "has 0 bytes" in run("teach", "lessons", "x", empty, code=1).stderr


def test_boxes() -> None:
    assert parse_box("") is None
    assert parse_box("1,2.5, 30,4e1") == Box(1, 2.5, 30, 40)
    for text in ("1,2,3", "a,b,c,d", "5,5,5,9", "nan,0,1,1", "1,2,3,4,5"):
        with pytest.raises(InvalidInput):
            parse_box(text)


def test_names_and_messages() -> None:
    name = exemplar_name("c", "Our / Mascot?")
    assert name == "collections/c/exemplars/our%20%2F%20mascot%3F"
    assert parse_exemplar(name) == ("c", "our / mascot?")
    for wrong in ("", "collections/c/exemplars/", "collections/c/images/x", "collections/C/exemplars/x", f"{name}/x"):
        with pytest.raises(InvalidInput):
            parse_exemplar(wrong)
    taught = Exemplar("Rex", (Example("a" * 64), Example("b" * 64, Box(1, 2, 3, 4))), datetime(2026, 1, 2, tzinfo=UTC))
    assert exemplar_from_proto(exemplar_to_proto("c", taught)) == taught
