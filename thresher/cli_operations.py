"""Imports of folders of the server's machine: `thresher operations`, and `thresher import --on-server`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column, Table

from thresher import render
from thresher.client import Client
from thresher.errors import NotFound, ThresherError, Unavailable
from thresher.options import Address, Json, command
from thresher.records import ImportOperation

_POLL_SECONDS = 1.0
_LINE_POLLS = 10

operations = typer.Typer(no_args_is_help=True, help="List, look at and cancel imports that run at the server.")
OperationName = Annotated[str, typer.Argument(metavar="OPERATION", show_default=False)]


@operations.command("list")
@command
async def list_operations(
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 20,
    json: Json = False,
    address: Address = None,
) -> None:
    """The newest first."""
    async with Client(address) as client:
        found = await client.list_operations(limit)
    if json:
        render.print_json([operation_object(each) for each in found])
    elif not found:
        render.out.print("There are none. Begin one: thresher import --on-server")
    else:
        table = Table(Column("Operation", no_wrap=True), "Collection", "Folder", "State", "Done", "Left", "Failed")
        for each in found:
            done = each.summary
            counts = (f"{count:,}" for count in (done.done, done.pending, done.failed))
            table.add_row(each.id, each.collection, escape(each.folder), _state(each), *counts)
        render.out.print(table)


@operations.command("show")
@command
async def show_operation(operation: OperationName, json: Json = False, address: Address = None) -> None:
    """What became of an import, with the reasons of its failures."""
    async with Client(address) as client:
        found = await client.get_operation(operation)
    show(found, json)


@operations.command("cancel")
@command
async def cancel_operation(operation: OperationName, json: Json = False, address: Address = None) -> None:
    """End an import; what it has imported stays."""
    async with Client(address) as client:
        await client.cancel_operation(operation)
        found = await client.get_operation(operation, wait=10.0)
    show(found, json)


async def import_on_server(
    client: Client, collection: str, folder: Path, tags: Sequence[str], *, retry_failed: bool, json: bool
) -> None:
    """Begin, and watch until it ends. Ctrl-C only ends the watching."""
    try:
        await client.get_collection(collection)
    except NotFound:
        await client.create_collection(collection)
    operation = await client.import_folder(collection, _absolute(folder), tags, retry_failed=retry_failed)
    hint = f"See `thresher operations show {operation.id}`, end it with `thresher operations cancel {operation.id}`."
    try:
        operation = await _watch(client, operation)
    except asyncio.CancelledError:
        render.err.print(f"The import goes on at the server. {hint}", soft_wrap=True, highlight=False)
        raise
    except Unavailable as error:
        error.hint = f"The import goes on once the server is started again. {hint}"
        raise
    show(operation, json)
    if operation.error is not None:
        raise operation.error
    if operation.summary.failed and not operation.summary.done:
        raise typer.Exit(1)


def _absolute(folder: Path) -> str:
    return str(folder.absolute())


async def _watch(client: Client, operation: ImportOperation) -> ImportOperation:
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        console=render.err,
    )
    terminal = render.err.is_terminal
    with bar if terminal else nullcontext():
        task = bar.add_task(operation.state, total=None, rate="")
        polls = 0
        while not operation.ended:
            operation = await client.get_operation(operation.id, wait=_POLL_SECONDS)
            so_far = operation.summary
            settled, polls = so_far.done + so_far.failed, polls + 1
            total, rate = settled + so_far.pending, f"{operation.rate:.1f}/s"
            bar.update(task, description=operation.state, completed=settled, total=total, rate=rate)
            if not terminal and not operation.ended and polls % _LINE_POLLS == 0:
                render.err.print(f"{settled:,} of {total:,} files, {rate}", highlight=False)
    return operation


def show(operation: ImportOperation, json: bool) -> None:
    if json:
        render.print_json(operation_object(operation))
        return
    found = operation.summary
    for path, reason in found.failures:
        render.err.print(f"[red]{escape(path)}[/]: {escape(reason)}", soft_wrap=True)
    if found.failed > len(found.failures):
        render.err.print(f"and {found.failed - len(found.failures):,} more")
    why = ", ".join(f"{count:,} {reason}" for reason, count in found.skips)
    left = f"{found.pending:,} left, " if found.pending else ""
    render.out.print(
        f"[bold]{escape(operation.collection)}[/]: {_state(operation)}; {found.done:,} there, {left}"
        f"{found.failed:,} failed, {found.skipped:,} skipped{f' ({escape(why)})' if why else ''}"
    )


def operation_object(operation: ImportOperation) -> dict[str, Any]:
    summary = asdict(operation.summary)
    summary["failures"] = [{"path": path, "reason": reason} for path, reason in operation.summary.failures]
    summary["skips"] = dict(operation.summary.skips)
    return {
        "operation": operation.id,
        "collection": operation.collection,
        "folder": operation.folder,
        "tags": list(operation.tags),
        "state": operation.state.value,
        **summary,
        "rate": round(operation.rate, 2),
        "created_at": operation.created_at.isoformat(),
        "ended_at": operation.ended_at.isoformat() if operation.ended_at else None,
        "error": operation.error and _error_object(operation.error),
    }


def _error_object(error: ThresherError) -> dict[str, str]:
    return {"code": error.code, "message": error.message, "hint": error.hint}


def _state(operation: ImportOperation) -> str:
    if operation.error is not None:
        return escape(operation.error.message)
    return "done" if operation.ended else operation.state.value
