"""Asking with a few questions in flight."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.asking import ask_once, in_flight
from thresher.errors import InternalError, NotFound, Overloaded
from thresher.records import Reply, SearchResult
from thresher.types import AskEvent, AskOptions, Filter, Kind, Step, Verdict

REPLY = Reply(Verdict(Kind.EXISTS, True), "Yes.", (), 1.0)


class ScriptedClient:
    """A fake: each ask plays the next list of events or errors."""

    def __init__(self, *asks: list[AskEvent | Exception]) -> None:
        self.asks = list(asks)

    async def ask(self, collection: str, question: str, options: AskOptions | None = None) -> AsyncIterator[AskEvent]:
        del collection, question, options
        for event in self.asks.pop(0):
            if isinstance(event, Exception):
                raise event
            yield event

    async def search(
        self, collection: str, text: str = "", *, where: Filter | None = None, limit: int = 20, **_: bool
    ) -> SearchResult:
        raise NotImplementedError


async def test_a_busy_server_is_asked_again() -> None:
    busy = Overloaded("Too many asks.", retry_after=0.01)
    client = ScriptedClient([busy], [Step("plan", "", 0, 1.0), busy], [REPLY])
    assert (await ask_once(client, "c", "Is it?")).reply is REPLY
    assert client.asks == []


async def test_other_errors_are_raised() -> None:
    with pytest.raises(NotFound):
        await ask_once(ScriptedClient([NotFound("No such collection.")]), "c", "Is it?")
    with pytest.raises(InternalError, match="Is it"):
        await ask_once(ScriptedClient([Step("plan", "", 0, 1.0)]), "c", "Is it?")


@settings(max_examples=25)
@given(st.lists(st.integers(0, 3), max_size=12), st.integers(1, 5))
def test_order_is_kept_and_the_limit_holds(items: list[int], limit: int) -> None:
    running = most = finished = 0

    async def work(item: int) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        for _ in range(item):
            await asyncio.sleep(0)
        running -= 1
        return item

    def done() -> None:
        nonlocal finished
        finished += 1

    assert asyncio.run(in_flight(items, work, limit, done)) == items
    assert finished == len(items)
    assert most <= limit


async def test_the_first_error_ends_the_rest() -> None:
    started: list[int] = []

    async def work(item: int) -> int:
        started.append(item)
        if item == 1:
            raise NotFound("gone")
        await asyncio.sleep(0.01 * item)
        return item

    with pytest.raises(NotFound, match="gone"):
        await in_flight(range(100), work, 2)
    assert len(started) < 10
