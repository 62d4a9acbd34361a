"""The store's contract, second half: scores, searches and filters."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest

from retrievers.protocols import ImageStore, Store
from tests.retrievers.store_rows import COSINE, DOT, ids_of, made, row, rows, with_features
from thresher.errors import InvalidInput
from thresher.types import EncoderSpec, Filter

ALL = Filter()


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
