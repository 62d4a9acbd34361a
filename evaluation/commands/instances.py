"""`thresher eval instances`."""

from __future__ import annotations

from typing import Annotated

import typer

from evaluation.commands.options import Coco, Data, Images, JsonFile, Profile, Seed, asked_server, load_photographs
from evaluation.labels import load_scenes
from evaluation.report import check_output
from evaluation.runs import run_suite
from evaluation.suites import instances as suites
from thresher.options import Address, command


@command
async def instances(
    coco: Coco,
    images: Images = None,
    pictures: Annotated[int, typer.Option(min=1, help="Pasted objects, and slanted parts, at most.")] = 60,
    seed: Seed = 7,
    json_file: JsonFile = None,
    data: Data = None,
    profile: Profile = "offline",
    address: Address = None,
) -> None:
    """The same thing again: how often the photograph it was taken from is found, before and after local features."""
    check_output(json_file)
    photographs = load_photographs(coco, images)
    suite = suites.suite(photographs, load_scenes(coco, photographs), suites.Settings(pictures, seed))
    async with asked_server(address, data, profile) as client:
        await run_suite(client, suite, json_file)
