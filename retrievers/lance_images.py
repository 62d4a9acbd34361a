"""`ImageStore` on a Lance table."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from retrievers import scoring
from retrievers.cache import Scope
from retrievers.filters import ID_CHUNK, both, id_chunks, ids_sql, where_sql
from retrievers.lance_table import LanceTable
from retrievers.proposals import unpack
from retrievers.protocols import Scores, VectorField
from retrievers.rows import (
    arrow_table,
    changed,
    checked,
    column_values,
    matrix_of,
    merged,
    merged_rows,
    query_vectors,
    records_of,
    records_to_table,
)
from retrievers.schema import RECORD_COLUMNS
from thresher.errors import InvalidInput, NotFound
from thresher.types import Collection, Filter, Hit, ImageChange, ImageId, ImageRecord, ImageRow, Proposals

_COMMIT_BYTES = 64 << 20  # photographs of one commit: Arrow holds them a second time


class LanceImageStore:
    """The photographs of one collection. Made by `LanceStore.open`."""

    def __init__(self, table: LanceTable) -> None:
        self._table = table

    @property
    def collection(self) -> Collection:
        return self._table.current()

    # --- writing ---

    async def add(self, rows: Sequence[ImageRow]) -> None:
        encoder = self._table.collection.encoder
        given = await asyncio.to_thread(lambda: merged_rows(checked(row, encoder) for row in rows))
        for part in _parts(list(given.values())):
            size = sum(len(row.content) for row in part)
            await self._table.write("store photographs", partial(self._add, part), size)

    async def _add(self, rows: Sequence[ImageRow]) -> None:
        cache = self._table.cache
        known = {row.record.id: row.record for row in rows if row.record.id in cache.slots}
        new = [row for row in rows if row.record.id not in known]
        if new:
            values = await asyncio.to_thread(column_values, new)
            contents = [row.content for row in new]
            arrow = await asyncio.to_thread(arrow_table, values, contents, self._table.schema)
            await self._table.table.merge_insert("id").when_not_matched_insert_all().execute(arrow)
            cache.append([row.record.id for row in new], values)
        stored = await self._records(list(known))
        grown = [merged(record, known[key].paths, known[key].tags) for key, record in stored.items()]
        await self._update([record for record in grown if record != stored[record.id]])

    async def _update(self, records: Sequence[ImageRecord]) -> None:
        if not records:
            return
        arrow = records_to_table(records, ("id", "paths", "tags"), self._table.schema)
        await self._table.table.merge_insert("id").when_matched_update_all().execute(arrow)
        for record in records:
            self._table.cache.replace_record(record.id, record)

    async def change(self, changes: Sequence[ImageChange]) -> Mapping[ImageId, ImageRecord]:
        records: dict[ImageId, ImageRecord] = {}

        async def write() -> None:
            stored = await self._records(list(dict.fromkeys(each.id for each in changes)))
            records.update(stored)
            for each in changes:
                if each.id in records:
                    records[each.id] = changed(records[each.id], each)
            await self._update([record for key, record in records.items() if record != stored[key]])

        await self._table.write("change photographs", write)
        return records

    async def delete(self, image_id: ImageId) -> None:
        async def change() -> None:
            if image_id not in self._table.cache.slots:
                raise _not_found(image_id)
            await self._table.table.delete(ids_sql([image_id]))
            self._table.cache.remove(image_id)

        await self._table.write("delete a photograph", change)

    # --- records ---

    async def missing(self, ids: Sequence[ImageId]) -> Sequence[ImageId]:
        async with self._table.reading("look up photographs"):
            return [image_id for image_id in ids if image_id not in self._table.cache.slots]

    async def get(self, ids: Sequence[ImageId]) -> Mapping[ImageId, ImageRecord]:
        async with self._table.reading("read photographs"):
            await self._table.hold("record")
            return await self._records(ids)

    async def list(self, where: Filter, limit: int, after: ImageId = "") -> Sequence[ImageRecord]:
        async with self._table.reading("list photographs"):
            await self._table.hold("record")
            ids = (await self._scope(where)).ids
            begin = bisect_right(ids, after)
            page = ids[begin : begin + max(0, limit)]
            records = await self._records(page)
            return [records[image_id] for image_id in page if image_id in records]

    async def count(self, where: Filter) -> int:
        return len(await self.ids(where))

    async def ids(self, where: Filter) -> Sequence[ImageId]:
        async with self._table.reading("list photographs"):
            return (await self._scope(where)).ids

    async def content(self, image_id: ImageId) -> bytes:
        async with self._table.reading("read a photograph"):
            content = await self._table.content(image_id)
        if content is None:
            raise _not_found(image_id)
        return content

    async def proposals(self, ids: Sequence[ImageId]) -> Mapping[ImageId, Proposals]:
        async with self._table.reading("read boxes"):
            await self._table.hold("proposals")
            packed = await self._objects(ids, "proposals")
        return await asyncio.to_thread(lambda: {image_id: unpack(data) for image_id, data in packed.items()})

    async def _records(self, ids: Sequence[ImageId]) -> dict[ImageId, ImageRecord]:
        return await self._objects(ids, "record")

    async def _objects(self, ids: Sequence[ImageId], name: Literal["record", "proposals"]) -> dict[ImageId, Any]:
        """From the cache where it has the column, else from the table. Takes no lock: writes use it, too."""
        cache = self._table.cache
        held = cache.objects(name)
        if held is not None:
            return {image_id: held[cache.slots[image_id]] for image_id in ids if image_id in cache.slots}
        found: dict[ImageId, Any] = {}
        for chunk in id_chunks(ids):
            async for image_id, value in self._table.objects(name, ids_sql(chunk)):
                found[image_id] = value
        return found

    async def _scope(self, where: Filter) -> Scope:
        """The photographs that match, by id, at their slots of this moment."""
        cache = self._table.cache
        wanted = None if where.ids is None else set(where.ids)
        sql = where_sql(where)
        if sql and wanted != set():
            matching = {image_id async for image_id in self._table.ids(sql)}
            wanted = matching if wanted is None else matching & wanted
        return cache.everything() if wanted is None else cache.scope(sorted(wanted))

    # --- vectors ---

    async def search(
        self, query: NDArray[np.float32], where: Filter, limit: int, field: VectorField = "vector"
    ) -> Sequence[Hit]:
        if np.ndim(query) != 1:
            raise InvalidInput(f"A query is one vector, not an array of shape {np.shape(query)}.")
        queries = query_vectors(np.asarray(query)[None], self._table.collection.encoder, field)
        if limit <= 0:
            return []
        async with self._table.reading("search"):
            scores = await self._held_scores(queries, where, field)
            if scores is None:
                return await self._nearest(queries[0], where, limit, field)
            found = scoring.best(scores.ids, scores.values[0], limit)
            await self._table.hold("record")
            records = await self._records([image_id for image_id, _ in found])
            return [Hit(records[image_id], score) for image_id, score in found if image_id in records]

    async def scores(self, queries: NDArray[np.float32], where: Filter) -> Scores:
        queries = query_vectors(queries, self._table.collection.encoder, "vector")
        async with self._table.reading("score photographs"):
            scores = await self._held_scores(queries, where, "vector")
            return scores if scores is not None else await self._streamed_scores(queries, where)

    async def _held_scores(self, queries: NDArray[np.float32], where: Filter, field: VectorField) -> Scores | None:
        """None where the vectors do not fit into memory."""
        if not await self._table.hold(field):
            return None
        scope = await self._scope(where)
        matrix = self._table.cache.matrix(field)  # of the same moment as the scope: nothing is awaited in between
        if matrix is None:
            return None
        return Scores(scope.ids, await asyncio.to_thread(scoring.scores_at, matrix, scope.slots, queries))

    async def _streamed_scores(self, queries: NDArray[np.float32], where: Filter) -> Scores:
        wanted = None if where.ids is None else set(where.ids)
        sql = where_sql(where)
        if wanted is not None and len(wanted) <= ID_CHUNK:
            sql = both(sql, ids_sql(wanted))
        ids: list[ImageId] = []
        blocks = [np.zeros((len(queries), 0), np.float32)]
        async for batch in self._table.scan(("id", "vector"), sql):
            ids += batch.column("id").to_pylist()
            blocks.append(await asyncio.to_thread(np.matmul, queries, matrix_of(batch, "vector").T))
        order = sorted(
            (i for i, image_id in enumerate(ids) if wanted is None or image_id in wanted), key=ids.__getitem__
        )
        return Scores(tuple(ids[i] for i in order), np.concatenate(blocks, axis=1)[:, order])

    async def _nearest(
        self, query: NDArray[np.float32], where: Filter, limit: int, field: VectorField
    ) -> Sequence[Hit]:
        """LanceDB's own vector search, prefiltered."""
        sql = where_sql(where)
        if where.ids is not None:
            sql = both(sql, ids_sql(dict.fromkeys(where.ids)))
        nearest = self._table.table.query().nearest_to(query).column(field).distance_type("dot").limit(limit)
        found = await (nearest.where(sql) if sql else nearest).select([*RECORD_COLUMNS, "_distance"]).to_arrow()
        distances = found.column("_distance").to_pylist()
        records = (record for batch in found.to_batches() for record in records_of(batch))
        return [Hit(record, 1 - distance) for record, distance in zip(records, distances, strict=True)]


def _parts(rows: Sequence[ImageRow]) -> Iterator[list[ImageRow]]:
    """In order, each as large as one commit may be."""
    part: list[ImageRow] = []
    size = 0
    for row in rows:
        if part and size + len(row.content) > _COMMIT_BYTES:
            yield part
            part, size = [], 0
        part.append(row)
        size += len(row.content)
    if part:
        yield part


def _not_found(image_id: ImageId) -> NotFound:
    return NotFound(
        f"There is no photograph {image_id!r} in this collection.", "List its images to see which there are."
    )
