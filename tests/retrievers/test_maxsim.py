from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from retrievers.maxsim import VectorSets, maxsim, widened

DIM = 12


def plain(queries: NDArray[np.float32], document: NDArray[np.float16] | NDArray[np.float32]) -> float:
    if not len(document):
        return -np.inf
    return sum(max(float(np.dot(query, vector)) for vector in document.astype(np.float32)) for query in queries)


def documents(
    random: np.random.Generator, lengths: list[int], kind: type
) -> list[NDArray[np.float16] | NDArray[np.float32]]:
    return [random.standard_normal((length, DIM)).astype(kind) for length in lengths]


@settings(deadline=None, max_examples=60)
@given(
    lengths=st.lists(st.integers(0, 9), max_size=40) | st.integers(1, 9).map(lambda size: [size] * 30),
    queries=st.integers(1, 40),
    kind=st.sampled_from((np.float16, np.float32)),
    block=st.sampled_from((1, 8, 1 << 12)),
    seed=st.integers(0, 99),
)
def test_equals_the_definition(lengths: list[int], queries: int, kind: type, block: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    given_ = documents(random, lengths, kind)
    query = random.standard_normal((queries, DIM)).astype(np.float32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("retrievers.maxsim._BLOCK_VECTORS", block)
        scores = maxsim(query, VectorSets.of(given_, DIM))
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, [plain(query, each) for each in given_], rtol=1e-4, atol=1e-4)


def test_equal_sizes_are_the_same_as_sets() -> None:
    random = np.random.default_rng(0)
    cube = random.standard_normal((50, 5, DIM)).astype(np.float32)
    query = random.standard_normal((7, DIM)).astype(np.float32)
    np.testing.assert_array_equal(maxsim(query, VectorSets.equal(cube)), maxsim(query, VectorSets.of(list(cube), DIM)))


@settings(deadline=None)
@given(lengths=st.lists(st.integers(0, 5), min_size=1, max_size=20), data=st.data())
def test_take_keeps_the_order_asked_for(lengths: list[int], data: st.DataObject) -> None:
    sets = documents(np.random.default_rng(1), lengths, np.float16)
    places = np.array(data.draw(st.lists(st.integers(0, len(sets) - 1), max_size=30)), np.int64)
    taken = VectorSets.of(sets, DIM).take(places)
    expected = VectorSets.of([sets[place] for place in places], DIM)
    np.testing.assert_array_equal(taken.vectors, expected.vectors)
    np.testing.assert_array_equal(taken.offsets, expected.offsets)


def test_every_finite_half_is_widened_exactly() -> None:
    values = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    values = values[np.isfinite(values)]
    np.testing.assert_array_equal(widened(values).view(np.uint32), values.astype(np.float32).view(np.uint32))


def test_no_array_of_all_products_is_made() -> None:
    """The largest array has the size of a block, however many documents there are."""
    sets = VectorSets.equal(np.zeros((20_000, 16, DIM), np.float16))
    query = np.zeros((32, DIM), np.float32)
    tracemalloc.start()
    maxsim(query, sets)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000 * 16 * 32 * 4 / 8
