"""Runs a model's work off the event loop, one job at a time, and refuses what would wait too long."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from thresher.errors import Overloaded

T = TypeVar("T")


class Worker:
    """One thread with a bounded queue. A job whose waiter is cancelled before it starts never runs."""

    def __init__(self, name: str, limit: int = 256) -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._name = name
        self._limit = limit
        self._waiting = 0

    async def run(self, job: Callable[[], T]) -> T:
        """The job's result; `Overloaded` where `limit` jobs are waiting already."""
        if self._waiting >= self._limit:
            raise Overloaded(f"The {self._name} has {self._waiting} jobs waiting.", "Try again in a moment.")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, job)
        finally:
            self._waiting -= 1
