"""MaxSim over stored patches: one contract for every store, and the route by encodings of the LanceDB one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from retrievers import lance_patches
from retrievers.lance_images import LanceImageStore
from retrievers.lance_store import LanceStore
from retrievers.memory_store import MemoryStore
from retrievers.protocols import ImageStore, Store
from tests.retrievers.store_rows import DOT, made, row, with_features
from thresher.errors import InvalidInput
from thresher.types import Filter, Hit, ImageRow, Patches

DIM = 8
SPEC = replace(DOT, id="fake-patches", patch_dim=DIM)
EVERYTHING = Filter()


def with_patches(number: int, count: int, **record: Any) -> ImageRow:
    random = np.random.default_rng(number)
    scene = np.random.default_rng(number % 20).standard_normal((max(1, count), DIM))[:count]
    vectors = scene + 0.4 * random.standard_normal((count, DIM))
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    patches = Patches(vectors.astype(np.float16), random.uniform(0, 50, (count, 4)).astype(np.float32))
    return with_features(row(number, **record), patches=patches)


def asked(seed: int, count: int) -> NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal((count, DIM)).astype(np.float32)


def expected(rows: Sequence[ImageRow], queries: NDArray[np.float32], limit: int) -> list[tuple[str, float]]:
    """By the definition."""
    scores = {
        each.record.id: float((queries @ each.features.patches.vectors.astype(np.float32).T).max(axis=1).sum())
        for each in rows
        if len(each.features.patches.vectors)
    }
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))[:limit]


def check(hits: Sequence[Hit], wanted: list[tuple[str, float]]) -> None:
    assert [hit.record.id for hit in hits] == [image_id for image_id, _ in wanted]
    np.testing.assert_allclose([hit.score for hit in hits], [score for _, score in wanted], rtol=1e-4, atol=1e-4)


@pytest.fixture
async def images(store: Store) -> ImageStore:
    return await made(store, SPEC)


ROWS = [with_patches(number, number % 5, tags=("even",) if number % 2 == 0 else ()) for number in range(30)]


# --- the contract ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("queries", [1, 4, 32])
async def test_best_by_maxsim(images: ImageStore, queries: int) -> None:
    await images.add(ROWS)
    query = asked(queries, queries)
    check(await images.search_patches(query, EVERYTHING, 7), expected(ROWS, query, 7))


async def test_photographs_without_patches_are_no_hits(images: ImageStore) -> None:
    await images.add(ROWS)
    hits = await images.search_patches(asked(0, 3), EVERYTHING, 10**9)
    assert len(hits) == sum(len(each.features.patches.vectors) > 0 for each in ROWS) == 24


async def test_only_what_matches_is_scored(images: ImageStore) -> None:
    await images.add(ROWS)
    query = asked(2, 5)
    even = [each for each in ROWS if "even" in each.record.tags]
    check(await images.search_patches(query, Filter(tags=("even",)), 5), expected(even, query, 5))
    some = ROWS[3:9]
    ids = tuple(each.record.id for each in some)
    check(await images.search_patches(query, Filter(ids=ids), 5), expected(some, query, 5))
    assert not await images.search_patches(query, Filter(ids=()), 5)
    assert not await images.search_patches(query, Filter(tags=("nowhere",)), 5)


async def test_what_was_added_and_deleted_since(images: ImageStore) -> None:
    query = asked(3, 4)
    await images.add(ROWS[:20])
    await images.search_patches(query, EVERYTHING, 5)  # reads the column
    await images.add(ROWS[20:])
    for each in ROWS[:5]:
        await images.delete(each.record.id)
    check(await images.search_patches(query, EVERYTHING, 30), expected(ROWS[5:], query, 30))


async def test_a_collection_without_photographs(images: ImageStore) -> None:
    assert not await images.search_patches(asked(0, 2), EVERYTHING, 5)


@pytest.mark.parametrize("limit", [0, -1])
async def test_no_hits_are_asked_for(images: ImageStore, limit: int) -> None:
    await images.add(ROWS[:5])
    assert not await images.search_patches(asked(0, 2), EVERYTHING, limit)


async def test_zero_vectors_score_nothing(images: ImageStore) -> None:
    await images.add(ROWS)
    hits = await images.search_patches(np.zeros((2, DIM), np.float32), EVERYTHING, 30)
    assert len(hits) == 24
    assert {hit.score for hit in hits} == {0.0}


@pytest.mark.parametrize(
    "query",
    [
        np.zeros((2, DIM + 1), np.float32),
        np.zeros(DIM, np.float32),
        np.zeros((0, DIM), np.float32),
        np.full((2, DIM), np.nan, np.float32),
        np.full((1, DIM), np.inf, np.float32),
    ],
    ids=["dimension", "one vector", "no vectors", "nan", "inf"],
)
async def test_bad_queries(images: ImageStore, query: NDArray[np.float32]) -> None:
    await images.add(ROWS[:5])
    with pytest.raises(InvalidInput):
        await images.search_patches(query, EVERYTHING, 5)


async def test_an_encoder_without_patches(store: Store) -> None:
    images = await made(store, DOT, "no-patches")
    with pytest.raises(InvalidInput, match="no patch vectors"):
        await images.search_patches(asked(0, 2), EVERYTHING, 5)


@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(("add", "delete", "search")), st.integers(0, 29)), max_size=25))
async def test_is_the_oracle_under_random_changes(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    stores: list[Store] = [LanceStore(tmp_path_factory.mktemp("oracle")), MemoryStore()]
    both = [await made(store, SPEC) for store in stores]
    for step, number in [*steps, ("search", 0)]:
        found = []
        for images in both:
            if step == "add":
                await images.add([ROWS[number]])
            elif step == "delete" and not await images.missing([ROWS[number].record.id]):
                await images.delete(ROWS[number].record.id)
            elif step == "search":
                found.append(await images.search_patches(asked(number, 1 + number), EVERYTHING, 6))
        if found:
            check(found[0], [(hit.record.id, hit.score) for hit in found[1]])
    for store in stores:
        await store.close()


# --- the encodings -----------------------------------------------------------------------------------------------


MANY = [with_patches(number, 1 + number % 6, tags=("odd",) if number % 2 else ()) for number in range(1000, 1600)]


@pytest.fixture(params=[1 << 30, 0], ids=["memory", "disk"])
async def indexed(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LanceImageStore:
    """600 photographs, 500 of them in an index; a tenth are candidates."""
    monkeypatch.setattr(lance_patches, "candidates_of", lambda rows: rows // 10)
    images = await made(LanceStore(tmp_path, cache_bytes=request.param), SPEC)
    assert isinstance(images, LanceImageStore)
    await images.add(MANY[:500])
    upkeep = images._table.upkeep
    upkeep._spec = replace(upkeep._spec, vector_rows=1)
    await upkeep.run()
    upkeep._spec = replace(upkeep._spec, vector_rows=1 << 30)
    assert images._table.has_index("fde")
    await images.add(MANY[500:])
    return images


def scene(number: int) -> NDArray[np.float32]:
    """What photographs with this number modulo 20 show, in ten noisy views: 20 vectors."""
    vectors = np.random.default_rng(number).standard_normal((4, DIM)) / np.sqrt(DIM)
    return np.tile(vectors, (5, 1)).astype(np.float32)


async def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many candidates each search had."""
    sizes: list[int] = []
    plain = lance_patches._candidates

    async def counting(*arguments: Any) -> Sequence[str]:
        found = await plain(*arguments)
        sizes.append(len(found))
        return found

    monkeypatch.setattr(lance_patches, "_candidates", counting)
    return sizes


