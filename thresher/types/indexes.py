"""How a collection is indexed. Part of the collection: a table made with other settings cannot be compared."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FdeSpec:
    """Settings of the fixed dimensional encodings of sets of vectors (MUVERA, arXiv 2405.19504).

    `repetitions` independent encodings stand side by side. Each divides the space by `k_sim` random hyperplanes into
    2^k_sim clusters and keeps `d_proj` dimensions a cluster; all together are projected to `dim` dimensions, unless
    they are as many. `seed` draws hyperplanes and projections.
    """

    repetitions: int
    k_sim: int
    d_proj: int
    dim: int
    seed: int

    @property
    def full_dim(self) -> int:
        """Dimensions before the final projection."""
        return self.repetitions * self.d_proj << self.k_sim


@dataclass(frozen=True, slots=True)
class IndexSpec:
    """The indexes of a collection, and when its upkeep begins (retrievers/upkeep.py).

    Columns of vectors that memory does not hold, and encodings, get an index from `vector_rows` rows on. A pass
    begins after `unindexed_rows` new rows, or `commits` commits (of a large table: more). Old versions wait
    `patience` seconds for the reads that use them.
    """

    fde: FdeSpec = FdeSpec(repetitions=16, k_sim=2, d_proj=16, dim=1024, seed=0)
    vector_rows: int = 20_000
    unindexed_rows: int = 5_000
    commits: int = 64
    patience: float = 1.0
