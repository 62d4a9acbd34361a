"""Multi-vector search: how near each candidate stage comes to exact MaxSim, and what it costs.

    python -m benchmarks.multivector [--sizes 10000 100000] [--photos FOLDER --count 200] [--json FILE]

Documents are 16 vectors of 64 numbers, made from a seed: scenes of about 50 documents share 16 words out of 4,096 (a
quarter of a document's vectors are other words), each with noise of half its length. A query takes vectors of a
document and adds the same noise. With `--photos`, the patches of photographs are the scenes, too. Times are medians
over the queries, one at a time; exact MaxSim runs on all cores, LanceDB as it likes, the rest on one.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import lancedb
import numpy as np
import pyarrow as pa
from lancedb.index import IvfFlat, IvfPq, IvfRq
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from benchmarks.figures import Figure, table, write
from benchmarks.fill import decode, encode
from evaluation.run_info import package_versions
from evaluation.server import REPOSITORY
from models.encoders.offline import load_offline
from retrievers.lance_patches import candidates_of
from retrievers.maxsim import VectorSets, maxsim
from retrievers.muvera import Muvera
from thresher.importing import find_photos
from thresher.types import IndexSpec

WEIGHTS = REPOSITORY / "models" / "offline"

VECTORS, DIM, WORDS, SCENE = 16, 64, 4096, 50
NOISE, OTHER = 0.5, 0.25
LENGTHS = (1, 4, 32)
"""Vectors of a query."""
QUERIES = 20
TOP = 10
REFINE = (None, 20, 100)
SLOW = 5  # queries of LanceDB's own searches

Places = NDArray[np.int64]
Search = Callable[[NDArray[np.float32]], Awaitable[Places]]


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    length: NDArray[np.float32] = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / length


def noisy(vectors: NDArray[np.float32], random: np.random.Generator) -> NDArray[np.float32]:
    noise = random.standard_normal(vectors.shape, np.float32)
    return unit(vectors + noise * np.float32(NOISE / np.sqrt(vectors.shape[-1])))


def made(count: int, scenes: NDArray[np.float32] | None = None) -> VectorSets:
    """`count` clustered documents, f16, of `scenes` f32 (s, k, d); None: scenes of random words."""
    random = np.random.default_rng(0)
    if scenes is None:
        words = unit(random.standard_normal((WORDS, DIM), np.float32))
        scenes = words[random.integers(0, WORDS, (max(1, count // SCENE), VECTORS))]
    words = scenes.reshape(-1, scenes.shape[2])
    documents = np.empty((count, *scenes.shape[1:]), np.float16)
    for begin in range(0, count, 5_000):
        vectors = scenes[random.integers(0, len(scenes), min(5_000, count - begin))]
        other = random.random(vectors.shape[:2]) < OTHER
        vectors[other] = words[random.integers(0, len(words), int(other.sum()))]
        documents[begin : begin + len(vectors)] = noisy(vectors, random)
    return VectorSets.equal(documents)


def asked(documents: VectorSets, length: int) -> list[NDArray[np.float32]]:
    """Queries of `length` vectors: those of a document, noisy; all of them before one twice."""
    random = np.random.default_rng(length)
    queries = []
    for place in random.integers(0, len(documents), QUERIES):
        vectors = documents.take(np.array([place])).vectors.astype(np.float32)
        rounds = [random.permutation(len(vectors)) for _ in range(-(-length // len(vectors)))]
        queries.append(noisy(vectors[np.concatenate(rounds)[:length]], random))
    return queries


@dataclass(frozen=True, slots=True)
class Costs:
    """Seconds to build, and bytes: what this process holds, and what an index takes on disk."""

    build: float = 0.0
    memory: float = 0.0
    disk: float = 0.0


NOTHING = Costs()


@dataclass(slots=True)
class Stage:
    """One way to search: recall of the exact top 10, and median seconds, by query length."""

    name: str
    costs: Costs
    recall: dict[int, float] = field(default_factory=dict)
    seconds: dict[int, float] = field(default_factory=dict)

    def line(self) -> str:
        cells = [f"{self.recall[m]:.3f} | {1e3 * self.seconds[m]:.1f}" for m in LENGTHS]
        sizes = f"{self.costs.build:.1f} | {self.costs.memory / 1e6:.0f} | {self.costs.disk / 1e6:.0f}"
        return f"| {self.name} | {' | '.join(cells)} | {sizes} |"


HEAD = "| stage | " + " | ".join(f"recall@10, {m} | ms, {m}" for m in LENGTHS) + " | build s | memory MB | index MB |"


class Bench:
    """One collection of documents in LanceDB and in memory, and what was measured on it."""

    def __init__(self, documents: VectorSets, folder: Path, about: str, own: bool) -> None:
        self.documents = documents
        self.count = len(documents)
        self.about = about
        self._own = own  # LanceDB's own searches as well
        self.stages: dict[str, Stage] = {}
        self._folder = folder
        self._queries = {m: asked(documents, m) for m in LENGTHS}
        self._best: dict[tuple[int, int], set[int]] = {}
        self._candidates = candidates_of(self.count)

    async def run(self) -> None:
        self._table = await self._filled()
        await self._stage("exact MaxSim in memory", self._exact(), costs=Costs(memory=self.documents.vectors.nbytes))
        await self._pooled()
        await self._fde()
        if not self._own:
            return
        await self._stage("LanceDB scan of the column", self._lance(lambda query: query.bypass_vector_index()), SLOW)
        for name, config in (("IvfFlat", IvfFlat(distance_type="cosine")), ("IvfPq", IvfPq(distance_type="cosine"))):
            build, disk = await self._index("patches", config)
            for factor in REFINE:
                search = self._lance(partial(_refined, factor=factor))
                stage = f"LanceDB multivector {name}, refine {factor or 'none'}"
                await self._stage(stage, search, SLOW, Costs(build, disk=disk))

    async def _filled(self) -> Any:
        spec, begin = IndexSpec().fde, time.perf_counter()
        self._muvera = Muvera(spec, DIM)
        encoded = self._muvera.documents(self.documents)
        self._encoding = time.perf_counter() - begin
        flat = pa.FixedSizeListArray.from_arrays(pa.array(self.documents.vectors.astype(np.float32).ravel()), DIM)
        columns = {
            "place": pa.array(np.arange(self.count)),
            "fde": pa.FixedSizeListArray.from_arrays(pa.array(encoded.ravel()), spec.dim),
            "patches": pa.ListArray.from_arrays(self.documents.offsets.astype(np.int32), flat),
        }
        connection = await lancedb.connect_async(str(self._folder))
        filled = await connection.create_table("documents", pa.table(columns))
        found = await filled.query().select(["place"]).with_row_id().to_arrow()
        rows = found.column("_rowid").to_numpy()
        order = np.argsort(rows)
        self._rows, self._places = rows[order], found.column("place").to_numpy()[order]
        return filled

    # --- stages ---

    def _exact(self) -> Search:
        threads = os.cpu_count() or 1
        cuts = np.linspace(0, self.count, threads + 1).astype(int)
        offsets = self.documents.offsets
        parts = [
            VectorSets(self.documents.vectors[offsets[a] : offsets[b]], offsets[a : b + 1] - offsets[a])
            for a, b in pairwise(cuts)
        ]
        pool = ThreadPoolExecutor(threads)

        async def search(query: NDArray[np.float32]) -> Places:
            return best(np.concatenate(list(pool.map(lambda part: maxsim(query, part), parts))), TOP)

        return search

    def _rescored(self, query: NDArray[np.float32], candidates: Places) -> Places:
        return candidates[best(maxsim(query, self.documents.take(candidates)), TOP)]

    async def _pooled(self) -> None:
        """The mean of a document's vectors against the sum of the query's."""
        begin = time.perf_counter()
        sums = np.add.reduceat(self.documents.vectors, self.documents.offsets[:-1], axis=0, dtype=np.float32)
        means = sums / self.documents.lengths[:, None].astype(np.float32)
        build = time.perf_counter() - begin

        async def search(query: NDArray[np.float32]) -> Places:
            return self._rescored(query, best(means @ query.sum(axis=0), self._candidates))

        memory = means.nbytes + self.documents.vectors.nbytes
        await self._stage(f"pooled, MaxSim on {self._candidates}", search, costs=Costs(build, memory))

    async def _fde(self) -> None:
        build, disk = await self._index("fde", IvfRq(distance_type="dot"))

        async def search(query: NDArray[np.float32]) -> Places:
            nearest = self._table.query().nearest_to(self._muvera.query(query)).column("fde").distance_type("dot")
            nearest = nearest.nprobes(ALL).limit(self._candidates).with_row_id().select(["_distance"])
            return self._rescored(query, self._at((await nearest.to_arrow()).column("_rowid").to_numpy()))

        stage = f"FDE in IvfRq, MaxSim on {self._candidates}"
        memory = self.documents.vectors.nbytes + self._rows.nbytes
        await self._stage(stage, search, costs=Costs(build + self._encoding, memory, disk))

    def _lance(self, using: Callable[[Any], Any]) -> Search:
        """LanceDB's own multivector search."""

        async def search(query: NDArray[np.float32]) -> Places:
            nearest = self._table.query().nearest_to(list(query) if len(query) > 1 else query[0])
            nearest = nearest.column("patches").distance_type("cosine").limit(TOP).with_row_id().select(["_distance"])
            return self._at((await using(nearest).to_arrow()).column("_rowid").to_numpy())

        return search

    def _at(self, rows: NDArray[np.uint64]) -> Places:
        places: Places = self._places[np.searchsorted(self._rows, rows)]
        return places

    async def _index(self, column: str, config: Any) -> tuple[float, float]:
        """Seconds and bytes."""
        before, begin = size(self._folder), time.perf_counter()
        await self._table.create_index(column, config=config, name=column, replace=True)
        return time.perf_counter() - begin, size(self._folder) - before

    async def _stage(self, name: str, search: Search, queries: int = QUERIES, costs: Costs = NOTHING) -> None:
        stage = self.stages[name] = Stage(name, costs)
        for length in LENGTHS:
            await search(self._queries[length][0])  # warm
            seconds, found = [], 0
            for number, query in enumerate(self._queries[length][:queries]):
                begin = time.perf_counter()
                places = await search(query)
                seconds.append(time.perf_counter() - begin)
                top = set(places.tolist())
                found += len(top & self._best.setdefault((length, number), top))  # the first stage is exact
            stage.recall[length] = found / (queries * TOP)
            stage.seconds[length] = float(np.median(seconds))
        print(stage.line(), flush=True)

    def stage(self, begin: str) -> Stage:
        return next(stage for name, stage in self.stages.items() if name.startswith(begin))


