"""What every store must do: run on the in-memory oracle, and on LanceDB with its columns in memory and on disk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest

from retrievers.lance_store import LanceStore
from retrievers.memory_store import MemoryStore
from retrievers.protocols import ImageStore, Store
from tests.retrievers.store_rows import COSINE, DOT, content_of, ids_of, proposals_of, row, rows, with_features
from thresher.errors import AlreadyExists, EncoderMismatch, InvalidInput, NotFound
from thresher.types import EncoderSpec, Filter, Proposals

ALL = Filter()


@pytest.fixture(params=["memory", "lance", "lance-from-disk"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    stores: dict[str, Store] = {
        "memory": MemoryStore(),
        "lance": LanceStore(tmp_path),
        "lance-from-disk": LanceStore(tmp_path, cache_bytes=0),
    }
    opened = stores[request.param]
    yield opened
    await opened.close()


@pytest.fixture
async def images(store: Store) -> ImageStore:
    return await made(store, DOT)


async def made(store: Store, encoder: EncoderSpec, name: str = "holiday") -> ImageStore:
    await store.create(name, encoder)
    return await store.open(name, encoder)


# --- collections ---


async def test_a_collection_is_created_found_and_deleted(store: Store) -> None:
    before = datetime.now(UTC)
    created = await store.create("holiday", DOT, display_name="Our holiday, é")
    assert (created.name, created.encoder, created.display_name) == ("holiday", DOT, "Our holiday, é")
    assert before <= created.created_at <= datetime.now(UTC)
    await store.create("a-1", COSINE)
    assert await store.get("holiday") == created
    assert [collection.name for collection in await store.list()] == ["a-1", "holiday"]
    await store.delete("holiday")
    assert [collection.name for collection in await store.list()] == ["a-1"]
    for call in (store.get("holiday"), store.open("holiday", DOT), store.delete("holiday")):
        with pytest.raises(NotFound):
            await call


async def test_a_name_is_taken_once(store: Store) -> None:
    images = await made(store, DOT)
    await images.add(rows(2))
    with pytest.raises(AlreadyExists) as error:
        await store.create("holiday", COSINE)
    assert error.value.hint
    assert await images.count(ALL) == 2


async def test_a_deleted_collection_leaves_nothing_to_one_of_the_same_name(store: Store) -> None:
    old = await made(store, DOT)
    await old.add(rows(3))
    await store.delete("holiday")
    new = await made(store, COSINE)
    assert await new.ids(ALL) == ()
    for call in (old.count(ALL), old.add(rows(1)), old.content(ids_of(rows(1))[0])):
        with pytest.raises(NotFound):
            await call
    await new.add(rows(1))
    assert (await store.get("holiday")).image_count == 1


@pytest.mark.parametrize("name", ["", "A", "1a", "a_b", "a-", "../up", "a/b", ".", "a" * 64, "a\n", "é", "a\0"])
async def test_a_name_that_is_no_folder_name_is_refused(store: Store, name: str) -> None:
    for call in (store.create(name, DOT), store.open(name, DOT), store.get(name), store.delete(name)):
        with pytest.raises(InvalidInput) as error:
            await call
        assert error.value.hint
    assert await store.list() == []


@pytest.mark.parametrize("change", [{"weights": "b" * 64}, {"id": "other"}, {"dim": 7}, {"metric": "cosine"}])
async def test_a_collection_of_another_encoder_is_not_opened(store: Store, change: dict[str, object]) -> None:
    await store.create("holiday", DOT)
    with pytest.raises(EncoderMismatch) as error:
        await store.open("holiday", replace(DOT, **change))
    assert error.value.hint
    assert (await store.get("holiday")).encoder == DOT


# --- photographs ---


async def test_everything_about_a_photograph_comes_back(images: ImageStore) -> None:
    given = row(
        3,
        paths=("a/b.jpg", "c'; DROP TABLE.png"),
        tags=("beach", 'q"uote', "日本"),
        taken_at=datetime(2021, 2, 3, 4, 5, 6, tzinfo=timezone(timedelta(hours=2))),
        camera="Canon EOS",
        latitude=-12.5,
        longitude=170.25,
    )
    plain = row(4)
    await images.add([given, plain])
    found = await images.get([plain.record.id, given.record.id, "0" * 64])
    assert found == {given.record.id: given.record, plain.record.id: plain.record}
    taken_at = found[given.record.id].taken_at
    assert taken_at is not None and taken_at.utcoffset() == timedelta(0)
    assert await images.content(given.record.id) == given.content
    assert images.collection.image_count == 2


@pytest.mark.parametrize("size", [1, 70_000, 5_000_000])
async def test_bytes_of_any_size_come_back(images: ImageStore, size: int) -> None:
    given = row(1, size=size)
    await images.add([row(0), given, row(2)])
    await images.tag(given.record.id, "again.jpg", ["kept"])
    assert await images.content(given.record.id) == content_of(1, size)


async def test_a_photograph_at_two_paths_is_one(images: ImageStore) -> None:
    twice = row(1, paths=("a.jpg", "b.jpg"), tags=("x",))
    await images.add([row(1, paths=("a.jpg",), tags=("x",)), row(2), twice])
    await images.add([row(1, paths=("c.jpg",), tags=("y", "x"), camera="not taken over"), row(3)])
    record = (await images.get([twice.record.id]))[twice.record.id]
    assert record == replace(twice.record, paths=("a.jpg", "b.jpg", "c.jpg"), tags=("x", "y"))
    assert await images.count(ALL) == 3
    assert await images.ids(Filter(path_prefix="c.")) == (twice.record.id,)
    assert await images.ids(Filter(tags=("y",))) == (twice.record.id,)
    assert await images.content(twice.record.id) == twice.content


async def test_tagging(images: ImageStore) -> None:
    await images.add(rows(2))
    first, second = ids_of(rows(2))
    tagged = await images.tag(first, "new/path.jpg", ["dog", "dog"])
    assert tagged == replace(row(0).record, paths=("album/0.jpg", "new/path.jpg"), tags=("dog",))
    assert await images.tag(first, "", []) == tagged
    assert await images.get([first, second]) == {first: tagged, second: row(1).record}
    with pytest.raises(NotFound):
        await images.tag("0" * 64, "p", [])


async def test_missing(images: ImageStore) -> None:
    await images.add(rows(3))
    asked = ids_of(rows(5))[::-1]
    assert list(await images.missing(asked)) == asked[:2]


async def test_deleting(images: ImageStore) -> None:
    await images.add(rows(5))
    gone = ids_of(rows(5))[2]
    await images.scores(np.ones((1, DOT.dim), np.float32), ALL)
    await images.delete(gone)
    for call in (images.delete(gone), images.content(gone)):
        with pytest.raises(NotFound):
            await call
    assert gone not in await images.ids(ALL)
    assert gone not in (await images.scores(np.ones((1, DOT.dim), np.float32), ALL)).ids
    assert await images.get([gone]) == {} == await images.proposals([gone])
    assert list(await images.missing([gone])) == [gone]
    await images.add([row(2)])
    assert (await images.get([gone]))[gone] == row(2).record
    assert await images.count(ALL) == 5


async def test_many_deletions(images: ImageStore) -> None:
    await images.add(rows(100))
    query = np.ones((1, DOT.dim), np.float32)
    before = await images.scores(query, ALL)
    gone = set(ids_of(rows(80)))
    for image_id in gone:
        await images.delete(image_id)
    await images.add(rows(1, first=200))
    after = await images.scores(query, ALL)
    assert len(after.ids) == 21
    kept = dict(zip(before.ids, before.values[0].tolist(), strict=True))
    for image_id, score in zip(after.ids, after.values[0], strict=True):
        if image_id in kept:
            assert score == pytest.approx(kept[image_id], rel=1e-5)
    assert (await images.get(ids_of(rows(100)))).keys() == set(ids_of(rows(100))) - gone


async def test_listing_by_pages(images: ImageStore) -> None:
    await images.add([row(number, tags=("odd",) if number % 2 else ()) for number in range(9)])
    everything = sorted(ids_of(rows(9)))
    seen: list[str] = []
    while page := await images.list(ALL, 4, after=seen[-1] if seen else ""):
        assert len(page) <= 4
        seen += [record.id for record in page]
    assert seen == everything
    odd = await images.list(Filter(tags=("odd",)), 100)
    assert [record.id for record in odd] == sorted(ids_of([row(number) for number in (1, 3, 5, 7)]))
    assert list(await images.list(ALL, 0)) == []


async def test_proposals_come_back(images: ImageStore) -> None:
    nothing = with_features(row(9), proposals=Proposals.none())
    await images.add([*rows(5), nothing])
    found = await images.proposals([*ids_of(rows(5)), nothing.record.id, "0" * 64])
    assert len(found) == 6
    assert found[nothing.record.id].boxes.shape == (0, 4)
    for number, image_id in enumerate(ids_of(rows(5))):
        expected = proposals_of(number)
        np.testing.assert_array_equal(found[image_id].boxes, expected.boxes)
        np.testing.assert_array_equal(found[image_id].concepts, expected.concepts)
        np.testing.assert_allclose(found[image_id].scores, expected.scores, atol=5e-4)
        assert [part.dtype for part in (found[image_id].concepts, found[image_id].scores)] == [np.int16, np.float32]


async def test_the_same_photographs_added_at_once_are_there_once(images: ImageStore) -> None:
    batches = [[row(number, paths=(f"{batch}/{number}",)) for number in range(6)] for batch in range(8)]
    await asyncio.gather(*(images.add(batch) for batch in batches))
    records = await images.list(ALL, 100)
    assert [record.id for record in records] == sorted(ids_of(rows(6)))
    assert all(len(record.paths) == 8 for record in records)


BAD = {
    "not a number": with_features(row(1), vector=np.full(DOT.dim, np.nan, np.float32)),
    "infinite": with_features(row(1), appearance=np.array([1, 2, np.inf, 4], np.float32)),
    "other dimension": with_features(row(1), vector=np.zeros(DOT.dim + 1, np.float32)),
    "beyond f32": with_features(row(1), vector=np.full(DOT.dim, 1e300)),
    "boxes and scores differ": with_features(row(1), proposals=replace(proposals_of(3), scores=np.zeros((2, 3)))),
    "score above one": with_features(row(1), proposals=replace(proposals_of(3), scores=np.full((3, 3), 1.5))),
    "other bytes": replace(row(1), content=b"something else"),
    "no bytes": replace(row(1), content=b""),
    "other size": row(1, size_bytes=7),
    "path that is not UTF-8": row(1, paths=("a\udc80",)),
    "path with NUL": row(1, paths=("a\0b",)),
    "empty tag": row(1, tags=("",)),
}


@pytest.mark.filterwarnings("ignore:overflow")
@pytest.mark.parametrize("name", BAD)
async def test_a_malformed_row_is_refused_and_nothing_of_its_batch_is_stored(images: ImageStore, name: str) -> None:
    await images.add([row(0)])
    with pytest.raises(InvalidInput):
        await images.add([row(5), BAD[name], row(6)])
    assert await images.ids(ALL) == (row(0).record.id,)


# --- vectors ---


@pytest.mark.parametrize("encoder", [DOT, COSINE], ids=["dot", "cosine"])
async def test_scores_are_exact_and_cover_the_scope(store: Store, encoder: EncoderSpec) -> None:
    images = await made(store, encoder)
    given = rows(30)
    zero = with_features(row(40), vector=np.zeros(DOT.dim, np.float32))
    await images.add(given[:17])
    queries = np.random.default_rng(1).normal(size=(3, DOT.dim)).astype(np.float32)
    await images.scores(queries, ALL)
    await images.add([*given[17:], zero])
    scores = await images.scores(queries, ALL)
    assert scores.ids == tuple(sorted(ids_of([*given, zero])))
    assert scores.values.shape == (3, 31)
    assert scores.values.dtype == np.float32
    by_id = {each.record.id: each.features.vector for each in [*given, zero]}
    for column, image_id in enumerate(scores.ids):
        expected = queries @ by_id[image_id]
        if encoder.metric == "cosine":
            expected = expected / np.linalg.norm(queries, axis=1) / (np.linalg.norm(by_id[image_id]) or 1)
        np.testing.assert_allclose(scores.values[:, column], expected, rtol=1e-5, atol=1e-6)
    part = await images.scores(queries, Filter(ids=(*ids_of(given[5:8]), "f" * 64)))
    assert part.ids == tuple(sorted(ids_of(given[5:8])))
    columns = [scores.ids.index(image_id) for image_id in part.ids]
    np.testing.assert_allclose(part.values, scores.values[:, columns], rtol=1e-6)


async def test_scores_of_nothing(images: ImageStore) -> None:
    query = np.ones((2, DOT.dim), np.float32)
    assert (await images.scores(query, ALL)).values.shape == (2, 0)
    await images.add(rows(3))
    empty = await images.scores(query, Filter(ids=()))
    assert (empty.ids, empty.values.shape) == ((), (2, 0))
    assert (await images.scores(np.zeros((0, DOT.dim), np.float32), ALL)).values.shape == (0, 3)
    assert list(await images.search(query[0], Filter(ids=()), 5)) == []
    assert list(await images.search(query[0], ALL, 0)) == []


@pytest.mark.parametrize("field", ["vector", "appearance"])
async def test_search_is_best_first_and_filtered_before(images: ImageStore, field: str) -> None:
    given = [row(number, tags=("rare",) if number % 10 == 0 else ()) for number in range(40)]
    await images.add(given)
    query = np.random.default_rng(3).normal(size=DOT.dim if field == "vector" else 4).astype(np.float32)
    expected = {}
    for each in given:
        vector = getattr(each.features, field)
        score = float(query @ vector)
        expected[each.record.id] = (
            score if field == "vector" else score / float(np.linalg.norm(query) * np.linalg.norm(vector))
        )
    for where, among in (
        (ALL, given),
        (Filter(tags=("rare",)), given[::10]),
        (Filter(ids=ids_of(given)[:9]), given[:9]),
    ):
        hits = await images.search(query, where, 5, field)
        best = sorted(ids_of(among), key=lambda image_id: -expected[image_id])[:5]
        assert [hit.record.id for hit in hits] == best
        assert [hit.score for hit in hits] == pytest.approx([expected[image_id] for image_id in best], rel=1e-4)
        assert hits[0].record in [each.record for each in given]


@pytest.mark.parametrize("query", [np.ones(DOT.dim + 1), np.full(DOT.dim, np.nan), np.ones((1, DOT.dim))])
async def test_a_query_that_is_no_vector_of_the_space_is_refused(images: ImageStore, query: np.ndarray) -> None:
    await images.add(rows(2))
    with pytest.raises(InvalidInput):
        await images.search(query, ALL, 3)
    if query.ndim == 1:
        with pytest.raises(InvalidInput):
            await images.scores(query[None], ALL)


# --- filters ---

DAY = datetime(2022, 3, 4, tzinfo=UTC)
NASTY = [
    "it's",
    "' OR true --",
    '"; DROP TABLE x; --',
    "\\",
    "\\'",
    "%",
    "_",
    "a,b",
    "日本",
    "{x}",
    "\n",
    "' || id || '",
]
FILTERED = [
    row(0, tags=("dog", "beach"), taken_at=DAY, width=640, height=480, paths=("trip/one.jpg",)),
    row(1, tags=("dog",), taken_at=DAY + timedelta(days=1), width=800, height=600, paths=("trip/two.jpg", "x/two.jpg")),
    row(2, tags=(), taken_at=None, width=1024, height=100, paths=("tripod.jpg",)),
    row(3, tags=("beach",), taken_at=datetime(1970, 1, 1, tzinfo=UTC), width=10, height=10, paths=("a/trip/3.jpg",)),
    row(4, tags=tuple(NASTY), taken_at=datetime(9999, 1, 1, tzinfo=UTC), paths=tuple(f"{text}/p" for text in NASTY)),
]
WANTED = {
    "tag": (Filter(tags=("dog",)), [0, 1]),
    "two tags": (Filter(tags=("dog", "beach")), [0]),
    "unknown tag": (Filter(tags=("do",)), []),
    "excluded": (Filter(excluded_tags=("dog",)), [2, 3, 4]),
    "tag and excluded": (Filter(tags=("beach",), excluded_tags=("dog",)), [3]),
    "after": (Filter(after=DAY), [0, 1, 4]),
    "before": (Filter(before=DAY), [3]),
    "after in another zone": (Filter(after=DAY.astimezone(timezone(timedelta(hours=-5)))), [0, 1, 4]),
    "after without zone": (Filter(after=DAY.replace(tzinfo=None) + timedelta(microseconds=1)), [1, 4]),
    "a day": (Filter(after=DAY, before=DAY + timedelta(days=1)), [0]),
    "long ago": (Filter(before=datetime(1, 1, 2, tzinfo=UTC)), []),
    "far ahead": (Filter(before=datetime(9999, 12, 31, tzinfo=UTC)), [0, 1, 3, 4]),
    "width": (Filter(min_width=800), [1, 2]),
    "width and height": (Filter(min_width=640, min_height=480), [0, 1]),
    "folder": (Filter(path_prefix="trip/"), [0, 1]),
    "prefix": (Filter(path_prefix="trip"), [0, 1, 2]),
    "second path": (Filter(path_prefix="x/"), [1]),
    "ids": (Filter(ids=tuple(ids_of(FILTERED[1:3])) * 2), [1, 2]),
    "ids and tag": (Filter(ids=tuple(ids_of(FILTERED[1:3])), tags=("dog",)), [1]),
    "no ids": (Filter(ids=(), tags=("dog",)), []),
    "ids that are none": (Filter(ids=("' OR true --", "nope")), []),
}


@pytest.mark.parametrize("name", WANTED)
async def test_filters(images: ImageStore, name: str) -> None:
    where, numbers = WANTED[name]
    await images.add(FILTERED)
    expected = sorted(FILTERED[number].record.id for number in numbers)
    assert list(await images.ids(where)) == expected
    assert await images.count(where) == len(expected)
    assert [record.id for record in await images.list(where, 10)] == expected
    assert list((await images.scores(np.ones((1, DOT.dim), np.float32), where)).ids) == expected
    hits = await images.search(np.ones(DOT.dim, np.float32), where, 10)
    assert sorted(hit.record.id for hit in hits) == expected


async def test_text_in_a_filter_is_text(images: ImageStore) -> None:
    await images.add(FILTERED)
    nasty = (FILTERED[4].record.id,)
    for text in NASTY:
        assert await images.ids(Filter(tags=(text,))) == nasty
        assert await images.ids(Filter(path_prefix=f"{text}/")) == nasty
        assert nasty[0] not in await images.ids(Filter(excluded_tags=(text,)))
        assert await images.ids(Filter(tags=(text + " ",))) == ()


async def test_thousands_of_ids(images: ImageStore) -> None:
    await images.add(rows(40))
    some = ids_of(rows(20))
    where = Filter(ids=tuple(f"{number:064x}" for number in range(3000)) + tuple(some))
    assert await images.ids(where) == tuple(sorted(some))
    assert (await images.scores(np.ones((1, DOT.dim), np.float32), where)).ids == tuple(sorted(some))
    assert len(await images.search(np.ones(DOT.dim, np.float32), where, 100)) == 20
    assert (await images.get(where.ids or ())).keys() == set(some)
    assert (await images.proposals(where.ids or ())).keys() == set(some)
