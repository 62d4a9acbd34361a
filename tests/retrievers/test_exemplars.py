from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from retrievers.exemplars import FILE, MOST_EXAMPLES, ExemplarStore, Lesson, folded
from thresher.errors import EncoderMismatch, InvalidInput, NotFound, SchemaMismatch
from thresher.types import Box, Collection, EncoderSpec, Example

SPEC = EncoderSpec("fake", 3, "dot", 2, "a" * 64, patch_dim=3)
COLLECTION = Collection("c", SPEC, 2, datetime(2026, 1, 1, tzinfo=UTC))


def lesson(seed: int = 0, box: Box | None = None) -> Lesson:
    random = np.random.default_rng(seed)
    return Lesson(Example(f"{seed:064x}", box), random.random(2, np.float32), random.random(3, np.float32))


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[ExemplarStore]:
    store = ExemplarStore(tmp_path)
    yield store
    await store.close()


async def test_what_was_taught_is_there_whatever_the_case_of_its_name(store: ExemplarStore) -> None:
    box = Box(0.1, 2, 30.5, 1e3)
    first = await store.teach(COLLECTION, " Our  Mascot ", lesson(1, box))
    assert (first.name, first.examples) == ("Our Mascot", (Example(f"{1:064x}", box),))
    second = await store.teach(COLLECTION, "OUR MASCOT", lesson(2))
    assert (second.name, len(second.examples), second.created_at) == ("Our Mascot", 2, first.created_at)
    assert await store.list(COLLECTION) == [second]
    assert await store.names(COLLECTION) == ["Our Mascot"]
    found = await store.lessons(COLLECTION, "our mascot")
    for got, given in zip(found, (lesson(1, box), lesson(2)), strict=True):
        assert got.example == given.example
        np.testing.assert_array_equal(got.appearance, given.appearance)
        np.testing.assert_array_equal(got.region, given.region)


async def test_the_same_box_of_the_same_photograph_teaches_once(store: ExemplarStore) -> None:
    for box in (None, Box(0, 0, 1, 1), None, Box(0, 0, 1, 1)):
        taught = await store.teach(COLLECTION, "it", lesson(1, box))
    assert [each.box for each in taught.examples] == [None, Box(0, 0, 1, 1)]


async def test_everything_is_there_after_a_kill(tmp_path: Path) -> None:
    first = ExemplarStore(tmp_path)
    taught = await first.teach(COLLECTION, "Café ☕", lesson())
    second = ExemplarStore(tmp_path)  # as after a SIGKILL: the first was not closed
    assert await second.list(COLLECTION) == [taught]
    await first.close()
    await second.close()


async def test_an_unknown_name_says_what_was_taught(store: ExemplarStore) -> None:
    for call in (store.lessons, store.forget):
        with pytest.raises(NotFound, match="thresher teach"):
            await call(COLLECTION, "mascot")
    for name in ("Rex", "bob"):
        await store.teach(COLLECTION, name, lesson())
    with pytest.raises(NotFound, match='"bob", "Rex"'):
        await store.lessons(COLLECTION, "mascot")


async def test_forgetting(store: ExemplarStore) -> None:
    for name in ("rex", "bob"):
        await store.teach(COLLECTION, name, lesson())
        await store.teach(COLLECTION, name, lesson(1))
    await store.forget(COLLECTION, "REX")
    assert await store.names(COLLECTION) == ["bob"]
    await store.forget_all("other")
    assert await store.names(COLLECTION) == ["bob"]
    await store.forget_all("c")
    assert await store.names(COLLECTION) == []


async def test_another_collection_tenant_or_later_one_of_the_name_knows_nothing(
    tmp_path: Path, store: ExemplarStore
) -> None:
    await store.teach(COLLECTION, "rex", lesson())
    stranger = ExemplarStore(tmp_path, "other")
    assert await stranger.list(COLLECTION) == []
    await stranger.forget_all("c")
    await stranger.close()
    assert await store.names(COLLECTION) == ["rex"]
    for other in (replace(COLLECTION, name="d"), replace(COLLECTION, created_at=datetime(2026, 1, 2, tzinfo=UTC))):
        assert await store.list(other) == []
        with pytest.raises(NotFound):
            await store.lessons(other, "rex")


async def test_another_encoder_is_refused(store: ExemplarStore) -> None:
    await store.teach(COLLECTION, "rex", lesson())
    other = replace(COLLECTION, encoder=replace(SPEC, weights="b" * 64))
    with pytest.raises(EncoderMismatch, match="teach it again"):
        await store.lessons(other, "rex")
    with pytest.raises(EncoderMismatch):
        await store.teach(other, "rex", lesson(1))
    assert len((await store.list(other))[0].examples) == 1
    await store.forget(other, "rex")
    await store.teach(other, "rex", lesson(1))


async def test_what_cannot_be_stored(store: ExemplarStore) -> None:
    good = lesson()
    bad = [
        replace(good, region=np.zeros(4, np.float32)),
        replace(good, appearance=np.zeros((1, 2), np.float32)),
        replace(good, region=np.full(3, np.nan, np.float32)),
    ]
    for each in bad:
        with pytest.raises(InvalidInput):
            await store.teach(COLLECTION, "rex", each)
    for name in ("", "  ", "a" * 101, "a\0b", "a\x1bb"):
        with pytest.raises(InvalidInput, match="100"):
            await store.teach(COLLECTION, name, good)
    for seed in range(MOST_EXAMPLES):
        await store.teach(COLLECTION, "rex", lesson(seed))
    with pytest.raises(InvalidInput, match="16"):
        await store.teach(COLLECTION, "rex", lesson(99))
    assert len(await store.lessons(COLLECTION, "rex")) == MOST_EXAMPLES


def test_folding() -> None:
    assert folded("  STRASSE\u00a0 Ω ") == folded("straße ω")
    assert len(folded("a" * 100)) == 100


def test_a_file_that_is_none_of_ours_is_said(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / FILE) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(SchemaMismatch, match="version 99"):
        ExemplarStore(tmp_path)
