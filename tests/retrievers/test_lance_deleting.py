"""Collections that are deleted: damaged ones, and ones that are being written."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from retrievers import lance_images
from retrievers import rows as rows_module
from retrievers.lance_store import LanceStore
from tests.retrievers.store_rows import DOT, rows
from thresher.errors import NotFound
from thresher.types import Filter

ALL = Filter()


async def test_a_damaged_collection_is_left_out_and_can_be_deleted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = LanceStore(tmp_path)
    await store.create("c", DOT)
    junk = tmp_path / "tenants" / "default" / "junk.lance"
    junk.mkdir()
    (junk / "data").write_bytes(b"garbage")
    (junk.parent / "No Name.lance").mkdir()
    assert [each.name for each in await store.list()] == ["c"]
    assert "junk" in caplog.text
    await store.delete("junk")
    assert not junk.exists()
    with pytest.raises(NotFound):
        await store.delete("junk")


async def test_a_deletion_waits_for_a_write_and_nobody_else_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = LanceStore(tmp_path)
    for name in ("c", "other"):
        await store.create(name, DOT)
    images = await store.open("c", DOT)
    begun, go_on = threading.Event(), threading.Event()

    def slow(*arguments: Any) -> Any:
        begun.set()
        assert go_on.wait(30)
        return rows_module.arrow_table(*arguments)

    monkeypatch.setattr(lance_images, "arrow_table", slow)
    adding = asyncio.create_task(images.add(rows(4)))
    await asyncio.to_thread(begun.wait, 30)
    deleting = asyncio.create_task(store.delete("c"))
    await asyncio.sleep(0.05)
    async with asyncio.timeout(5):
        await store.open("other", DOT)
        for call in (store.open("c", DOT), store.delete("c"), images.count(ALL), images.add(rows(1))):
            with pytest.raises(NotFound):
                await call
        assert [each.name for each in await store.list()] == ["other"]
    assert not deleting.done()
    go_on.set()
    await asyncio.gather(adding, deleting)
    assert [path.name for path in (tmp_path / "tenants" / "default").glob("*.lance")] == ["other.lance"]
    await store.create("c", DOT)
    assert await (await store.open("c", DOT)).count(ALL) == 0
