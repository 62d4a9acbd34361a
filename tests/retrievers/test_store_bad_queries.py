"""The store's contract: queries that are no queries, and limits that are no limits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from retrievers.protocols import ImageStore, Store
from tests.retrievers.store_rows import DOT, ids_of, made, row, with_features
from thresher.errors import InvalidInput
from thresher.types import COLOUR_DIM, Filter, Hit, Patches

ALL = Filter()
PATCHED = replace(DOT, id="fake-patches", patch_dim=8)
DIMS = {"vector": DOT.dim, "appearance": DOT.appearance_dim, "colours": COLOUR_DIM}


def ones(*shape: int) -> NDArray[np.float32]:
    return np.ones(shape, np.float32)


def given(number: int) -> Any:
    values = np.random.default_rng(number).normal(size=(3, 8))
    unit = values / np.linalg.norm(values, axis=1, keepdims=True)
    patches = Patches(unit.astype(np.float16), np.zeros((3, 4), np.float32))
    return with_features(row(number, caption="a dog"), patches=patches)


@pytest.fixture
async def images(store: Store) -> ImageStore:
    found = await made(store, PATCHED)
    await found.add([given(number) for number in range(6)])
    return found


Search = Callable[[ImageStore, int], Awaitable[Sequence[Hit]]]
SEARCHES: dict[str, Search] = {
    "vector": lambda images, limit: images.search(ones(DIMS["vector"]), ALL, limit),
    "appearance": lambda images, limit: images.search(ones(DIMS["appearance"]), ALL, limit, "appearance"),
    "colours": lambda images, limit: images.search(ones(DIMS["colours"]), ALL, limit, "colours"),
    "patches": lambda images, limit: images.search_patches(ones(2, 8), ALL, limit),
    "text": lambda images, limit: images.search_text("dog", ALL, limit),
}


@pytest.mark.parametrize("name", SEARCHES)
async def test_limits(images: ImageStore, name: str) -> None:
    search = SEARCHES[name]
    assert list(await search(images, 0)) == list(await search(images, -1)) == []
    assert len(await search(images, 2)) == 2
    for limit in (6, 10**9):
        assert {hit.record.id for hit in await search(images, limit)} == set(ids_of([given(n) for n in range(6)]))


@pytest.mark.parametrize("name", SEARCHES)
async def test_searches_of_an_empty_collection(store: Store, name: str) -> None:
    assert list(await SEARCHES[name](await made(store, PATCHED, "empty"), 10**9)) == []


@pytest.mark.parametrize("field", DIMS)
async def test_vectors_that_are_none_of_the_space(images: ImageStore, field: Any) -> None:
    dim = DIMS[field]
    bad: list[Any] = [
        np.ones(dim + 1),
        np.ones(0),
        np.ones((1, dim)),
        np.full(dim, np.nan),
        np.full(dim, np.inf),
        np.float32(1),
    ]
    asked = [images.search(query, ALL, 3, field) for query in bad]
    good = images.search(ones(dim), ALL, 3, field)
    *refused, answer = await asyncio.gather(*asked, good, return_exceptions=True)
    assert [type(each) for each in refused] == [InvalidInput] * len(bad)
    assert isinstance(answer, Sequence) and len(answer) == 3


@pytest.mark.parametrize(
    "queries",
    [
        np.ones((2, 7)),
        np.ones(8),
        np.ones((0, 8)),
        np.ones((1, 2, 8)),
        np.full((2, 8), np.nan),
        np.full((1, 8), np.inf),
    ],
)
async def test_patch_queries_that_are_none(images: ImageStore, queries: Any) -> None:
    with pytest.raises(InvalidInput) as error:
        await images.search_patches(queries, ALL, 3)
    assert error.value.hint


async def test_patches_of_an_encoder_without_any(store: Store) -> None:
    images = await made(store, DOT, "plain")
    with pytest.raises(InvalidInput):
        await images.search_patches(ones(1, 8), ALL, 3)


@pytest.mark.parametrize("field", DIMS)
async def test_a_zero_vector_is_as_near_to_everything(images: ImageStore, field: Any) -> None:
    hits = await images.search(0 * ones(DIMS[field]), ALL, 10, field)
    assert [hit.score for hit in hits] == [0] * 6


async def test_zero_patch_queries(images: ImageStore) -> None:
    hits = await images.search_patches(0 * ones(2, 8), ALL, 10)
    assert [hit.score for hit in hits] == [0] * 6
