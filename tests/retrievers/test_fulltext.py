"""Full-text search: LanceDB's BM25 beside the plain one, on collections that change."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrievers.documents import document_of, query_words
from retrievers.lance_store import LanceStore
from retrievers.memory_store import MemoryStore
from retrievers.protocols import ImageStore, Store
from tests.retrievers.store_rows import DOT, made, row
from thresher.types import Box, Filter, Hit, ImageChange, ImageRow, Word

EVERYTHING = Filter()


def said(number: int, *words: str, **record: Any) -> ImageRow:
    """A photograph in which these words can be read."""
    base = row(number, **{"paths": (f"{number}.jpg",), **record})
    places = (Word(word, Box(10.0 * n, 0, 10.0 * n + 8, 10), 0.9) for n, word in enumerate(words))
    return ImageRow(base.record, base.content, base.features, tuple(places))


@pytest.fixture(params=["lance", "memory"])
async def images(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ImageStore]:
    store: Store = LanceStore(tmp_path) if request.param == "lance" else MemoryStore()
    yield await made(store, DOT)
    await store.close()


async def found(images: ImageStore, text: str, where: Filter = EVERYTHING, limit: int = 100) -> set[int]:
    """The numbers of the photographs that are found: the first path of each begins with it."""
    return {int(hit.record.path.split("/")[-1].split(".")[0]) for hit in await images.search_text(text, where, limit)}


async def test_every_part_of_the_document_is_searched(images: ImageStore) -> None:
    await images.add(
        [
            said(0, paths=("holidays-rome/0.jpg",)),
            said(1, caption="Grandmother's birthday"),
            said(2, "STOP", "ALL", "WAY"),
            said(3, place="Reykjavík, Iceland"),
            said(4, camera="Canon EOS 5D"),
            said(5, tags=("sun_set",)),
        ]
    )
    for text, number in {
        "Rome": 0,
        "holiday": 0,
        "birthdays": 1,
        "stop": 2,
        "reykjavik": 3,
        "ICELAND": 3,
        "canon": 4,
        "sun set": 5,
    }.items():
        assert await found(images, text) == {number}, text


async def test_words_are_found_in_their_other_forms(images: ImageStore) -> None:
    await images.add([said(0, caption="two dogs running"), said(1, caption="a dog runs"), said(2, caption="cats")])
    assert await found(images, "dog") == {0, 1}
    assert await found(images, "run") == {0, 1}
    assert await found(images, "cat") == {2}


async def test_stop_words_do_not_find_everything(images: ImageStore) -> None:
    await images.add([said(0, caption="the cat"), said(1, caption="the dog"), said(2, "THE", "WHO")])
    assert await found(images, "the photo of the cat") == {0}
    assert await found(images, "who") == {2}
    assert await found(images, "the") == {0, 1, 2}


async def test_rarer_and_more_frequent_words_weigh_more(images: ImageStore) -> None:
    await images.add(
        [said(0, "beach", "beach", "bar"), said(1, "beach", "road", "bar"), said(2, "road", "bar"), said(3, "zebra")]
    )
    hits = await images.search_text("beach", EVERYTHING, 10)
    assert [hit.record.path for hit in hits] == ["0.jpg", "1.jpg"]
    assert hits[0].score > hits[1].score > 0
    assert (await images.search_text("bar zebra", EVERYTHING, 1))[0].record.path == "3.jpg"
    every = await images.search_text("bar beach", EVERYTHING, 10, every=True)
    assert [hit.record.path for hit in every] == ["0.jpg", "1.jpg"]
    assert await images.search_text("bar zebra", EVERYTHING, 10, every=True) == []


@pytest.mark.parametrize(
    "text",
    [
        "dog -cat",
        "dog AND NOT cat",
        "dog*",
        "+dog",
        '"dog"',
        "dog~",
        "dog^",
        "document:dog",
        "(dog",
        "dog\0",
        "dog'); DROP TABLE",
        "dog ud800".replace("ud800", "\ud800"),
    ],
)
async def test_a_query_is_words_and_no_language(images: ImageStore, text: str) -> None:
    await images.add([said(0, caption="a dog and a cat"), said(1, caption="a dog"), said(2, caption="horses")])
    assert await found(images, text) == {0, 1}


@pytest.mark.parametrize("text", ["", "  ", "!?", "x" * 100_000, "\ud800", "\0"])
async def test_without_words_nothing_is_found(images: ImageStore, text: str) -> None:
    await images.add([said(0, caption="a dog"), said(1)])
    assert await found(images, text) == set()


async def test_a_query_of_very_many_words(images: ImageStore) -> None:
    await images.add([said(0, caption="a dog")])
    assert await found(images, "dog " * 20_000) == {0}
    [once] = await images.search_text("dog", EVERYTHING, 5)
    [often] = await images.search_text("dog dog Dog", EVERYTHING, 5)
    assert often.score == once.score
    await found(images, " ".join(map(str, range(20_000))))


async def test_filters_come_first(images: ImageStore) -> None:
    rows = [said(n, caption="dog " * (20 - n), tags=("old",) if n < 10 else ("new",)) for n in range(20)]
    await images.add(rows)
    assert await found(images, "dog", Filter(tags=("new",)), 5) == {10, 11, 12, 13, 14}
    some = tuple(rows[n].record.id for n in (3, 17, 19))
    assert await found(images, "dog", Filter(ids=some), 2) == {3, 17}
    assert await found(images, "dog", Filter(ids=some, tags=("new",))) == {17, 19}
    assert await found(images, "dog", Filter(ids=())) == set()
    many = (*some, *(f"{n:064x}" for n in range(2000)))
    assert await found(images, "dog", Filter(ids=many)) == {3, 17, 19}


@pytest.mark.parametrize("limit", [-1, 0, 1, 10**9])
async def test_limits(images: ImageStore, limit: int) -> None:
    await images.add([said(0, caption="dog"), said(1, caption="dog dog")])
    assert len(await images.search_text("dog", EVERYTHING, limit)) == max(0, min(limit, 2))


async def test_an_empty_collection(images: ImageStore) -> None:
    assert await images.search_text("dog", EVERYTHING, 5) == []


async def test_what_changes_is_searched_as_it_is_now(images: ImageStore) -> None:
    rows = [said(0, tags=("dog",)), said(1, tags=("dog",))]
    await images.add(rows)
    first = rows[0].record.id
    await images.change([ImageChange(first, add_paths=("cat/0.jpg",), remove_tags=("dog",), remove_paths=("0.jpg",))])
    assert await found(images, "dog") == {1}
    assert await found(images, "cat") == {0}
    await images.add([said(1, paths=("1/horse.jpg",))])  # the same photograph under another name
    assert {hit.record.id for hit in await images.search_text("horse", EVERYTHING, 5)} == {rows[1].record.id}
    await images.delete(rows[1].record.id)
    assert await found(images, "dog horse") == set()


async def test_the_words_of_a_file_name() -> None:
    record = said(0, paths=("a/IMG_2043-dog.on.beach.JPG", "b.jpg")).record
    assert document_of(record).split("\n") == ["a IMG 2043 dog on beach", "b"]


def test_query_words() -> None:
    assert query_words("A photo of the Dog, the DOG's house") == ["dog", "s", "house"]
    assert query_words("The Who") == ["the", "who"]


WORDS = ["dog", "dogs", "stop", "STOP", "running", "runs", "cafe", "café", "the", "beach", "x"]
words = st.lists(st.sampled_from(WORDS), max_size=6)
operations = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(0, 9), words),
        st.tuples(st.just("tag"), st.integers(0, 9), words),
        st.tuples(st.just("delete"), st.integers(0, 9), st.just([])),
        st.tuples(st.just("merge"), st.just(0), st.just([])),
        st.tuples(st.just("reopen"), st.just(0), st.just([])),
    ),
    max_size=8,
)


@settings(max_examples=25, deadline=None, database=None)
@given(operations, st.lists(words.filter(bool), min_size=1, max_size=3), st.sampled_from([None, ("dog",)]))
def test_lance_agrees_with_the_plain_formula(
    done: list[tuple[str, int, list[str]]], queries: list[list[str]], tags: tuple[str, ...] | None
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_agree(Path(folder), done, queries, Filter(tags=tags or ())))


async def _agree(
    folder: Path, done: Sequence[tuple[str, int, list[str]]], queries: Sequence[list[str]], where: Filter
) -> None:
    store, oracle = LanceStore(folder), await made(MemoryStore(), DOT)
    images = await made(store, DOT)
    rows = [row(n, paths=("x.jpg",)) for n in range(10)]
    merged = False
    for what, n, some in done:
        merged = merged and what in ("merge", "reopen")
        if what == "add":
            given_row = said(n, *some, paths=("x.jpg",))
            for each in (images, oracle):
                await each.add([given_row])
        elif what == "tag" and some:
            for each in (images, oracle):
                await each.change([ImageChange(rows[n].record.id, add_tags=tuple(some))])
        elif what == "delete" and not await oracle.missing([rows[n].record.id]):
            for each in (images, oracle):
                await each.delete(rows[n].record.id)
        elif what == "merge":
            await images._table.table.optimize()  # type: ignore[attr-defined]
            merged = True
        elif what == "reopen":
            await store.close()
            store = LanceStore(folder)
            images = await store.open("holiday", DOT)
    for query in queries:
        text = " ".join(query)
        both = [{hit.record.id for hit in await each.search_text(text, where, 100, True)} for each in (images, oracle)]
        assert both[0] == both[1]
        ours = await images.search_text(text, where, 100)
        plain = await oracle.search_text(text, where, 100)
        assert {hit.record.id for hit in ours} == {hit.record.id for hit in plain}
        if merged and done[-1][0] == "merge" and "delete" not in {what for what, _, _ in done}:
            assert scores(ours) == pytest.approx(scores(plain), rel=0.02)
    await store.close()


def scores(hits: Sequence[Hit]) -> dict[str, float]:
    return {hit.record.id: hit.score for hit in hits}