def _refined(query: Any, factor: int | None) -> Any:
    return query if factor is None else query.refine_factor(factor)


ALL = 1 << 16
"""Partitions probed: all. FDEs fall into no clusters that could be left out (docs/retrieval.md)."""


def best(scores: NDArray[np.float32], count: int) -> Places:
    """Where the `count` largest are, best first."""
    top = np.argpartition(-scores, count)[:count] if count < len(scores) else np.arange(len(scores))
    return top[np.argsort(-scores[top], kind="stable")]


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


async def measured(sizes: Sequence[int], patches: NDArray[np.float32] | None = None) -> list[Bench]:
    """Made collections, the smallest first, and one of `patches` f32 (s, k, d) of photographs. LanceDB's own searches
    run on the largest made one."""
    benches: list[Bench] = []
    for documents, about in collections(sizes, patches):
        with tempfile.TemporaryDirectory(prefix="thresher-multivector-") as folder:
            print(f"\n{about}\n\n{HEAD}\n|{'-|' * (HEAD.count('|') - 1)}", flush=True)
            bench = Bench(documents, Path(folder), about, own=len(benches) == len(sizes) - 1)
            with threadpool_limits(1, "blas"):  # numpy's threads wait for each other at products of this size
                await bench.run()
            benches.append(bench)
    return benches


