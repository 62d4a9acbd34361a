"""`thresher eval abstention`."""

from __future__ import annotations

from typing import Annotated

import typer

from evaluation.commands.options import Coco, Data, Images, JsonFile, Profile, Seed, asked_server, load_photographs
from evaluation.labels import load_scenes
from evaluation.report import check_output
from evaluation.runs import run_suite
from evaluation.suites import abstention as suites
from thresher.options import Address, command


@command
async def abstention(
    coco: Coco,
    images: Images = None,
    size: Annotated[int, typer.Option(min=1, help="Photographs in a scope.")] = 100,
    questions: Annotated[int, typer.Option(min=1, help="Questions, a third without an answer.")] = 540,
    seed: Seed = 7,
    json_file: JsonFile = None,
    data: Data = None,
    profile: Profile = "offline",
    address: Address = None,
) -> None:
    """Questions of which a third have no answer in their scope: precision, recall and F1 of saying so."""
    check_output(json_file)
    photographs = load_photographs(coco, images)
    suite = suites.suite(photographs, load_scenes(coco, photographs), suites.Settings(size, questions, seed))
    async with asked_server(address, data, profile) as client:
        await run_suite(client, suite, json_file)
