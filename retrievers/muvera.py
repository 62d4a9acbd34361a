"""Fixed dimensional encodings (FDE): sets of vectors as one vector each, whose inner product estimates Chamfer.

Dhulipala et al., MUVERA: Multi-Vector Retrieval via Fixed Dimensional Encodings, 2024 (arXiv 2405.19504). A
repetition divides the space into 2^k_sim clusters by the signs of k_sim Gaussian projections (SimHash). A cluster of a
query holds the SUM of its vectors there, one of a document their CENTROID; where a document has none, it holds the
document's vector whose signs differ in the fewest bits, so that each query vector meets a near one. Queries are never
filled. A cluster is projected by a random matrix of ±1/sqrt(d_proj), and all of them together by one of ±1/sqrt(dim).

The repetitions' mean, <query, document>, is near Chamfer(Q, D). numpy only.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from retrievers.maxsim import VectorSets, widened
from thresher.types.indexes import FdeSpec

_BATCH = 1024  # documents encoded at once


class Muvera:
    """Encodes sets of `dim`-dimensional vectors as `spec` says; equal specs encode equally."""

    def __init__(self, spec: FdeSpec, dim: int) -> None:
        random = np.random.default_rng(spec.seed)
        self.spec = spec
        self.dim = dim
        self._planes = random.standard_normal((spec.repetitions, dim, spec.k_sim), np.float32)
        self._projections = _signs(random, (spec.repetitions, dim, spec.d_proj))
        self._final = None if spec.dim == spec.full_dim else _signs(random, (spec.full_dim, spec.dim))
        self._powers = 1 << np.arange(spec.k_sim)
        codes = np.arange(1 << spec.k_sim)
        self._distances = np.bitwise_count(codes[:, None] ^ codes).astype(np.int64)  # in bits

    def query(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """f32 (spec.dim,) of a query, f32 (m, dim)."""
        encoded: NDArray[np.float32] = self._encode(vectors, np.array([0, len(vectors)], np.int64), filled=False)[0]
        return encoded

    def documents(self, documents: VectorSets) -> NDArray[np.float32]:
        """f32 (n, spec.dim); zeros for a document without vectors."""
        encoded = np.zeros((len(documents), self.spec.dim), np.float32)
        there = np.flatnonzero(documents.lengths)
        for begin in range(0, len(there), _BATCH):
            places = there[begin : begin + _BATCH]
            batch = documents.take(places)
            encoded[places] = self._encode(widened(batch.vectors), batch.offsets, filled=True)
        return encoded

    def _encode(self, vectors: NDArray[np.float32], offsets: NDArray[np.int64], filled: bool) -> NDArray[np.float32]:
        """f32 (n, dim) of n sets of at least one vector."""
        count, clusters, spec = len(offsets) - 1, 1 << self.spec.k_sim, self.spec
        owners = np.repeat(np.arange(count), np.diff(offsets))
        full = np.empty((count, spec.repetitions, clusters, spec.d_proj), np.float32)
        for repetition in range(spec.repetitions):
            codes = ((vectors @ self._planes[repetition]) > 0) @ self._powers  # i64 (t,)
            projected = vectors @ self._projections[repetition]
            cells = owners * clusters + codes
            sums = _summed(projected, cells, count * clusters)
            if filled:
                sizes = np.bincount(cells, minlength=len(sums))
                empty = np.flatnonzero(sizes == 0)
                sums /= np.maximum(sizes, 1)[:, None]
                sums[empty] = projected[self._nearest(codes, offsets)[empty]]
            full[:, repetition] = sums.reshape(count, clusters, -1)
        flat: NDArray[np.float32] = full.reshape(count, -1) / np.float32(np.sqrt(spec.repetitions))
        return flat if self._final is None else np.matmul(flat, self._final)

    def _nearest(self, codes: NDArray[np.int64], offsets: NDArray[np.int64]) -> NDArray[np.int64]:
        """i64 (n * clusters,): for each cluster of each set, its first vector with the fewest other bits."""
        rank = self._distances[codes] * len(codes) + np.arange(len(codes))[:, None]
        first: NDArray[np.int64] = np.minimum.reduceat(rank, offsets[:-1], axis=0) % len(codes)
        return first.ravel()


def _signs(random: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """±1 / sqrt(n), where n is the last of `shape`: keeps inner products in expectation."""
    signs: NDArray[np.int64] = random.integers(0, 2, shape) * 2 - 1
    return signs.astype(np.float32) / np.float32(np.sqrt(shape[-1]))


def _summed(rows: NDArray[np.float32], cells: NDArray[np.int64], count: int) -> NDArray[np.float32]:
    """f32 (count, d): the sum of those of `rows` f32 (t, d) whose cell it is."""
    width = rows.shape[1]
    places = (cells[:, None] * width + np.arange(width)).ravel()
    return np.bincount(places, rows.ravel(), count * width).astype(np.float32).reshape(count, width)
