"""`thresher sync`."""

from __future__ import annotations

from contextlib import aclosing
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from thresher import render
from thresher.client import Client
from thresher.errors import InvalidInput, ThresherError
from thresher.options import Address, CollectionName, Json, command, fail
from thresher.syncing import Sync, SyncReport

_SHOWN = 50


@command
async def sync(
    collection: CollectionName,
    folder: Annotated[Path, typer.Argument(show_default=False)],
    watch: Annotated[bool, typer.Option("--watch", help="Go on, after each change in the folder; end with Ctrl-C.")] = (
        False
    ),
    delete: Annotated[bool, typer.Option("--delete", help="Delete photographs whose file is gone.")] = False,
    tag: Annotated[list[str] | None, typer.Option(help="Tag for all of them; may be repeated.")] = None,
    json: Json = False,
    address: Address = None,
) -> None:
    """Make a collection the mirror of one folder: new files go in, moved ones are renamed, gone ones are listed."""
    if not folder.is_dir():
        raise InvalidInput(f"{folder} is no folder.", "Name the folder that the collection is the mirror of.")
    async with Client(address) as client:
        mirror = Sync(client, collection, folder.resolve(), tag or ())
        if not watch:
            _show(collection, await mirror.run(delete=delete), json)
            return
        said = ""
        first = True
        async with aclosing(mirror.watch(delete=delete)) as rounds:
            async for found in rounds:
                if isinstance(found, ThresherError):
                    if str(found) != said:
                        fail(found)
                    said = str(found)
                    continue
                shown = repr((found.gone, found.imported.failed))
                if first or found.imported.created or found.moved or found.deleted or shown != said:
                    _show(collection, found, json)
                first, said = False, shown


def _show(collection: str, report: SyncReport, json: bool) -> None:
    imported = report.imported
    if json:
        render.print_json(
            {
                "collection": collection,
                "created": imported.created,
                "moved": [{"from": list(lost), "to": list(gained)} for lost, gained in report.moved],
                "gone": [{"id": record.id, "paths": list(record.paths)} for record in report.gone],
                "deleted": report.deleted,
                "failed": [{"path": path, "reason": reason} for path, reason in imported.failed],
                "skipped": imported.skipped,
                "waiting": report.waiting,
            }
        )
        return
    lines = [f"[red]{escape(path)}[/]: {escape(reason)}" for path, reason in imported.failed]
    lines += [_move(lost, gained) for lost, gained in report.moved]
    lines += [f"{'deleted' if report.deleted else 'gone'} {escape(record.path)}" for record in report.gone]
    for line in lines[:_SHOWN]:
        render.err.print(line, soft_wrap=True, highlight=False)
    if len(lines) > _SHOWN:
        render.err.print(f"and {len(lines) - _SHOWN} more")
    left = len(report.gone) - report.deleted
    render.out.print(
        f"[bold]{escape(collection)}[/]: {imported.created:,} new, {len(report.moved):,} renamed, "
        f"{report.deleted:,} deleted, {left:,} gone{' (--delete deletes them)' if left else ''}, "
        f"{len(imported.failed):,} failed, {imported.skipped:,} skipped"
    )


def _move(lost: tuple[str, ...], gained: tuple[str, ...]) -> str:
    return f"renamed {escape(', '.join(lost) or '(nothing)')} → {escape(', '.join(gained) or '(another copy stays)')}"
