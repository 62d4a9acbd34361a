"""`thresher eval captions`."""

from __future__ import annotations

from typing import Annotated

import typer

from evaluation.commands.options import Coco, Data, Images, JsonFile, Profile, Seed, asked_server, load_photographs
from evaluation.labels import load_captions
from evaluation.report import check_output
from evaluation.runs import run_suite
from evaluation.suites import captions as suites
from thresher.options import Address, command


@command
async def captions(
    coco: Coco,
    images: Images = None,
    gallery: Annotated[int, typer.Option(min=2, help="Photographs in a drawn gallery; all are one more.")] = 200,
    draws: Annotated[int, typer.Option(min=0, help="Galleries that are drawn.")] = 5,
    seed: Seed = 7,
    json_file: JsonFile = None,
    data: Data = None,
    profile: Profile = "offline",
    address: Address = None,
) -> None:
    """Captions search for their photograph: recall@1, @5 and @10. Captions are in captions.json of the folder."""
    check_output(json_file)
    photographs = load_photographs(coco, images)
    suite = suites.suite(photographs, load_captions(coco, photographs), suites.Settings(gallery, draws, seed))
    async with asked_server(address, data, profile) as client:
        await run_suite(client, suite, json_file)
