"""What the store costs: seconds and megabytes for 1,000 and 10,000 photographs with made-up vectors and bytes.

    python -m benchmarks.store [--rows 1000 10000] [--content 100000]

Each line is one call: the best of five, after a first one whose time is given too (it reads the columns). "disk" runs
with no memory to keep columns in.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import resource
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from retrievers.lance_store import LanceStore
from thresher.types import EncoderSpec, Filter, ImageFeatures, ImageRecord, ImageRow, Proposals

SPEC = EncoderSpec(id="benchmark", dim=1464, metric="dot", appearance_dim=1408, weights="0" * 64)
BATCH = 32
BOXES, CONCEPTS = 50, 8


def batches(rows: int, content_bytes: int) -> Iterator[list[ImageRow]]:
    rng = np.random.default_rng(0)
    for first in range(0, rows, BATCH):
        yield [made(rng, number, content_bytes) for number in range(first, min(first + BATCH, rows))]


def made(rng: np.random.Generator, number: int, content_bytes: int) -> ImageRow:
    content = rng.bytes(content_bytes)
    record = ImageRecord(
        id=hashlib.sha256(content).hexdigest(),
        paths=(f"album/{number:06}.jpg",),
        width=640,
        height=480,
        mime_type="image/jpeg",
        size_bytes=len(content),
        imported_at=datetime.now(UTC),
        camera="Made up",
        tags=("album", "rare" if number % 10 == 0 else "common"),
    )
    features = ImageFeatures(
        vector=rng.standard_normal(SPEC.dim, np.float32),
        appearance=rng.standard_normal(SPEC.appearance_dim, np.float32),
        proposals=Proposals(
            boxes=rng.uniform(0, 480, (BOXES, 4)).astype(np.float32),
            concepts=rng.integers(0, 1000, (BOXES, CONCEPTS), np.int16),
            scores=rng.random((BOXES, CONCEPTS), np.float32),
        ),
    )
    return ImageRow(record, content, features)


async def timed(name: str, call: Callable[[], Awaitable[object]]) -> None:
    seconds = []
    for _ in range(6):
        begin = time.perf_counter()
        await call()
        seconds.append(time.perf_counter() - begin)
    print(f"  {name:<32} {min(seconds[1:]) * 1000:9.1f} ms   first {seconds[0] * 1000:9.1f} ms", flush=True)


def megabytes(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def peak_memory() -> float:
    """Of the process so far, in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)


async def fill(rows: int, content_bytes: int, folder: Path) -> None:
    store = LanceStore(folder)
    await store.create("made-up", SPEC)
    images = await store.open("made-up", SPEC)
    seconds = []
    for batch in batches(rows, content_bytes):
        begin = time.perf_counter()
        await images.add(batch)
        seconds.append(time.perf_counter() - begin)
    begin = time.perf_counter()
    await store.close()
    spent = sum(seconds) + time.perf_counter() - begin
    size = content_bytes / 1000
    print(f"{rows} photographs of {size:.0f} kB: added in {spent:.1f} s (slowest {BATCH}: {max(seconds):.2f} s)")
    print(f"  on disk {megabytes(folder):.0f} MB, peak memory {peak_memory():.0f} MB", flush=True)


async def ask(folder: Path, cache_bytes: int) -> None:
    store = LanceStore(folder, cache_bytes=cache_bytes)
    images = await store.open("made-up", SPEC)
    ids = tuple(await images.ids(Filter()))
    queries = np.random.default_rng(1).standard_normal((3, SPEC.dim), np.float32)
    look = np.random.default_rng(2).standard_normal(SPEC.appearance_dim, np.float32)
    everything, rare = Filter(), Filter(tags=("rare",))
    await timed("scores, 1 query, all", lambda: images.scores(queries[:1], everything))
    await timed("scores, 3 queries, all", lambda: images.scores(queries, everything))
    await timed("scores, 1 query, 1000 ids", lambda: images.scores(queries[:1], Filter(ids=ids[:1000])))
    await timed("scores, 1 query, a tag", lambda: images.scores(queries[:1], rare))
    await timed("search 12, all", lambda: images.search(queries[0], everything, 12))
    await timed("search 12 by appearance", lambda: images.search(look, everything, 12, "appearance"))
    await timed("get 1000", lambda: images.get(ids[:1000]))
    await timed("proposals 1000", lambda: images.proposals(ids[:1000]))
    await timed("list 100, all", lambda: images.list(everything, 100))
    await timed("content 1", lambda: images.content(ids[0]))
    await store.close()
    print(f"  peak memory {peak_memory():.0f} MB", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--content", type=int, default=100_000, help="bytes of a photograph")
    arguments = parser.parse_args()
    for rows in arguments.rows:
        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(fill(rows, arguments.content, Path(folder)))
            for name, cache_bytes in (("memory", 1 << 30), ("disk", 0)):
                print(f" {name}")
                asyncio.run(ask(Path(folder), cache_bytes))


if __name__ == "__main__":
    main()
