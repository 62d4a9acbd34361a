"""Things that users taught by name, as vectors: one SQLite file beside the collections.

What was taught belongs to one collection as it was made: a later one of the same name knows nothing of it.
"""

from __future__ import annotations

import sqlite3
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrievers.database import Database
from thresher.errors import EncoderMismatch, InvalidInput, NotFound
from thresher.types import Box, Collection, Example, Exemplar

FILE = "exemplars.sqlite"
VERSION = 1
MOST_CHARACTERS = 100
MOST_EXAMPLES = 16
"""Photographs that may teach one name."""

_SCHEMA = """
CREATE TABLE examples(
    id INTEGER PRIMARY KEY, tenant TEXT NOT NULL, collection TEXT NOT NULL, made_at TEXT NOT NULL,
    folded TEXT NOT NULL, name TEXT NOT NULL, image TEXT NOT NULL, box TEXT NOT NULL,
    appearance BLOB NOT NULL, region BLOB NOT NULL, weights TEXT NOT NULL, created_at REAL NOT NULL,
    UNIQUE(tenant, collection, made_at, folded, image, box)
);
"""
_LOSS = "photographs stay, only what was taught by name is lost."
_OWN = "tenant = ? AND collection = ? AND made_at = ?"
_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Lesson:
    """What one photograph taught. `appearance` f32 (appearance_dim,) of what is in the box; `region` f32 (patch_dim,),
    unit, of the thing's mask."""

    example: Example
    appearance: NDArray[np.float32]
    region: NDArray[np.float32]


class ExemplarStore(Database):
    """The exemplars of one tenant. Names are told apart as `folded` has them."""

    def __init__(self, data_dir: Path, tenant: str = "default") -> None:
        """SchemaMismatch where the file is damaged or of another version; StorageFull."""
        super().__init__(data_dir / FILE, _SCHEMA, VERSION, _LOSS)
        self._tenant = tenant

    async def teach(self, collection: Collection, name: str, lesson: Lesson) -> Exemplar:
        """One photograph more for a name; the same box of the same photograph again changes nothing.

        InvalidInput for a name or vectors that cannot be stored, and beyond MOST_EXAMPLES; EncoderMismatch where
        another encoder was taught the name.
        """
        shown, key = " ".join(unicodedata.normalize("NFKC", name).split()), folded(name)
        row = (shown, lesson.example.image, _box_text(lesson.example.box), *_vectors(lesson, collection))

        def work(db: sqlite3.Connection) -> Exemplar:
            there = self._examples(db, collection, key)
            _check_encoder(shown, there, collection)
            db.execute(
                "INSERT OR IGNORE INTO examples(tenant, collection, made_at, folded, name, image, box, appearance,"
                " region, weights, created_at) VALUES(?,?,?,?,?,?,?,?,?,?,?)",
                (*self._own(collection), key, *row, collection.encoder.weights, datetime.now(UTC).timestamp()),
            )
            taught = self._examples(db, collection, key)
            if len(taught) > MOST_EXAMPLES:
                raise InvalidInput(
                    f'"{shown}" is taught by {MOST_EXAMPLES} photographs already.', "Forget it first.", "display_name"
                )
            return _exemplar(taught)

        return await self._run("teach a name", work)

    async def list(self, collection: Collection) -> Sequence[Exemplar]:
        """All of a collection, by name, whatever encoder they were taught."""

        def work(db: sqlite3.Connection) -> list[Exemplar]:
            rows: dict[str, Any] = {}
            for row in self._examples(db, collection):
                rows.setdefault(row["folded"], []).append(row)
            return [_exemplar(each) for _, each in sorted(rows.items())]

        return await self._run("list the exemplars", work)

    async def names(self, collection: Collection) -> Sequence[str]:
        """All names that were taught in a collection, as they were taught first."""
        return [exemplar.name for exemplar in await self.list(collection)]

    async def lessons(self, collection: Collection, name: str) -> Sequence[Lesson]:
        """What taught a name. NotFound, which says what was taught; EncoderMismatch; InvalidInput."""
        key = folded(name)

        def work(db: sqlite3.Connection) -> list[Lesson]:
            rows = self._examples(db, collection, key)
            if not rows:
                raise self._unknown(db, collection, name)
            _check_encoder(rows[0]["name"], rows, collection)
            return [_lesson(row) for row in rows]

        return await self._run("read an exemplar", work)

    async def forget(self, collection: Collection, name: str) -> None:
        """A name with all its photographs' vectors. NotFound."""
        key = folded(name)

        def work(db: sqlite3.Connection) -> None:
            gone = db.execute(f"DELETE FROM examples WHERE {_OWN} AND folded = ?", (*self._own(collection), key))
            if not gone.rowcount:
                raise self._unknown(db, collection, name)

        await self._run("forget an exemplar", work)

    async def forget_all(self, collection: str) -> None:
        """Everything that was taught in any collection of this name."""
        await self._run(
            "forget the exemplars of a collection",
            lambda db: db.execute(
                "DELETE FROM examples WHERE tenant = ? AND collection = ?", (self._tenant, collection)
            ),
        )

    def _own(self, collection: Collection) -> tuple[str, str, str]:
        return self._tenant, collection.name, collection.created_at.isoformat()

    def _examples(
        self, db: sqlite3.Connection, collection: Collection, key: str | None = None
    ) -> Sequence[sqlite3.Row]:
        cursor = db.cursor()
        cursor.row_factory = sqlite3.Row
        chosen = "" if key is None else " AND folded = ?"
        values = (*self._own(collection), *(() if key is None else (key,)))
        return cursor.execute(f"SELECT * FROM examples WHERE {_OWN}{chosen} ORDER BY id", values).fetchall()

    def _unknown(self, db: sqlite3.Connection, collection: Collection, name: str) -> NotFound:
        rows = db.execute(
            f"SELECT min(name) FROM examples WHERE {_OWN} GROUP BY folded ORDER BY folded", self._own(collection)
        ).fetchall()
        names = [f'"{row[0]}"' for row in rows]
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        known = f"Taught are {', '.join(names[:_SHOWN])}{more}." if names else "None is: thresher teach."
        return NotFound(f'"{name.strip()}" was not taught in collection "{collection.name}".', known)


