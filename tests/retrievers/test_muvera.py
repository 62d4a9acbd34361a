from __future__ import annotations

from dataclasses import replace
from math import ceil, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from retrievers.maxsim import VectorSets, maxsim
from retrievers.muvera import Muvera
from thresher.types import FdeSpec

DIM = 16
MOST = 8  # vectors of a set


def settings_for(eps: float, delta: float, seed: int) -> FdeSpec:
    """Theorem 2.1 of the paper: k_sim = O(log(m / delta) / eps), d_proj = O(log(m / (eps delta)) / eps^2)."""
    k_sim = ceil(log(2 * MOST / delta) / eps / 2)
    d_proj = ceil(log(2 * MOST / (eps * delta)) / eps**2 / 2)
    return FdeSpec(20, k_sim, d_proj, 20 * d_proj << k_sim, seed)


def unit(values: NDArray[np.float64]) -> NDArray[np.float32]:
    return (values / np.linalg.norm(values, axis=-1, keepdims=True)).astype(np.float32)


def pair(seed: int, queries: int, vectors: int, noise: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A query whose vectors lie about those of the document, and the document."""
    random = np.random.default_rng(seed)
    document = unit(random.standard_normal((vectors, DIM)))
    near = document[random.integers(0, vectors, queries)] + noise / 4 * random.standard_normal((queries, DIM))
    return unit(near), document


def error(spec: FdeSpec, query: NDArray[np.float32], document: NDArray[np.float32]) -> float:
    """Of the estimate of the normalised Chamfer similarity."""
    muvera = Muvera(spec, DIM)
    sets = VectorSets.of([document], DIM)
    estimate = muvera.documents(sets)[0] @ muvera.query(query)
    return float(estimate - maxsim(query, sets)[0]) / len(query)


@settings(deadline=None, max_examples=25, derandomize=True)
@given(st.integers(0, 999), st.integers(1, MOST), st.integers(1, MOST), st.floats(0, 2))
def test_estimates_chamfer(seed: int, queries: int, vectors: int, noise: float) -> None:
    assert abs(error(settings_for(0.5, 0.01, seed), *pair(seed, queries, vectors, noise))) <= 0.5


def test_error_is_within_eps_but_for_delta() -> None:
    """And coarser settings are not: the bound is not an empty one."""
    eps, delta = 0.35, 0.1
    fine = settings_for(eps, delta, 0)
    coarse = replace(fine, k_sim=1, dim=20 * fine.d_proj << 1)
    random = np.random.default_rng(0)
    pairs = [pair(seed, *random.integers(1, MOST + 1, 2), random.uniform(0, 1)) for seed in range(100)]
    outside = {
        spec: np.mean([abs(error(replace(spec, seed=seed), *each)) > eps for seed, each in enumerate(pairs)])
        for spec in (fine, coarse)
    }
    assert outside[fine] <= delta < outside[coarse]


def by_hand(spec: FdeSpec, vectors: NDArray[np.float32], filled: bool) -> NDArray[np.float32]:
    """The definition, cluster by cluster, of one set; before the final projection."""
    muvera = Muvera(spec, DIM)
    parts = []
    for planes, projection in zip(muvera._planes, muvera._projections, strict=True):
        bits = vectors @ planes > 0
        for cluster in range(1 << spec.k_sim):
            wanted = [bool(cluster >> bit & 1) for bit in range(spec.k_sim)]
            differing = (bits != wanted).sum(axis=1)
            members = vectors[differing == 0]
            if len(members):
                value = members.mean(axis=0) if filled else members.sum(axis=0)
            else:
                value = vectors[np.argmin(differing)] if filled else np.zeros(DIM)
            parts.append(value @ projection)
    return np.concatenate(parts).astype(np.float32) / np.sqrt(spec.repetitions)


SMALL = FdeSpec(repetitions=3, k_sim=3, d_proj=5, dim=120, seed=7)


@pytest.mark.parametrize("count", [1, 3, 20])
def test_sums_for_queries_centroids_and_fill_for_documents(count: int) -> None:
    vectors = unit(np.random.default_rng(count).standard_normal((count, DIM)))
    muvera = Muvera(SMALL, DIM)
    np.testing.assert_allclose(muvera.query(vectors), by_hand(SMALL, vectors, filled=False), atol=1e-5)
    document = muvera.documents(VectorSets.of([vectors], DIM))[0]
    np.testing.assert_allclose(document, by_hand(SMALL, vectors, filled=True), atol=1e-5)


def test_documents_are_filled_and_queries_are_not() -> None:
    vector = unit(np.random.default_rng(0).standard_normal((1, DIM)))
    muvera = Muvera(SMALL, DIM)
    blocks = (SMALL.repetitions, 1 << SMALL.k_sim, SMALL.d_proj)
    query = muvera.query(vector).reshape(blocks)
    document = muvera.documents(VectorSets.of([vector], DIM)).reshape(blocks)
    assert (np.any(query != 0, axis=2).sum(axis=1) == 1).all()  # its own cluster alone
    assert np.any(document != 0, axis=2).all()


def test_final_projection_keeps_inner_products_about() -> None:
    spec = FdeSpec(repetitions=10, k_sim=3, d_proj=8, dim=4096, seed=1)
    query, document = pair(3, 6, 6, 0.5)
    full = by_hand(spec, query, False) @ by_hand(spec, document, True)
    muvera = Muvera(spec, DIM)
    projected = muvera.query(query) @ muvera.documents(VectorSets.of([document], DIM))[0]
    assert muvera.query(query).shape == (4096,)
    assert projected == pytest.approx(full, abs=0.1 * len(query))


@settings(deadline=None, max_examples=20)
@given(
    lengths=st.lists(st.integers(0, 6), min_size=1, max_size=12),
    batch=st.integers(1, 5),
    dim=st.sampled_from((32, 120)),
)
def test_a_batch_is_the_same_as_one_by_one(lengths: list[int], batch: int, dim: int) -> None:
    random = np.random.default_rng(len(lengths))
    sets = [unit(random.standard_normal((length, DIM))).astype(np.float16) for length in lengths]
    muvera = Muvera(replace(SMALL, dim=dim), DIM)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("retrievers.muvera._BATCH", batch)
        together = muvera.documents(VectorSets.of(sets, DIM))
    alone = np.concatenate([muvera.documents(VectorSets.of([each], DIM)) for each in sets])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    assert not together[[not length for length in lengths]].any()


def test_the_seed_decides() -> None:
    query, _ = pair(0, 4, 4, 0.5)
    first = Muvera(SMALL, DIM).query(query)
    np.testing.assert_array_equal(Muvera(SMALL, DIM).query(query), first)
    assert not np.array_equal(Muvera(replace(SMALL, seed=8), DIM).query(query), first)
