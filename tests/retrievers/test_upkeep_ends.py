"""How a table's upkeep ends: killed, deleted meanwhile, or never begun since the table is of another version."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import lancedb
import pyarrow as pa
import pytest

from retrievers.lance_store import LanceStore
from retrievers.schema import SCHEMA_VERSION
from tests.retrievers.store_rows import DOT, ids_of, row, rows
from tests.retrievers.test_upkeep import ALL, Gate, best, made, nearest
from thresher.errors import NotFound, SchemaMismatch

WRITER = """
import asyncio, sys
from pathlib import Path
from tests.retrievers.store_rows import DOT, ids_of, rows
from retrievers.lance_store import LanceStore

async def main():
    images = await LanceStore(Path(sys.argv[1]), cache_bytes=0).open("c", DOT)

    async def passes():
        while True:
            print("pass", flush=True)
            async with images._table.upkeep._passing:
                for column in ("vector", "appearance"):
                    await images._table.upkeep._build(column)
            await images._table.upkeep.run()

    async def writes(first):
        while True:
            given = rows(5, first=first)
            first += 5
            await images.add(given)
            print(*ids_of(given), flush=True)

    await asyncio.gather(passes(), writes(int(sys.argv[2])))

asyncio.run(main())
"""


def killed_in_upkeep(folder: Path, first: int, delay: float) -> set[str]:
    """Acknowledged ids of a writer that gets SIGKILL `delay` seconds after its second pass of upkeep began."""
    paths = [str(Path(__file__).parents[2])]
    process = subprocess.Popen(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {paths!r}\n{WRITER}", str(folder), str(first)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    lines: list[str] = []
    while lines.count("pass\n") < 2:
        lines.append(process.stdout.readline())
        assert lines[-1], "the writer ended by itself"
        assert len(lines) < 2000, "it makes no passes"
    time.sleep(delay)
    process.kill()
    lines += process.stdout.readlines()
    process.wait()
    process.stdout.close()
    assert process.returncode == -9
    return {image_id for line in lines if line.endswith("\n") and line != "pass\n" for image_id in line.split()}


async def test_a_kill_in_upkeep_loses_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    store, images = await made(tmp_path)
    await images.add(rows(60))
    await store.close()
    acknowledged = set(ids_of(rows(60)))
    for number, delay in enumerate((0.0, 0.07)):
        acknowledged |= killed_in_upkeep(tmp_path, 1000 * (number + 1), delay)
        store = LanceStore(tmp_path, cache_bytes=0)
        images = await store.open("c", DOT)
        stored = await images.ids(ALL)
        assert len(stored) == len(set(stored))
        assert acknowledged <= set(stored)
        known = {each.record.id: each for each in rows(3000)}
        among = [known[image_id] for image_id in stored]
        for like in (row(3), row(1003)):
            assert await best(images, like) == nearest(among, like)
        await images._table.upkeep.run()
        for like in (row(3), row(1003)):
            assert await best(images, like) == nearest(among, like)
        segments = sum(each.num_segments for each in await images._table.table.list_indices())
        folders = (tmp_path / "tenants/default/c.lance/_indices").iterdir()
        assert sum(any(path.iterdir()) for path in folders) == segments
        await store.close()


async def test_a_collection_is_deleted_while_its_index_is_built(tmp_path: Path) -> None:
    store, images = await made(tmp_path)
    upkeep = images._table.upkeep
    gate = Gate(upkeep._table, "create_index")
    upkeep._table = gate
    await images.add(rows(60))
    async with asyncio.timeout(60):
        await gate.begun.wait()
        await store.delete("c")
    for call in (images.count(ALL), best(images, row(1)), images.add(rows(1)), store.open("c", DOT)):
        with pytest.raises(NotFound):
            await call
    assert not (tmp_path / "tenants/default/c.lance").exists()
    await store.create("c", DOT)
    assert await (await store.open("c", DOT)).count(ALL) == 0


async def test_a_collection_of_the_first_schema_is_named_left_alone_and_can_be_deleted(tmp_path: Path) -> None:
    store, images = await made(tmp_path)
    await images.add(rows(3))
    columns = [pa.field("id", pa.string(), nullable=False), pa.field("vector", pa.list_(pa.float32(), DOT.dim))]
    about = {
        "schema_version": 1,
        "display_name": "",
        "created_at": datetime.now(UTC).isoformat(),
        "encoder": {key: value for key, value in asdict(DOT).items() if key != "patch_dim"},
    }
    schema = pa.schema(columns, metadata={"thresher.collection": json.dumps(about)})
    old = await lancedb.connect_async(str(tmp_path / "tenants/default"))
    table = await old.create_table("old", schema=schema)
    for number in range(70):
        vectors = pa.array([[0.0] * DOT.dim], columns[1].type)
        await table.add(pa.table({"id": [str(number)], "vector": vectors}, schema=schema))
    version = await table.version()
    assert [(each.name, each.schema_version) for each in await store.list()] == [("c", SCHEMA_VERSION), ("old", 1)]
    with pytest.raises(SchemaMismatch) as error:
        await store.open("old", DOT)
    assert "Import the photographs" in error.value.hint
    await table.checkout_latest()
    assert await table.version() == version
    assert await images.count(ALL) == 3
    await store.delete("old")
    assert [each.name for each in await store.list()] == ["c"]


async def test_nothing_comes_back_of_a_collection_that_is_deleted_in_a_pass(tmp_path: Path) -> None:
    for number in range(4):
        store, images = await made(tmp_path)
        await images.add(rows(300))
        await asyncio.sleep(0.02 * number)
        await store.delete("c")
        await asyncio.sleep(0.1)
        assert not (tmp_path / "tenants/default/c.lance").exists()
