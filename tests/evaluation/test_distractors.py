"""Photographs that fill haystacks, and what they may show."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pytest

from evaluation.commands.options import shared_folder
from evaluation.distractors import CLASS_LABELS, TRAINED, load_distractors, load_trained, seen
from thresher.errors import InvalidInput

CATEGORIES = ("dog", "cat", "bus")


def picture(path: Path, content: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\xff\xd8\xff" + (content or path.name).encode())
    return path


def sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_labels_by_path_name_and_class(tmp_path: Path) -> None:
    folder = tmp_path / "more"
    named = ("a/one.jpg", "a/two.jpg", "b/two.jpg", "n01440764_tench.jpg", "n02084071/x.jpg", "street/y.jpg")
    files = {name: picture(folder / name, name) for name in named}
    labels = tmp_path / "labels.json"
    table = {"one.jpg": ["dog"], "a/two.jpg": ["cat"], "two.jpg": [], "n01440764": ["bus"], "n02084071": ["dog", "cat"],
             "street": ["bus"]}  # fmt: skip
    labels.write_text(json.dumps(table))
    read = load_distractors(folder, labels, CATEGORIES, known=())
    shown = {content: row.tolist() for content, row in zip(read.ids, read.may_show, strict=True)}
    expected = [[1, 0, 0], [0, 1, 0], [0, 0, 0], [0, 0, 1], [1, 1, 0], [0, 0, 1]]
    assert shown == {sha(files[name]): row for name, row in zip(named, expected, strict=True)}
    assert {photo.name for photo in read.photos} == {f"more/{name}" for name in named}


def test_the_same_bytes_are_one_distractor_with_the_labels_of_all(tmp_path: Path) -> None:
    folder = tmp_path / "more"
    first, _ = picture(folder / "a.jpg", "same"), picture(folder / "b.jpg", "same")
    known = picture(folder / "c.jpg")
    labels = tmp_path / "labels.toml"
    labels.write_text('"a.jpg" = ["dog"]\n"b.jpg" = ["cat"]\n"c.jpg" = []\n')
    read = load_distractors(folder, labels, CATEGORIES, known={sha(known)})
    assert read.ids == (sha(first),)
    assert read.may_show.tolist() == [[True, True, False]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a.jpg": ["dog"]}', r"1 photographs of .* have no entry in .*, the first is b\.jpg"),
        ('{"a.jpg": ["dog"], "b.jpg": ["car", "doge"]}', "does not have: car, doge"),
        ('{"a.jpg": "dog"}', "no file of labels"),
        ('{"a.jpg": [1]}', "no file of labels"),
        ("[]", "no file of labels"),
        ("nothing", "no file of labels"),
    ],
)
def test_wrong_labels_are_refused(tmp_path: Path, text: str, message: str) -> None:
    for name in ("a.jpg", "b.jpg"):
        picture(tmp_path / "more" / name)
    labels = tmp_path / "labels.json"
    labels.write_text(text)
    with pytest.raises(InvalidInput, match=message):
        load_distractors(tmp_path / "more", labels, CATEGORIES, known=())


def test_without_labels_only_what_the_table_of_classes_knows(tmp_path: Path) -> None:
    picture(tmp_path / "more" / "n02123045_tabby.jpg")
    read = load_distractors(tmp_path / "more", None, ("cat", "elephant"), known=())
    assert read.may_show.tolist() == [[True, False]]
    with pytest.raises(InvalidInput, match="does not know gnu"):
        load_distractors(tmp_path / "more", None, ("cat", "gnu"), known=())
    picture(tmp_path / "more" / "holiday.jpg")
    with pytest.raises(InvalidInput, match=r"built-in table of classes, the first is holiday\.jpg"):
        load_distractors(tmp_path / "more", None, ("cat", "elephant"), known=())
    with pytest.raises(InvalidInput, match="does not exist"):
        load_distractors(tmp_path / "none", None, ("cat",), known=())


def test_the_table_of_classes_covers_photos_1k() -> None:
    folder = shared_folder() / "data" / "photos-1k"
    if not folder.is_dir():
        pytest.skip("THRESHER_SHARED names no folder with photos-1k")
    instances = json.loads((folder.parent / "coco" / "instances.json").read_text())
    categories = [row["name"] for row in instances["categories"]]
    read = load_distractors(folder, None, categories, known=())
    assert len(read.ids) == 1000
    row = {photo.file.name.split("_", 1)[1]: shown for photo, shown in zip(read.photos, read.may_show, strict=True)}
    for name, category in (
        ("tabby.jpg", "cat"),
        ("school_bus.jpg", "bus"),
        ("groom.jpg", "person"),
        ("zebra.jpg", "zebra"),
    ):
        assert row[name][categories.index(category)]
    assert (~read.may_show).sum(axis=0).min() > 200
    assert seen(read.ids, load_trained(TRAINED["offline"])) == 1000


def test_the_table_of_classes_is_whole() -> None:
    lines = [line for line in CLASS_LABELS.read_text().splitlines() if line.startswith("n")]
    assert len(lines) == 1000
    assert len({line.split()[0] for line in lines}) == 1000
    assert all(re.match(r"n\d{8} = \[", line) for line in lines)


def test_what_trained_a_model(tmp_path: Path) -> None:
    path = tmp_path / "seen.txt"
    path.write_text(f"# sha256sum\n{'A' * 64}  a.jpg\n\n{'b' * 12}\n")
    trained = load_trained(path)
    assert trained == {"a" * 12, "b" * 12}
    assert seen(["a" * 64, "c" * 64, "b" * 12 + "0" * 52], trained) == 2
    for text in ("", "# nothing\n", "a.jpg\n", "abc\n"):
        path.write_text(text)
        with pytest.raises(InvalidInput, match="does not list"):
            load_trained(path)
    with pytest.raises(InvalidInput, match="Cannot read"):
        load_trained(tmp_path / "none.txt")


def test_the_test_fold_trained_nothing() -> None:
    folder = shared_folder() / "data" / "coco"
    if not folder.is_dir():
        pytest.skip("THRESHER_SHARED names no folder with coco")
    trained = load_trained(TRAINED["offline"])
    images = json.loads((folder / "instances.json").read_text())["images"]
    sample = [row for row in images if row["id"] % 5 in (0, 1)][::20]
    found = {row["id"]: sha(folder / "images" / row["file_name"]) for row in sample}
    assert np.array_equal([seen([found[i]], trained) == 1 for i in found], [i % 5 == 1 for i in found])
