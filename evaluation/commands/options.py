"""What the commands of `thresher eval` share: options, labelled photographs, and a server to ask."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from evaluation.coco import LabelledPhotographs, load, read_names
from evaluation.server import REPOSITORY
from evaluation.session import connected
from thresher import render
from thresher.client import Client
from thresher.errors import InvalidInput
from thresher.types import Pipeline, Ranker

RESULTS = REPOSITORY / "build" / "eval"

Coco = Annotated[Path, typer.Option(help="Folder with instances.json and images/.", show_default=False)]
Images = Annotated[
    Path | None,
    typer.Option(help="File that names the photographs to use: file names or COCO ids, one a line."),
]
Profile = Annotated[str, typer.Option(help="Profile of the server that is started.")]
Seed = Annotated[int, typer.Option(min=0, help="Seed of the questions.")]
Pipelines = Annotated[
    str, typer.Option(help=f"What answers, of {','.join(Pipeline)}; every one otherwise.", show_default=False)
]
JsonFile = Annotated[
    Path | None,
    typer.Option(
        "--json",
        help="Write the result to this file, and every record to the same name with .jsonl: a run goes on there.",
        show_default=False,
    ),
]
Data = Annotated[
    Path | None,
    typer.Option(help="Data directory of the server that is started; a temporary one otherwise.", show_default=False),
]


def load_photographs(coco: Path, images: Path | None = None) -> LabelledPhotographs:
    """The folder's photographs, those that the file `images` names where it is given. Says which are there twice."""
    photographs = load(coco, read_names(images) if images else None)
    if photographs.duplicates:
        shown = ", ".join(photographs.duplicates)
        render.err.print(Text(f"The same photograph twice, used once: {shown}", style="yellow"), soft_wrap=True)
    return photographs


def parse_sizes(text: str, option: str = "--sizes") -> tuple[int, ...]:
    """ "1,10,50" -> (1, 10, 50), in the order given, each once."""
    try:
        sizes = tuple(dict.fromkeys(int(part) for part in text.split(",")))
    except ValueError:
        sizes = ()
    if not sizes or min(sizes) < 1:
        raise InvalidInput(f"{option} {text} is not a list of whole numbers from 1.", "For example 1,10,50,100.")
    return sizes


def parse_pipelines(text: str) -> tuple[Pipeline, ...]:
    """ "agent,detector" -> pipelines, each once; empty: none."""
    try:
        return tuple(dict.fromkeys(Pipeline(part.strip()) for part in text.split(",") if part.strip()))
    except ValueError as error:
        raise InvalidInput(
            f"--pipelines {text} names one that is unknown.", f"Known: {', '.join(Pipeline)}."
        ) from error


def parse_rankers(text: str) -> tuple[Ranker, ...]:
    """ "vector,hybrid" -> rankers, each once."""
    try:
        return tuple(dict.fromkeys(Ranker(part.strip()) for part in text.split(",")))
    except ValueError as error:
        raise InvalidInput(f"--rankers {text} names one that is unknown.", f"Known: {', '.join(Ranker)}.") from error


def shared_folder() -> Path:
    """THRESHER_SHARED, else the folder `shared` beside the checkout."""
    return Path(os.environ.get("THRESHER_SHARED") or REPOSITORY.parent / "shared")


def is_test(image: int) -> bool:
    """Whether a COCO id belongs to our own test set, which trains nothing that ships."""
    return image % 5 == 0


@contextlib.asynccontextmanager
async def asked_server(
    address: str | None, data: Path | None, profile: str, settings: dict[str, str] | None = None
) -> AsyncIterator[Client]:
    """A client of the server at `address`; without one, of a server started on `data`, or on a temporary folder.

    `settings`: further environment variables of a server that is started.
    """
    with contextlib.ExitStack() as stack:
        if data is None:
            data = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="thresher-eval-"))) / "data"
        async with connected(address, data, profile, settings) as client:
            yield client
