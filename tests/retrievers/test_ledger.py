from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from retrievers.ledger import FILE, Item, ItemState, Ledger, State
from thresher.errors import NotFound, SchemaMismatch, StorageFull

FOLDER = Path("/photos/trip")
PENDING = [Item(f"{number}.jpg".encode(), ItemState.PENDING) for number in range(5)]


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    ledger = Ledger(tmp_path)
    yield ledger
    await ledger.close()


async def test_an_import_from_its_begin_to_its_end(ledger: Ledger) -> None:
    made = await ledger.create("c", FOLDER, ["t"])
    assert (made.state, made.tags, made.ended_at) == (State.SCANNING, ("t",), None)
    assert await ledger.get(made.id) == made
    await ledger.add(made.id, [*PENDING, Item(b".x", ItemState.SKIPPED, "hidden")])
    await ledger.settle(made.id, [Item(b"0.jpg", ItemState.DONE, bytes=7)])
    await ledger.add(made.id, PENDING)  # a scan that begins again changes nothing
    await ledger.move(made.id, State.IMPORTING)
    assert await ledger.pending(made.id, b"", 2) == [b"1.jpg", b"2.jpg"]
    assert await ledger.pending(made.id, b"2.jpg", 9) == [b"3.jpg", b"4.jpg"]
    await ledger.settle(
        made.id, [Item(b"1.jpg", ItemState.DONE, bytes=5), Item(b"2.jpg", ItemState.FAILED, "It is cut.")]
    )
    await ledger.settle(made.id, [Item(b"1.jpg", ItemState.FAILED, "too late"), Item(b"no such", ItemState.DONE)])
    found = await ledger.summary(made.id)
    assert (found.pending, found.done, found.skipped, found.failed, found.done_bytes) == (2, 2, 1, 1, 12)
    assert found.failures == (Item(b"2.jpg", ItemState.FAILED, "It is cut."),)
    assert found.skips == (("hidden", 1),)
    assert [each.id for each in await ledger.unfinished()] == [made.id]
    await ledger.move(made.id, State.FAILED, ("CODE", "why", "what to do"))
    await ledger.move(made.id, State.IMPORTING)
    ended = await ledger.get(made.id)
    assert (ended.state, ended.error) == (State.FAILED, ("CODE", "why", "what to do"))
    assert ended.ended_at is not None and ended.ended_at >= ended.created_at
    assert await ledger.unfinished() == []


async def test_everything_is_there_after_it_is_opened_again(tmp_path: Path) -> None:
    first = Ledger(tmp_path)
    made = await first.create("c", Path("/caf\udce9"), [])
    await first.add(made.id, [Item(b"caf\xe9", ItemState.PENDING)])
    second = Ledger(tmp_path)  # as after a SIGKILL: the first was not closed
    assert await second.unfinished() == [made]
    assert await second.pending(made.id, b"", 9) == [b"caf\xe9"]
    await first.close()
    await second.close()


async def test_a_cancelled_import_only_ends(ledger: Ledger) -> None:
    made = await ledger.create("c", FOLDER, [])
    await ledger.move(made.id, State.CANCELLING)
    await ledger.move(made.id, State.IMPORTING)
    assert (await ledger.get(made.id)).state is State.CANCELLING
    await ledger.move(made.id, State.CANCELLED)
    assert (await ledger.get(made.id)).state is State.CANCELLED


async def test_retrying_takes_what_failed_last(ledger: Ledger) -> None:
    with pytest.raises(NotFound):
        await ledger.retry("c", FOLDER, [])
    other = await ledger.create("d", FOLDER, [])
    await ledger.add(other.id, [Item(b"x.jpg", ItemState.FAILED, "of another collection")])
    for failed in ("0.jpg", "1.jpg"):
        made = await ledger.create("c", FOLDER, ["t"])
        await ledger.add(made.id, PENDING)
        await ledger.settle(made.id, [Item(failed.encode(), ItemState.FAILED, "why")])
        await ledger.move(made.id, State.DONE)
    again = await ledger.retry("c", FOLDER, [])
    assert (again.state, again.tags) == (State.IMPORTING, ("t",))
    assert await ledger.pending(again.id, b"", 9) == [b"1.jpg"]
    assert (await ledger.retry("c", FOLDER, ["u"])).tags == ("u",)


async def test_pages_and_tenants(tmp_path: Path, ledger: Ledger) -> None:
    made = [(await ledger.create("c", FOLDER, [])).id for _ in range(5)]
    assert [each.id for each in await ledger.list(2)] == [made[4], made[3]]
    assert [each.id for each in await ledger.list(9, made[3])] == [made[2], made[1], made[0]]
    await ledger.add(made[0], PENDING)
    await ledger.delete(made[0])
    with pytest.raises(NotFound):
        await ledger.get(made[0])
    assert await ledger.pending(made[0], b"", 9) == []
    stranger = Ledger(tmp_path, "other")
    assert await stranger.list(9) == [] == await stranger.unfinished()
    with pytest.raises(NotFound):
        await stranger.get(made[1])
    await stranger.delete(made[1])
    await stranger.close()
    assert (await ledger.get(made[1])).id == made[1]


def test_a_file_that_is_none_of_ours_is_said(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"no database, but text that is long enough to be one" * 20)
    with pytest.raises(SchemaMismatch, match="Move that file away"):
        Ledger(tmp_path)
    (tmp_path / FILE).unlink()
    with sqlite3.connect(tmp_path / FILE) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(SchemaMismatch, match="version 99"):
        Ledger(tmp_path)


async def test_a_full_disk_is_said_and_keeps_what_was_there(ledger: Ledger) -> None:
    made = await ledger.create("c", FOLDER, [])
    ledger._thread.submit(lambda: ledger._connection.execute("PRAGMA max_page_count = 12")).result()
    with pytest.raises(StorageFull):
        await ledger.add(made.id, [Item(b"x" * 500 + str(n).encode(), ItemState.PENDING) for n in range(1000)])
    assert (await ledger.summary(made.id)).pending == 0
    assert (await ledger.get(made.id)).id == made.id
