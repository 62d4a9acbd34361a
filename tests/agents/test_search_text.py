"""The form of a search that is words, on the in-memory store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from agents.search.parts import Ranked, SearchParts
from agents.search.run import search
from retrievers.memory_store import MemoryStore
from tests.retrievers.store_rows import DOT, made, row
from thresher.errors import InvalidInput
from thresher.types import (
    Box,
    Concept,
    Filter,
    ImageFeatures,
    ImageRow,
    Mask,
    Medium,
    Pixels,
    Query,
    Ranker,
    TextFeatures,
    Word,
)

WORDS = ("dog", "cat", "leash", "car", "street", "sky")
BOX = Box(10, 20, 50, 40)


class FakeEncoder:
    """One number a word: whether it is shown."""

    spec = DOT
    concepts: Sequence[str] = WORDS

    async def images(self, batch: Sequence[Pixels]) -> Sequence[ImageFeatures]:
        raise NotImplementedError

    async def regions(self, image: Pixels, masks: Sequence[Mask]) -> NDArray[np.float32]:
        raise NotImplementedError

    async def query(self, image: Pixels, medium: Medium) -> NDArray[np.float32]:
        raise NotImplementedError

    async def texts(self, batch: Sequence[str]) -> Sequence[TextFeatures]:
        return [self._text(text) for text in batch]

    def _text(self, text: str) -> TextFeatures:
        index = [n for n, word in enumerate(WORDS) if word in text.split()]
        vector = np.zeros(len(WORDS), np.float32)
        vector[index] = 1
        concepts = tuple(Concept(n, WORDS[n], 1.0) for n in index)
        return TextFeatures(vector, concepts, known=bool(index), nearest=() if index else ("cat",), calibrated=True)


def photo(number: int, shows: dict[str, float], says: str = "", **record: Any) -> ImageRow:
    made_row = row(number, **{"paths": (f"{number}.jpg",), **record})
    vector = np.array([shows.get(word, 0.01) for word in WORDS], np.float32)
    words = tuple(Word(word, BOX, 0.9) for word in says.split())
    return replace(made_row, features=replace(made_row.features, vector=vector), words=words)


PHOTOS = (
    photo(10, {"dog": 0.9, "leash": 0.8}),
    photo(11, {"dog": 0.8}),
    photo(12, {"dog": 0.7}, "LEASH ONLY"),
    photo(13, {"car": 0.9}, "STOP"),
    photo(14, {"car": 0.8}, "NO PARKING"),
    photo(15, {"street": 0.4}, "BUS STOP"),
    photo(16, {"cat": 0.6}, caption="Grandmother and her cat"),
    photo(17, {"sky": 0.9}, "parking"),
)


@pytest.fixture
async def parts() -> SearchParts:
    images = await made(MemoryStore(), DOT)
    await images.add(PHOTOS)

    async def nothing(_: Any) -> Pixels:
        raise NotImplementedError

    return SearchParts(images, FakeEncoder(), nothing, nothing)


async def numbers(text: str, parts: SearchParts, where: Filter | None = None, limit: int = 20) -> list[int]:
    found = await search(Query(text), where or Filter(), limit, parts)
    return [int(hit.record.path.split(".")[0]) for hit in found.hits]


async def test_what_is_shown_comes_first(parts: SearchParts) -> None:
    assert (await numbers("dog", parts))[:3] == [10, 11, 12]


async def test_both_shown_and_said_is_best(parts: SearchParts) -> None:
    assert (await numbers("car stop", parts))[0] == 13
    assert (await numbers("car parking", parts))[0] == 14
    assert (await numbers("cat grandmother", parts))[0] == 16


async def test_words_that_are_not_known_are_read(parts: SearchParts) -> None:
    assert await numbers("grandmother", parts) == [16]
    assert set(await numbers("parking", parts)) == {14, 17}


async def test_what_is_neither_known_nor_said(parts: SearchParts) -> None:
    assert await search(Query("zyzzyva"), Filter(), 5, parts) == Ranked(unknown=True, nearest=("cat",))


async def test_vectors_alone(parts: SearchParts) -> None:
    alone = replace(parts, ranker=Ranker.VECTOR)
    assert (await search(Query("grandmother"), Filter(), 5, alone)).unknown
    assert (await numbers("car stop", alone))[0] == 13


async def test_unwanted_things_are_left_out_shown_or_said(parts: SearchParts) -> None:
    found = await numbers("dog -leash", parts)
    assert found[0] == 11
    assert not {10, 12} & set(found)
    assert len(found) == len(PHOTOS) - 2
    assert 16 not in await numbers("dog -grandmother", parts)


async def test_quoted_words_have_to_be_said_and_are_shown(parts: SearchParts) -> None:
    found = await search(Query('car "stop"'), Filter(), 5, parts)
    assert [hit.record.path for hit in found.hits] == ["13.jpg", "15.jpg"]
    assert [(region.box, region.phrase) for region in found.hits[0].regions] == [(BOX, "STOP")]
    assert set(await numbers('"no parking"', parts)) == {14}
    assert await numbers('"zyzzyva"', parts) == []
    assert not {13, 15} & set(await numbers('car -"stop"', parts))


async def test_filters_and_limits_hold(parts: SearchParts) -> None:
    scope = Filter(ids=tuple(PHOTOS[n].record.id for n in (1, 2, 4, 5)))
    assert set(await numbers("dog -leash stop", parts, scope)) == {11, 14, 15}
    assert await numbers("dog", parts, scope, limit=1) == [11]


@pytest.mark.parametrize("text", ["-dog", ' -"stop"', "", '""'])
async def test_nothing_is_looked_for(text: str, parts: SearchParts) -> None:
    with pytest.raises(InvalidInput) as error:
        await search(Query(text), Filter(), 5, parts)
    assert error.value.hint
