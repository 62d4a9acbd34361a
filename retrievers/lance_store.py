"""The collections of one tenant in LanceDB: `<data>/tenants/<tenant>/<collection>.lance`, one table each.

A collection comes and goes by the renaming of a folder, so that a process that is killed leaves a whole one or none.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import lancedb

from retrievers.cache import Budget
from retrievers.failures import translated
from retrievers.lance_images import LanceImageStore
from retrievers.lance_table import LanceTable
from retrievers.lance_text import index_documents
from retrievers.schema import SCHEMA_VERSION, check_encoder, check_schema_version, table_schema
from thresher.errors import AlreadyExists, NotFound, ThresherError
from thresher.names import check_name
from thresher.types import Collection, EncoderSpec, IndexSpec

_log = logging.getLogger(__name__)

_SUFFIX = ".lance"
_SCRATCH = ".scratch"  # collections that are being made or unmade


class LanceStore:
    """A `Store`. `data_dir` belongs to this process (see `retrievers.data_dir`) and is opened once for a tenant.

    `cache_bytes` bounds the columns that are kept in memory; a scope beyond it is read from disk each time.
    """

    def __init__(self, data_dir: Path, tenant: str = "default", cache_bytes: int = 1 << 30) -> None:
        self._folder = data_dir / "tenants" / check_name(tenant, "tenant")
        self._budget = Budget(cache_bytes)
        self._open: dict[str, LanceTable] = {}
        self._leaving: set[str] = set()  # collections that are being deleted
        self._changing = asyncio.Lock()  # what is open, and what is there
        with translated("open the store", data_dir):
            shutil.rmtree(self._folder / _SCRATCH, ignore_errors=True)
            (self._folder / _SCRATCH).mkdir(parents=True, exist_ok=True)

    async def create(
        self, name: str, encoder: EncoderSpec, display_name: str = "", indexes: IndexSpec | None = None
    ) -> Collection:
        check_name(name)
        collection = Collection(
            name, encoder, SCHEMA_VERSION, datetime.now(UTC), 0, display_name, indexes or IndexSpec()
        )
        scratch = self._folder / _SCRATCH / uuid4().hex
        async with self._changing:
            with translated(f"create collection {name!r}", self._folder, size=1):
                connection = await lancedb.connect_async(str(scratch))
                await index_documents(await connection.create_table(name, schema=table_schema(collection)))
                try:
                    (scratch / f"{name}{_SUFFIX}").rename(self._path(name))
                except OSError as error:
                    if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                        raise
                    raise AlreadyExists(f"There is a collection {name!r} already.", "Choose another name.") from error
                finally:
                    await asyncio.to_thread(shutil.rmtree, scratch, ignore_errors=True)
        return collection

    async def list(self) -> Sequence[Collection]:
        with translated("list the collections", self._folder):
            names = sorted(path.stem for path in self._folder.glob(f"*{_SUFFIX}"))
        found = []
        for name in names:
            try:
                found.append(await self.get(name))
            except NotFound:  # deleted meanwhile
                continue
            except ThresherError as error:
                _log.warning("collection %r is left out of the list: %s", name, error)
        return found

    async def get(self, name: str) -> Collection:
        check_name(name)
        async with self._changing:
            return (await self._table(name)).current()

    async def open(self, name: str, encoder: EncoderSpec) -> LanceImageStore:
        check_name(name)
        async with self._changing:
            table = await self._table(name)
        check_schema_version(table.collection.schema_version, f"Collection {name!r}")
        check_encoder(table.collection, encoder)
        return LanceImageStore(table)

    async def delete(self, name: str) -> None:
        check_name(name)
        async with self._changing:
            if name in self._leaving:
                raise _not_there(name)
            self._leaving.add(name)
            table = self._open.pop(name, None)
        scratch = self._folder / _SCRATCH / uuid4().hex
        try:
            if table is not None:
                table.refuse()
                await table.close()  # takes as long as a write; other collections do not wait for it
            async with self._changing:
                with translated(f"delete collection {name!r}", self._folder):
                    try:
                        self._path(name).rename(scratch)
                    except FileNotFoundError as error:
                        raise _not_there(name) from error
        finally:
            self._leaving.discard(name)
        await asyncio.to_thread(shutil.rmtree, scratch, ignore_errors=True)

    async def close(self) -> None:
        async with self._changing:
            for table in self._open.values():
                await table.close()
            self._open.clear()

    async def _table(self, name: str) -> LanceTable:
        if name in self._leaving:
            raise _not_there(name)
        if name not in self._open:
            self._open[name] = await LanceTable.open(self._path(name), self._budget)
        return self._open[name]

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}{_SUFFIX}"


def _not_there(name: str) -> NotFound:
    return NotFound(f"There is no collection {name!r}.", "List the collections to see which there are.")
