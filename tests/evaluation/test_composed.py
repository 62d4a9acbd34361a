"""Drawn composed queries, pictures made for conditional ones, and the suite that asks them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from evaluation.coco import LabelledPhotographs, load
from evaluation.composed import own
from evaluation.composed.benchmark import Asked, Benchmark, Gallery
from evaluation.composed.drawn import Change, draw
from evaluation.suites import composed as suites
from thresher.records import SearchResult
from thresher.types import Aspect, Filter, Hit, ImageId, ImageRecord, Query

SHOWS = [{0, 1}, {0}, {0}, {0, 2}, {1}, {0, 1, 2}, {2}, {0, 1}]
NAMES = ["person", "dog", "orange"]


@pytest.fixture
def photographs(tmp_path: Path) -> LabelledPhotographs:
    (tmp_path / "images").mkdir()
    random = np.random.default_rng(0)
    for number in range(len(SHOWS)):
        pixels = random.integers(0, 256, (60, 90, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "images" / f"{number}.png")
    annotations = [{"image_id": n, "category_id": c} for n, shown in enumerate(SHOWS) for c in shown]
    value = {
        "images": [{"id": n, "file_name": f"{n}.png"} for n in range(len(SHOWS))],
        "categories": [{"id": c, "name": name} for c, name in enumerate(NAMES)],
        "annotations": annotations,
    }
    (tmp_path / "instances.json").write_text(json.dumps(value))
    return load(tmp_path)


def test_every_target_shows_exactly_what_the_words_leave(photographs: LabelledPhotographs) -> None:
    drawn = draw(photographs, 50, 7)
    assert {query.change for query in drawn} == set(Change)
    assert drawn == draw(photographs, 50, 7)
    for query in drawn:
        before = SHOWS[query.reference]
        assert query.reference not in query.targets and query.targets
        for target in query.targets:
            gone, come = before - SHOWS[target], SHOWS[target] - before
            words = {NAMES[c] for c in gone | come}
            assert all(word in query.text for word in words)
            match query.change:
                case Change.WITHOUT:
                    assert (len(gone), len(come)) == (1, 0) and query.text.startswith("without the ")
                case Change.INSTEAD:
                    assert (len(gone), len(come)) == (1, 1) and " instead of the " in query.text
                case Change.AND:
                    assert (len(gone), len(come)) == (0, 1) and query.text.startswith("and ")
        everyone = [n for n, shown in enumerate(SHOWS) if shown == SHOWS[query.targets[0]]]
        assert list(query.targets) == everyone


def test_our_own_sets_have_every_kind_and_what_is_made_is_there(
    photographs: LabelledPhotographs, tmp_path: Path
) -> None:
    found = own.read(photographs, tmp_path / "made", own.Settings(each=2))
    kinds = {(one.row["set"], one.row["asked by"]) for one in found.asked}
    assert kinds >= {(aspect, "aspect") for aspect in ("object", "colour", "place")}
    assert {("without", by) for by in ("both", "picture alone", "words alone")} <= kinds
    for one in found.asked:
        gallery = one.galleries[""].names
        assert gallery is not None and set(one.targets) <= set(gallery) <= set(found.files)
        if one.row["set"] == "place":  # the whole photograph shows the place, too
            assert one.reference.replace("-left", "") not in gallery
        if one.aspect is not Aspect.WHOLE:
            assert not one.text
    assert all(path.is_file() for path in found.files.values())
    left, right = (
        (np.asarray(Image.open(found.files[f"0-{side}.png"])) for side in ("left", "right"))
        if ("0-left.png" in found.files)
        else (np.zeros((60, 56, 3)), np.zeros((60, 56, 3)))
    )
    assert left.shape == right.shape == (60, 56, 3)


def test_turning_hues_turns_them() -> None:
    red = np.full((4, 4, 3), (250, 0, 0), np.uint8)
    assert (own.turned(red, 120)[0, 0] == (0, 250, 0)).all()
    assert (own.turned(red, 0) == red).all()


@dataclass
class RankingClient:
    """Ranks a gallery by the number in each name, and keeps what it was asked."""

    names: dict[ImageId, str]
    asked: list[tuple[Query, Filter | None, int]] = field(default_factory=list)

    async def search(
        self, _collection: str, query: Query, *, where: Filter, limit: int, separate_duplicates: bool
    ) -> SearchResult:
        assert separate_duplicates
        self.asked.append((query, where, limit))
        ids: Sequence[ImageId] = list(self.names) if where.ids is None else where.ids
        ids = sorted((i for i in ids if i != query.image), key=lambda i: self.names[i])
        now = datetime(2024, 1, 1, tzinfo=UTC)
        hits = [Hit(ImageRecord(i, (self.names[i],), 1, 1, "image/png", 1, now), 1.0) for i in ids[:limit]]
        return SearchResult(hits)


async def test_the_suite_asks_as_the_benchmark_says_and_scores_it(tmp_path: Path) -> None:
    files = {}
    for number in range(5):
        files[f"p{number}"] = tmp_path / f"p{number}.png"
        Image.fromarray(np.full((4, 4, 3), number, np.uint8)).save(files[f"p{number}"])
    galleries = {"": Gallery(recalls=(1, 2), precisions=(2,)), "subset": Gallery(("p2", "p3"), recalls=(1,))}
    asked = (
        Asked("1", {"set": "x"}, "p0", "without it", ("p2", "p4"), galleries),
        Asked("2", {"set": "x"}, "p1", "with it", (), galleries, kept=True),
        Asked("3", {"set": "y"}, "p1", "", ("p0",), {"": Gallery(recalls=(1,))}, Aspect.COLOUR),
    )
    suite = suites.suite(Benchmark("b", "title", {}, files, asked))
    assert [photo.name for photo in suite.photographs] == [f"p{n}.png" for n in range(5)]
    client: Any = RankingClient(dict(zip(suite.ids, files, strict=True)))
    records = [await question.ask(client, "c") for question in suite.questions]
    first, hidden, colour = records
    assert first["rankings"] == {"": ["p1", "p2"], "subset": ["p2"]}
    assert first["scores"] == {"recall_at_1": False, "recall_at_2": True, "map_at_2": 0.25, "subset_recall_at_1": True}
    assert hidden["scores"] == {} and hidden["rankings"][""] == ["p0", "p1"]
    assert client.asked[0][0].image == suite.ids[0] and not client.asked[0][0].content
    assert client.asked[2][0].content == files["p1"].read_bytes() and not client.asked[2][0].image
    assert client.asked[-1][0].aspect is Aspect.COLOUR and colour["scores"] == {"recall_at_1": True}
    [x, y] = suite.rows(records)
    assert (x["questions"], x["recall_at_2"], y["recall_at_1"]) == (2, 1.0, 1.0)
