"""LanceDB with indexes and upkeep against the in-memory oracle: every kind of search, whatever happened before."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from retrievers.lance_store import LanceStore
from retrievers.memory_store import MemoryStore
from retrievers.protocols import ImageStore
from tests.retrievers.store_rows import DOT, row, with_features
from tests.retrievers.test_store_oracle import IDS, PHOTOGRAPHS, StoreMachine, days, filters, numbers
from thresher.types import FdeSpec, Filter, ImageRow, IndexSpec, Patches

PATCHED = replace(DOT, id="fake-patches", patch_dim=8)
SPEC = IndexSpec(FdeSpec(2, 2, 4, 16, 0), vector_rows=4, unindexed_rows=3, commits=5, patience=0.01)
CAPTIONS = ("", "a dog on the beach", "two dogs", "STOP", "the beach at night")
TEXTS = ("dog", "beach night", "stop", "b", "it's é", "nothing of it")


def unit(shape: tuple[int, ...], *seed: int) -> Any:
    values = np.random.default_rng(seed).normal(size=shape)
    return values / np.linalg.norm(values, axis=-1, keepdims=True)


def patched(number: int, **record: Any) -> ImageRow:
    """0 to 2 patches, and a caption."""
    count = number % 3
    patches = Patches(unit((count, 8), 1, number).astype(np.float16), np.full((count, 4), number, np.float32))
    return with_features(row(number, caption=CAPTIONS[number % len(CAPTIONS)], **record), patches=patches)


class IndexedMachine(StoreMachine):
    """Everything that `StoreMachine` does, with indexes from four rows on, and the other searches."""

    def open(self) -> ImageStore:
        self.store = LanceStore(Path(self.folder.name), cache_bytes=self.cache_bytes)
        return self.run(self.store.open("c", PATCHED))

    @initialize(cache_bytes=st.sampled_from([0, 0, 300, 1 << 20]))
    def begin(self, cache_bytes: int) -> None:
        self.cache_bytes = cache_bytes
        oracle = MemoryStore()
        self.run(oracle.create("c", PATCHED, indexes=SPEC))
        self.oracle = self.run(oracle.open("c", PATCHED))
        self.run(LanceStore(Path(self.folder.name)).create("c", PATCHED, indexes=SPEC))
        self.images = self.open()

    @rule(batch=st.lists(st.builds(patched, numbers, taken_at=st.none() | days), min_size=1, max_size=6))
    def add(self, batch: Any) -> None:
        self.both("add", batch)

    @rule()
    def settle(self) -> None:
        self.run(self.store._open["c"].upkeep.settled())

    @rule(
        number=numbers,
        where=filters,
        limit=st.sampled_from([1, 3, 10**9]),
        field=st.sampled_from(["vector", "colours"]),
    )
    def search_by(self, number: int, where: Filter, limit: int, field: str) -> None:
        query = unit((DOT.dim if field == "vector" else 64,), 2, number)
        found, expected = self.both("search", query, where, limit, field)
        if field == "vector":
            assert [hit.record for hit in found] == [hit.record for hit in expected]
        np.testing.assert_allclose([hit.score for hit in found], [hit.score for hit in expected], atol=1e-5)

    @rule(number=numbers, where=filters, limit=st.sampled_from([1, 3, 10**9]))
    def search_patches(self, number: int, where: Filter, limit: int) -> None:
        found, expected = self.both("search_patches", unit((1 + number % 9, 8), 3, number), where, limit)
        assert [hit.record for hit in found] == [hit.record for hit in expected]
        np.testing.assert_allclose([hit.score for hit in found], [hit.score for hit in expected], rtol=1e-3, atol=1e-4)

    @rule(text=st.sampled_from(TEXTS), where=filters)
    def search_text(self, text: str, where: Filter) -> None:
        found, expected = self.both("search_text", text, where, PHOTOGRAPHS)
        assert {hit.record.id for hit in found} == {hit.record.id for hit in expected}

    @rule(field=st.sampled_from(["vector", "appearance"]))
    def vectors(self, field: str) -> None:
        found, expected = self.both("vectors", IDS, field)
        assert found.keys() == expected.keys()
        for image_id, vector in found.items():
            np.testing.assert_allclose(vector, expected[image_id], rtol=1e-5)


TestIndexedAgainstOracle = IndexedMachine.TestCase
TestIndexedAgainstOracle.settings = settings(
    max_examples=25, stateful_step_count=25, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
