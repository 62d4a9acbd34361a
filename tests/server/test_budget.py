from __future__ import annotations

import asyncio

import pytest

from server.budget import Budget, Share


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_who_wants_more_than_is_free_waits_in_order() -> None:
    budget = Budget(10)
    first, second = Share(budget), Share(budget)
    await first.take(7)
    large = asyncio.create_task(second.take(6))
    small = asyncio.create_task(second.take(1))
    await settled()
    assert not large.done() and not small.done()
    first.give(3)
    await settled()
    assert large.done() and not small.done()
    first.close()
    await settled()
    assert small.done()
    second.close()
    await asyncio.wait_for(first.take(10), 1)


async def test_more_than_there_is_takes_all() -> None:
    budget = Budget(10)
    share = Share(budget)
    await share.take(1_000)
    other = asyncio.create_task(Share(budget).take(1))
    await settled()
    assert not other.done()
    share.give(1_000)
    await asyncio.wait_for(other, 1)


@pytest.mark.parametrize("served", [False, True])
async def test_one_that_gives_up_waiting_holds_nothing(served: bool) -> None:
    budget = Budget(10)
    holder, waiter = Share(budget), Share(budget)
    await holder.take(10)
    waiting = asyncio.create_task(waiter.take(5))
    await settled()
    if served:
        holder.give(10)  # its turn has come, but it has not run
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    waiter.close()
    holder.close()
    await asyncio.wait_for(Share(budget).take(10), 1)