def collections(sizes: Sequence[int], patches: NDArray[np.float32] | None) -> Iterator[tuple[VectorSets, str]]:
    for count in sizes:
        yield made(count), f"{count:,} made documents of {VECTORS} x {DIM}"
    if patches is not None:
        yield made(sizes[-1], patches), f"{sizes[-1]:,} noisy copies of {len(patches):,} photographs' patches"


def figures(benches: Sequence[Bench]) -> list[Figure]:
    """Those of the largest made collection, and of how time grows from the smallest."""
    sized = [bench for bench in benches if "made" in bench.about]
    small, large = sized[0], sized[-1]
    exact, fde, scan = (large.stage(name) for name in ("exact", "FDE", "LanceDB scan"))
    pooled, most, about = large.stage("pooled"), LENGTHS[-1], large.about
    found = [
        Figure("maxsim_recall_at_10", fde.recall[most], "share", f"FDE route, {most} vectors, {about}", 0.98, True),
        _ratio("maxsim_time_vs_exact", fde, exact, "FDE route / exact MaxSim in memory on all cores", 1 / 3),
        _ratio("maxsim_time_vs_lancedb_scan", fde, scan, "FDE route / LanceDB's exact scan", 0.1),
        _ratio("maxsim_growth", fde, small.stage("FDE"), f"FDE route at {large.count:,} / at {small.count:,}", 3),
        Figure("maxsim_exact_ms", 1e3 * exact.seconds[most], "ms", f"exact MaxSim in memory, {most} vectors, {about}"),
        Figure("maxsim_index_mb", fde.costs.disk / 1e6, "MB", f"the FDE route's index, {about}"),
        Figure("pooled_recall_at_10", pooled.recall[most], "share", f"pooled stage, {most} vectors, {about}"),
        _ratio("pooled_time_vs_exact", pooled, exact, "pooled stage / exact MaxSim in memory"),
    ]
    for bench in benches[len(sized) :]:
        real, whole = bench.stage("FDE"), bench.stage("exact")
        about = f"FDE route, {most} vectors, {bench.about}"
        found.append(Figure("maxsim_patches_recall_at_10", real.recall[most], "share", about, 0.98, True))
        found.append(_ratio("maxsim_patches_time_vs_exact", real, whole, about, 1 / 3))
    for stage in large.stages.values():
        if stage.name.startswith("LanceDB multivector"):
            name = "lancedb_multivector_" + stage.name.split(" ", 2)[2].lower().replace(", refine ", "_refine_")
            found.append(Figure(f"{name}_recall_at_10", stage.recall[most], "share", f"{stage.name}, {most} vectors"))
            found.append(_ratio(f"{name}_time_vs_exact", stage, exact, f"{stage.name} / exact MaxSim in memory"))
    return found


