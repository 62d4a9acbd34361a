"""Whole runs of a suite: photographs in, questions asked with a bar, table printed, JSON written."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from rich.text import Text

from evaluation.coco import LabelledPhotographs
from evaluation.haystacks import Drawn
from evaluation.report import markdown, write_json
from evaluation.run_info import run_info
from evaluation.session import import_copies, progress_bar
from evaluation.suites import demo, vhs
from evaluation.table import load_table
from thresher import render
from thresher.client import Client
from thresher.errors import InvalidInput
from thresher.importing import Found, Photo
from thresher.types import ImageId

PARALLEL = 4
"""Questions in flight, where the server allows as many."""


async def run_vhs(
    client: Client,
    photographs: LabelledPhotographs,
    settings: vhs.Settings,
    drawn: Sequence[Drawn],
    json_file: Path | None,
) -> None:
    """Import what is not there yet and ask `drawn`, the questions of `settings`."""
    if photographs.duplicates:
        shown = ", ".join(photographs.duplicates)
        render.err.print(Text(f"The same photograph twice, used once: {shown}", style="yellow"), soft_wrap=True)
    collection = collection_of(photographs.ids)
    found = Found(tuple(Photo(file, file.name, ()) for file in photographs.files), 0)
    report = await import_copies(client, collection, found)
    if report.failed:
        name, reason = report.failed[0]
        raise InvalidInput(f"{len(report.failed)} photographs were refused, the first is {name}: {reason}")
    info = await client.server_info()
    parallel = min(PARALLEL, info.limits.max_concurrent_asks)
    with progress_bar(render.err) as bar:
        tasks = {each.size: bar.add_task(f"{settings.draw.value}, n = {each.size}", total=len(each.questions))
                 for each in drawn}  # fmt: skip
        rows = await vhs.run(client, collection, photographs, drawn, parallel, lambda size: bar.advance(tasks[size]))
    about = {"photographs": len(photographs.ids), "parallel": parallel}
    if json_file is not None:
        write_json(json_file, vhs.result({**run_info(info), **about}, settings, rows))
    _print(
        f"vhs, {settings.draw.value} draw, {len(photographs.ids)} photographs, seed {settings.seed}",
        markdown(rows),
        json_file,
    )


async def run_demo(client: Client, photos: Path, json_file: Path | None) -> bool:
    """Ask the demo's whole table -> whether all that `make demo` asks are right."""
    table = load_table()
    await import_copies(client, demo.COLLECTION, demo.photographs(photos))
    names = await demo.names_in(client, demo.COLLECTION)
    with progress_bar(render.err) as bar:
        task = bar.add_task("asking", total=len(table))
        rows = await demo.run(client, table, names, lambda: bar.advance(task))
    if json_file is not None:
        write_json(json_file, demo.result(run_info(await client.server_info()), rows))
    right = sum(row["right"] for row in rows)
    columns = ("question", "demo", "right", "answer", "wrong")
    shown = [{column: row[column] for column in columns} for row in rows]
    _print(f"demo questions, {right} of {len(rows)} right", markdown(shown), json_file)
    return all(row["right"] for row in rows if row["demo"])


def collection_of(ids: Sequence[ImageId]) -> str:
    """A name that the same photographs get again, so that they are imported once."""
    digest = hashlib.sha256("".join(sorted(ids)).encode()).hexdigest()
    return f"eval-{digest[:12]}"


def _print(title: str, table: str, json_file: Path | None) -> None:
    """The table on standard output, unwrapped."""
    written = f"\n\nwritten to {json_file}" if json_file else ""
    render.out.print(f"\n## {title}\n\n{table}{written}\n", markup=False, highlight=False, soft_wrap=True)
