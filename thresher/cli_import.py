"""`thresher import`."""

from __future__ import annotations

import time
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from thresher import render
from thresher.cli_operations import import_on_server
from thresher.client import Client
from thresher.errors import InvalidInput, ThresherError
from thresher.importing import ImportReport, find_photos, import_photos
from thresher.options import Address, CollectionName, Json, command

_FAILURES_SHOWN = 50
_LINE_SECONDS = 10.0


class _Line:
    """Progress where there is no terminal: a line now and then."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._started = self._last = time.monotonic()

    def update(self, done: int) -> None:
        now = time.monotonic()
        if now - self._last < _LINE_SECONDS:
            return
        self._last = now
        rate = done / (now - self._started)
        left = (self._total - done) / rate if rate else 0
        render.err.print(f"{done:,} of {self._total:,} photographs, {rate:.1f}/s, {left:.0f} s left")


@command
async def import_(
    collection: CollectionName,
    sources: Annotated[list[Path], typer.Argument(metavar="FOLDER|FILE...", show_default=False)],
    tag: Annotated[list[str] | None, typer.Option(help="Tag for all of them; may be repeated.")] = None,
    on_server: Annotated[
        bool, typer.Option("--on-server", help="The server reads the folder itself; Ctrl-C leaves it to it.")
    ] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="On the server: only what failed in the folder's last import there.")
    ] = False,
    json: Json = False,
    address: Address = None,
) -> None:
    """Import photographs; the collection is made if it is not there. Run it again to go on where it stopped."""
    if on_server or retry_failed:
        if len(sources) != 1:
            raise InvalidInput("The server imports one folder at a time.", "Name one.")
        async with Client(address) as client:
            await import_on_server(client, collection, sources[0], tag or (), retry_failed=retry_failed, json=json)
        return
    found = find_photos(sources, tag or ())
    total = len(found.photos)
    started = time.monotonic()
    bar = _bar() if render.err.is_terminal else None
    line = _Line(total)
    report = ImportReport()
    async with Client(address) as client:
        with bar or nullcontext():
            task = bar.add_task("Importing", total=total, rate="") if bar else None

            def on_done(now: ImportReport) -> None:
                nonlocal report
                report = now
                if bar is not None and task is not None:
                    rate = now.done / max(0.001, time.monotonic() - started)
                    bar.update(task, completed=now.done, rate=f"{rate:.1f}/s")
                else:
                    line.update(now.done)

            try:
                report = await import_photos(client, collection, found, on_done)
            except ThresherError as error:
                kept = report.created + report.existed
                if kept or error.retryable:
                    error.message += f" {kept:,} of {total:,} photographs are in."
                if error.retryable:
                    error.hint = f"{error.hint} Run the same command again to go on.".strip()
                raise
    _print(collection, report, found.why, time.monotonic() - started, json)
    if report.failed and not report.created and not report.existed:
        raise typer.Exit(1)


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        console=render.err,
    )


def _print(collection: str, report: ImportReport, why: str, seconds: float, json: bool) -> None:
    if json:
        render.print_json(
            {
                "collection": collection,
                "created": report.created,
                "existed": report.existed,
                "skipped": report.skipped,
                "failed": [{"path": path, "reason": reason} for path, reason in report.failed],
                "seconds": round(seconds, 3),
            }
        )
        return
    for path, reason in report.failed[:_FAILURES_SHOWN]:
        render.err.print(f"[red]{escape(path)}[/]: {escape(reason)}", soft_wrap=True)
    if len(report.failed) > _FAILURES_SHOWN:
        render.err.print(f"and {len(report.failed) - _FAILURES_SHOWN} more")
    skipped = f"{report.skipped:,} skipped" + (f" ({why})" if why else "")
    render.out.print(
        f"[bold]{escape(collection)}[/]: {report.created:,} new, {report.existed:,} there already, "
        f"{len(report.failed):,} failed, {skipped}; {seconds:.1f} s"
    )
