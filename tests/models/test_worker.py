"""Model work off the event loop."""

from __future__ import annotations

import asyncio
import threading

import pytest

from models.encoders.worker import Worker
from thresher.errors import Overloaded


async def test_jobs_run_in_order_off_the_loop() -> None:
    worker, seen = Worker("test"), list[int]()
    loop_thread = threading.get_ident()

    def job(n: int) -> bool:
        seen.append(n)
        return threading.get_ident() != loop_thread

    assert all(await asyncio.gather(*(worker.run(lambda n=n: job(n)) for n in range(5))))
    assert seen == list(range(5))


async def test_a_full_queue_refuses_at_once() -> None:
    worker, go = Worker("test", limit=2), threading.Event()
    waiting = [asyncio.ensure_future(worker.run(go.wait)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await worker.run(lambda: None)
    go.set()
    await asyncio.gather(*waiting)
    await worker.run(lambda: None)


async def test_a_cancelled_job_never_starts() -> None:
    worker, go, ran = Worker("test"), threading.Event(), list[bool]()
    first = asyncio.ensure_future(worker.run(go.wait))
    second = asyncio.ensure_future(worker.run(lambda: ran.append(True)))
    await asyncio.sleep(0.01)
    second.cancel()
    await asyncio.sleep(0.01)
    go.set()
    await first
    await worker.run(lambda: None)
    assert ran == []


async def test_a_job_counts_until_it_ends_though_nobody_waits() -> None:
    worker, go = Worker("test", limit=1), threading.Event()
    waiting = asyncio.create_task(worker.run(go.wait))
    await asyncio.sleep(0.05)
    waiting.cancel()
    await asyncio.wait([waiting])
    with pytest.raises(Overloaded):
        await worker.run(int)
    go.set()
