"""Searches before, during and after the upkeep of a table: how long they take, and what they find.

    python -m benchmarks.indexes [--rows 100000] [--json build/indexes.json]

Rows have vectors of the offline encoder's shape (1,080 probabilities and a caption vector of 384; 1,408 numbers of
appearance) with its structure: scenes with a few concepts each, their mixtures, and noise (`made_vectors`). A
photograph is 16 bytes and has no boxes and no patches. "disk": no memory for columns, so that upkeep builds indexes;
"memory": the column is scanned exactly. Truth is numpy's own scan of what was stored. Text queries ask for concepts
or for a caption, image queries for a scene; half of the searches each.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
import resource
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.figures import Figure, table, write
from evaluation.run_info import package_versions, revision
from evaluation.server import REPOSITORY
from retrievers.lance_images import LanceImageStore
from retrievers.lance_store import LanceStore
from thresher.types import EncoderSpec, Filter, ImageFeatures, ImageRecord, ImageRow, IndexSpec, Proposals

CONCEPTS, CAPTION, APPEARANCE = 1080, 384, 1408
SPEC = EncoderSpec("benchmark", CONCEPTS + CAPTION, "dot", APPEARANCE, "0" * 64)
SCENES = 400
BATCH = 2000
QUERIES = 40
LIMIT = 10
ALL = Filter()
NEVER = 10**9
_PAUSE = 0.01

Matrix = NDArray[np.float32]


@dataclass
class Searches:
    """Seconds of each search, and the share of the true best that it found."""

    seconds: list[float] = field(default_factory=list)
    recall: list[float] = field(default_factory=list)

    @property
    def p95_ms(self) -> float:
        return 1e3 * float(np.percentile(self.seconds, 95))

    @property
    def mean_recall(self) -> float:
        return float(np.mean(self.recall))


@dataclass(frozen=True)
class Scenes:
    """What photographs show: logits f32 (SCENES, CONCEPTS), captions and looks as unit rows."""

    logits: Matrix
    captions: Matrix
    looks: Matrix

    @staticmethod
    def drawn(random: np.random.Generator) -> Scenes:
        """Most concepts are improbable everywhere; each scene has about eight that are not."""
        logits = random.normal(-6, 1, (SCENES, CONCEPTS)).astype(np.float32)
        shown = random.random((SCENES, CONCEPTS)) < 8 / CONCEPTS
        logits[shown] = random.normal(1, 2, int(shown.sum()))
        return Scenes(logits, *(_unit(random.standard_normal((SCENES, d), np.float32)) for d in (CAPTION, APPEARANCE)))

    def vectors(self, random: np.random.Generator, count: int) -> tuple[Matrix, Matrix]:
        """Mixtures of two scenes and noise: `vector` f32 (count, dim), `appearance` f32 (count, APPEARANCE)."""
        first, second = random.integers(SCENES, size=(2, count))
        share = random.uniform(0, 0.5, (count, 1)).astype(np.float32)

        def mixed(values: Matrix, noise: float) -> Matrix:
            found: Matrix = (1 - share) * values[first] + share * values[second]
            return found + random.standard_normal(found.shape, np.float32) * np.float32(noise)

        probabilities = 1 / (1 + np.exp(-mixed(self.logits, 0.3)))
        captions = _unit(mixed(self.captions, 0.3 / CAPTION**0.5))
        return np.hstack([probabilities, captions]), _unit(mixed(self.looks, 0.3 / APPEARANCE**0.5))

    def queries(self, random: np.random.Generator) -> Matrix:
        """f32 (QUERIES, dim): a quarter asks for one concept, a quarter for a caption, half for a photograph."""
        found = self.vectors(random, QUERIES)[0]
        quarter = QUERIES // 4
        found[:quarter, :] = 0
        found[np.arange(quarter), random.integers(CONCEPTS, size=quarter)] = 1
        found[quarter : 2 * quarter, :CONCEPTS] = 0
        return found


def _unit(values: Matrix) -> Matrix:
    unit: Matrix = values / np.linalg.norm(values, axis=1, keepdims=True)
    return unit


def rows(random: np.random.Generator, vectors: Matrix, looks: Matrix) -> list[ImageRow]:
    now = datetime.now(UTC)
    return [_row(random.bytes(16), now, *each) for each in zip(vectors, looks, strict=True)]


def _row(content: bytes, now: datetime, vector: Matrix, look: Matrix) -> ImageRow:
    name = hashlib.sha256(content).hexdigest()
    record = ImageRecord(name, (f"{name[:8]}.jpg",), 640, 480, "image/jpeg", len(content), now)
    return ImageRow(record, content, ImageFeatures(vector, look, Proposals.none()))


class Run:
    """One data directory, searched and kept up."""

    def __init__(self, folder: Path, count: int) -> None:
        self.folder, self.count = folder, count
        self.random = np.random.default_rng(0)
        self.scenes = Scenes.drawn(self.random)
        self.queries = self.scenes.queries(self.random)
        self.truth: Matrix = np.zeros((QUERIES, 0), np.float32)

    def _batches(self) -> Iterator[list[ImageRow]]:
        for first in range(0, self.count, BATCH):
            vectors, looks = self.scenes.vectors(self.random, min(BATCH, self.count - first))
            both = np.hstack([self.truth, self.queries @ vectors.T])
            self.truth = -np.sort(-both, axis=1)[:, :LIMIT]
            yield rows(self.random, vectors, looks)

    async def fill(self) -> None:
        """Nothing is kept up meanwhile."""
        store = LanceStore(self.folder)
        await store.create("c", SPEC, indexes=IndexSpec(vector_rows=NEVER, unindexed_rows=NEVER, commits=NEVER))
        images = await store.open("c", SPEC)
        for batch in self._batches():
            await images.add(batch)
        await store.close()

    async def search(self, images: LanceImageStore, number: int, found: Searches) -> None:
        number %= QUERIES
        started = time.perf_counter()
        hits = await images.search(self.queries[number], ALL, LIMIT)
        found.seconds.append(time.perf_counter() - started)
        least = self.truth[number, -1] - 1e-4  # what ties with the last one is as good
        found.recall.append(sum(hit.score >= least for hit in hits) / LIMIT)

    async def alone(self, images: LanceImageStore) -> Searches:
        found = Searches()
        for number in range(QUERIES):
            await self.search(images, number, found)
            await asyncio.sleep(_PAUSE)
        return found

    async def beside(self, images: LanceImageStore, work: asyncio.Task[None]) -> Searches:
        """At least one, as long as `work` takes."""
        found, number = Searches(), 0
        while not found.seconds or not work.done():
            await self.search(images, number, found)
            await asyncio.sleep(_PAUSE)
            number += 1
        await work
        return found

    async def kept_up(self, name: str, cache_bytes: int) -> list[Figure]:
        """Open, search, make one pass with searches beside it, and search again."""
        store = LanceStore(self.folder, cache_bytes=cache_bytes)
        images = await store.open("c", SPEC)
        await self.search(images, 0, Searches())  # reads the column where memory holds it
        before = await self.alone(images)
        upkeep = images._table.upkeep
        upkeep._spec = IndexSpec(vector_rows=1)
        started = time.perf_counter()
        during = await self.beside(images, asyncio.create_task(upkeep.run()))
        seconds = time.perf_counter() - started
        after = await self.alone(images)
        indexes = [
            each for each in await images._table.table.list_indices() if each.columns[0] in ("vector", "appearance")
        ]
        await store.close()
        what = f"{self.count} rows, {name}"
        figures = [
            Figure(f"index_{name}_p95_{when}_ms", each.p95_ms, "ms", f"search, {what}, {when} upkeep")
            for when, each in (("before", before), ("during", during), ("after", after))
        ]
        recall = min(each.mean_recall for each in (before, during, after))
        return [
            *figures,
            Figure(f"index_{name}_during_ratio", during.p95_ms / before.p95_ms, "ratio", "p95 during / before upkeep"),
            Figure(f"index_{name}_recall_at_10", recall, "", f"least of before, during, after; {what}", 0.98, True),
            Figure(f"index_{name}_upkeep_s", seconds, "s", f"a pass: {len(indexes)} vector indexes, merge, clean-up"),
            Figure(f"index_{name}_mib", sum(each.size_bytes or 0 for each in indexes) / 2**20, "MiB", "vector indexes"),
        ]


async def run(count: int) -> list[Figure]:
    """All figures of `count` rows: the memory path first, whose pass merges fragments only."""
    with tempfile.TemporaryDirectory(prefix="thresher-indexes-") as name:
        each = Run(Path(name), count)
        started = time.perf_counter()
        await each.fill()
        figures = [Figure("index_fill_rows_per_second", count / (time.perf_counter() - started), "1/s", "adding")]
        figures += await each.kept_up("memory", 8 << 30)
        figures += await each.kept_up("disk", 0)
        table_mib = _mib(Path(name))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    return [
        *figures,
        Figure("index_table_mib", table_mib, "MiB", "all of it on disk, with indexes"),
        Figure("index_peak_memory_mib", peak, "MiB", "the whole run, columns in memory"),
    ]


def _mib(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 2**20


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--json", type=Path, default=REPOSITORY / "build" / "indexes.json")
    given = parser.parse_args(arguments)
    figures = asyncio.run(run(given.rows))
    about = {"revision": revision(), "packages": package_versions(), "cores": os.cpu_count(), "rows": given.rows}
    write(given.json, figures, about)
    print(f"\n{table(figures)}\n\nwritten to {given.json}")


if __name__ == "__main__":
    main()
