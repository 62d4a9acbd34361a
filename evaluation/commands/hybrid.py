"""`thresher eval hybrid`."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from evaluation import hybrid as made
from evaluation.coco import load
from evaluation.commands.options import Coco, Data, JsonFile, Profile, Seed, asked_server, is_test, parse_rankers
from evaluation.report import check_output
from evaluation.runs import run_suite
from evaluation.suites import hybrid as suites
from thresher.options import Address, command
from thresher.types import Ranker


@command
async def hybrid(
    coco: Coco,
    photographs: Annotated[int, typer.Option(min=10, help="Photographs that are made, at most.")] = 300,
    searches: Annotated[int, typer.Option(min=1, help="Searches of each kind, at most.")] = 120,
    seed: Seed = 7,
    rankers: Annotated[str, typer.Option(help=f"What orders photographs, of {','.join(Ranker)}.")] = "vector,hybrid",
    json_file: JsonFile = None,
    data: Data = None,
    profile: Profile = "offline",
    address: Address = None,
) -> None:
    """Signs, captions and file names on photographs that trained nothing (COCO ids divisible by 5), searched for."""
    check_output(json_file)
    compared = parse_rankers(rankers)
    settings = made.Settings(photographs, searches, seed)
    with tempfile.TemporaryDirectory(prefix="thresher-hybrid-") as folder:
        photos = made.make(load(coco, keep=is_test), Path(folder), settings)
        suite = suites.suite(photos, made.searches(photos, settings), settings, compared)
        async with asked_server(address, data, profile) as client:
            await run_suite(client, suite, json_file)
