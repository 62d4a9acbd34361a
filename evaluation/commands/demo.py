"""`thresher eval demo-questions`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer
from rich.text import Text

from evaluation.commands.options import Data, JsonFile, Profile, asked_server
from evaluation.report import check_output
from evaluation.runs import run_suite
from evaluation.server import REPOSITORY
from evaluation.suites import demo
from evaluation.table import load_table
from thresher import render
from thresher.client import Client
from thresher.options import Address, command

PHOTOS = REPOSITORY / "demo" / "photos"


@command
async def demo_questions(
    json_file: JsonFile = None, data: Data = None, profile: Profile = "offline", address: Address = None
) -> None:
    """The demo's 24 questions. Status 1 where one of those that `make demo` asks is answered wrong."""
    check_output(json_file)
    async with asked_server(address, data, profile) as client:
        if not await run_demo(client, json_file):
            raise typer.Exit(1)


async def run_demo(client: Client, json_file: Path | None) -> bool:
    """Ask the whole table -> whether all that `make demo` asks are right."""
    result: dict[str, Any] = await run_suite(client, demo.suite(load_table(), PHOTOS), json_file)
    rows = result["rows"]
    right = sum(row["right"] for row in rows)
    render.out.print(Text(f"{right} of {len(rows)} right"))
    return all(row["right"] for row in rows if row["demo"])
