"""One Lance table: one writer, a cache that the writer keeps true, and one owner of its upkeep.

Writes run one after the other under a lock, in a task of their own, so that a cancelled caller never leaves a commit
half told to the cache. Readers take no lock: a Lance query sees one version of the table, and the cache changes
between two awaits only.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import lancedb
import numpy as np
import pyarrow as pa

from retrievers.cache import OBJECT_BYTES, Budget, Column, ColumnName, Matrix, MatrixName, Sets, TableCache
from retrievers.duplicates import Groups
from retrievers.failures import translated
from retrievers.filters import ids_sql
from retrievers.rows import matrix_of, patches_of, records_of
from retrievers.schema import CONTENT, RECORD_COLUMNS, SCHEMA_VERSION, read_collection
from retrievers.upkeep import Upkeep
from thresher.errors import InternalError, InvalidInput, NotFound, ThresherError
from thresher.types import Collection, ImageId

_PATCHES = 24  # of a photograph, about
_TRIES = 3  # to read bytes beside a writer


class LanceTable:
    """An open table. `folder` is its `<name>.lance`."""

    def __init__(self, table: Any, schema: pa.Schema, folder: Path, collection: Collection, budget: Budget) -> None:
        self.table = table
        self.schema = schema
        self.collection = collection
        self.cache = TableCache(budget)
        self._folder = folder
        self._budget = budget
        self._writing = asyncio.Lock()
        self._loading = asyncio.Lock()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._reads: set[asyncio.Future[None]] = set()
        self._stale = True
        self._closed = False
        self.upkeep = Upkeep(table, collection, self._writing, self._reads, self._rows, self._fits)

    @classmethod
    async def open(cls, folder: Path, budget: Budget) -> LanceTable:
        """NotFound where there is no such folder; SchemaMismatch where it says nothing about its collection."""
        name = folder.stem
        if not await asyncio.to_thread(folder.is_dir):
            raise NotFound(f"There is no collection {name!r}.", "List the collections to see which there are.")
        with translated(f"open collection {name!r}", folder):
            connection = await lancedb.connect_async(str(folder.parent))
            table = await connection.open_table(name)
            schema = await table.schema()
            collection = read_collection(name, schema.metadata, await table.count_rows())
            opened = cls(table, schema, folder, collection, budget)
            if collection.schema_version == SCHEMA_VERSION:
                await opened.upkeep.begin()
        return opened

    def current(self) -> Collection:
        """The collection with the number of its photographs."""
        return replace(self.collection, image_count=self._rows())

    def _rows(self) -> int:
        return self.collection.image_count if self._stale else len(self.cache.slots)

    def has_index(self, column: str) -> bool:
        """Whether searches of a column ("vector", "fde", "document" ...) have an index; rows beside it are scanned."""
        return self.upkeep.index(column) is not None

    # --- reading ---

    @asynccontextmanager
    async def reading(self, doing: str) -> AsyncIterator[None]:
        """Around every read: errors are ours, and versions in use are kept."""
        self._check_open()
        done = asyncio.get_running_loop().create_future()
        self._reads.add(done)
        try:
            with translated(doing, self._folder):
                if self._stale:
                    async with self._writing:
                        await self._refresh()
                yield
        except ThresherError:
            self._check_open()  # a collection deleted meanwhile is not there, whatever Lance missed
            raise
        finally:
            self._reads.discard(done)
            done.set_result(None)

    async def scan(self, columns: Sequence[str], sql: str = "") -> AsyncIterator[pa.RecordBatch]:
        """The rows for which `sql` holds (all, where it is empty), in no order, of one version."""
        query = self.table.query().select(list(columns))
        if sql:
            query = query.where(sql)
        async for batch in await query.to_batches():
            yield batch

    async def ids(self, sql: str = "") -> AsyncIterator[ImageId]:
        async for batch in self.scan(("id",), sql):
            for image_id in batch.column("id").to_pylist():
                yield image_id

    async def objects(self, name: ColumnName, sql: str = "") -> AsyncIterator[tuple[ImageId, Any]]:
        """Records, packed proposals, or f16 arrays of patches."""
        async for batch in self.scan(RECORD_COLUMNS if name == "record" else ("id", name), sql):
            values = _objects(batch, name)
            for image_id, value in zip(batch.column("id").to_pylist(), values, strict=True):
                yield image_id, value

    async def content(self, image_id: ImageId) -> bytes | None:
        """The bytes of a photograph, None where it is not there. InternalError where they are damaged.

        Lance finds the row in one query and the bytes in another, by a row id that a commit between the two may make
        void. The id says whether the bytes are the right ones.
        """
        for _ in range(_TRIES):
            found, content = await self.fetch(image_id)
            if not found or _is_content(content, image_id):
                return content
        async with self._writing:
            found, content = await self._fetch(image_id)
        if not found or _is_content(content, image_id):
            return content
        raise InternalError(f"The stored bytes of photograph {image_id} are damaged.", "Delete it and import it again.")

    async def fetch(self, image_id: ImageId) -> tuple[bool, bytes | None]:
        """(whether the photograph is there, its bytes or None where a commit beside has moved them)."""
        try:
            return await self._fetch(image_id)
        except (OSError, RuntimeError, ValueError):
            return True, None

    async def _fetch(self, image_id: ImageId) -> tuple[bool, bytes | None]:
        rows = await self.table.query().where(ids_sql([image_id])).select(["id"]).with_row_id().to_arrow()
        if len(rows) == 0:
            return False, None
        blobs = await self.table.fetch_blobs(CONTENT, rows.column("_rowid").to_pylist())
        return True, blobs[0].as_py() if len(blobs) else None

    async def hold(self, name: ColumnName) -> bool:
        """Read a column into the cache unless it is there. False where it does not fit. To be called in `reading`."""
        if self._holds(name):
            return True
        if not self._fits(name):
            return False
        async with self._loading:
            if self._holds(name):
                return True
            generation = self.cache.generation
            column = await self._load(name)
            if self.cache.generation == generation:
                self.cache.install(name, column)
            else:  # a commit came between: read again while there can be none
                async with self._writing:
                    self.cache.install(name, await self._load(name))
        return self._holds(name)

    def _fits(self, name: ColumnName) -> bool:
        return name in self.cache or self._budget.fits(self.cache, self._rows() * self._row_bytes(name))

    def _holds(self, name: ColumnName) -> bool:
        if name not in self.cache:
            return False
        self.cache.touch()
        return True

    def _row_bytes(self, name: ColumnName) -> int:
        if name in get_args(MatrixName):
            return 4 * int(self.schema.field(name).type.list_size)
        return 2 * _PATCHES * self._patch_dim if name == "patches" else OBJECT_BYTES

    async def _load(self, name: ColumnName) -> Column:
        length, slots = self.cache.length, self.cache.slots
        if name in get_args(MatrixName):
            return await self._load_matrix(name)
        objects: list[Any] = [None] * length
        async for image_id, value in self.objects(name):
            slot = slots.get(image_id, length)
            if slot < length:
                objects[slot] = value
        if name == "patches":
            none = np.zeros((0, self._patch_dim), np.float16)
            return Sets([none if value is None else value for value in objects], self._patch_dim)
        return objects

    @property
    def _patch_dim(self) -> int:
        return max(1, self.collection.encoder.patch_dim)

    async def _load_matrix(self, name: ColumnName) -> Matrix:
        length, slots = self.cache.length, self.cache.slots
        matrix = np.zeros((length, self.schema.field(name).type.list_size), np.float32)
        async for batch in self.scan(("id", name)):
            places = np.array([slots.get(image_id, length) for image_id in batch.column("id").to_pylist()], np.int64)
            there = places < length
            matrix[places[there]] = matrix_of(batch, name)[there]
        return Matrix(matrix)

    # --- writing ---

    async def write(self, doing: str, action: Callable[[], Awaitable[None]], size: int = 0) -> None:
        """Run `action` as the only writer, to its end even where the caller is cancelled.

        `action` commits about `size` bytes and tells the cache.
        """
        self._check_open()
        await asyncio.shield(self._start(self._write(doing, action, size)))

    async def _write(self, doing: str, action: Callable[[], Awaitable[None]], size: int) -> None:
        async with self._writing:
            self._check_open()
            with translated(doing, self._folder, size):
                if self._stale:
                    await self._refresh()
                try:
                    await action()
                except (InvalidInput, NotFound):
                    raise
                except BaseException:
                    self._stale = True  # whether it was committed is not known
                    raise
            if not self._closed:
                self.upkeep.wrote()

    async def _refresh(self) -> None:
        await self.table.checkout_latest()
        groups: dict[ImageId, tuple[int | None, ImageId]] = {}
        async for batch in self.scan(("id", "phash", "group")):
            ids, phashes, leaders = (batch.column(name).to_pylist() for name in ("id", "phash", "group"))
            groups.update(zip(ids, zip(phashes, leaders, strict=True), strict=True))
        self.cache.reset(list(groups))
        self.cache.groups = Groups()
        for image_id, (phash, leader) in groups.items():
            self.cache.groups.add(image_id, phash, leader)
        self._stale = False

    def refuse(self) -> None:
        """From now on every call raises NotFound; a write that has begun goes on to its end."""
        self._closed = True

    async def close(self) -> None:
        """Wait for the writes under way, stop upkeep; afterwards every call raises NotFound."""
        while self._tasks:
            await asyncio.wait(self._tasks)
        self._closed = True
        await self.upkeep.stop()
        self.cache.evict()
        self.table.close()

    def _start(self, work: Any) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _check_open(self) -> None:
        if self._closed:
            raise NotFound(f"Collection {self.collection.name!r} was deleted or closed.", "Open it again.")


def _objects(batch: pa.RecordBatch, name: ColumnName) -> Sequence[Any]:
    if name == "record":
        return records_of(batch)
    return patches_of(batch) if name == "patches" else batch.column(name).to_pylist()


def _is_content(content: bytes | None, image_id: ImageId) -> bool:
    return content is not None and hashlib.sha256(content).hexdigest() == image_id