async def test_candidates_are_scored_exactly(indexed: LanceImageStore, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = await counted(monkeypatch)
    recalled = 0
    for number in range(20):
        wanted = dict(expected(MANY, scene(number), len(MANY)))
        hits = await indexed.search_patches(scene(number), EVERYTHING, 10)
        assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
        np.testing.assert_allclose([hit.score for hit in hits], [wanted[hit.record.id] for hit in hits], rtol=1e-3)
        recalled += len({hit.record.id for hit in hits} & set(list(wanted)[:10]))
    assert sizes == [60] * 20
    assert recalled >= 0.8 * 200  # at random: a tenth


async def test_rows_beside_the_index_are_found(indexed: LanceImageStore) -> None:
    """Each photograph's own patches, repeated, lead to it first, whether it was indexed or came later."""
    found = 0
    for each in MANY[480:520]:
        vectors = each.features.patches.vectors.astype(np.float32)
        hits = await indexed.search_patches(np.tile(vectors, (8, 1)), EVERYTHING, 1)
        found += hits[0].record.id == each.record.id
    assert found >= 36


async def test_the_index_is_prefiltered(indexed: LanceImageStore, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = await counted(monkeypatch)
    hits = await indexed.search_patches(scene(3), Filter(tags=("odd",)), 10)
    assert sizes == [30]
    assert len(hits) == 10
    assert all("odd" in hit.record.tags for hit in hits)


async def test_few_vectors_given_ids_and_many_hits_are_exact(
    indexed: LanceImageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = await counted(monkeypatch)
    few = scene(1)[: lance_patches.FEW - 1]
    check(await indexed.search_patches(few, EVERYTHING, 10), expected(MANY, few, 10))
    some = MANY[::3]
    where = Filter(ids=tuple(each.record.id for each in some))
    check(await indexed.search_patches(scene(1), where, 10), expected(some, scene(1), 10))
    check(await indexed.search_patches(scene(1), EVERYTHING, 10**9), expected(MANY, scene(1), 10**9))
    assert not sizes
