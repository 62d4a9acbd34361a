"""An SQLite file of ours beside the collections.

Every piece of work is one transaction in the file's own thread, so a process that is killed leaves whole ones.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from retrievers.failures import translated
from thresher.errors import SchemaMismatch

T = TypeVar("T")


class Database:
    """`file` belongs to this process (see `retrievers.data_dir`); `schema` makes it, `version` is kept in it.

    `loss` says, after "Move that file away:", what is lost by that.
    """

    def __init__(self, file: Path, schema: str, version: int, loss: str) -> None:
        """SchemaMismatch where the file is damaged or of another version; StorageFull."""
        self._file = file
        self._schema = schema
        self._version = version
        self._hint = f"Move that file away: {loss}"
        self._thread = ThreadPoolExecutor(1, file.stem)
        self._connection = self._thread.submit(self._open).result()

    def _open(self) -> sqlite3.Connection:
        with translated(f"open {self._file.name}", self._file):
            connection = sqlite3.connect(self._file, isolation_level=None)  # transactions are ours: see _run
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = NORMAL")
                connection.execute("PRAGMA foreign_keys = ON")
                version = connection.execute("PRAGMA user_version").fetchone()[0]
                if version == 0:
                    connection.executescript(f"BEGIN; {self._schema} PRAGMA user_version = {self._version}; COMMIT;")
            except sqlite3.OperationalError:
                raise
            except sqlite3.DatabaseError as error:
                raise SchemaMismatch(f"{self._file} cannot be read: {error}.", self._hint) from error
            if version not in (0, self._version):
                raise SchemaMismatch(
                    f"{self._file} has version {version}; this server reads {self._version}.", self._hint
                )
            return connection

    async def close(self) -> None:
        """Wait for what was begun."""
        await asyncio.wrap_future(self._thread.submit(self._connection.close))
        self._thread.shutdown()

    async def _run(self, doing: str, work: Callable[[sqlite3.Connection], T]) -> T:
        """One transaction; begun, it ends even where the caller is cancelled. `doing` completes "could not ..."."""

        def job() -> T:
            with translated(doing, self._file, size=1), self._connection as connection:
                connection.execute("BEGIN IMMEDIATE")
                return work(connection)

        return await asyncio.wrap_future(self._thread.submit(job))