def _ratio(name: str, stage: Stage, other: Stage, about: str, goal: float | None = None) -> Figure:
    most = LENGTHS[-1]
    return Figure(name, stage.seconds[most] / other.seconds[most], "ratio", f"{about}, {most} vectors", goal)


def same_number(patches: Sequence[NDArray[np.float16]]) -> NDArray[np.float32]:
    """f32 (s, k, d) of photographs with the usual number of patches, k."""
    usual = int(np.median([len(each) for each in patches]))
    return np.stack([each for each in patches if len(each) == usual]).astype(np.float32)


async def photographs(folder: Path, count: int) -> NDArray[np.float32]:
    """The patches of the first `count` photographs of a folder."""
    encoder, _ = await asyncio.to_thread(load_offline, WEIGHTS, 1)
    decoded = decode([photo.file for photo in find_photos([folder]).photos[:count]])
    encoded = await encode(encoder, decoded, 2)
    return same_number([each.features.patches.vectors for each in encoded])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--photos", type=Path, help="folder of photographs")
    parser.add_argument("--count", type=int, default=200, help="photographs to encode")
    parser.add_argument("--json", type=Path, default=REPOSITORY / "build" / "multivector.json")
    arguments = parser.parse_args()

    async def run() -> list[Bench]:
        patches = await photographs(arguments.photos, arguments.count) if arguments.photos else None
        return await measured(sorted(arguments.sizes), patches)

    found = figures(asyncio.run(run()))
    write(arguments.json, found, {"packages": package_versions(), "cores": os.cpu_count()})
    print(f"\n{table(found)}\n\nwritten to {arguments.json}")


if __name__ == "__main__":
    main()
