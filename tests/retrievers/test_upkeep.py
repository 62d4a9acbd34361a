"""A table's upkeep: indexes, merges and old versions, beside searches and writes."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from retrievers import upkeep as upkeep_module
from retrievers.lance_images import LanceImageStore
from retrievers.lance_store import LanceStore
from tests.retrievers.store_rows import DOT, ids_of, row, rows
from thresher.types import Filter, ImageChange, ImageRow, IndexSpec

ALL = Filter()
NEVER = 10**6
SPEC = IndexSpec(vector_rows=50, unindexed_rows=NEVER, commits=NEVER)
VECTORS = ("vector", "appearance")


async def made(folder: Path, spec: IndexSpec = SPEC, cache_bytes: int = 0) -> tuple[LanceStore, LanceImageStore]:
    store = LanceStore(folder, cache_bytes=cache_bytes)
    await store.create("c", DOT, indexes=spec)
    return store, await store.open("c", DOT)


async def settled(images: LanceImageStore) -> None:
    await images._table.upkeep.settled()


async def best(images: LanceImageStore, like: ImageRow, where: Filter = ALL) -> list[str]:
    hits = await images.search(like.features.appearance, where, 3, "appearance")
    return [hit.record.id for hit in hits]


def nearest(among: list[ImageRow], like: ImageRow) -> list[str]:
    def cosine(each: ImageRow) -> float:
        return float(each.features.appearance @ like.features.appearance / np.linalg.norm(each.features.appearance))

    return ids_of(sorted(among, key=cosine, reverse=True))[:3]


class Gate:
    """An open table whose method `name` waits before it begins."""

    def __init__(self, table: Any, name: str) -> None:
        self._table, self._name = table, name
        self.begun, self.go_on = asyncio.Event(), asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._table, name)
        if name != self._name:
            return found

        async def gated(*arguments: Any, **options: Any) -> Any:
            self.begun.set()
            await self.go_on.wait()
            return await found(*arguments, **options)

        return gated


# --- what is built, and when ---


async def test_columns_that_memory_does_not_hold_get_an_index(tmp_path: Path) -> None:
    _, images = await made(tmp_path)
    await images.add(rows(49))
    await settled(images)
    assert not any(images._table.has_index(name) for name in VECTORS)
    await images.add(rows(1, first=49))
    await settled(images)
    assert all(images._table.has_index(name) for name in VECTORS)
    assert not images._table.has_index("fde")  # its encoder makes no patch vectors
    assert await best(images, row(7)) == nearest(rows(50), row(7))


async def test_columns_that_memory_holds_need_none(tmp_path: Path) -> None:
    store, images = await made(tmp_path, cache_bytes=1 << 20)
    await images.add(rows(60))
    await images._table.upkeep.run()
    assert not any(images._table.has_index(name) for name in VECTORS)
    await store.close()
    images = await LanceStore(tmp_path, cache_bytes=0).open("c", DOT)  # it looks at the table by itself
    await settled(images)
    assert all(images._table.has_index(name) for name in VECTORS)


async def test_rows_beside_an_index_are_searched_until_it_has_them(tmp_path: Path) -> None:
    store, images = await made(tmp_path)
    await images.add(rows(60))
    await settled(images)
    await images.add(rows(5, first=60))
    first = ids_of(rows(1))[0]
    await images.change([ImageChange(first, add_tags=("new",))])
    await images.delete(ids_of([row(1)])[0])
    left = [row(0), *rows(63, first=2)]
    for indexed in (False, True):
        for like in (row(62), row(0), row(1), row(30)):
            assert await best(images, like) == nearest(left, like)
        assert await best(images, row(40), Filter(tags=("new",))) == [first]
        if not indexed:
            await images._table.upkeep.look()
            found = images._table.upkeep.index("vector")
            assert found is not None and found.unindexed == 6
            await images._table.upkeep.run()
    found = images._table.upkeep.index("vector")
    assert found is not None and (found.name, found.unindexed) == ("vector-60", 0)
    await store.close()


async def test_a_change_of_tags_leaves_the_other_rows_in_the_index_of_text(tmp_path: Path) -> None:
    _, images = await made(tmp_path)
    await images.add(rows(60))
    await settled(images)
    await images.change([ImageChange(ids_of(rows(1))[0], add_tags=("zebra",))])
    await images._table.upkeep.look()
    found = images._table.upkeep.index("document")
    assert found is not None and found.unindexed == 1
    assert [hit.record.id for hit in await images.search_text("zebra", ALL, 5)] == ids_of(rows(1))


async def test_a_table_that_grew_gets_a_new_index_in_the_place_of_the_old(tmp_path: Path) -> None:
    _, images = await made(tmp_path)
    await images.add(rows(50))
    await settled(images)
    await images.add(rows(150, first=50))
    await settled(images)
    names = sorted(each.name for each in await images._table.table.list_indices())
    assert [name for name in names if name.startswith("vector")] == ["vector-200"]
    assert await best(images, row(170)) == nearest(rows(200), row(170))


async def test_an_index_of_many_segments_is_built_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep_module, "_SEGMENTS", 2)
    _, images = await made(tmp_path)
    await images.add(rows(60))
    await settled(images)
    seen = []
    for number in range(4):
        await images.add(rows(5, first=60 + 5 * number))
        await settled(images)
        await images._table.upkeep.run()
        found = images._table.upkeep.index("vector")
        assert found is not None
        seen.append(found.segments)
    assert max(seen) <= 3
    assert found is not None and found.built_rows > 60
    assert await best(images, row(78)) == nearest(rows(80), row(78))


async def test_new_rows_begin_a_pass(tmp_path: Path) -> None:
    _, images = await made(tmp_path, IndexSpec(vector_rows=50, unindexed_rows=20, commits=NEVER))
    await images.add(rows(60))
    await settled(images)
    await images.add(rows(25, first=60))
    await settled(images)
    found = images._table.upkeep.index("vector")
    assert found is not None and found.unindexed == 0


# --- beside searches and writes ---


async def test_nobody_waits_for_an_index_that_is_being_built(tmp_path: Path) -> None:
    _, images = await made(tmp_path)
    upkeep = images._table.upkeep
    gate = Gate(upkeep._table, "create_index")
    upkeep._table = gate
    await images.add(rows(60))
    async with asyncio.timeout(60):
        await gate.begun.wait()
        await images.add(rows(5, first=60))
        await images.change([ImageChange(ids_of(rows(1))[0], add_tags=("new",))])
        await images.delete(ids_of([row(1)])[0])
        assert await best(images, row(62)) == nearest([row(0), *rows(63, first=2)], row(62))
        assert not images._table.has_index("vector")
    gate.go_on.set()
    await settled(images)
    assert images._table.has_index("vector")
    assert await best(images, row(62)) == nearest([row(0), *rows(63, first=2)], row(62))


async def test_everything_is_right_beside_pass_after_pass(tmp_path: Path) -> None:
    _, images = await made(tmp_path)
    kept = {each.record.id: each for each in rows(60)}
    await images.add(list(kept.values()))
    writing = True

    async def passes() -> int:
        count = 0
        while writing:
            await images._table.upkeep.run()
            count += 1
        return count

    async def write() -> None:
        nonlocal writing
        try:
            for number in range(12):
                given = rows(4, first=60 + 4 * number)
                await images.add(given)
                kept.update((each.record.id, each) for each in given)
                await images.change([ImageChange(each.record.id, add_tags=(f"t{number}",)) for each in given[:2]])
                await images.delete(given[3].record.id)
                del kept[given[3].record.id]
                assert await best(images, given[2]) == nearest(list(kept.values()), given[2])
                assert set(await images.ids(Filter(tags=(f"t{number}",)))) == set(ids_of(given[:2]))
                assert await images.content(given[1].record.id) == given[1].content
        finally:
            writing = False

    count, _ = await asyncio.gather(passes(), write())
    assert count > 1
    again = await LanceStore(tmp_path, cache_bytes=0).open("c", DOT)
    assert set(await again.ids(ALL)) == kept.keys()
    assert len(await again._table.table.query().select(["id"]).to_arrow()) == len(kept)


async def test_a_merge_that_loses_twice_is_done_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, images = await made(tmp_path)
    await images.add(rows(3))
    upkeep = images._table.upkeep
    table, alone = upkeep._table, []

    class Losing:
        list_indices = table.list_indices

        async def optimize(self, **options: Any) -> None:
            alone.append(images._table._writing.locked())
            if len(alone) <= 2:
                raise RuntimeError("lance error: Retryable commit conflict for version 3: preempted by ...")
            await table.optimize(**options)

    monkeypatch.setattr(upkeep, "_table", Losing())
    await upkeep.run()
    assert alone == [False, False, True, True]  # the last one drops old versions


async def test_a_pass_that_fails_is_not_tried_with_every_commit(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _, images = await made(tmp_path)
    upkeep = images._table.upkeep
    table, tries = upkeep._table, []

    class Full:
        def __getattr__(self, name: str) -> Any:
            return getattr(table, name)

        async def create_index(self, *_: Any, **__: Any) -> None:
            tries.append(True)
            raise OSError(28, "No space left on device")

    upkeep._table = Full()
    for number in range(4):
        await images.add(rows(60, first=60 * number))
        await settled(images)
    assert len(tries) == 1
    assert "upkeep of collection c stopped" in caplog.text
    assert await best(images, row(62)) == nearest(rows(240), row(62))
    upkeep._table = table
    await upkeep.run()
    assert images._table.has_index("vector")


async def test_old_versions_wait_for_a_read_that_uses_them(tmp_path: Path) -> None:
    _, images = await made(tmp_path, IndexSpec(commits=NEVER, unindexed_rows=NEVER, patience=0.05))
    for number in range(6):
        await images.add(rows(2, first=2 * number))
    versions = tmp_path / "tenants/default/c.lance/_versions"
    async with images._table.reading("read slowly"):
        await images._table.upkeep.run()
        assert len(list(versions.glob("*.manifest"))) > 6
    await images._table.upkeep.run()
    assert len(list(versions.glob("*.manifest"))) <= 2


def test_a_fifth_of_the_partitions_is_searched_and_never_few() -> None:
    assert [upkeep_module.partitions(rows) for rows in (1, 4000, 100_000)] == [1, 2, 50]
    assert [upkeep_module.probes(rows) for rows in (1, 100_000, 1_000_000)] == [10, 10, 100]
