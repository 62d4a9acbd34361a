"""`thresher eval regions`."""

from __future__ import annotations

from typing import Annotated

import typer

from evaluation.commands.options import Coco, Data, Images, JsonFile, Profile, Seed, asked_server, load_photographs
from evaluation.labels import load_scenes
from evaluation.report import check_output
from evaluation.runs import run_suite
from evaluation.suites import regions as suites
from thresher.options import Address, command


@command
async def regions(
    coco: Coco,
    images: Images = None,
    questions: Annotated[int, typer.Option(min=1, help="Of one and of two regions, each.")] = 200,
    draws: Annotated[int, typer.Option(min=0, help="Of the photographs that teach a category.")] = 2,
    seed: Seed = 7,
    json_file: JsonFile = None,
    data: Data = None,
    profile: Profile = "offline",
    address: Address = None,
) -> None:
    """By a part of a photograph, by two, by a taught name: how often what is found shows the same."""
    check_output(json_file)
    photographs = load_photographs(coco, images)
    suite = suites.suite(photographs, load_scenes(coco, photographs), suites.Settings(questions, draws, seed))
    async with asked_server(address, data, profile) as client:
        await run_suite(client, suite, json_file)
