"""`thresher eval report`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from evaluation.commands.options import RESULTS, Data, Profile, asked_server
from evaluation.compare import Run, read_run
from evaluation.report import check_output
from thresher import render
from thresher.client import Client
from thresher.errors import Unavailable
from thresher.options import Address, command

PAGE = RESULTS / "report.html"


@command
async def report(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN...", help="The .json or .jsonl files of runs.", show_default=False)
    ],
    out: Annotated[Path, typer.Option(help="The page. It holds photographs where there is a server.")] = PAGE,
    data: Data = None,
    profile: Profile = "offline",
    address: Address = None,
) -> None:
    """Runs as one HTML page that needs nothing else: tables, plots, and wrong answers.

    The photographs of these come from the server at --address, or from one that is started on --data; without either
    the page has none.
    """
    check_output(out)
    found = [read_run(path) for path in runs]
    if address is None and data is None:
        page = await _page(found, None)
    else:
        async with asked_server(address, data, profile) as client:
            page = await _page(found, client)
    out.write_text(page, encoding="utf-8")
    render.out.print(Text(f"{len(found)} runs in {out}"), soft_wrap=True)


async def _page(runs: Sequence[Run], client: Client | None) -> str:
    try:
        from evaluation.html.gallery import failures, with_pictures
        from evaluation.html.page import render_page, section
    except ImportError as error:
        raise Unavailable(
            f"The page needs {error.name}.", "Install it: pip install jinja2 matplotlib pillow"
        ) from error
    sections, missing = [], 0
    for run in runs:
        shown, _ = failures(run.records)
        if client is not None:
            shown = await with_pictures(client, shown)
        missing += sum(bool(failure.image) and not failure.picture for failure in shown)
        sections.append(section(run, shown))
    note = ""
    if client is None:
        note = "Without photographs: no server was asked for them (--address, or --data)."
    elif missing:
        note = f"The server holds {missing} of the photographs below no more: these have no picture."
    return render_page(sections, datetime.now(), note)
