"""The photographs and searches of the hybrid suite, and how a fusion is chosen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from evaluation.coco import LabelledPhotographs
from evaluation.fusing import Found, choices, table
from evaluation.hybrid import NAMES, SIGNS, Search, Settings, make, scores, searches
from evaluation.suite import mean_rows

SETTINGS = Settings(photographs=40, searches=30, seed=3)


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> LabelledPhotographs:
    """Forty pictures of noise, and what they are said to show."""
    folder, rng = tmp_path_factory.mktemp("photographs"), np.random.default_rng(0)
    files = [folder / f"{n}.jpg" for n in range(40)]
    for file in files:
        Image.fromarray(rng.integers(0, 255, (120, 160, 3), np.uint8)).save(file)
    presence = rng.random((40, 4)) < 0.4
    return LabelledPhotographs(tuple(files), tuple(file.stem for file in files), ("cat", "dog", "car", "bus"), presence)


def test_photographs_say_what_they_are_said_to_say(labelled: LabelledPhotographs, tmp_path: Path) -> None:
    made = make(labelled, tmp_path, SETTINGS)
    assert len({each.id for each in made}) == 40
    for number, each in enumerate(made):
        exif = Image.open(each.path).getexif().get(ExifTags.Base.ImageDescription, "")
        if number % 4 == 0:
            assert each.words in SIGNS and not exif
        elif number % 4 == 1:
            assert each.words in NAMES and exif == each.words
        elif number % 4 == 2:
            assert each.words in NAMES and each.path.name.startswith(each.words)
        else:
            assert each.words == "" and not any(name in exif.split() for name in each.shows)


def test_the_same_settings_make_the_same(labelled: LabelledPhotographs, tmp_path: Path) -> None:
    first = make(labelled, tmp_path / "a", SETTINGS)
    again = make(labelled, tmp_path / "b", SETTINGS)
    assert [each.id for each in first] == [each.id for each in again]
    assert searches(first, SETTINGS) == searches(again, SETTINGS)


def test_both_parts_are_needed(labelled: LabelledPhotographs, tmp_path: Path) -> None:
    made = {each.id: each for each in make(labelled, tmp_path, SETTINGS)}
    found = searches(list(made.values()), SETTINGS)
    assert {one.kind for one in found} == {"shown", "said", "both"}
    for one in found:
        assert one.relevant
        if one.kind == "both":
            [words] = {made[image].words for image in one.relevant}
            assert words in one.text
            assert any(each.words == words and each.id not in one.relevant for each in made.values())


def test_scores() -> None:
    assert scores(["a", "b"], frozenset("b")) == {"first": 0, "among_5": 1, "reciprocal_rank": 0.5}
    assert scores(["b"], frozenset("b")) == {"first": 1, "among_5": 1, "reciprocal_rank": 1}
    assert scores([], frozenset("b")) == {"first": 0, "among_5": 0, "reciprocal_rank": 0}


def test_a_fusion_that_needs_both_wins() -> None:
    """Each part alone puts another first; only together the right one is."""
    found = [
        Found(Search("both", "x", frozenset("b")), {"a": 1.0, "b": 0.9, "c": 0.1}, {"c": 5.0, "b": 4.5, "a": 0.5}, 0.0)
    ]
    rows = {name: mean for name, _, mean in table(found)}
    assert rows["vectors alone"] == rows["full text alone"] == 0.5
    assert rows["convex text=0.50"] == 1
    assert len(rows) == len(list(choices()))
    assert table(found)[0][2] == 1


def test_rows_of_records() -> None:
    records = [
        {"row": {"searches": "said", "ranker": "hybrid"}, "cluster": "a", "scores": scores(["a"], frozenset("a"))},
        {"row": {"searches": "said", "ranker": "hybrid"}, "cluster": "b", "scores": scores([], frozenset("b"))},
    ]
    [row] = mean_rows(records)
    assert (row["questions"], row["first"], row["among_5"]) == (2, 0.5, 0.5)
