from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from retrievers.memory_store import MemoryStore
from tests.server.fakes import Bench, make_settings, serving
from thresher.client import Client


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
async def bench(tmp_path: Path, store: MemoryStore) -> AsyncIterator[Bench]:
    async with serving(make_settings(tmp_path), store) as bench:
        yield bench


@pytest.fixture
async def client(bench: Bench) -> AsyncIterator[Client]:
    async with Client(bench.address, timeout=10) as client:
        yield client