def folded(name: str) -> str:
    """A name as names are told apart: without case, spaces as one. InvalidInput where it cannot be a name."""
    key = " ".join(unicodedata.normalize("NFKC", name).casefold().split())
    printable = all(character.isprintable() for character in key)
    if not key or len(" ".join(name.split())) > MOST_CHARACTERS or not printable:
        raise InvalidInput(
            f"{name.strip()[:80]!r} cannot be the name of an exemplar.",
            f"Use 1 to {MOST_CHARACTERS} printable characters.",
            "display_name",
        )
    return key


def _check_encoder(name: str, rows: Sequence[sqlite3.Row], collection: Collection) -> None:
    if any(row["weights"] != collection.encoder.weights for row in rows):
        raise EncoderMismatch(
            f'"{name}" was taught to another encoder.',
            "Forget it, and teach it again: thresher forget, thresher teach.",
        )


def _vectors(lesson: Lesson, collection: Collection) -> tuple[bytes, bytes]:
    """The vectors as they are stored. InvalidInput where they are not those of the collection's encoder."""
    encoder = collection.encoder
    dims = (("appearance", lesson.appearance, encoder.appearance_dim), ("region", lesson.region, encoder.patch_dim))
    for what, vector, dim in dims:
        if vector.shape != (dim,) or not np.isfinite(vector).all():
            raise InvalidInput(f"{what} is not {dim} finite numbers.", "This is a fault of the encoder.")
    return lesson.appearance.astype("<f4").tobytes(), lesson.region.astype("<f4").tobytes()


def _box_text(box: Box | None) -> str:
    return "" if box is None else f"{box.x0!r} {box.y0!r} {box.x1!r} {box.y1!r}"


def _example(row: sqlite3.Row) -> Example:
    return Example(row["image"], Box(*map(float, row["box"].split())) if row["box"] else None)


def _exemplar(rows: Sequence[sqlite3.Row]) -> Exemplar:
    first: Any = rows[0]
    return Exemplar(first["name"], tuple(map(_example, rows)), datetime.fromtimestamp(first["created_at"], UTC))


def _lesson(row: sqlite3.Row) -> Lesson:
    appearance, region = (np.frombuffer(row[name], "<f4").astype(np.float32) for name in ("appearance", "region"))
    return Lesson(_example(row), appearance, region)
