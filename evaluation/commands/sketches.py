"""`thresher eval sketches`."""

from __future__ import annotations

from typing import Annotated

import typer

from evaluation.commands.options import Coco, Data, Images, JsonFile, Profile, Seed, asked_server, load_photographs
from evaluation.labels import load_scenes
from evaluation.report import check_output
from evaluation.runs import run_suite
from evaluation.suites import sketches as suites
from thresher.options import Address, command


@command
async def sketches(
    coco: Coco,
    images: Images = None,
    pictures: Annotated[int, typer.Option(min=1, help="Of each medium, at most.")] = 200,
    seed: Seed = 7,
    json_file: JsonFile = None,
    data: Data = None,
    profile: Profile = "offline",
    address: Address = None,
) -> None:
    """Sketches, line art, low resolution: how often the photograph is found, as they are and adapted."""
    check_output(json_file)
    photographs = load_photographs(coco, images)
    suite = suites.suite(photographs, load_scenes(coco, photographs), suites.Settings(pictures, seed))
    async with asked_server(address, data, profile) as client:
        await run_suite(client, suite, json_file)
