"""Every claim about speed and memory beside its goal, each measured or divided within this one run.

    python -m benchmarks.bench [--photos FOLDER] [--count 200] [--json build/bench.json]

`make bench` runs it in some 15 minutes. The photographs are encoded bare, before and after the same ones are imported
through a server; rows with jittered copies of their vectors make the collections of 100, 1,000 and 10,000. Do it on an
idle machine.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
from pathlib import Path

from benchmarks import indexes, measures, multivector
from benchmarks.figures import Figure, table, write
from benchmarks.fill import decode, encode, fill, images_per_second
from evaluation.photos import find_photographs
from evaluation.run_info import package_versions, revision
from evaluation.server import REPOSITORY
from evaluation.session import WITHOUT_MODEL, import_found, started_server
from models.encoders.offline import load_offline
from thresher.client import Client
from thresher.importing import Found, find_photos

WEIGHTS = REPOSITORY / "models" / "offline"
BATCH = 2
"""Photographs given to the encoder at once, as an import does."""
SIZES = (100, 1_000, 10_000)
LARGE = (10_000, 100_000)
"""Rows of the tables of multi-vector search and of upkeep."""


def photographs(folder: Path | None, count: int) -> Found:
    """The first `count` of a folder: that of THRESHER_SHARED, else what installed packages carry."""
    shared = Path(os.environ.get("THRESHER_SHARED") or REPOSITORY.parent / "shared") / "data" / "coco" / "images"
    sources = [folder] if folder else [shared] if shared.is_dir() else list(find_photographs().values())
    found = find_photos(sources)
    return Found(found.photos[:count], found.skipped)


async def run(found: Found) -> list[Figure]:
    encoder, _ = await asyncio.to_thread(load_offline, WEIGHTS, 1)
    decoded = decode([photo.file for photo in found.photos])
    await encode(encoder, decoded[:BATCH], BATCH)  # warm
    bare = [await images_per_second(encoder, decoded, BATCH)]
    encoded = await encode(encoder, decoded, BATCH)
    with tempfile.TemporaryDirectory(prefix="thresher-bench-") as name:
        data = Path(name, "data")
        await fill(data, encoder, encoded, SIZES)
        async with (
            started_server(data, Path(name, "log"), settings=WITHOUT_MODEL) as server,
            Client(server.address) as client,
        ):
            asked = {size: await measures.asks(client, f"fill-{size}") for size in SIZES}
            memory = measures.memory(server.process.pid)
            quiet = await measures.search_p95(client, "fill-1000", None)
            imported = await measures.import_rate(import_found(client, "alone", found), len(decoded))
            importing = asyncio.create_task(import_found(client, "searched-meanwhile", found))
            busy = await measures.search_p95(client, "fill-1000", importing)
            await importing
    bare.append(await images_per_second(encoder, decoded, BATCH))
    patches = multivector.same_number([each.features.patches.vectors for each in encoded])
    compared = multivector.figures(await multivector.measured(LARGE, patches))
    kept_up = await indexes.run(LARGE[-1])
    pace = sum(bare) / len(bare)
    slowest = {size: max(times.values()) for size, times in asked.items()}
    ratios = {kind: asked[10_000][kind] / asked[100][kind] for kind in asked[100]}
    worst = max(ratios, key=lambda kind: ratios[kind])
    return [
        Figure("encoder_images_per_second", pace, "1/s", f"bare encoder, one thread, {len(decoded)} photographs"),
        Figure("import_images_per_second", imported, "1/s", "the same through client, socket and server"),
        Figure("ingest_vs_encoder", imported / pace, "ratio", "import / bare encoder", 0.9, at_least=True),
        Figure("server_ms_1000", 1e3 * slowest[1_000], "ms", "whole ask, slowest of find, exists, count", 50),
        Figure("server_ms_10000", 1e3 * slowest[10_000], "ms", "whole ask, slowest of find, exists, count", 150),
        Figure("ask_10000_vs_100", ratios[worst], "ratio", f"ask time at 10,000 / at 100, largest ({worst})", 2),
        Figure("plain_seconds_10000", slowest[10_000], "s", "plain sentence at 10,000, slowest kind", 0.5),
        Figure("search_p95_ms", 1e3 * quiet, "ms", "search in 1,000 photographs, nothing else runs"),
        Figure("search_p95_import_ratio", busy / quiet, "ratio", "p95 while an import runs / without", 3),
        Figure("memory_10000_mib", memory, "MiB", "server after asks at 100, 1,000 and 10,000, no language model"),
        *compared,
        *kept_up,
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, help="folder of photographs")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--json", type=Path, default=REPOSITORY / "build" / "bench.json")
    arguments = parser.parse_args()
    found = photographs(arguments.photos, arguments.count)
    figures = asyncio.run(run(found))
    about = {"revision": revision(), "packages": package_versions(), "cores": os.cpu_count()}
    write(arguments.json, figures, {**about, "photographs": len(found.photos)})
    print(f"\n{table(figures)}\n\nwritten to {arguments.json}")


if __name__ == "__main__":
    main()
