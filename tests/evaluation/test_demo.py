"""What `make demo` runs, against a server that knows colours."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from evaluation import demo
from evaluation.demo import Clock, collection_name, has_answer, picture_folder, prepare
from evaluation.session import suite_settings
from evaluation.suites.demo import given as given_answer
from evaluation.table import DemoQuestion, load_table
from tests.evaluation.colours import colour_server, labelled_folder
from thresher.errors import InvalidInput, NotFound
from thresher.names import check_name
from thresher.records import Reply
from thresher.types import Abstention, Kind, Verdict


@given(st.text(st.characters(blacklist_characters="/\0", codec="utf-8"), min_size=1, max_size=80))
def test_every_folder_has_a_collection_of_its_own(name: str) -> None:
    collection = collection_name(Path("/photos") / name)
    assert check_name(collection) == collection
    assert collection != collection_name(Path("/elsewhere") / name)


@given(st.integers(1, 30), st.text())
def test_picture_folders_are_plain(number: int, question: str) -> None:
    assert re.fullmatch(rf"{number}-[a-z0-9-]*", picture_folder(number, question))


def test_a_folder_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8\xff")
    task = prepare(tmp_path, "How many photos show a cat?")
    assert [photo.name for photo in task.found.photos] == ["a.jpg"]
    assert task.questions == (DemoQuestion("How many photos show a cat?"),)
    assert not has_answer(task.questions[0])
    assert prepare(tmp_path, "").questions[0].ask


def test_folders_that_do_not_serve(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"no folder .*nowhere"):
        prepare(tmp_path / "nowhere", "")
    with pytest.raises(InvalidInput, match="no photographs"):
        prepare(tmp_path, "")


def test_the_demos_own_questions(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("evaluation.demo.FOLDER", tmp_path)
    try:
        task = prepare(None, "")
    except NotFound as error:
        pytest.skip(str(error))
    assert len(task.questions) == 6
    assert all(map(has_answer, task.questions))
    assert all(map(has_answer, load_table()))
    assert {photo.name.split("/")[0] for photo in task.found.photos} == {
        "gradio",
        "matplotlib",
        "scikit-image",
        "scikit-learn",
    }
    named = {name for question in load_table() for name in (*(question.images or ()), question.first) if name}
    assert named <= {photo.name for photo in task.found.photos}


def test_answers_in_the_words_of_the_table() -> None:
    verdict = Verdict(Kind.COUNT, None, ("a", "b"), abstention=Abstention.UNSURE)
    reply = Reply(verdict, "I am not sure.", (), 0.0, paths=("x/a.jpg", "x/b.jpg"))
    answer = given_answer(reply, {"a": ("x/a.jpg", "y/a.jpg")})
    assert answer.images == (("x/a.jpg", "y/a.jpg"), ("x/b.jpg",))
    assert (answer.value, answer.reason, answer.text) == (None, "unsure", "I am not sure.")


def test_the_clock_keeps_the_first() -> None:
    clock = Clock()
    clock.mark("ready after")
    first = clock.marks["ready after"]
    clock.mark("ready after")
    assert clock.marks == {"ready after": first}
    assert re.fullmatch(r"ready after \d+\.\d s", clock.report())


def test_suites_start_no_language_model_unless_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("THRESHER_GENERATION", "THRESHER_GENERATION__BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    assert suite_settings() == {"THRESHER_GENERATION": "none"}
    monkeypatch.setenv("THRESHER_GENERATION__BASE_URL", "http://127.0.0.1:8000/v1")
    assert suite_settings() == {}


@pytest.fixture
async def demo_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Path]:
    """`demo/`, with a server of colours in place of the one that would be started."""
    async with colour_server(tmp_path / "data") as address:

        @asynccontextmanager
        async def started(*_: object, **__: object) -> AsyncIterator[SimpleNamespace]:
            yield SimpleNamespace(address=address)

        monkeypatch.setattr(demo, "started_server", started)
        monkeypatch.setattr(demo, "REPOSITORY", tmp_path)
        monkeypatch.setattr(demo, "FOLDER", tmp_path / "demo")
        yield tmp_path / "demo"


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(demo.app, [str(argument) for argument in arguments])


def pictures(folder: Path) -> list[bytes]:
    """What was drawn, one folder a question."""
    return [path.read_bytes() for path in folder.glob("pictures/*/*.jpg")]


RED_GREEN = "For the image with a red, is there a green?"


async def test_own_photographs_and_question(tmp_path: Path, demo_folder: Path) -> None:
    coco = labelled_folder(tmp_path / "coco", np.array([[0, 1, 0], [1, 1, 0], [0, 0, 1]], np.bool_))
    result = await asyncio.to_thread(invoke, "--photos", coco / "images", "--question", RED_GREEN)
    assert result.exit_code == 0, result.output
    for said in ("Plan", "Yes.", "0001.png", "make serve", "make demo PHOTOS=", "first answer after"):
        assert said in result.output
    assert "right" not in result.output
    assert [content[:3] for content in pictures(demo_folder)] == [b"\xff\xd8\xff"]


@pytest.mark.parametrize(("true", "status"), [(True, 0), (False, 1)])
async def test_the_table_decides(
    tmp_path: Path, demo_folder: Path, monkeypatch: pytest.MonkeyPatch, true: bool, status: int
) -> None:
    coco = labelled_folder(tmp_path / "coco", np.array([[0, 1, 0], [1, 1, 0], [0, 0, 1]], np.bool_))
    carried = {f"set/{row}.png": coco / "images" / f"000{row}.png" for row in range(3)}
    monkeypatch.setattr("evaluation.suites.demo.find_photographs", lambda: carried)
    table = (
        DemoQuestion(RED_GREEN, demo=True, value=true, images=("set/1.png",)),
        DemoQuestion("For the image with a blue, is there a red?", demo=True, value=False),
        DemoQuestion("This one is not asked.", value=False),
    )
    monkeypatch.setattr(demo, "load_table", lambda: table)
    result = await asyncio.to_thread(invoke)
    assert result.exit_code == status, result.output
    assert f"{2 - status} of 2 answers are right" in result.output
    assert result.output.count("✓") == 2 - status and result.output.count("✗") == status
    assert len(pictures(demo_folder)) == 2
    again = await asyncio.to_thread(invoke)
    assert "3 were there already" in again.output


async def test_a_wrong_folder_is_one_line(demo_folder: Path) -> None:
    result = await asyncio.to_thread(invoke, "--photos", demo_folder / "nowhere")
    assert result.exit_code == 1
    assert len(result.output.strip().splitlines()) == 1
