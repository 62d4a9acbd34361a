"""`thresher eval vhs`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from evaluation.commands.options import (
    Data,
    Images,
    JsonFile,
    Pipelines,
    Profile,
    Seed,
    asked_server,
    load_photographs,
    parse_pipelines,
    parse_sizes,
)
from evaluation.distractors import TRAINED, load_distractors, load_trained
from evaluation.haystacks import Draw
from evaluation.official import read_official
from evaluation.report import check_output
from evaluation.runs import run_suite
from evaluation.suites import vhs as suites
from evaluation.vhs_questions import Haystacks, Settings, drawn, official
from thresher.client import Client
from thresher.errors import InvalidInput
from thresher.options import Address, command
from thresher.types import Pipeline

SIZES, SIZES_SEVERAL = "1,10,50,100", "5,10,20,50,100"


@command
async def vhs(
    coco: Annotated[
        Path | None,
        typer.Option(help="Folder with instances.json and images/ to draw questions from.", show_default=False),
    ] = None,
    images: Images = None,
    sizes: Annotated[
        str,
        typer.Option(
            help=f"Photographs in a haystack; {SIZES} otherwise, and {SIZES_SEVERAL} for several needles.",
            show_default=False,
        ),
    ] = "",
    questions: Annotated[int, typer.Option(min=1, help="Questions of each size and draw.")] = 1000,
    seed: Seed = 7,
    draw: Annotated[
        Draw | None,
        typer.Option(
            help="matched: pairs with both yes- and no-needles; free: any. Both otherwise.", show_default=False
        ),
    ] = None,
    needles: Annotated[str, typer.Option(help="Photographs that show X: 1, or as 2..3 their least and most.")] = "1",
    distractors: Annotated[
        Path | None,
        typer.Option(
            help="Folder of photographs that fill haystacks for which --coco has too few.", show_default=False
        ),
    ] = None,
    distractor_labels: Annotated[
        Path | None,
        typer.Option(
            help="JSON or TOML: file name or class of a distractor -> categories it shows or may show;"
            " built in for ImageNet classes.",
            show_default=False,
        ),
    ] = None,
    official_files: Annotated[
        list[Path] | None,
        typer.Option("--official", help="The authors' visual_haystack_*.json instead; may be repeated."),
    ] = None,
    image_root: Annotated[
        Path | None,
        typer.Option(help="Folder that the paths of --official start from.", show_default=False),
    ] = None,
    seen: Annotated[
        Path | None,
        typer.Option(
            help="sha256sum of the photographs that trained the server's models; built in for the offline profile.",
            show_default=False,
        ),
    ] = None,
    pipelines: Pipelines = "",
    json_file: JsonFile = None,
    data: Data = None,
    profile: Profile = "offline",
    address: Address = None,
) -> None:
    """Haystacks: "For the image with a X, is there a Y?", where one photograph of many shows X, or a few do."""
    check_output(json_file)
    asked = parse_pipelines(pipelines) or tuple(Pipeline)
    trained = load_trained(seen) if seen else None
    if official_files:
        haystacks = _official(official_files, image_root, coco or images or distractors or distractor_labels)
    else:
        if coco is None or image_root is not None:
            raise InvalidInput("Questions come from --coco DIR, or from --official FILE with --image-root DIR.")
        several = parse_needles(needles)
        settings = Settings(
            sizes=parse_sizes(sizes or (SIZES if several == (1, 1) else SIZES_SEVERAL)),
            questions=questions,
            seed=seed,
            draws=(draw,) if draw else tuple(Draw),
            needles=several,
        )
        haystacks = _drawn(coco, images, settings, distractors, distractor_labels)
    async with asked_server(address, data, profile) as client:
        await run_suite(client, suites.suite(haystacks, asked, trained or await built_in(client)), json_file)


def parse_needles(text: str) -> tuple[int, int]:
    """ "1" -> (1, 1), "2..3" -> (2, 3)."""
    read = re.fullmatch(r"(\d+)(?:\.\.(\d+))?", text.strip())
    least, most = (int(read[1]), int(read[2] or read[1])) if read else (0, 0)
    if not 1 <= least <= most or least == 1 < most:
        raise InvalidInput(f"--needles {text} is not 1, nor two or more such as 2..3.")
    return least, most


async def built_in(client: Client) -> frozenset[str] | None:
    """What trained the models of the server's profile, where we know it."""
    path = TRAINED.get((await client.server_info()).profile)
    return load_trained(path) if path else None


def _official(files: list[Path], root: Path | None, other: Path | None) -> Haystacks:
    if root is None or other is not None:
        raise InvalidInput("--official goes with --image-root DIR, and without --coco, --images and --distractors.")
    return official([read_official(file) for file in files], root)


def _drawn(coco: Path, images: Path | None, settings: Settings, folder: Path | None, labels: Path | None) -> Haystacks:
    photographs = load_photographs(coco, images)
    if folder is None:
        if labels is not None:
            raise InvalidInput("--distractor-labels goes with --distractors DIR.")
        return drawn(photographs, settings)
    distractors = load_distractors(folder, labels, photographs.categories, photographs.ids)
    return drawn(photographs, settings, distractors)
