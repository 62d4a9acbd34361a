"""`thresher eval composed`."""

from __future__ import annotations

import tempfile
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from evaluation.commands.options import (
    Data,
    Images,
    JsonFile,
    Profile,
    Seed,
    asked_server,
    load_photographs,
)
from evaluation.composed import circo, cirr, fashioniq, genecis, own
from evaluation.composed.benchmark import Benchmark
from evaluation.journal import read_journal
from evaluation.report import check_output, write_json
from evaluation.runs import run_suite
from evaluation.suites import composed as suites
from thresher.errors import InvalidInput
from thresher.options import Address, command


class Official(StrEnum):
    CIRR = "cirr"
    CIRCO = "circo"
    FASHIONIQ = "fashioniq"
    GENECIS = "genecis"


@command
async def composed(
    coco: Annotated[
        Path | None,
        typer.Option(help="Folder with instances.json and images/ to draw queries from.", show_default=False),
    ] = None,
    images: Images = None,
    each: Annotated[int, typer.Option(min=1, help="Drawn queries of every kind, at most.")] = 100,
    seed: Seed = 7,
    official: Annotated[
        Official | None, typer.Option(help="An official benchmark instead of drawn queries.", show_default=False)
    ] = None,
    annotations: Annotated[
        Path | None,
        typer.Option(help="Folder with the annotations of --official, as its authors lay it out.", show_default=False),
    ] = None,
    image_root: Annotated[
        Path | None, typer.Option(help="Folder that its photographs lie below.", show_default=False)
    ] = None,
    split: Annotated[
        str, typer.Option(help="val otherwise; GeneCIS has none. cirr test1 and circo test have no truth.")
    ] = "val",
    submission: Annotated[
        Path | None,
        typer.Option(help="Folder for the prediction files of a split without truth.", show_default=False),
    ] = None,
    json_file: JsonFile = None,
    data: Data = None,
    profile: Profile = "offline",
    address: Address = None,
) -> None:
    """A picture and words, or a picture and what has to be alike: how often what is meant is among the best."""
    check_output(json_file)
    with tempfile.TemporaryDirectory(prefix="thresher-composed-") as made:
        if official is None:
            if coco is None or annotations or image_root:
                raise InvalidInput(
                    "Queries come from --coco DIR, or from --official NAME with --annotations DIR and --image-root DIR."
                )
            benchmark = own.read(load_photographs(coco, images), Path(made), own.Settings(each, seed))
        else:
            if coco or images or annotations is None or image_root is None:
                raise InvalidInput("--official goes with --annotations DIR and --image-root DIR, without --coco.")
            benchmark = read(official, annotations, image_root, split, Path(made))
        if submission and not (benchmark.submission and json_file):
            raise InvalidInput(
                "--submission DIR is for a split without truth, and goes with --json FILE.",
                "cirr test1 and circo test have none.",
            )
        async with asked_server(address, data, profile) as client:
            await run_suite(client, suites.suite(benchmark), json_file)
    if submission and benchmark.submission and json_file:
        _, records = read_journal(json_file.with_suffix(".jsonl"))
        for name, predictions in benchmark.submission(records).items():
            write_json(submission / name, predictions)


def read(official: Official, annotations: Path, images: Path, split: str, made: Path) -> Benchmark:
    """The benchmark of a name. `InvalidInput` for a split that it does not have."""
    if official is Official.GENECIS:
        return genecis.read(annotations, images, made)
    reader = {Official.CIRR: cirr, Official.CIRCO: circo, Official.FASHIONIQ: fashioniq}[official]
    if split not in reader.SPLITS:
        raise InvalidInput(f"{official} has no split {split}.", f"It has {', '.join(reader.SPLITS)}.")
    found: Benchmark = reader.read(annotations, images, split)
    return found
