"""`thresher eval retrieval`."""

from __future__ import annotations

from pathlib import Path
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
    parse_rankers,
    parse_sizes,
)
from evaluation.commands.vhs import built_in
from evaluation.distractors import load_distractors
from evaluation.report import check_output
from evaluation.runs import run_suite
from evaluation.suites import retrieval as suites
from evaluation.vhs_questions import Haystacks, Settings, drawn
from thresher.options import Address, command

LABELLED = "labelled"


@command
async def retrieval(
    coco: Coco,
    images: Images = None,
    distractors: Annotated[
        Path | None,
        typer.Option(help="Folder of photographs that fill haystacks; those of --coco otherwise.", show_default=False),
    ] = None,
    distractor_labels: Annotated[
        Path | None, typer.Option(help="What they may show, as for `thresher eval vhs`.", show_default=False)
    ] = None,
    sizes: Annotated[str, typer.Option(help="Photographs in a haystack that --distractors fills.")] = "100,1000",
    labelled_sizes: Annotated[str, typer.Option(help="Photographs in a haystack of labelled ones.")] = "100",
    questions: Annotated[int, typer.Option(min=1, help="Searches of each size and draw.")] = 500,
    seed: Seed = 7,
    rankers: Annotated[str, typer.Option(help="What orders photographs, each beside the one before it.")] = ",".join(
        suites.STAGES
    ),
    json_file: JsonFile = None,
    data: Data = None,
    profile: Profile = "offline",
    address: Address = None,
) -> None:
    """The one photograph that shows X: how often it comes first, by each stage of a search."""
    check_output(json_file)
    compared = parse_rankers(rankers)
    photographs = load_photographs(coco, images)
    haystacks: dict[str, Haystacks] = {}
    if distractors is not None:
        others = load_distractors(distractors, distractor_labels, photographs.categories, photographs.ids)
        filled = Settings(parse_sizes(sizes), questions, seed, distractors_first=True)
        haystacks[distractors.name] = drawn(photographs, filled, others)
    haystacks[LABELLED] = drawn(photographs, Settings(parse_sizes(labelled_sizes, "--labelled-sizes"), questions, seed))
    async with asked_server(address, data, profile) as client:
        await run_suite(client, suites.suite(haystacks, compared, await built_in(client)), json_file)
