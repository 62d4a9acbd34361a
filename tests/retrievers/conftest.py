"""The stores under contract, each empty."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from retrievers.lance_store import LanceStore
from retrievers.memory_store import MemoryStore
from retrievers.protocols import ImageStore, Store
from tests.retrievers.store_rows import DOT, made


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
