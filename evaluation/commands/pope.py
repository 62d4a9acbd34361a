"""`thresher eval pope`."""

from __future__ import annotations

from typing import Annotated

import typer

from evaluation.commands.options import (
    Coco,
    Data,
    Images,
    JsonFile,
    Profile,
    Seed,
    asked_server,
    load_photographs,
    parse_pipelines,
)
from evaluation.report import check_output
from evaluation.runs import run_suite
from evaluation.suites import pope as suites
from thresher.options import Address, command
from thresher.types import Pipeline


@command
async def pope(
    coco: Coco,
    images: Images = None,
    photographs: Annotated[int, typer.Option(min=1, help="Photographs asked about, at most.")] = 500,
    seed: Seed = 7,
    pipelines: Annotated[str, typer.Option(help=f"What answers, of {','.join(Pipeline)}.")] = Pipeline.AGENT.value,
    json_file: JsonFile = None,
    data: Data = None,
    profile: Profile = "offline",
    address: Address = None,
) -> None:
    """Is there a X in the image: balanced questions, with random, popular and adversarial absent objects."""
    check_output(json_file)
    asked = parse_pipelines(pipelines)
    suite = suites.suite(load_photographs(coco, images), suites.Settings(photographs, seed, asked))
    async with asked_server(address, data, profile) as client:
        await run_suite(client, suite, json_file)
