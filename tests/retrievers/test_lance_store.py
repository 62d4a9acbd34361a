"""What only the store on disk can get wrong: commits and the cache, killed and full disks, other versions."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from retrievers import lance_images, lance_store, schema
from retrievers import rows as rows_module
from retrievers.failures import translated
from retrievers.lance_images import LanceImageStore
from retrievers.lance_store import LanceStore
from retrievers.scoring import best
from tests.retrievers.store_rows import DOT, ids_of, row, rows
from thresher.errors import InternalError, NotFound, SchemaMismatch, StorageFull
from thresher.types import Filter, ImageChange, IndexSpec

ALL = Filter()
QUERY = np.ones((1, DOT.dim), np.float32)


async def made(folder: Path, name: str = "c") -> LanceImageStore:
    store = LanceStore(folder)
    await store.create(name, DOT)
    return await store.open(name, DOT)


async def reopened(folder: Path, name: str = "c") -> LanceImageStore:
    return await LanceStore(folder).open(name, DOT)


# --- writers and readers beside each other ---


async def test_writers_that_do_not_know_of_each_other_make_no_duplicates(tmp_path: Path) -> None:
    await made(tmp_path)
    writers = [await reopened(tmp_path) for _ in range(6)]
    for images in writers:
        assert await images.count(ALL) == 0  # it has read: it does not see what follows
    await asyncio.gather(*(images.add(rows(20)) for images in writers))
    found = await reopened(tmp_path)
    assert await found.ids(ALL) == tuple(sorted(ids_of(rows(20))))
    assert await found._table.table.count_rows() == 20


async def test_readers_see_whole_commits_while_photographs_arrive(tmp_path: Path) -> None:
    images = await made(tmp_path)
    batches = [rows(5, first=5 * number) for number in range(12)]

    async def write() -> None:
        for batch in batches:
            await images.add(batch)

    writing = asyncio.create_task(write())
    seen = set()
    while not writing.done():
        scores = await images.scores(QUERY, ALL)
        assert len(scores.ids) % 5 == 0
        assert await images.get(scores.ids) == {
            each.record.id: each.record for batch in batches for each in batch if each.record.id in scores.ids
        }
        seen.add(len(scores.ids))
    await writing
    assert len(seen) > 2


async def test_a_cancelled_upload_still_finishes_its_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = await made(tmp_path)
    begun, go_on = threading.Event(), threading.Event()

    def slow(*arguments: Any) -> Any:
        begun.set()
        assert go_on.wait(30)
        return rows_module.arrow_table(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(lance_images, "arrow_table", slow)
        adding = asyncio.create_task(images.add(rows(4)))
        await asyncio.to_thread(begun.wait, 30)
        adding.cancel()
        with pytest.raises(asyncio.CancelledError):
            await adding
        go_on.set()
    await images.add(rows(1, first=50))
    expected = tuple(sorted(ids_of(rows(4) + rows(1, first=50))))
    assert await images.ids(ALL) == expected
    assert await (await reopened(tmp_path)).ids(ALL) == expected


async def test_a_commit_while_a_column_is_read_is_not_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await (await made(tmp_path)).add(rows(10))
    images = await reopened(tmp_path)
    load = images._table._load
    late = rows(1, first=10)

    async def interrupted(name: Any) -> Any:
        column = await load(name)
        if late:
            await images.add([late.pop()])
        return column

    monkeypatch.setattr(images._table, "_load", interrupted)
    scores = await images.scores(QUERY, ALL)
    by_id = {each.record.id: float(each.features.vector.sum()) for each in rows(11)}
    assert set(scores.ids) == by_id.keys()
    np.testing.assert_allclose(scores.values[0], [by_id[image_id] for image_id in scores.ids], rtol=1e-4)


async def test_after_a_commit_of_unknown_end_the_store_looks_what_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = await made(tmp_path)
    await images.add(rows(2))
    await images.scores(QUERY, ALL)

    def lost(*_: Any) -> None:
        raise RuntimeError("the connection to the disk was lost")

    with monkeypatch.context() as patch:
        patch.setattr(images._table.cache.__class__, "append", lost)
        with pytest.raises(InternalError, match="connection to the disk"):
            await images.add(rows(3, first=2))
    assert await images.ids(ALL) == tuple(sorted(ids_of(rows(5))))
    await images.add(rows(6))
    assert await images.count(ALL) == 6
    assert len((await images.scores(QUERY, ALL)).ids) == 6


async def test_fragments_are_merged_and_old_versions_dropped(tmp_path: Path) -> None:
    store = LanceStore(tmp_path)
    await store.create("c", DOT, indexes=IndexSpec(commits=8))
    images = await store.open("c", DOT)
    for number in range(20):
        await images.add([row(number, size=20_000)])
        await images.change([ImageChange(ids_of([row(number, size=20_000)])[0], add_paths=("again",))])
    given = [row(number, size=20_000) for number in range(20)]
    for each in given:
        assert await images.content(each.record.id) == each.content
    await images._table.upkeep.settled()
    await images._table.close()
    assert len(list((tmp_path / "tenants/default/c.lance/_versions").glob("*.manifest"))) < 10
    again = await reopened(tmp_path)
    assert await again.ids(ALL) == tuple(sorted(ids_of(given)))
    for each in given:
        assert await again.content(each.record.id) == each.content


async def test_bytes_are_read_beside_a_writer_that_moves_them(tmp_path: Path) -> None:
    images = await made(tmp_path)
    given = [row(number, size=3000) for number in range(6)]
    await images.add(given)

    async def write() -> None:
        for number in range(10):
            await images.add([replace(each, record=replace(each.record, paths=(f"{number}",))) for each in given[:3]])
            await images._table.upkeep.run()

    writing = asyncio.create_task(write())
    read = 0
    while not writing.done():
        for each in given:
            assert await images.content(each.record.id) == each.content
            read += 1
    await writing
    assert read > 6


async def test_damaged_bytes_are_not_handed_out(tmp_path: Path) -> None:
    images = await made(tmp_path)
    given = row(1, size=150_000)
    await images.add([given])
    (blob,) = (tmp_path / "tenants/default/c.lance/data").rglob("*.blob")
    blob.write_bytes(b"\0" * blob.stat().st_size)
    with pytest.raises(InternalError):
        await images.content(given.record.id)


async def test_what_does_not_fit_into_memory_makes_room_for_another_collection(tmp_path: Path) -> None:
    store = LanceStore(tmp_path, cache_bytes=3000)
    opened = []
    for name in ("a", "b"):
        await store.create(name, DOT)
        opened.append(await store.open(name, DOT))
        await opened[-1].add(rows(100))
    for images in (*opened, *opened):
        scores = await images.scores(QUERY, ALL)
        assert len(scores.ids) == 100
        held = ["vector" in each._table.cache for each in opened]
        assert held == [images is each for each in opened]
    assert len(await opened[0].get(ids_of(rows(100)))) == 100  # records are larger than all there is
    assert "record" not in opened[0]._table.cache


# --- killed ---

WRITER = """
import asyncio, sys
from pathlib import Path
from tests.retrievers.store_rows import DOT, ids_of, row
from retrievers.lance_store import LanceStore
from retrievers.scoring import best

