"""`thresher teach`, `thresher exemplars`, `thresher forget`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from thresher import render
from thresher.client import CONTENT_BYTES, Client
from thresher.errors import InvalidInput
from thresher.names import is_image_id
from thresher.options import Address, CollectionName, Json, command
from thresher.types import Box, Exemplar

Name = Annotated[str, typer.Argument(metavar="NAME", show_default=False)]


@command
async def teach(
    collection: CollectionName,
    name: Name,
    photograph: Annotated[
        str, typer.Argument(metavar="PHOTO", help="A file, or the id of one of the collection.", show_default=False)
    ],
    box: Annotated[str, typer.Option(metavar="X0,Y0,X1,Y1", help="Where it is, in pixels; all of it otherwise.")] = "",
    json: Json = False,
    address: Address = None,
) -> None:
    """Teach a name for something a photograph shows ("our mascot"); several photographs may teach one name."""
    image = photograph if is_image_id(photograph) else ""
    content = b"" if image else await asyncio.to_thread(Path(photograph).read_bytes)
    if not image and not 0 < len(content) <= CONTENT_BYTES:
        raise InvalidInput(
            f"{photograph} has {len(content):,} bytes; 1 to {CONTENT_BYTES:,} can be sent.",
            "Save it smaller, or import it and name it by its id.",
        )
    async with Client(address) as client:
        taught = await client.teach(collection, name, image=image, content=content, box=parse_box(box))
    if json:
        render.print_json(exemplar_object(taught))
    else:
        render.out.print(f'"{taught.name}" is taught by {_photographs(taught)}.', markup=False)


@command
async def exemplars(collection: CollectionName, json: Json = False, address: Address = None) -> None:
    """Names that were taught."""
    async with Client(address) as client:
        found = await client.exemplars(collection)
    if json:
        render.print_json([exemplar_object(each) for each in found])
        return
    table = Table("Name", "Taught by", "Since")
    for each in found:
        table.add_row(escape(each.name), _photographs(each), f"{each.created_at:%Y-%m-%d %H:%M}")
    render.out.print(table if found else "None was taught. Teach one: thresher teach")


@command
async def forget(collection: CollectionName, name: Name, address: Address = None) -> None:
    """Forget a name that was taught, and all that taught it."""
    async with Client(address) as client:
        await client.forget(collection, name)
    render.out.print(f'"{name}" is forgotten.', markup=False)


def parse_box(text: str) -> Box | None:
    """ "10,20,200,180" -> Box; empty: None. InvalidInput."""
    if not text:
        return None
    try:
        box = Box(*map(float, text.split(",")))
    except (TypeError, ValueError):
        box = Box(0, 0, 0, 0)
    if not box.area > 0:
        raise InvalidInput(f"{text} is no box.", "Give X0,Y0,X1,Y1 in pixels: left, upper, right and lower edge.")
    return box


def exemplar_object(exemplar: Exemplar) -> dict[str, Any]:
    return {
        "name": exemplar.name,
        "examples": [
            {"image_id": each.image, "box": each.box and [each.box.x0, each.box.y0, each.box.x1, each.box.y1]}
            for each in exemplar.examples
        ],
        "created_at": exemplar.created_at.isoformat(),
    }


def _photographs(exemplar: Exemplar) -> str:
    count = len(exemplar.examples)
    return "1 photograph" if count == 1 else f"{count} photographs"
