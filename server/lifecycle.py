"""A server process from start to end."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from server.app import App, check_port
from server.parts import Parts
from server.settings import Settings

Say = Callable[[str], None]
OpenParts = Callable[[Settings, Say], AbstractAsyncContextManager[Parts]]


async def run(settings: Settings, open_parts: OpenParts, say: Say) -> None:
    """Serve until SIGTERM or SIGINT, then drain and return. `say` hears of each step of the start.

    Raises the errors of the start: Unavailable (port), DataDirInUse, SchemaMismatch, InvalidSetting ...
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    check_port(settings)
    async with open_parts(settings, say) as parts:
        if stop.is_set():  # asked to end while the models were loaded
            return
        async with App(parts, settings) as app:
            say(f"Ready at {settings.address.rsplit(':', 1)[0]}:{app.port}")
            await stop.wait()
            say("Stopping: calls under way are ended first.")
