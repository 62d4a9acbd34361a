"""`ImageStore` on a Lance table."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from retrievers import scoring
from retrievers.duplicates import grouped
from retrievers.filters import ID_CHUNK, both, id_chunks, ids_sql, where_sql
from retrievers.lance_patches import search_patches
from retrievers.lance_scope import objects_of, records_of_ids, scope_of
from retrievers.lance_table import LanceTable
from retrievers.lance_text import search_text
from retrievers.proposals import unpack
from retrievers.protocols import Scores, VectorField
from retrievers.rows import (
    arrow_table,
    boxes_of,
    changed,
    checked,
    column_values,
    matrix_of,
    merged,
    merged_rows,
    patches_of,
    query_vectors,
    records_of,
    records_to_table,
)
from retrievers.schema import RECORD_COLUMNS
from retrievers.upkeep import probes
from retrievers.words import unpack_words
from thresher.errors import InvalidInput, NotFound
from thresher.types import (
    Collection,
    Filter,
    Hit,
    ImageChange,
    ImageId,
    ImageRecord,
    ImageRow,
    Patches,
    Proposals,
    Word,
)

_TRIES = 5  # to read bytes beside a merge of fragments
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
            new = await grouped(new, cache.groups, partial(self._stored_vectors, field="appearance"), self._bytes)
            values = await asyncio.to_thread(column_values, new, self._table.collection)
            arrow = await asyncio.to_thread(arrow_table, values, new, self._table.schema)
            await self._table.table.merge_insert("id").when_not_matched_insert_all().execute(arrow)
            cache.append([row.record.id for row in new], values)
            for row in new:
                cache.groups.add(row.record.id, row.phash, row.record.group)
        stored = await records_of_ids(self._table, list(known))
        grown = [merged(record, known[key].paths, known[key].tags) for key, record in stored.items()]
        await self._update([record for record in grown if record != stored[record.id]])

    async def _bytes(self, image_id: ImageId) -> bytes | None:
        """Of the writer, beside which fragments may be merged."""
        for _ in range(_TRIES):
            found, content = await self._table.fetch(image_id)
            if content is not None or not found:
                return content
        return None

    async def _update(self, records: Sequence[ImageRecord]) -> None:
        if not records:
            return
        arrow = records_to_table(records, ("id", "paths", "tags", "group", "document"), self._table.schema)
        await self._table.table.merge_insert("id").when_matched_update_all().execute(arrow)
        for record in records:
            self._table.cache.replace_record(record.id, record)

    async def change(self, changes: Sequence[ImageChange]) -> Mapping[ImageId, ImageRecord]:
        records: dict[ImageId, ImageRecord] = {}

        async def write() -> None:
            stored = await records_of_ids(self._table, list(dict.fromkeys(each.id for each in changes)))
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
            await self._regroup(self._table.cache.groups.heirs(image_id))
            await self._table.table.delete(ids_sql([image_id]))
            self._table.cache.remove(image_id)

        await self._table.write("delete a photograph", change)

    async def _regroup(self, groups: Mapping[ImageId, ImageId]) -> None:
        records = await records_of_ids(self._table, list(groups))
        await self._update([replace(record, group=groups[image_id]) for image_id, record in records.items()])
        self._table.cache.groups.regroup(groups)

    # --- records ---

    async def missing(self, ids: Sequence[ImageId]) -> Sequence[ImageId]:
        async with self._table.reading("look up photographs"):
            return [image_id for image_id in ids if image_id not in self._table.cache.slots]

    async def get(self, ids: Sequence[ImageId]) -> Mapping[ImageId, ImageRecord]:
        async with self._table.reading("read photographs"):
            await self._table.hold("record")
            return await records_of_ids(self._table, ids)

    async def list(self, where: Filter, limit: int, after: ImageId = "") -> Sequence[ImageRecord]:
        async with self._table.reading("list photographs"):
            await self._table.hold("record")
            ids = (await scope_of(self._table, where)).ids
            begin = bisect_right(ids, after)
            page = ids[begin : begin + max(0, limit)]
            records = await records_of_ids(self._table, page)
            return [records[image_id] for image_id in page if image_id in records]

    async def count(self, where: Filter) -> int:
        return len(await self.ids(where))

    async def ids(self, where: Filter) -> Sequence[ImageId]:
        async with self._table.reading("list photographs"):
            return (await scope_of(self._table, where)).ids

    async def content(self, image_id: ImageId) -> bytes:
        async with self._table.reading("read a photograph"):
            content = await self._table.content(image_id)
        if content is None:
            raise _not_found(image_id)
        return content

    async def proposals(self, ids: Sequence[ImageId]) -> Mapping[ImageId, Proposals]:
        async with self._table.reading("read boxes"):
            await self._table.hold("proposals")
            packed = await objects_of(self._table, ids, "proposals")
        return await asyncio.to_thread(lambda: {image_id: unpack(data) for image_id, data in packed.items()})

    async def words(self, ids: Sequence[ImageId]) -> Mapping[ImageId, tuple[Word, ...]]:
        found: dict[ImageId, tuple[Word, ...]] = {}
        async with self._table.reading("read words"):
            async for batch in self._rows(ids, ("id", "words")):
                packed = zip(batch.column("id").to_pylist(), batch.column("words").to_pylist(), strict=True)
                found.update((image_id, unpack_words(data)) for image_id, data in packed)
        return found

    async def patches(self, ids: Sequence[ImageId]) -> Mapping[ImageId, Patches]:
        found: dict[ImageId, Patches] = {}
        async with self._table.reading("read patches"):
            async for batch in self._rows(ids, ("id", "patches", "patch_boxes")):
                boxes = map(boxes_of, batch.column("patch_boxes").to_pylist())
                rows = zip(batch.column("id").to_pylist(), patches_of(batch), boxes, strict=True)
                found.update((image_id, Patches(vectors, places)) for image_id, vectors, places in rows)
        return found

    async def vectors(self, ids: Sequence[ImageId], field: VectorField) -> Mapping[ImageId, NDArray[np.float32]]:
        async with self._table.reading("read vectors"):
            return await self._stored_vectors(ids, field)

    async def groups(self, ids: Sequence[ImageId]) -> Mapping[ImageId, ImageId]:
        async with self._table.reading("look up near-duplicates"):
            members = self._table.cache.groups.members
            return {image_id: members[image_id][0] for image_id in ids if image_id in members} if members else {}

    async def _stored_vectors(self, ids: Sequence[ImageId], field: VectorField) -> dict[ImageId, NDArray[np.float32]]:
        found: dict[ImageId, NDArray[np.float32]] = {}
        async for batch in self._rows(ids, ("id", field)):
            found.update(zip(batch.column("id").to_pylist(), matrix_of(batch, field), strict=True))
        return found

    async def _rows(self, ids: Sequence[ImageId], columns: Sequence[str]) -> AsyncIterator[pa.RecordBatch]:
        for chunk in id_chunks(ids):
            async for batch in self._table.scan(columns, ids_sql(chunk)):
                yield batch

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
            records = await records_of_ids(self._table, [image_id for image_id, _ in found])
            return [Hit(records[image_id], score) for image_id, score in found if image_id in records]

    async def search_patches(self, queries: NDArray[np.float32], where: Filter, limit: int) -> Sequence[Hit]:
        return await search_patches(self._table, queries, where, limit)

    async def search_text(self, text: str, where: Filter, limit: int, every: bool = False) -> Sequence[Hit]:
        return await search_text(self._table, text, where, limit, every)

    async def scores(self, queries: NDArray[np.float32], where: Filter) -> Scores:
        queries = query_vectors(queries, self._table.collection.encoder, "vector")
        async with self._table.reading("score photographs"):
            scores = await self._held_scores(queries, where, "vector")
            return scores if scores is not None else await self._streamed_scores(queries, where)

    async def _held_scores(self, queries: NDArray[np.float32], where: Filter, field: VectorField) -> Scores | None:
        """None where the vectors do not fit into memory."""
        if not await self._table.hold(field):
            return None
        scope = await scope_of(self._table, where)
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
        """LanceDB's own vector search, prefiltered: by the index where there is one, and beside it."""
        sql = where_sql(where)
        if where.ids is not None:
            sql = both(sql, ids_sql(dict.fromkeys(where.ids)))
        nearest = self._table.table.query().nearest_to(query).column(field).distance_type("dot").limit(limit)
        if self._table.has_index(field):
            nearest = nearest.nprobes(probes(len(self._table.cache.slots)))
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
