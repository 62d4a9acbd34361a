"""LanceDB against the in-memory oracle: any sequence of calls gives the same answers."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from retrievers.lance_store import LanceStore
from retrievers.memory_store import MemoryStore
from retrievers.protocols import ImageStore
from tests.retrievers.filter_cases import rendered, trees
from tests.retrievers.store_rows import DOT, ids_of, repeating, row, rows
from thresher.errors import InvalidInput, NotFound
from thresher.types import Filter, ImageChange

Result = TypeVar("Result")

PHOTOGRAPHS = 12
IDS = ids_of(rows(PHOTOGRAPHS))
numbers = st.integers(0, PHOTOGRAPHS - 1)
words = st.sampled_from(["a", "b", "it's", "' OR true --", "é", "%"])
days = st.integers(0, 5).map(lambda day: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(days=day))
filters = st.builds(
    Filter,
    ids=st.none() | st.lists(st.sampled_from(IDS), max_size=8).map(tuple),
    tags=st.lists(words, max_size=2).map(tuple),
    excluded_tags=st.lists(words, max_size=1).map(tuple),
    after=st.none() | days,
    before=st.none() | days,
    min_width=st.sampled_from([0, 0, 105]),
    path_prefix=st.sampled_from(["", "", "a", "it's/"]),
    expression=st.just("") | trees.map(rendered),
)
some_words = st.lists(words, max_size=2).map(tuple)
changes = st.builds(
    ImageChange,
    id=st.sampled_from(IDS),
    add_paths=some_words,
    remove_paths=some_words,
    add_tags=some_words,
    remove_tags=some_words,
)


@st.composite
def given_rows(draw: st.DrawFn) -> Any:
    """A photograph is the same whenever it comes, but for its paths and tags."""
    number = draw(numbers)
    paths = tuple(f"{word}/{number}" for word in draw(st.lists(words, min_size=1, max_size=2)))
    taken_at = None if number % 3 == 0 else datetime(2020, 1, 1 + number % 5, tzinfo=UTC)
    made = row(number, paths=paths, tags=tuple(draw(st.lists(words, max_size=2))), taken_at=taken_at)
    return repeating(made, of=number // 4, bits=number % 4, turn=number % 4 / 50) if number % 4 else made


class StoreMachine(RuleBasedStateMachine):
    """`cache_bytes` lets a few columns be held: with many photographs some fall out again."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        self.cache_bytes = 0

    def run(self, call: Coroutine[Any, Any, Result]) -> Result:
        return self.loop.run_until_complete(call)

    def open(self) -> ImageStore:
        self.store = LanceStore(Path(self.folder.name), cache_bytes=self.cache_bytes)
        return self.run(self.store.open("c", DOT))

    @initialize(cache_bytes=st.sampled_from([0, 300, 9000, 1 << 20]))
    def begin(self, cache_bytes: int) -> None:
        self.cache_bytes = cache_bytes
        oracle = MemoryStore()
        self.run(oracle.create("c", DOT))
        self.oracle = self.run(oracle.open("c", DOT))
        self.run(LanceStore(Path(self.folder.name)).create("c", DOT))
        self.images = self.open()

    def both(self, name: str, *arguments: Any) -> tuple[Any, Any]:
        found = []
        for images in (self.images, self.oracle):
            try:
                found.append(self.run(getattr(images, name)(*arguments)))
            except (InvalidInput, NotFound) as error:
                found.append(type(error))
        return found[0], found[1]

    @rule(batch=st.lists(given_rows(), max_size=5))
    def add(self, batch: Any) -> None:
        self.both("add", batch)

    @rule(given=st.lists(changes, max_size=4))
    def change(self, given: list[ImageChange]) -> None:
        found, expected = self.both("change", given)
        assert found == expected

    @rule(number=numbers)
    def delete(self, number: int) -> None:
        found, expected = self.both("delete", IDS[number])
        assert found == expected

    @rule()
    def reopen(self) -> None:
        self.run(self.store.close())
        self.images = self.open()

    @rule()
    def compact(self) -> None:
        self.run(self.store._open["c"].upkeep.run())

    @rule(number=numbers)
    def content(self, number: int) -> None:
        found, expected = self.both("content", IDS[number])
        assert found == expected

    @rule(where=filters, limit=st.integers(0, 6), after=st.sampled_from(["", *IDS[:3]]))
    def list(self, where: Filter, limit: int, after: str) -> None:
        found, expected = self.both("list", where, limit, after)
        assert found == expected

    @rule(where=filters, seed=st.integers(0, 3))
    def scores(self, where: Filter, seed: int) -> None:
        queries = np.random.default_rng(seed).normal(size=(2, DOT.dim)).astype(np.float32)
        found, expected = self.both("scores", queries, where)
        assert found.ids == expected.ids
        np.testing.assert_allclose(found.values, expected.values, rtol=1e-4, atol=1e-5)

    @rule(where=filters, seed=st.integers(0, 3), limit=st.integers(1, 5))
    def search(self, where: Filter, seed: int, limit: int) -> None:
        query = np.random.default_rng(seed).normal(size=4).astype(np.float32)
        found, expected = self.both("search", query, where, limit, "appearance")
        assert [hit.record for hit in found] == [hit.record for hit in expected]
        np.testing.assert_allclose([hit.score for hit in found], [hit.score for hit in expected], atol=1e-5)

    @invariant()
    def the_same_photographs(self) -> None:
        if not hasattr(self, "images"):
            return
        found, expected = self.both("get", IDS)
        assert found == expected
        assert self.both("missing", IDS)[0] == self.both("missing", IDS)[1]
        assert self.both("groups", IDS)[0] == {key: one.group for key, one in expected.items() if one.group}
        assert self.images.collection.image_count == self.oracle.collection.image_count
        found, expected = self.both("proposals", IDS)
        assert {key: value.concepts.tolist() for key, value in found.items()} == {
            key: value.concepts.tolist() for key, value in expected.items()
        }

    def teardown(self) -> None:
        if hasattr(self, "images"):
            self.run(self.store.close())
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()
        self.folder.cleanup()


TestStoreAgainstOracle = StoreMachine.TestCase
TestStoreAgainstOracle.settings = settings(
    max_examples=60, stateful_step_count=30, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
