"""The authors' own question files."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from evaluation.official import OfficialFile, OfficialQuestion, locate, read_official
from evaluation.vhs_questions import official
from thresher.errors import InvalidInput


def entry(question: str, answer: str, needles: list[str], others: list[str]) -> dict[str, Any]:
    """One question as the files have it, with what we do not use."""
    return {
        "id": 0,
        "conversations": [{"from": "human", "value": question}, {"from": "gpt", "value": answer}],
        "pos_image": needles,
        "neg_image": others,
    }


SINGLE = entry("For the image with a dog, is there a traffic light?", "yes", ["val2017/a.jpg"], ["train2017/b.jpg"])
SEVERAL = entry("For all images with a fire hydrant, do any of them contain a cat?", "no", ["a.jpg", "b.jpg"], [])


def write(folder: Path, content: Any, name: str = "visual_haystack_2.json") -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_files_are_read_as_they_are(tmp_path: Path) -> None:
    read = read_official(write(tmp_path / "VHs_large", [SINGLE, SEVERAL]))
    assert read.name == "VHs_large/visual_haystack_2"
    one, two = read.questions
    assert one == OfficialQuestion(SINGLE["conversations"][0]["value"], True, ("val2017/a.jpg",), ("train2017/b.jpg",))
    assert (one.x, two.x) == ("dog", "fire hydrant")
    assert (two.answer, two.needles) == (False, ("a.jpg", "b.jpg"))
    assert OfficialQuestion("Where is it?", True, ("a",), ()).x == ""


@pytest.mark.parametrize(
    "content",
    [
        "not json",
        "[]",
        {"a": 1},
        [1],
        [{**SINGLE, "conversations": []}],
        [{key: value for key, value in SINGLE.items() if key != "neg_image"}],
        [entry("For the image with a dog, is there a cat?", "maybe", ["a.jpg"], [])],
        [entry("For the image with a dog, is there a cat?", "yes", [], ["a.jpg"])],
        [entry("", "yes", ["a.jpg"], [])],
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: Any) -> None:
    with pytest.raises(InvalidInput, match="no question file"):
        read_official(write(tmp_path, content))


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"none\.json"):
        read_official(tmp_path / "none.json")


def file_of(*questions: OfficialQuestion) -> OfficialFile:
    return OfficialFile("set/visual_haystack_2", "0" * 64, questions)


def test_photographs_are_found_below_the_root(tmp_path: Path) -> None:
    (tmp_path / "val2017").mkdir()
    (tmp_path / "val2017" / "a.jpg").write_bytes(b"a")
    (tmp_path / "b.jpg").write_bytes(b"b")
    asked = file_of(OfficialQuestion("q", True, ("val2017/a.jpg",), ("b.jpg",)))
    paths, ids = locate([asked], tmp_path)
    assert paths == {"b.jpg": tmp_path / "b.jpg", "val2017/a.jpg": tmp_path / "val2017" / "a.jpg"}
    assert ids["b.jpg"] == hashlib.sha256(b"b").hexdigest()
    with pytest.raises(InvalidInput, match=r"1 of 2 photographs are not below .*first is c\.jpg"):
        locate([file_of(OfficialQuestion("q", True, ("val2017/a.jpg",), ("c.jpg",)))], tmp_path)
    with pytest.raises(InvalidInput, match="outside"):
        locate([file_of(OfficialQuestion("q", True, ("../b.jpg",), ()))], tmp_path / "val2017")
    with pytest.raises(InvalidInput, match="no folder"):
        locate([asked], tmp_path / "nowhere")


def test_questions_as_they_are_asked(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / f"{name}.jpg").write_bytes(b"same" if name == "c" else name.encode())
    (tmp_path / "d.jpg").write_bytes(b"same")
    one = OfficialQuestion("For the image with a dog, is there a cat?", True, ("a.jpg",), ("b.jpg", "c.jpg"))
    two = OfficialQuestion("Is it?", False, ("b.jpg", "d.jpg"), ("a.jpg",))
    haystacks = official([file_of(one, two)], tmp_path)
    first, second = haystacks.asked
    assert first.row == second.row == {"file": "set/visual_haystack_2", "n": 3}
    assert (first.question, first.answer, first.x, first.ranks) == (one.question, True, "dog", (2, 5))
    assert len(first.haystack) == 3 and first.needles == first.haystack[:1]
    assert second.x == ""
    assert len(haystacks.photographs) == len(haystacks.ids) == 3, "the same bytes twice are imported once"
    assert haystacks.settings == {"official": {"set/visual_haystack_2": "0" * 64}}
