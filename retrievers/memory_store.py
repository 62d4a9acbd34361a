"""The in-memory oracle: what a store must answer, in the plainest code. A fake for tests, never a default."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import numpy as np
from numpy.typing import NDArray

from retrievers.duplicates import Groups, grouped
from retrievers.filtering.matches import matches
from retrievers.filtering.parse import parse
from retrievers.literals import utc
from retrievers.memory_text import bm25
from retrievers.multivector import patch_queries
from retrievers.protocols import Scores, VectorField
from retrievers.rows import changed, checked, merged, merged_rows, query_vectors
from retrievers.schema import SCHEMA_VERSION, check_encoder
from thresher.errors import AlreadyExists, InvalidInput, NotFound
from thresher.names import check_name
from thresher.types import (
    Collection,
    EncoderSpec,
    Filter,
    Hit,
    ImageChange,
    ImageId,
    ImageRecord,
    ImageRow,
    IndexSpec,
    Patches,
    Proposals,
    Word,
)


class MemoryStore:
    """A `Store` that forgets everything with the process."""

    def __init__(self) -> None:
        self._collections: dict[str, MemoryImageStore] = {}

    async def create(
        self, name: str, encoder: EncoderSpec, display_name: str = "", indexes: IndexSpec | None = None
    ) -> Collection:
        if check_name(name) in self._collections:
            raise AlreadyExists(f"There is a collection {name!r} already.", "Choose another name.")
        collection = Collection(
            name, encoder, SCHEMA_VERSION, datetime.now(UTC), 0, display_name, indexes or IndexSpec()
        )
        self._collections[name] = MemoryImageStore(collection)
        return collection

    async def list(self) -> Sequence[Collection]:
        return [images.collection for _, images in sorted(self._collections.items())]

    async def get(self, name: str) -> Collection:
        return self._find(name).collection

    async def open(self, name: str, encoder: EncoderSpec) -> MemoryImageStore:
        images = self._find(name)
        check_encoder(images.collection, encoder)
        return images

    async def delete(self, name: str) -> None:
        self._find(name).deleted = True
        del self._collections[name]

    async def close(self) -> None:
        pass

    def _find(self, name: str) -> MemoryImageStore:
        if check_name(name) not in self._collections:
            raise NotFound(f"There is no collection {name!r}.", "List the collections to see which there are.")
        return self._collections[name]


class MemoryImageStore:
    """An `ImageStore` over one dictionary."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        self._rows: dict[ImageId, ImageRow] = {}
        self.deleted = False

    @property
    def collection(self) -> Collection:
        return replace(self._collection, image_count=len(self._rows))

    async def add(self, rows: Sequence[ImageRow]) -> None:
        known = self._known()
        given = merged_rows([checked(row, self._collection.encoder) for row in rows])
        for image_id, row in given.items():
            if image_id in known:
                record = merged(known[image_id].record, row.record.paths, row.record.tags)
                known[image_id] = replace(known[image_id], record=record)
        new = [row for image_id, row in given.items() if image_id not in known]
        for row in await grouped(new, self._groups(), partial(self.vectors, field="appearance"), self._bytes):
            known[row.record.id] = row

    async def change(self, changes: Sequence[ImageChange]) -> Mapping[ImageId, ImageRecord]:
        known = self._known()
        records = await self.get([each.id for each in changes])
        found = dict(records)
        for each in changes:
            if each.id in found:
                found[each.id] = changed(found[each.id], each)
        known.update((key, replace(known[key], record=record)) for key, record in found.items())
        return found

    async def missing(self, ids: Sequence[ImageId]) -> Sequence[ImageId]:
        known = self._known()
        return [image_id for image_id in ids if image_id not in known]

    async def get(self, ids: Sequence[ImageId]) -> Mapping[ImageId, ImageRecord]:
        known = self._known()
        return {image_id: known[image_id].record for image_id in ids if image_id in known}

    async def list(self, where: Filter, limit: int, after: ImageId = "") -> Sequence[ImageRecord]:
        records = [row.record for row in self._matching(where) if row.record.id > after]
        return records[: max(0, limit)]

    async def count(self, where: Filter) -> int:
        return len(self._matching(where))

    async def ids(self, where: Filter) -> Sequence[ImageId]:
        return tuple(row.record.id for row in self._matching(where))

    async def content(self, image_id: ImageId) -> bytes:
        return self._row(image_id).content

    async def delete(self, image_id: ImageId) -> None:
        heirs = self._groups().heirs(self._row(image_id).record.id)
        del self._rows[image_id]
        for member, group in heirs.items():
            row = self._rows[member]
            self._rows[member] = replace(row, record=replace(row.record, group=group))

    async def groups(self, ids: Sequence[ImageId]) -> Mapping[ImageId, ImageId]:
        known = self._known()
        return {image_id: group for image_id in ids if image_id in known and (group := known[image_id].record.group)}

    async def _bytes(self, image_id: ImageId) -> bytes | None:
        return self._rows[image_id].content

    def _groups(self) -> Groups:
        groups = Groups()
        for image_id, row in self._known().items():
            groups.add(image_id, row.phash, row.record.group)
        return groups

    async def search(
        self, query: NDArray[np.float32], where: Filter, limit: int, field: VectorField = "vector"
    ) -> Sequence[Hit]:
        if np.ndim(query) != 1:
            raise InvalidInput(f"A query is one vector, not an array of shape {np.shape(query)}.")
        queries = query_vectors(np.asarray(query)[None], self._collection.encoder, field)
        hits = [Hit(row.record, float(queries[0] @ _vector(row, field))) for row in self._matching(where)]
        return sorted(hits, key=lambda hit: (-hit.score, hit.record.id))[: max(0, limit)]

    async def scores(self, queries: NDArray[np.float32], where: Filter) -> Scores:
        queries = query_vectors(queries, self._collection.encoder, "vector")
        rows = self._matching(where)
        vectors = np.array([row.features.vector for row in rows], np.float32).reshape(len(rows), queries.shape[1])
        return Scores(tuple(row.record.id for row in rows), queries @ vectors.T)

    async def proposals(self, ids: Sequence[ImageId]) -> Mapping[ImageId, Proposals]:
        known = self._known()
        return {image_id: known[image_id].features.proposals for image_id in ids if image_id in known}

    async def search_patches(self, queries: NDArray[np.float32], where: Filter, limit: int) -> Sequence[Hit]:
        queries = patch_queries(queries, self._collection.encoder)
        rows = [row for row in self._matching(where) if len(row.features.patches.vectors)]
        products = [queries @ row.features.patches.vectors.astype(np.float32).T for row in rows]
        hits = [Hit(row.record, float(each.max(1).sum())) for row, each in zip(rows, products, strict=True)]
        return sorted(hits, key=lambda hit: (-hit.score, hit.record.id))[: max(0, limit)]

    async def search_text(self, text: str, where: Filter, limit: int, every: bool = False) -> Sequence[Hit]:
        records = [row.record for row in self._matching(where)]
        found = bm25(text, records, [row.record for row in self._known().values()], every)
        return [Hit(record, score) for record, score in found[: max(0, limit)]]

    async def vectors(self, ids: Sequence[ImageId], field: VectorField) -> Mapping[ImageId, NDArray[np.float32]]:
        known = self._known()
        return {image_id: _vector(known[image_id], field) for image_id in ids if image_id in known}

    async def patches(self, ids: Sequence[ImageId]) -> Mapping[ImageId, Patches]:
        known = self._known()
        return {image_id: known[image_id].features.patches for image_id in ids if image_id in known}

    async def words(self, ids: Sequence[ImageId]) -> Mapping[ImageId, tuple[Word, ...]]:
        known = self._known()
        return {image_id: known[image_id].words for image_id in ids if image_id in known}

    def _known(self) -> dict[ImageId, ImageRow]:
        if self.deleted:
            raise NotFound(f"Collection {self._collection.name!r} was deleted.", "Open it again.")
        return self._rows

    def _row(self, image_id: ImageId) -> ImageRow:
        if image_id not in self._known():
            raise NotFound(f"There is no photograph {image_id!r} in this collection.")
        return self._rows[image_id]

    def _matching(self, where: Filter) -> Sequence[ImageRow]:
        rows = sorted(self._known().values(), key=lambda row: row.record.id)
        tree = parse(where.expression)
        return [row for row in rows if _matches(row.record, where) and (tree is None or matches(tree, row.record))]


def _vector(row: ImageRow, field: VectorField) -> NDArray[np.float32]:
    vector: NDArray[np.float32] = row.colours if field == "colours" else getattr(row.features, field)
    return vector


def _matches(record: ImageRecord, where: Filter) -> bool:
    taken = record.taken_at
    return (
        (where.ids is None or record.id in where.ids)
        and all(tag in record.tags for tag in where.tags)
        and not any(tag in record.tags for tag in where.excluded_tags)
        and (where.after is None or (taken is not None and utc(where.after) <= taken))
        and (where.before is None or (taken is not None and taken < utc(where.before)))
        and record.width >= where.min_width
        and record.height >= where.min_height
        and (not where.path_prefix or any(path.startswith(where.path_prefix) for path in record.paths))
    )
