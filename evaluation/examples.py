"""`python -m evaluation.examples [DOCUMENT]`: runs the worked examples of docs/retrieval.md and writes what they print.

A slot is `<!-- examples -->`, whatever follows, `<!-- end of examples -->`. The commands are those of
evaluation/data/examples.toml, run as a user would against a server of our own over the demo's photographs.
"""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from PIL import Image, ImageDraw, ImageFilter, ImageFont, ImageOps

from evaluation.photos import find_photographs, lay_out
from evaluation.server import REPOSITORY
from evaluation.session import WITHOUT_MODEL, import_copies, started_server
from thresher.client import Client
from thresher.errors import InternalError
from thresher.importing import find_photos
from thresher.options import command

EXAMPLES = Path(__file__).parent / "data" / "examples.toml"
COLLECTION = "examples"
_SLOT = re.compile(r"<!-- examples -->\n.*?<!-- end of examples -->", re.DOTALL)
_WIDTH = "110"
_MAIN = "from thresher.cli import main; main()"


def make_queries(photos: Path, folder: Path) -> None:
    """The pictures that are asked with and are in no collection (a small copy, an outline, a turned part), and one that
    is: a sign on a wall."""
    folder.mkdir(parents=True, exist_ok=True)
    small = Image.open(photos / "scikit-image" / "rocket.jpg").convert("RGB")
    small.thumbnail((40, 40))
    small.save(folder / "rocket-small.png")
    horse = Image.open(photos / "scikit-image" / "horse.png").convert("L").filter(ImageFilter.FIND_EDGES)
    ImageOps.invert(ImageOps.crop(horse, 2)).save(folder / "horse-outline.png")
    sign = Image.new("RGB", (260, 120), "white")
    font = ImageFont.load_default(40)
    ImageDraw.Draw(sign).multiline_text((130, 60), "NO\nPARKING", "black", font, anchor="mm", align="center")
    wall = Image.open(photos / "scikit-image" / "brick.png").convert("RGB")
    wall.paste(sign, (120, 180))
    (photos / "made").mkdir(exist_ok=True)
    wall.save(photos / "made" / "wall.png")
    part = Image.open(photos / "scikit-image" / "motorcycle_left.png").convert("RGB").crop((150, 120, 480, 400))
    part.rotate(8, Image.Resampling.BICUBIC, expand=False).save(folder / "motorcycle-part.png")


async def run(arguments: Sequence[str], folder: Path, address: str) -> str:
    """What a command prints. InternalError where it fails."""
    environment = {**os.environ, "THRESHER_ADDRESS": address, "COLUMNS": _WIDTH, "NO_COLOR": "1", "TERM": "dumb"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _MAIN, *arguments, cwd=folder, env=environment,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    printed, _ = await process.communicate()
    text = printed.decode().rstrip()
    if process.returncode:
        raise InternalError(f"`thresher {shlex.join(arguments)}` failed: {text}")
    return "\n".join(line.rstrip() for line in text.splitlines())


@command
async def main(
    document: Annotated[Path, typer.Argument()] = REPOSITORY / "docs" / "retrieval.md",
    folder: Annotated[Path, typer.Option(help="Where photographs and data lie.")] = REPOSITORY / "build" / "examples",
) -> None:
    """Run the worked examples, and write what they print into a document."""
    photos = folder / "photos"
    await asyncio.to_thread(lay_out, photos, find_photographs())
    await asyncio.to_thread(make_queries, photos, folder / "made")
    parts: list[str] = []
    async with (
        started_server(folder / "data", folder / "server.log", settings=WITHOUT_MODEL) as server,
        Client(server.address) as client,
    ):
        await import_copies(client, COLLECTION, await asyncio.to_thread(find_photos, [photos]))
        for example in tomllib.loads(EXAMPLES.read_text("utf-8"))["example"]:
            printed = await run(example["run"], folder, server.address)
            asked = shlex.join(["thresher", *example["run"]])
            parts.append(f"**{example['title']}**\n\n```\n$ {asked}\n{printed}\n```\n")
    text = document.read_text(encoding="utf-8")
    made = "<!-- examples -->\n" + "\n".join(parts) + "<!-- end of examples -->"
    document.write_text(_SLOT.sub(lambda _: made, text), encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
