"""Further witnesses of what is searched for: patches and boxes, on the in-memory store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from agents.params import JudgeParams, SearchParts
from agents.search import judged as stages
from agents.search.run import search
from retrievers.memory_store import MemoryStore
from tests.agents.test_search_text import WORDS, FakeEncoder, photo
from tests.retrievers.store_rows import DOT, made
from thresher.types import Filter, Hit, ImageRow, Patches, Proposals, Query, Ranker, TextFeatures

SPEC = replace(DOT, patch_dim=4)
LATE, BOXED = (1.0, 4.0, -2.0), (1.0, 1.0, 0.0)


class FakePatchEncoder(FakeEncoder):
    """Dogs are the first axis of the patches; a text without a concept is a sentence."""

    spec = SPEC

    def _text(self, text: str) -> TextFeatures:
        features = super()._text(text)
        if not features.known:
            vector = np.zeros(len(WORDS), np.float32)
            vector[-1] = 1
            features = TextFeatures(vector)
        return replace(features, phrases=np.eye(4, dtype=np.float32)[:1])


def with_patches(row: ImageRow, cosine: float) -> ImageRow:
    """Its best patch has this cosine with "dog"."""
    vectors = np.array([[cosine, np.sqrt(1 - cosine**2), 0, 0], [0, 0, 1, 0]], np.float16)
    boxes = np.array([[0, 0, 9, 9]] * 2, np.float32)
    return replace(row, features=replace(row.features, patches=Patches(vectors, boxes)))


def with_box(row: ImageRow, score: float) -> ImageRow:
    proposals = Proposals(
        np.array([[0, 0, 9, 9]], np.float32), np.array([[0]], np.int16), np.array([[score]], np.float32)
    )
    return replace(row, features=replace(row.features, proposals=proposals))


PHOTOS = (
    with_box(with_patches(photo(10, {"dog": 0.5}), 0.1), 0.3),
    with_box(with_patches(photo(11, {"dog": 0.4}), 0.5), 0.3),
    with_box(with_patches(photo(12, {"dog": 0.3}), 0.2), 0.95),
    photo(13, {"dog": 0.35}),
)


@pytest.fixture
async def parts() -> SearchParts:
    images = await made(MemoryStore(), SPEC)
    await images.add(PHOTOS)

    async def nothing(_: Any) -> NDArray[np.uint8]:
        raise NotImplementedError

    return SearchParts(images, FakePatchEncoder(), nothing, judge=JudgeParams(late=LATE, boxed=BOXED, late_sentence=1))


async def ranked(parts: SearchParts, ranker: Ranker, text: str = "dog", limit: int = 10) -> Sequence[Hit]:
    return (await search(Query(text), Filter(), limit, replace(parts, ranker=ranker))).hits


def numbers(hits: Sequence[Hit]) -> list[int]:
    return [int(hit.record.path.split(".")[0]) for hit in hits]


async def test_each_stage_orders_by_its_witness(parts: SearchParts) -> None:
    assert numbers(await ranked(parts, Ranker.VECTOR)) == [10, 11, 13, 12]
    assert numbers(await ranked(parts, Ranker.MULTI_VECTOR))[0] == 11
    assert numbers(await ranked(parts, Ranker.JUDGED))[0] == 12


async def test_scores_are_the_probabilities_that_were_fitted(parts: SearchParts) -> None:
    hits = {int(h.record.path.split(".")[0]): h.score for h in await ranked(parts, Ranker.MULTI_VECTOR)}
    assert hits[11] == pytest.approx(1 / (1 + np.exp(-(np.log(0.4 / 0.6) + 4 * 0.5 - 2))), abs=1e-3)
    assert hits[13] == pytest.approx(0.35)  # it has no patches
    [best, *_] = await ranked(parts, Ranker.JUDGED)
    late = np.log(0.3 / 0.7) + 4 * 0.2 - 2
    assert best.score == pytest.approx(1 / (1 + np.exp(-(late + np.log(0.95 / 0.05)))), abs=1e-3)


async def test_without_fitted_weights_the_vector_decides(parts: SearchParts) -> None:
    bare = replace(parts, judge=JudgeParams())
    expected = await ranked(bare, Ranker.VECTOR)
    for ranker in (Ranker.MULTI_VECTOR, Ranker.JUDGED):
        assert await ranked(bare, ranker) == expected


async def test_a_sentence_has_patches_beside_its_cosine(parts: SearchParts) -> None:
    first = await ranked(parts, Ranker.VECTOR, "something else entirely")
    assert len({hit.score for hit in first}) == 1
    then = await ranked(parts, Ranker.JUDGED, "something else entirely")
    assert numbers(then) == [11, 12, 10, 13]
    assert then[0].score == pytest.approx(first[0].score + 0.5, abs=1e-3)


async def test_only_the_best_are_judged_and_stay_before_the_others(
    parts: SearchParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stages, "JUDGED", 2)
    before = await ranked(parts, Ranker.MULTI_VECTOR)
    after = await ranked(parts, Ranker.JUDGED)
    assert set(numbers(after[:2])) == set(numbers(before[:2]))
    assert numbers(after[2:]) == numbers(before[2:])
    assert [hit.score for hit in after] == sorted((hit.score for hit in after), reverse=True)


async def test_by_default_boxes_are_not_asked(parts: SearchParts) -> None:
    assert await ranked(parts, Ranker.DEFAULT) == await ranked(parts, Ranker.HYBRID)
    assert numbers(await ranked(parts, Ranker.DEFAULT)) == numbers(await ranked(parts, Ranker.MULTI_VECTOR))
