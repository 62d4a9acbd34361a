"""What a collection of real photographs costs, and how long questions about it take, through server and socket.

    python -m benchmarks.ask FOLDER [--photos 1000]

Import in photographs a second and megabytes on disk; then each question three times: seconds to the plain sentence and
to the whole answer (masks and the language model's wording with it), warm, the median.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path

import psutil

from evaluation.session import import_found, started_server, wait_for_model
from thresher.client import Client
from thresher.importing import Found, find_photos
from thresher.records import Reply
from thresher.types import Text

COLLECTION = "benchmark"
QUESTIONS = (
    "How many photos show a dog?",
    "Which photos show a person on a bench?",
    "Is there a photo of a giraffe?",
    "For the photo with a pizza, is there a fork?",
    "How many chairs are there?",
    "Are there more photos of cats than of dogs?",
    "What is in the photo with the cake?",
)


async def timed(client: Client, question: str) -> tuple[float, float]:
    """(seconds to the first text, seconds to the answer)."""
    started = time.perf_counter()
    first = whole = float("nan")
    async for event in client.ask(COLLECTION, question):
        now = time.perf_counter() - started
        if isinstance(event, Text) and first != first:
            first = now
        elif isinstance(event, Reply):
            whole = now
    return first, whole


def megabytes(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def server_memory() -> list[tuple[str, float]]:
    """MiB of the server and what it started."""
    found = []
    for process in psutil.Process().children(recursive=True):
        found.append((process.name(), process.memory_info().rss / 2**20))
    return found


async def run(folder: Path, photos: int) -> None:
    found = find_photos([folder])
    found = Found(found.photos[:photos], found.skipped)
    with tempfile.TemporaryDirectory() as name:
        data = Path(name, "data")
        async with started_server(data, Path(name, "log")) as server, Client(server.address) as client:
            await wait_for_model(client)
            started = time.perf_counter()
            await import_found(client, COLLECTION, found)
            seconds = time.perf_counter() - started
            photographs = sum(photo.file.stat().st_size for photo in found.photos) / 1e6
            disk = megabytes(data)
            n = len(found.photos)
            print(f"import: {n} photographs in {seconds:.0f} s, {n / seconds:.1f} a second;", end=" ")
            print(f"{disk:.0f} MB on disk, {photographs:.0f} MB of it the photographs")
            print(f"{'question':50} {'plain':>8} {'answer':>8}")
            for question in QUESTIONS:
                await timed(client, question)
                first, whole = zip(*[await timed(client, question) for _ in range(3)], strict=True)
                print(f"{question:50} {statistics.median(first):6.2f} s {statistics.median(whole):6.2f} s")
            for process, mebibytes in server_memory():
                print(f"memory of {process}: {mebibytes:.0f} MiB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--photos", type=int, default=1000)
    arguments = parser.parse_args()
    asyncio.run(run(arguments.folder, arguments.photos))


if __name__ == "__main__":
    main()
