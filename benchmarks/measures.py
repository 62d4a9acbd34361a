"""What `benchmarks.bench` measures of a server, through the public client."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable
from typing import Any

import numpy as np
import psutil

from thresher.client import Client
from thresher.types import AskOptions, Grounding, Wording

QUESTIONS = {
    "find": "Show me photos with a dog",
    "exists": "Is there a photo of a giraffe?",
    "count": "How many photos show a car?",
}
OPTIONS = AskOptions(wording=Wording.PLAIN, ground=Grounding.NONE)
"""No masks, no language model: what is left is the server's own, with a millisecond of text encoding."""
WARM, TIMES = 2, 15
SEARCHES = 200
_PAUSE = 0.02


async def asks(client: Client, collection: str) -> dict[str, float]:
    """Kind -> seconds of a whole ask as the client sees them, median of warm ones."""
    found: dict[str, float] = {}
    for kind, question in QUESTIONS.items():
        seconds = [await _ask(client, collection, question) for _ in range(WARM + TIMES)][WARM:]
        found[kind] = statistics.median(seconds)
    return found


async def _ask(client: Client, collection: str, question: str) -> float:
    started = time.perf_counter()
    async for _ in client.ask(collection, question, OPTIONS):
        pass
    return time.perf_counter() - started


async def search_p95(client: Client, collection: str, running: asyncio.Task[Any] | None) -> float:
    """95th percentile of a search in seconds, `SEARCHES` of them, or as long as `running` does."""
    seconds: list[float] = []
    await client.search(collection, "dog", limit=20)
    while len(seconds) < SEARCHES if running is None else not running.done():
        started = time.perf_counter()
        await client.search(collection, "dog", limit=20)
        seconds.append(time.perf_counter() - started)
        await asyncio.sleep(_PAUSE)
    return float(np.percentile(seconds, 95))


async def import_rate(work: Awaitable[Any], photographs: int) -> float:
    """Photographs a second."""
    started = time.perf_counter()
    await work
    return photographs / (time.perf_counter() - started)


def memory(process: int) -> float:
    """Resident memory of a process and its children in MiB."""
    parent = psutil.Process(process)
    return float(sum(each.memory_info().rss for each in (parent, *parent.children(recursive=True))) / 2**20)
