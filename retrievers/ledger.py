"""What became of each file of a folder import: one SQLite file beside the collections.

Photographs are committed before they are settled here: an item that is pending may be stored, one that is done is.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from retrievers.database import Database
from thresher.errors import NotFound

FILE = "imports.sqlite"
VERSION = 1
FAILURES = 100
"""Failed items that a summary names."""

_SCHEMA = """
CREATE TABLE operations(
    id TEXT PRIMARY KEY, tenant TEXT NOT NULL, collection TEXT NOT NULL, folder BLOB NOT NULL, tags TEXT NOT NULL,
    state TEXT NOT NULL, created_at REAL NOT NULL, ended_at REAL, error TEXT NOT NULL DEFAULT '[]'
);
CREATE TABLE items(
    operation TEXT NOT NULL REFERENCES operations(id) ON DELETE CASCADE, path BLOB NOT NULL,
    state TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '', bytes INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY(operation, path)
) WITHOUT ROWID;
CREATE INDEX items_by_state ON items(operation, state, path);
"""
_LOSS = "photographs that were imported stay, only what is known about the folder imports is lost."
_OPERATION = "SELECT id, collection, folder, tags, state, created_at, ended_at, error FROM operations WHERE tenant = ?"


class State(StrEnum):
    """Of an operation. The first three go on when the server starts again."""

    SCANNING = "scanning"
    IMPORTING = "importing"
    CANCELLING = "cancelling"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"

    @property
    def ended(self) -> bool:
        return self in (State.DONE, State.CANCELLED, State.FAILED)


class ItemState(StrEnum):
    PENDING = "pending"
    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Operation:
    """One import. `error`: code, message and hint where it failed."""

    id: str
    collection: str
    folder: Path
    tags: tuple[str, ...]
    state: State
    created_at: datetime
    ended_at: datetime | None = None
    error: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Item:
    """A file by its path below the folder, as the file system has it."""

    path: bytes
    state: ItemState
    reason: str = ""
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class Summary:
    """Items by state, bytes of those done, the first failures by path, and how many were skipped for which reason."""

    pending: int = 0
    done: int = 0
    skipped: int = 0
    failed: int = 0
    done_bytes: int = 0
    failures: tuple[Item, ...] = ()
    skips: tuple[tuple[str, int], ...] = ()


class Ledger(Database):
    """The imports of one tenant. `data_dir` belongs to this process (see `retrievers.data_dir`)."""

    def __init__(self, data_dir: Path, tenant: str = "default") -> None:
        """SchemaMismatch where the file is damaged or of another version; StorageFull."""
        super().__init__(data_dir / FILE, _SCHEMA, VERSION, _LOSS)
        self._tenant = tenant

    # --- operations ---

    async def create(self, collection: str, folder: Path, tags: Sequence[str]) -> Operation:
        """A new one, to be scanned."""
        return await self._run("begin an import", lambda db: self._create(db, collection, folder, tags, State.SCANNING))

    async def retry(self, collection: str, folder: Path, tags: Sequence[str]) -> Operation:
        """A new one with what failed in the last of this folder and collection. NotFound where there was none."""

        def work(db: sqlite3.Connection) -> Operation:
            last = db.execute(
                f"{_OPERATION} AND collection = ? AND folder = ? ORDER BY created_at DESC, id DESC LIMIT 1",
                (self._tenant, collection, os.fsencode(folder)),
            ).fetchone()
            if last is None:
                raise NotFound(f"{folder} was not imported into {collection!r} before.", "Import it first.")
            made = self._create(db, collection, folder, tags or _operation(last).tags, State.IMPORTING)
            db.execute(
                "INSERT INTO items(operation, path, state) SELECT ?, path, ? FROM items"
                " WHERE operation = ? AND state = ?",
                (made.id, ItemState.PENDING, last[0], ItemState.FAILED),
            )
            return made

        return await self._run("begin an import", work)

    def _create(
        self, db: sqlite3.Connection, collection: str, folder: Path, tags: Sequence[str], state: State
    ) -> Operation:
        now = datetime.now(UTC)
        name = f"import-{now:%Y%m%d-%H%M%S-%f}"
        db.execute(
            "INSERT INTO operations(id, tenant, collection, folder, tags, state, created_at) VALUES(?,?,?,?,?,?,?)",
            (name, self._tenant, collection, os.fsencode(folder), json.dumps(list(tags)), state, now.timestamp()),
        )
        return Operation(name, collection, folder, tuple(tags), state, now)

    async def get(self, operation: str) -> Operation:
        """NotFound."""

        def work(db: sqlite3.Connection) -> Operation:
            row = db.execute(f"{_OPERATION} AND id = ?", (self._tenant, operation)).fetchone()
            if row is None:
                raise NotFound(f'There is no operation "{operation[:80]}".', "See `thresher operations list`.")
            return _operation(row)

        return await self._run("read an import", work)

    async def list(self, limit: int, before: str = "") -> Sequence[Operation]:
        """The newest first; those older than `before`."""
        rows = await self._run(
            "list the imports",
            lambda db: db.execute(
                f"{_OPERATION} AND (? = '' OR id < ?) ORDER BY id DESC LIMIT ?", (self._tenant, before, before, limit)
            ).fetchall(),
        )
        return [_operation(row) for row in rows]

    async def unfinished(self) -> Sequence[Operation]:
        """Those that have not ended, oldest first."""
        states = [state for state in State if not state.ended]
        marks = ", ".join("?" * len(states))
        rows = await self._run(
            "list the imports",
            lambda db: db.execute(
                f"{_OPERATION} AND state IN ({marks}) ORDER BY id", (self._tenant, *states)
            ).fetchall(),
        )
        return [_operation(row) for row in rows]

    async def move(self, operation: str, state: State, error: tuple[str, str, str] | None = None) -> None:
        """Into another state; one that has ended stays as it is, one that is being cancelled only ends."""
        ended = datetime.now(UTC).timestamp() if state.ended else None
        await self._run(
            "note the state of an import",
            lambda db: db.execute(
                "UPDATE operations SET state = ?, ended_at = ?, error = ? WHERE id = ? AND ended_at IS NULL"
                " AND (state != ? OR ?)",
                (state, ended, json.dumps(error or ()), operation, State.CANCELLING, state.ended),
            ),
        )

    async def delete(self, operation: str) -> None:
        """With its items."""
        await self._run(
            "forget an import",
            lambda db: db.execute("DELETE FROM operations WHERE tenant = ? AND id = ?", (self._tenant, operation)),
        )

    # --- items ---

    async def add(self, operation: str, items: Sequence[Item]) -> None:
        """Those that are not there yet."""
        rows = [(operation, item.path, item.state, item.reason, item.bytes) for item in items]
        await self._run(
            "note the files of an import",
            lambda db: db.executemany(
                "INSERT OR IGNORE INTO items(operation, path, state, reason, bytes) VALUES(?,?,?,?,?)", rows
            ),
        )

    async def pending(self, operation: str, after: bytes, limit: int) -> Sequence[bytes]:
        """Paths that are pending, in order, after one."""
        rows = await self._run(
            "read the files of an import",
            lambda db: db.execute(
                "SELECT path FROM items WHERE operation = ? AND state = ? AND path > ? ORDER BY path LIMIT ?",
                (operation, ItemState.PENDING, after, limit),
            ).fetchall(),
        )
        return [row[0] for row in rows]

    async def settle(self, operation: str, items: Sequence[Item]) -> None:
        """What became of pending items, all at once."""
        rows = [(item.state, item.reason, item.bytes, operation, item.path, ItemState.PENDING) for item in items]
        await self._run(
            "note what became of files",
            lambda db: db.executemany(
                "UPDATE items SET state = ?, reason = ?, bytes = ? WHERE operation = ? AND path = ? AND state = ?", rows
            ),
        )

    async def summary(self, operation: str) -> Summary:
        def work(db: sqlite3.Connection) -> Summary:
            found = {
                state: (count, size)
                for state, count, size in db.execute(
                    "SELECT state, count(*), sum(bytes) FROM items WHERE operation = ? GROUP BY state", (operation,)
                )
            }
            failures = db.execute(
                "SELECT path, reason FROM items WHERE operation = ? AND state = ? ORDER BY path LIMIT ?",
                (operation, ItemState.FAILED, FAILURES),
            ).fetchall()
            skips = db.execute(
                "SELECT reason, count(*) FROM items WHERE operation = ? AND state = ? GROUP BY reason ORDER BY 2 DESC",
                (operation, ItemState.SKIPPED),
            ).fetchall()
            counts = {state.value: found.get(state, (0, 0))[0] for state in ItemState}
            return Summary(
                **counts,
                done_bytes=found.get(ItemState.DONE, (0, 0))[1],
                failures=tuple(Item(path, ItemState.FAILED, reason) for path, reason in failures),
                skips=tuple(skips),
            )

        return await self._run("count the files of an import", work)


def _operation(row: Sequence[Any]) -> Operation:
    name, collection, folder, tags, state, created, ended, error = row
    return Operation(
        name,
        collection,
        Path(os.fsdecode(folder)),
        tuple(json.loads(tags)),
        State(state),
        datetime.fromtimestamp(created, UTC),
        None if ended is None else datetime.fromtimestamp(ended, UTC),
        tuple(json.loads(error)),
    )
