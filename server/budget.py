"""Memory that photographs may take while they are worked through, over all uploads and imports together."""

from __future__ import annotations

import asyncio
from collections import deque


class Budget:
    """So many bytes; who wants more than are free waits, first come, first served."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._free = limit
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    async def take(self, size: int) -> None:
        """`size` is at most `limit`."""
        if not self._waiting and size <= self._free:
            self._free -= size
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append((size, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give(size)
            raise

    def give(self, size: int) -> None:
        self._free += size
        while self._waiting:
            size, turn = self._waiting[0]
            if not turn.done() and size > self._free:
                return
            self._waiting.popleft()
            if not turn.done():
                self._free -= size
                turn.set_result(None)


class Share:
    """What one upload or import holds of a budget; `close` gives all of it back."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._held = 0

    async def take(self, size: int) -> None:
        """Wait for `size` bytes, or the whole budget where they are more."""
        size = min(size, self._budget.limit)
        await self._budget.take(size)
        self._held += size

    def give(self, size: int) -> None:
        """Back, as far as it is held."""
        size = min(size, self._held)
        self._held -= size
        self._budget.give(size)

    def close(self) -> None:
        self.give(self._held)