async def main():
    store = LanceStore(Path(sys.argv[1]))
    images = await store.open("c", DOT)
    for batch in range(1000):
        given = [row(1000 * batch + number, size=4000) for number in range(5)]
        given.append(row(1000 * batch + 5, size=100_000))
        await images.add(given)
        print(*ids_of(given), flush=True)

asyncio.run(main())
"""


def killed_while_writing(folder: Path, after: int) -> set[str]:
    """Acknowledged ids of a writer that gets SIGKILL once `after` batches are acknowledged, the next under way."""
    paths = [str(Path(__file__).parent), str(Path(__file__).parents[2])]
    process = subprocess.Popen(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {paths!r}\n{WRITER}", str(folder)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(after)]
    process.kill()
    lines += process.stdout.readlines()
    process.wait()
    process.stdout.close()
    assert process.returncode == -9
    return {image_id for line in lines if line.endswith("\n") for image_id in line.split()}


async def test_a_killed_writer_loses_nothing_acknowledged_and_leaves_nothing_half(tmp_path: Path) -> None:
    await made(tmp_path)
    acknowledged: set[str] = set()
    for after in (1, 3):
        acknowledged |= killed_while_writing(tmp_path, after)
        images = await reopened(tmp_path)
        records = await images.list(ALL, 10_000)
        stored = [record.id for record in records]
        assert len(stored) == len(set(stored))
        assert acknowledged <= set(stored)
        assert len(stored) % 6 == 0
        for record in records:  # content() checks the bytes against the hash
            assert len(await images.content(record.id)) == record.size_bytes
        assert len((await images.scores(QUERY, ALL)).ids) == len(stored) == len(await images.proposals(stored))


@pytest.mark.parametrize("doing", ["create", "delete"])
async def test_a_collection_is_there_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, doing: str
) -> None:
    store = LanceStore(tmp_path)
    if doing == "delete":
        await store.create("c", DOT)
        await (await store.open("c", DOT)).add(rows(2))

    class Killed(BaseException):
        pass

    def killed(*_: Any, **__: Any) -> None:
        raise Killed

    if doing == "create":
        monkeypatch.setattr(Path, "rename", killed)
    monkeypatch.setattr(lance_store.shutil, "rmtree", killed)
    with pytest.raises(Killed):
        await (store.create("c", DOT) if doing == "create" else store.delete("c"))
    monkeypatch.undo()
    again = LanceStore(tmp_path)
    assert await again.list() == []
    assert [path.name for path in (tmp_path / "tenants/default").iterdir()] == [".scratch"]
    assert list((tmp_path / "tenants/default/.scratch").iterdir()) == []
    await again.create("c", DOT)
    assert await (await again.open("c", DOT)).count(ALL) == 0


# --- other versions, tenants, full disks ---


async def test_a_collection_of_another_schema_version_is_named_but_not_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lance_store, "SCHEMA_VERSION", schema.SCHEMA_VERSION + 1)
    await LanceStore(tmp_path).create("c", DOT)
    monkeypatch.undo()
    store = LanceStore(tmp_path)
    assert [collection.schema_version for collection in await store.list()] == [schema.SCHEMA_VERSION + 1]
    with pytest.raises(SchemaMismatch) as error:
        await store.open("c", DOT)
    assert "Update" in error.value.hint
    await store.delete("c")
    assert await store.list() == []


async def test_tenants_do_not_see_each_other(tmp_path: Path) -> None:
    images = await made(tmp_path)
    await images.add(rows(1))
    other = LanceStore(tmp_path, tenant="other")
    assert await other.list() == []
    with pytest.raises(NotFound):
        await other.open("c", DOT)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 4 MiB."""
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(tmp_path)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("mounting a small disk needs root")
    try:
        yield tmp_path
    finally:
        subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)


