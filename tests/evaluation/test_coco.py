"""Reading folders of labelled photographs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.coco import load, merge_duplicates, presence_matrix, read_names
from thresher.errors import InvalidInput


def write(folder: Path, **changes: Any) -> Path:
    data: dict[str, Any] = {
        "categories": [{"id": 1, "name": "dog"}, {"id": 5, "name": "cat"}],
        "images": [{"id": 10, "file_name": "a.jpg"}, {"id": 15, "file_name": "b.jpg"}, {"id": 7, "file_name": "c.jpg"}],
        "annotations": [
            {"image_id": 10, "category_id": 5, "iscrowd": 0},
            {"image_id": 15, "category_id": 1, "iscrowd": 1},
        ],
    } | changes
    (folder / "images").mkdir(parents=True)
    for name in "abc":
        (folder / "images" / f"{name}.jpg").write_bytes(name.encode())
    (folder / "instances.json").write_text(json.dumps(data))
    return folder


def test_crowds_count_and_order_is_that_of_the_file(tmp_path: Path) -> None:
    read = load(write(tmp_path / "set"))
    assert [path.name for path in read.files] == ["a.jpg", "b.jpg", "c.jpg"]
    assert read.categories == ("dog", "cat")
    assert read.presence.tolist() == [[False, True], [True, False], [False, False]]
    assert len(set(read.ids)) == 3


def test_a_choice_by_name_or_id(tmp_path: Path) -> None:
    folder = write(tmp_path / "set")
    chosen = tmp_path / "names.txt"
    chosen.write_text("# two of them\n7\n\n a.jpg \n")
    read = load(folder, read_names(chosen))
    assert [path.name for path in read.files] == ["a.jpg", "c.jpg"]
    assert read.presence.tolist() == [[False, True], [False, False]]
    assert [path.name for path in load(folder, keep=lambda image: image % 5 == 0).files] == ["a.jpg", "b.jpg"]


def test_the_same_photograph_twice_is_one(tmp_path: Path) -> None:
    folder = write(tmp_path / "set")
    (folder / "images" / "b.jpg").write_bytes(b"a")
    read = load(folder)
    assert [path.name for path in read.files] == ["a.jpg", "c.jpg"]
    assert read.presence.tolist() == [[True, True], [False, False]]
    assert read.duplicates == ("b.jpg",)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": []}, "does not list"),
        ({"images": [{"id": 10}]}, "file_name"),
        ({"images": [], "annotations": []}, "no photographs"),
        ({"categories": 3}, "not COCO's"),
        ({"images": [{"id": 1, "file_name": "a.jpg"}, {"id": 1, "file_name": "b.jpg"}]}, "twice"),
        ({"annotations": [{"image_id": 99, "category_id": 1}]}, "image 99"),
        ({"images": [{"id": 10, "file_name": "x.jpg"}, {"id": 15, "file_name": "a.jpg"}]}, "first is x.jpg"),
    ],
)
def test_wrong_folders_are_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        load(write(tmp_path / "set", **changes))


def test_missing_things_are_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no folder"):
        load(tmp_path / "nowhere")
    with pytest.raises(InvalidInput, match=r"instances\.json"):
        load(tmp_path)
    folder = write(tmp_path / "set")
    with pytest.raises(InvalidInput, match=r"first is z\.jpg"):
        load(folder, ["a.jpg", "z.jpg"])
    with pytest.raises(InvalidInput, match="Cannot read"):
        read_names(tmp_path / "none.txt")
    (tmp_path / "empty.txt").write_text("\n# nothing\n")
    with pytest.raises(InvalidInput, match="no photographs"):
        read_names(tmp_path / "empty.txt")


@given(st.lists(st.sampled_from("abcd"), min_size=1, max_size=12), st.data())
def test_merging_loses_no_label(ids: list[str], data: st.DataObject) -> None:
    rows = [data.draw(st.lists(st.booleans(), min_size=3, max_size=3)) for _ in ids]
    presence = np.array(rows, np.bool_)
    merged = merge_duplicates([Path(f"{index}.jpg") for index in range(len(ids))], ids, ("x", "y", "z"), presence)
    assert merged.ids == tuple(dict.fromkeys(ids))
    assert len(merged.files) + len(merged.duplicates) == len(ids)
    for row, content in zip(merged.presence, merged.ids, strict=True):
        assert row.tolist() == presence[[content == other for other in ids]].any(axis=0).tolist()


def test_presence_of_other_images_is_left_out() -> None:
    assert presence_matrix([3, 1], [9], [(1, 9), (2, 9)]).tolist() == [[False], [True]]
