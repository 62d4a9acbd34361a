"""`thresher eval`: measure a server. Each suite prints a table and writes JSON."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from evaluation import runs
from evaluation.coco import load, read_names
from evaluation.haystacks import Draw
from evaluation.report import check_output
from evaluation.server import REPOSITORY
from evaluation.session import connected
from evaluation.suites import vhs
from thresher import render
from thresher.errors import InvalidInput
from thresher.options import Address, command

RESULTS = REPOSITORY / "build" / "eval"
PHOTOS = REPOSITORY / "demo" / "photos"

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    help="Measure a server, the one at --address or one started for the run: each prints a table.",
)

Profile = Annotated[str, typer.Option(help="Profile of the server that is started.")]
JsonFile = Annotated[Path | None, typer.Option("--json", help="Write the result to this file.", show_default=False)]
Data = Annotated[
    Path | None,
    typer.Option(help="Data directory of the server that is started; a temporary one otherwise.", show_default=False),
]


@app.command("vhs")
@command
async def vhs_command(
    coco: Annotated[Path, typer.Option(help="Folder with instances.json and images/.", show_default=False)],
    images: Annotated[
        Path | None,
        typer.Option(help="File that names the photographs to use: file names or COCO ids, one a line."),
    ] = None,
    sizes: Annotated[str, typer.Option(help="Photographs in a haystack.")] = "1,10,50,100",
    questions: Annotated[int, typer.Option(min=1, help="Questions of each size.")] = 1000,
    seed: Annotated[int, typer.Option(min=0)] = 7,
    draw: Annotated[
        Draw, typer.Option(help="matched: pairs with both a yes- and a no-needle; free: any.")
    ] = Draw.MATCHED,
    json_file: JsonFile = None,
    data: Data = None,
    profile: Profile = "offline",
    address: Address = None,
) -> None:
    """Haystacks: "For the image with a X, is there a Y?", where one photograph of many shows X."""
    check_output(json_file)
    settings = vhs.Settings(parse_sizes(sizes), questions, seed, draw)
    photographs = load(coco, read_names(images) if images else None)
    drawn = vhs.draw_all(photographs, settings)
    with _data_or_temporary(data) as folder:
        async with connected(address, folder, profile) as client:
            await runs.run_vhs(client, photographs, settings, drawn, json_file)


@app.command("demo-questions")
@command
async def demo_questions(
    json_file: JsonFile = None, data: Data = None, profile: Profile = "offline", address: Address = None
) -> None:
    """The demo's 24 questions. Status 1 where one of those that `make demo` asks is answered wrong."""
    check_output(json_file)
    with _data_or_temporary(data) as folder:
        async with connected(address, folder, profile) as client:
            right = await runs.run_demo(client, PHOTOS, json_file)
    if not right:
        raise typer.Exit(1)


@app.command("all")
@command
async def all_suites(
    out: Annotated[Path, typer.Option(help="Folder for the JSON files and the server's data.")] = RESULTS,
    questions: Annotated[int, typer.Option(min=1, help="Questions of each size.")] = 1000,
    profile: Profile = "offline",
) -> None:
    """The demo's questions and both draws of vhs, on photographs that trained nothing that ships.

    Those of THRESHER_SHARED/data/coco whose id is 0 modulo 5; where that folder is not there, vhs is left out.
    """
    coco = shared_folder() / "data" / "coco"
    photographs = load(coco, keep=is_test) if (coco / "instances.json").is_file() else None
    check_output(out / "demo.json")
    async with connected(None, out / "data", profile) as client:
        right = await runs.run_demo(client, PHOTOS, out / "demo.json")
        if photographs is None:
            render.err.print(f"There are no labelled photographs at {coco} (set THRESHER_SHARED): vhs is left out.")
        else:
            for draw in Draw:
                settings = vhs.Settings(questions=questions, draw=draw)
                drawn = vhs.draw_all(photographs, settings)
                await runs.run_vhs(client, photographs, settings, drawn, out / f"vhs-{draw.value}.json")
    if not right:
        raise typer.Exit(1)


def parse_sizes(text: str) -> tuple[int, ...]:
    """ "1,10,50" -> (1, 10, 50), in the order given, each once."""
    try:
        sizes = tuple(dict.fromkeys(int(part) for part in text.split(",")))
    except ValueError:
        sizes = ()
    if not sizes or min(sizes) < 1:
        raise InvalidInput(f"--sizes {text} is not a list of whole numbers from 1.", "For example 1,10,50,100.")
    return sizes


def shared_folder() -> Path:
    """THRESHER_SHARED, else the folder `shared` beside the checkout."""
    return Path(os.environ.get("THRESHER_SHARED") or REPOSITORY.parent / "shared")


def is_test(image: int) -> bool:
    """Whether a COCO id belongs to our own test set, which trains nothing that ships."""
    return image % 5 == 0


@contextlib.contextmanager
def _data_or_temporary(data: Path | None) -> Iterator[Path]:
    if data is not None:
        yield data
        return
    with tempfile.TemporaryDirectory(prefix="thresher-eval-") as folder:
        yield Path(folder) / "data"