@pytest.mark.skipif(sys.platform != "linux", reason="mounts a tmpfs")
async def test_a_full_disk_says_so_and_keeps_what_was_stored(small_disk: Path) -> None:
    images = await made(small_disk)
    stored: list[str] = []
    with pytest.raises(StorageFull) as error:
        for number in range(100):
            given = row(number, size=200_000)
            await images.add([given])
            stored.append(given.record.id)
    assert error.value.hint
    assert len(stored) > 5
    for found in (images, await reopened(small_disk)):
        assert set(stored) == set(await found.ids(ALL))
        for image_id in stored:
            assert len(await found.content(image_id)) == 200_000


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OSError(28, "No space left on device"), StorageFull),
        (OSError(122, "Disk quota exceeded"), StorageFull),
        (
            RuntimeError("lance error: LanceError(IO): No space left on device (os error 28), /rustc/x.rs:1"),
            StorageFull,
        ),
        (RuntimeError("lance error: Commit conflict, /rustc/x.rs:1"), InternalError),
        (ValueError("os error 280"), InternalError),
        (NotFound("x"), NotFound),
    ],
)
def test_foreign_errors_become_ours(tmp_path: Path, error: Exception, expected: type[Exception]) -> None:
    with pytest.raises(expected) as raised, translated("do it", tmp_path):
        raise error
    assert "/rustc" not in str(raised.value)


@pytest.mark.parametrize(("free", "expected"), [(1000, StorageFull), (10 << 30, InternalError)])
def test_a_write_that_fails_on_a_disk_without_room_means_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, expected: type[Exception]
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=free))
    with pytest.raises(expected), translated("store photographs", tmp_path, size=300_000):
        raise ValueError("Invalid input, Packed blob range [0, 300000) exceeds blob object size 180224")
    with pytest.raises(InternalError), translated("read a photograph", tmp_path):
        raise ValueError("Invalid input")


def test_equal_scores_keep_their_order() -> None:
    ids = [f"{number:03}" for number in range(200)]
    values = np.array([number % 2 for number in range(200)], np.float32)
    assert [image_id for image_id, _ in best(ids, values, 120)] == ids[1::2] + ids[0:40:2]
