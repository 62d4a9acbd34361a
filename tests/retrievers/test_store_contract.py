"""What every store must do: run on the in-memory oracle, and on LanceDB with its columns in memory and on disk."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest

from retrievers.protocols import ImageStore, Store
from tests.retrievers.store_rows import COSINE, DOT, content_of, ids_of, made, proposals_of, row, rows, with_features
from thresher.errors import AlreadyExists, EncoderMismatch, InvalidInput, NotFound
from thresher.types import Filter, ImageChange, Proposals

ALL = Filter()


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
    await images.change([ImageChange(given.record.id, add_paths=("again.jpg",), add_tags=("kept",))])
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


async def test_changing_paths_and_tags(images: ImageStore) -> None:
    await images.add(rows(3))
    first, second, third = ids_of(rows(3))
    changes = [
        ImageChange(first, add_paths=("new/path.jpg",), add_tags=("dog", "dog")),
        ImageChange("0" * 64, add_paths=("p",)),
        ImageChange(second, ("moved.jpg",), ("album/1.jpg", "never/there.jpg"), ("a", "b"), ("c",)),
        ImageChange(second, remove_tags=("b",)),
    ]
    expected = {
        first: replace(row(0).record, paths=("album/0.jpg", "new/path.jpg"), tags=("dog",)),
        second: replace(row(1).record, paths=("moved.jpg",), tags=("a",)),
    }
    assert await images.change(changes) == expected
    assert await images.change([ImageChange(first), ImageChange(second)]) == expected
    assert await images.get([first, second, third]) == {**expected, third: row(2).record}
    assert await images.ids(Filter(path_prefix="album/1")) == ()
    assert await images.ids(Filter(path_prefix="moved")) == (second,)
    assert await images.change([]) == await images.change([ImageChange("0" * 64)]) == {}
    assert await images.content(second) == row(1).content


@pytest.mark.parametrize(
    "bad",
    [
        {"remove_paths": ("album/1.jpg",)},
        {"add_paths": ("",)},
        {"add_paths": ("a\0",)},
        {"add_tags": ("\udc80",)},
    ],
)
async def test_a_change_that_cannot_be_changes_nothing(images: ImageStore, bad: dict[str, tuple[str, ...]]) -> None:
    await images.add(rows(2))
    first, second = ids_of(rows(2))
    with pytest.raises(InvalidInput) as error:
        await images.change([ImageChange(first, add_paths=("b.jpg",)), ImageChange(second, **bad)])
    assert error.value.hint
    assert await images.get([first, second]) == {first: row(0).record, second: row(1).record}


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
