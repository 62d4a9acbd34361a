"""Questions put to a server: one with its whole answer, or many with a few in flight."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from thresher.errors import InternalError, Overloaded
from thresher.records import Reply, SearchResult
from thresher.types import AskEvent, AskOptions, Filter, Query

Item = TypeVar("Item")
Result = TypeVar("Result")


class Asker(Protocol):
    """What suites need of `thresher.client.Client`."""

    def ask(self, collection: str, question: str, options: AskOptions | None = None) -> AsyncIterator[AskEvent]: ...

    async def search(
        self,
        collection: str,
        query: str | Query,
        *,
        where: Filter | None = None,
        limit: int = 20,
        separate_duplicates: bool = False,
    ) -> SearchResult: ...


@dataclass(frozen=True, slots=True)
class Timed:
    """An answer, and the seconds from sending the question to it as the client saw them."""

    reply: Reply
    seconds: float


async def ask_once(client: Asker, collection: str, question: str, options: AskOptions | None = None) -> Timed:
    """Ask and wait for the answer. A server that is busy is asked again when it says so; other errors are raised."""
    while True:
        started = time.monotonic()
        try:
            reply: Reply | None = None
            async for event in client.ask(collection, question, options):
                if isinstance(event, Reply):
                    reply = event
        except Overloaded as error:
            await asyncio.sleep(error.retry_after)
            continue
        if reply is None:
            raise InternalError(f"The server ended its answer to {question!r} without a verdict.")
        return Timed(reply, time.monotonic() - started)


async def in_flight(
    items: Sequence[Item],
    work: Callable[[Item], Awaitable[Result]],
    limit: int,
    done: Callable[[], None] | None = None,
) -> list[Result]:
    """`work` on every item, at most `limit` at a time; results in the order of the items.

    `done` is called after each. The first error ends the others and is raised.
    """
    results: dict[int, Result] = {}

    async def worker(queue: Iterator[tuple[int, Item]]) -> None:
        for index, item in queue:
            results[index] = await work(item)
            if done is not None:
                done()

    shared = iter(enumerate(items))
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(max(1, limit)):
                group.create_task(worker(shared))
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return [results[index] for index in range(len(items))]
