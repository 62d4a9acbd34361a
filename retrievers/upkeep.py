"""The one owner of a table's upkeep: indexes are built and refreshed, small fragments merged, old versions dropped.

All of it runs in the background, one pass at a time, beside searches and writes. What Lance does (measured with
0.40, tests/retrievers/test_upkeep.py): an index is built beside any write, and rows that arrive meanwhile are searched
without it; merged fragments that lose a race with a write are thrown away, never the write. So only the last try at
merging, and dropping versions, hold the writer's lock. Every step is one commit: a pass that is killed or cancelled
leaves files that no version knows, and what is due is read from the table when it is opened.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Set
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from lancedb.index import IvfFlat, IvfRq

from retrievers.cache import MatrixName
from retrievers.failures import is_conflict
from thresher.types import Collection

_log = logging.getLogger(__name__)

# 64 numbers of colour are scanned as fast. An index of ids would be of use to lookups, but then a change of tags
# rewrites columns in place, and every row of the fragment falls out of the index of text.
_COLUMNS: tuple[MatrixName, ...] = ("vector", "appearance", "fde")
_PARTITION_ROWS = 2000
_ROWS_A_COMMIT = 64  # merging rewrites the table, so it waits for as many commits as there are 64 rows
_LEAST_PROBES = 10
_ITERATIONS = 15  # of k-means
_GROWN = 4  # an index is built anew, with more partitions, where the rows are so many times those that it began with,
_SEGMENTS = 8  # or where it has more segments
_TRIES = 2  # to merge fragments beside the writer


@dataclass(frozen=True, slots=True)
class TableIndex:
    """An index of a table. `name` is "column-rows" for ours: how many rows there were when it was built.

    `unindexed` rows are beside it; each merge may add a segment to it, and a search looks into all.
    """

    name: str
    column: str
    unindexed: int = 0
    segments: int = 1

    @property
    def built_rows(self) -> int:
        rows = self.name.rpartition("-")[2]
        return int(rows) if rows.isdecimal() else 0


def partitions(rows: int) -> int:
    """Of a vector index that is built on so many rows."""
    return max(1, rows // _PARTITION_ROWS)


def probes(rows: int) -> int:
    """Partitions to search, a fifth of all: on 100,000 rows recall@10 was 1.00, with a tenth .94 where a query names a
    concept (docs/retrieval.md). Counted by the rows of today, since Lance splits partitions that grow."""
    return max(_LEAST_PROBES, partitions(rows) // 5)


class Upkeep:
    """`writing` is the lock of the table's writer, `reads` the reads under way; `rows` counts the table's rows, `fits`
    says whether a matrix is scanned in memory, where it needs no index; encodings (`fde`) never are."""

    def __init__(
        self,
        table: Any,
        collection: Collection,
        writing: asyncio.Lock,
        reads: Set[asyncio.Future[None]],
        rows: Callable[[], int],
        fits: Callable[[MatrixName], bool],
    ) -> None:
        self._table = table
        self._name = collection.name
        self._spec = collection.indexes
        self._patch_dim = collection.encoder.patch_dim
        self._writing = writing
        self._reads = reads
        self._rows = rows
        self._fits = fits
        self._indexes: dict[str, TableIndex] = {}
        self._passing = asyncio.Lock()
        self._running: asyncio.Task[None] | None = None
        self._commits = 0  # since fragments were merged
        self._merged_rows = 0  # how many there were then
        self._failed = False
        self._leftovers = True  # of a process that was killed

    # --- what there is ---

    def index(self, column: str) -> TableIndex | None:
        """The index that searches of a column use. Rows it does not have yet are searched, too."""
        return self._indexes.get(column)

    async def look(self) -> None:
        """Read the state from the table."""
        found = (_index(each) for each in await self._table.list_indices())
        self._indexes = {each.column: each for each in sorted(found, key=lambda each: each.built_rows)}

    async def begin(self) -> None:
        """Once, after opening: go on where the last process stopped."""
        await self.look()
        self._commits = (await self._table.stats())["fragment_stats"]["num_fragments"]
        rows = await self._table.count_rows()
        self._merged_rows = rows - max((each.unindexed for each in self._indexes.values()), default=0)
        self._start_if_due()

    def wrote(self) -> None:
        """There was a commit: a pass begins where one is due and none runs."""
        self._commits += 1
        self._start_if_due()

    # --- when ---

    def _start_if_due(self) -> None:
        if self._running is None and (self._merging_due() or (self._due_columns() and not self._failed)):
            self._running = asyncio.create_task(self._pass())

    def _merging_due(self) -> bool:
        rows = self._rows()
        refresh = bool(self._indexes) and rows - self._merged_rows >= self._spec.unindexed_rows and not self._failed
        return refresh or self._commits >= max(self._spec.commits, rows // _ROWS_A_COMMIT)

    def _due_columns(self) -> list[str]:
        """Columns that need a new index."""
        return [name for name in _COLUMNS if self._index_due(name, self._rows())]

    def _index_due(self, name: MatrixName, rows: int) -> bool:
        if rows < self._spec.vector_rows or not self._needed(name):
            return False
        known = self._indexes.get(name)
        return known is None or rows >= _GROWN * known.built_rows or known.segments > _SEGMENTS

    def _needed(self, name: MatrixName) -> bool:
        return self._patch_dim > 0 if name == "fde" else not self._fits(name)

    # --- a pass ---

    async def _pass(self) -> None:
        try:
            await self.run()
        except Exception:
            self._failed = True  # on a full disk: not with every commit again
            _log.warning("upkeep of collection %s stopped", self._name, exc_info=True)
        finally:
            self._running = None

    async def run(self) -> None:
        """One pass: what is due now, and a merge of what is small."""
        async with self._passing:
            self._commits, self._merged_rows = 0, self._rows()
            for column in self._due_columns():
                await self._build(column)
            await self._merge()
            await self._drop_old_versions()
            await self.look()
            self._failed = False

    async def _build(self, column: str) -> None:
        """Build, and drop what it replaces; a table that is killed in between has both, which harms nothing."""
        rows = self._rows()
        name = f"{column}-{rows}"
        await self._table.create_index(column, config=_config(column, rows), name=name)
        for each in map(_index, await self._table.list_indices()):
            if each.column == column and each.name != name:
                await self._table.drop_index(each.name)
        await self.look()

    async def _merge(self) -> None:
        """Fewer fragments, and unindexed rows into the indexes."""
        for _ in range(_TRIES):
            try:
                await self._table.optimize()
            except (OSError, RuntimeError) as error:
                if not is_conflict(error):
                    raise
            else:
                return
        async with self._writing:
            await self._table.optimize()

    async def _drop_old_versions(self) -> None:
        """Nothing writes meanwhile, and reads that began before have ended: none misses a file."""
        async with self._writing:
            older = tuple(self._reads)  # those that begin from now on see the newest version
            waiting = (await asyncio.wait(older, timeout=self._spec.patience))[1] if older else ()
            if not waiting:
                await self._table.optimize(
                    cleanup_older_than=timedelta(milliseconds=1), delete_unverified=self._leftovers
                )
                self._leftovers = False

    # --- the end ---

    async def settled(self) -> None:
        """Wait for the pass under way."""
        if self._running is not None:
            await asyncio.wait([self._running])

    async def stop(self) -> None:
        """Cancel the pass under way."""
        if self._running is not None:
            self._running.cancel()
            await self.settled()


def _config(column: str, rows: int) -> Any:
    if column == "fde":  # read whole (retrievers/lance_patches.py)
        return IvfRq(distance_type="dot")
    return IvfFlat(distance_type="dot", num_partitions=partitions(rows), max_iterations=_ITERATIONS)


def _index(config: Any) -> TableIndex:
    return TableIndex(config.name, config.columns[0], config.num_unindexed_rows or 0, config.num_segments or 1)
