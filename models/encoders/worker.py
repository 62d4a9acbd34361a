"""Runs a model's work off the event loop, one job at a time, and refuses what would wait too long."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from thresher.errors import Overloaded

T = TypeVar("T")


class Worker:
    """One thread with a bounded queue. A job whose waiter is cancelled before it starts never runs."""

    def __init__(self, name: str, limit: int = 256) -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._name = name
        self._limit = limit
        self._waiting = 0
        self._counting = threading.Lock()

    async def run(self, job: Callable[[], T]) -> T:
        """The job's result; `Overloaded` where `limit` jobs are waiting or running already."""
        with self._counting:
            if self._waiting >= self._limit:
                raise Overloaded(f"The {self._name} has {self._waiting} jobs waiting.", "Try again in a moment.")
            self._waiting += 1
        future = self._executor.submit(job)
        future.add_done_callback(self._ended)
        return await asyncio.wrap_future(future)

    def _ended(self, _future: Future[Any]) -> None:
        """In the thread of the job; not before its end where its waiter was cancelled."""
        with self._counting:
            self._waiting -= 1
