"""MaxSim over the patches of a Lance table.

A large collection has an index of fixed dimensional encodings (`retrievers.muvera`): it leaves candidates, whose
patches are scored exactly. Everything else is scored exactly: collections without that index, small scopes, given ids,
and queries of few vectors, for which the encodings lose more than they save (docs/retrieval.md).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from retrievers.cache import Scope
from retrievers.filters import both, id_chunks, ids_sql, where_sql
from retrievers.lance_scope import records_of_ids, scope_of
from retrievers.lance_table import LanceTable
from retrievers.maxsim import VectorSets, maxsim
from retrievers.multivector import muvera, patch_queries
from retrievers.rows import patches_of
from retrievers.scoring import best
from thresher.types import Filter, Hit, ImageId

MANY = 10_000
"""Photographs of a scope from which on the whole column is read, rather than these by their ids."""

FEW = 8
"""Vectors of a query below which every photograph is scored exactly."""

ALL_PARTITIONS = 1 << 16
"""Encodings fall into no clusters that could be left out: what the index saves is reading one bit a dimension."""


def candidates_of(rows: int) -> int:
    """How many of so many photographs the candidate stage leaves to be scored exactly."""
    return max(2000, rows // 20)


async def search_patches(table: LanceTable, queries: NDArray[np.float32], where: Filter, limit: int) -> Sequence[Hit]:
    """See `ImageStore.search_patches`."""
    queries = patch_queries(queries, table.collection.encoder)
    if limit <= 0:
        return []
    async with table.reading("search patches"):
        held = await table.hold("patches")
        scope = await scope_of(table, where)
        count = max(candidates_of(len(scope.ids)), limit)
        if _encoded(table, queries, where) and 4 * count <= len(scope.ids):
            scope = table.cache.scope(await _candidates(table, queries, where, count))
            where = Filter(ids=scope.ids)
        sets = table.cache.sets("patches") if held else None  # of the same moment as the scope
        if sets is not None:
            scores = await asyncio.to_thread(_scores_at, sets, scope.slots, queries)
        else:
            scores = await _streamed(table, scope, queries, where)
        found = [(key, score) for key, score in best(scope.ids, scores, limit) if np.isfinite(score)]
        await table.hold("record")
        records = await records_of_ids(table, [image_id for image_id, _ in found])
        return [Hit(records[image_id], score) for image_id, score in found if image_id in records]


def _encoded(table: LanceTable, queries: NDArray[np.float32], where: Filter) -> bool:
    return len(queries) >= FEW and where.ids is None and table.has_index("fde")


async def _candidates(table: LanceTable, queries: NDArray[np.float32], where: Filter, count: int) -> Sequence[ImageId]:
    """The nearest by their encodings, in no order; rows that are not indexed yet are searched, too."""
    encoder = muvera(table.collection.indexes.fde, table.collection.encoder.patch_dim)
    query = await asyncio.to_thread(encoder.query, queries)
    nearest = table.table.query().nearest_to(query).column("fde").distance_type("dot").nprobes(ALL_PARTITIONS)
    sql = where_sql(where)
    found = await (nearest.where(sql) if sql else nearest).limit(count).select(["id", "_distance"]).to_arrow()
    ids: list[ImageId] = found.column("id").to_pylist()
    return sorted(ids)


def _scores_at(sets: VectorSets, slots: NDArray[np.int64], queries: NDArray[np.float32]) -> NDArray[np.float32]:
    """f32 (n,) of the sets at `slots`, -inf where one is empty."""
    if len(slots) * 2 < len(sets):
        return maxsim(queries, sets.take(slots))
    return maxsim(queries, sets)[slots]


async def _streamed(
    table: LanceTable, scope: Scope, queries: NDArray[np.float32], where: Filter
) -> NDArray[np.float32]:
    """The same for patches that memory does not hold."""
    scores = np.full(len(scope.ids), -np.inf, np.float32)
    places = {image_id: place for place, image_id in enumerate(scope.ids)}
    sql = where_sql(where)
    chunks = (
        [sql] if where.ids is None or len(scope.ids) > MANY else [both(sql, ids_sql(c)) for c in id_chunks(scope.ids)]
    )
    for chunk in chunks:
        async for batch in table.scan(("id", "patches"), chunk):
            sets = VectorSets.of(patches_of(batch), queries.shape[1])
            values = await asyncio.to_thread(maxsim, queries, sets)
            for image_id, value in zip(batch.column("id").to_pylist(), values, strict=True):
                if image_id in places:
                    scores[places[image_id]] = value
    return scores
