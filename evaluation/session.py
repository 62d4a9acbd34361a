"""A server to ask and photographs in it: what suites and the demo do before their first question."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

from evaluation.server import LocalServer, local_server
from thresher import render
from thresher.client import Client
from thresher.errors import Conflict, InvalidInput
from thresher.importing import Found, ImportReport, import_photos

WITHOUT_MODEL = {"THRESHER_GENERATION": "none"}
_GENERATION = "THRESHER_GENERATION"
MODEL_SECONDS = 120.0
_POLL_SECONDS = 0.5
_SHOWN_FAILURES = 5
_LINE = re.compile(r"\x1b\[[0-9;]*m")


def suite_settings() -> dict[str, str]:
    """Settings of a server that suites start: no language model, which they do not let word anything.

    One that the environment names is kept: it may see, and then it is a witness.
    """
    return {} if any(name.startswith(_GENERATION) for name in os.environ) else dict(WITHOUT_MODEL)


def progress_bar(console: Console) -> Progress:
    """The look of every bar here."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
    )


@contextlib.asynccontextmanager
async def started_server(
    data: Path, log: Path, *, profile: str = "offline", settings: dict[str, str] | None = None
) -> AsyncIterator[LocalServer]:
    """`local_server` with its start to be seen: seconds so far and the last line of the log."""
    status = render.err.status("starting the server")

    def show(seconds: float, line: str) -> None:
        plain = _LINE.sub("", line)[: max(20, render.err.width - 40)]
        status.update(Text(f"starting the server, {seconds:.0f} s   {plain}"))

    if not render.err.is_terminal:
        render.err.print(f"Starting the server; its log is {log}.", highlight=False, soft_wrap=True)
    with contextlib.ExitStack() as shown:
        shown.enter_context(status)
        async with local_server(data, log=log, profile=profile, settings=settings, progress=show) as server:
            shown.close()
            render.err.print(f"Server ready after {server.seconds:.1f} s at {server.address}.", highlight=False)
            yield server


@contextlib.asynccontextmanager
async def connected(
    address: str | None, data: Path, profile: str, settings: dict[str, str] | None = None
) -> AsyncIterator[Client]:
    """A client of the server at `address`; without one, of a server of our own on `data`, for the block."""
    async with contextlib.AsyncExitStack() as stack:
        if address is None:
            log = data.with_name(f"{data.name}.log")
            server = started_server(data, log, profile=profile, settings={**suite_settings(), **(settings or {})})
            address = (await stack.enter_async_context(server)).address
        yield await stack.enter_async_context(Client(address))


async def import_found(client: Client, collection: str, found: Found) -> ImportReport:
    """Import with a bar. Photographs that are there already only take the time of hashing them.

    Raises `InvalidInput` where the server refuses every photograph.
    """
    with progress_bar(render.err) as bar:
        task = bar.add_task(f"importing into {collection}", total=len(found.photos))

        def show(report: ImportReport) -> None:
            bar.update(task, completed=report.done)

        report = await import_photos(client, collection, found, show)
    render.err.print(f"{report.created} photographs imported, {report.existed} were there already.")
    for name, reason in report.failed[:_SHOWN_FAILURES]:
        render.err.print(Text(f"  not imported: {name}: {reason}", style="yellow"))
    if len(report.failed) > _SHOWN_FAILURES:
        render.err.print(Text(f"  and {len(report.failed) - _SHOWN_FAILURES} more not imported", style="yellow"))
    if report.failed and not report.created + report.existed:
        raise InvalidInput("The server took none of these photographs.", "See the reasons above.")
    return report


async def import_copies(client: Client, collection: str, found: Found) -> ImportReport:
    """`import_found` into a collection that holds copies only: one made with another encoder is made again."""
    try:
        return await import_found(client, collection, found)
    except Conflict as error:
        render.err.print(Text(f"{error.message} It is imported again.", style="yellow"))
        await client.delete_collection(collection)
        return await import_found(client, collection, found)


async def wait_for_model(client: Client, seconds: float = MODEL_SECONDS) -> bool:
    """Wait until the language model can word answers, at most `seconds`; says so, and why not where it cannot."""
    started = time.monotonic()
    with render.err.status("waiting for the language model") as status:
        while True:
            info = await client.server_info()
            waited = time.monotonic() - started
            if info.generator_ready or info.generator_failed or not info.generator.id or waited > seconds:
                break
            status.update(Text(f"waiting for the language model, {waited:.0f} s   {info.generator_detail}"))
            await asyncio.sleep(_POLL_SECONDS)
    if info.generator_ready:
        render.err.print(f"Language model ready: {info.generator.id} (waited {waited:.1f} s).", highlight=False)
        return True
    why = info.generator_detail or ("not ready in time" if info.generator.id else "this profile has none")
    said = f"No language model ({why}): answers are the plain sentences, computed all the same."
    render.err.print(Text(said, style="yellow"), soft_wrap=True)
    return False
