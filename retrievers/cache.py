"""What is kept in memory of a table, so that a scope that is asked about again and again costs milliseconds.

The ids of an open table, and which photographs nearly repeat which, are always held. Its columns are read on first use
and stay while the budget, shared by all open tables, has room. The table's one writer tells the cache of each commit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from retrievers.duplicates import Groups
from retrievers.maxsim import VectorSets
from thresher.types import ImageId

MatrixName = Literal["vector", "appearance", "colours", "fde"]
ColumnName = Literal["record", "proposals", "patches"] | MatrixName
"""ImageRecord objects, packed bytes, sets of f16 vectors, and f32 matrices."""

OBJECT_BYTES = 2000
"""What a record (about 1,200) or a photograph's packed proposals (2,400 for 50 boxes with 8 scores) take."""


class Matrix:
    """Growing (n, dim), of the type it began with. A view taken before an append keeps its rows."""

    def __init__(self, values: NDArray[Any]) -> None:
        self._data, self._count = values, len(values)

    def extend(self, values: NDArray[Any]) -> None:
        """Add rows (m, dim)."""
        end = self._count + len(values)
        if end > len(self._data):
            larger = np.empty((max(end, len(self._data) * 3 // 2), self._data.shape[1]), self._data.dtype)
            larger[: self._count] = self.view
            self._data = larger
        self._data[self._count : end] = values
        self._count = end

    @property
    def view(self) -> NDArray[Any]:
        """(n, dim)."""
        return self._data[: self._count]

    @property
    def nbytes(self) -> int:
        return self._data.nbytes


class Sets:
    """Growing sets of f16 vectors, one set a row. A view taken before an append keeps its rows."""

    def __init__(self, sets: Sequence[NDArray[np.float16]], dim: int) -> None:
        first = VectorSets.of(sets, dim)
        self._dim, self._offsets = dim, first.offsets
        self._vectors = Matrix(first.vectors.astype(np.float16, copy=False))

    def extend(self, sets: Sequence[NDArray[np.float16]]) -> None:
        """Add rows."""
        more = VectorSets.of(sets, self._dim)
        self._offsets = np.concatenate([self._offsets, self._offsets[-1] + more.offsets[1:]])
        self._vectors.extend(more.vectors.astype(np.float16, copy=False))

    @property
    def view(self) -> VectorSets:
        return VectorSets(self._vectors.view, self._offsets)

    @property
    def nbytes(self) -> int:
        return self._vectors.nbytes + self._offsets.nbytes


Column = Matrix | Sets | list[Any]


class Budget:
    """Bytes that the columns of all open tables may take together.

    Where one more does not fit, the table that was used least recently gives up its columns. The columns of one table
    never push each other out: an ask needs them together.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._tables: dict[TableCache, int] = {}  # least recently used first

    def fits(self, table: TableCache, size: int) -> bool:
        """Whether `size` more bytes of this table may be held."""
        return self._tables.get(table, 0) + size <= self._limit

    def hold(self, table: TableCache, size: int) -> None:
        """The table was used just now and takes `size` bytes: older ones, in the end itself, go until it fits."""
        self._tables.pop(table, None)
        self._tables[table] = size
        while sum(self._tables.values()) > self._limit:
            next(iter(self._tables)).evict()

    def forget(self, table: TableCache) -> None:
        """The table holds nothing."""
        self._tables.pop(table, None)


@dataclass(frozen=True, slots=True)
class Scope:
    """Photographs, and the rows of the columns they are at: i64 (n,)."""

    ids: tuple[ImageId, ...]
    slots: NDArray[np.int64]


@dataclass(slots=True, eq=False)
class TableCache:
    """The state of one table after its last commit. It belongs to the event loop, and its methods do not wait.

    A photograph's row in every column is its slot. A deleted one leaves its slot empty until a quarter of them are;
    then the slots are dealt anew and the columns read again. `generation` changes with every commit.
    """

    budget: Budget
    slots: dict[ImageId, int] = field(default_factory=dict)
    length: int = 0
    generation: int = 0
    groups: Groups = field(default_factory=Groups)
    _columns: dict[ColumnName, Column] = field(default_factory=dict)
    _everything: Scope | None = None

    # --- what the writer tells ---

    def reset(self, ids: Sequence[ImageId]) -> None:
        """These photographs are there; no column is held."""
        self.evict()
        self.slots = {image_id: slot for slot, image_id in enumerate(ids)}
        self.length = len(self.slots)
        self._changed()

    def append(self, ids: Sequence[ImageId], values: Mapping[ColumnName, Any]) -> None:
        """Photographs were added; `values` has a sequence or matrix, in the order of `ids`, for each column."""
        self.slots.update((image_id, self.length + place) for place, image_id in enumerate(ids))
        self.length += len(ids)
        self._changed()
        for name, column in self._columns.items():
            column.extend(values[name])
        self.touch()

    def replace_record(self, image_id: ImageId, record: object) -> None:
        """A photograph has another record."""
        self.generation += 1
        records = self.objects("record")
        if records is not None:
            records[self.slots[image_id]] = record

    def remove(self, image_id: ImageId) -> None:
        """A photograph was deleted."""
        del self.slots[image_id]
        self.groups.remove(image_id)
        self._changed()
        if self.length - len(self.slots) > max(64, self.length // 4):
            self.reset(tuple(self.slots))

    # --- columns ---

    def __contains__(self, name: ColumnName) -> bool:
        return name in self._columns

    def matrix(self, name: ColumnName) -> NDArray[np.float32] | None:
        """f32 (length, dim), None where it is not held."""
        column = self._columns.get(name)
        return column.view if isinstance(column, Matrix) else None

    def sets(self, name: ColumnName) -> VectorSets | None:
        """One set of vectors a slot, None where they are not held."""
        column = self._columns.get(name)
        return column.view if isinstance(column, Sets) else None

    def objects(self, name: ColumnName) -> list[Any] | None:
        """One object a slot, None where they are not held."""
        column = self._columns.get(name)
        return column if isinstance(column, list) else None

    def install(self, name: ColumnName, column: Column) -> None:
        """Hold a column of `length` rows, as far as the budget goes."""
        self._columns[name] = column
        self.touch()

    def evict(self) -> None:
        """Hold no column."""
        self._columns.clear()
        self.budget.forget(self)

    def touch(self) -> None:
        """The columns were used just now."""
        sizes = (
            len(column) * OBJECT_BYTES if isinstance(column, list) else column.nbytes
            for column in self._columns.values()
        )
        self.budget.hold(self, sum(sizes))

    # --- scopes ---

    def everything(self) -> Scope:
        """All photographs, by id."""
        if self._everything is None:
            self._everything = self.scope(sorted(self.slots))
        return self._everything

    def scope(self, ids: Sequence[ImageId]) -> Scope:
        """Those of `ids` that are there, in their order."""
        found = tuple(image_id for image_id in ids if image_id in self.slots)
        return Scope(found, np.fromiter((self.slots[image_id] for image_id in found), np.int64, len(found)))

    def _changed(self) -> None:
        self.generation += 1
        self._everything = None
