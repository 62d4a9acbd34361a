"""`thresher search`: words, pictures, parts of pictures, taught names."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import Annotated

import typer

from thresher import render
from thresher.client import CONTENT_BYTES, Client
from thresher.errors import InvalidInput
from thresher.names import is_image_id
from thresher.options import Address, CollectionName, Expression, Json, command
from thresher.types import Aspect, Box, Filter, Medium, Point, Query, Ranker


@command
async def search(
    collection: CollectionName,
    text: Annotated[
        str,
        typer.Argument(
            help='What the photographs show (dog -leash "STOP"), or how they differ from the picture.',
            show_default=False,
        ),
    ] = "",
    image: Annotated[
        str, typer.Option(metavar="FILE|ID", help="A picture: a file, or the id of a photograph of the collection.")
    ] = "",
    exemplar: Annotated[str, typer.Option(metavar="NAME", help="A name taught with `thresher teach`.")] = "",
    region: Annotated[
        list[str] | None,
        typer.Option(metavar="X,Y|X0,Y0,X1,Y1", help="A part of the picture, in pixels; may be repeated."),
    ] = None,
    aspect: Annotated[Aspect, typer.Option(help="What has to be alike.")] = Aspect.WHOLE,
    medium: Annotated[Medium, typer.Option(help="What the picture is.")] = Medium.PHOTOGRAPH,
    tag: Annotated[list[str] | None, typer.Option(help="Only with this tag; may be repeated.")] = None,
    expression: Expression = "",
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 20,
    ranker: Annotated[Ranker, typer.Option(help="What orders the photographs for a text.")] = Ranker.DEFAULT,
    separate_duplicates: Annotated[
        bool, typer.Option("--separate-duplicates", help="Photographs that repeat each other are hits of their own.")
    ] = False,
    json: Json = False,
    address: Address = None,
) -> None:
    """Photographs nearest to a text, a picture, parts of one, or both."""
    if not (text or image or exemplar):
        raise typer.BadParameter("Give a TEXT, --image or --exemplar.")
    regions = tuple(map(read_region, region or ()))
    async with Client(address) as client:
        stored, content = await _picture(client, collection, image)
        query = Query(text, stored, content, exemplar, regions, aspect, medium)
        where = Filter(tags=tuple(tag or ()), expression=expression)
        result = await client.search(
            collection, query, where=where, limit=limit, ranker=ranker, separate_duplicates=separate_duplicates
        )
    if json:
        render.print_json(render.search_object(result))
    elif result.unknown_concept:
        nearest = f" Nearest: {', '.join(result.nearest)}." if result.nearest else ""
        render.out.print(f'I do not know what "{text}" is.{nearest}', markup=False)
    else:
        render.out.print(render.hits_table(result.hits) if result.hits else "Nothing found.")


def read_region(text: str) -> Point | Box:
    """ "x,y" or "x0,y0,x1,y1". BadParameter."""
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) == 2:
        return Point(*numbers)
    if len(numbers) == 4:
        return Box(*numbers)
    raise typer.BadParameter(f"{text!r} is no region: give x,y or x0,y0,x1,y1 in pixels.")


async def _picture(client: Client, collection: str, image: str) -> tuple[str, bytes]:
    """(id of a stored photograph or "", bytes or b""): a file too large to send may be stored."""
    if not image or is_image_id(image):
        return image, b""
    content = await asyncio.to_thread(_read, Path(image))
    if len(content) > CONTENT_BYTES:
        digest = hashlib.sha256(content).hexdigest()
        if not await client.missing(collection, [digest]):
            return digest, b""
    return "", content


def _read(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}.", "Name a photograph.") from error
    if not content:
        raise InvalidInput(f"{path} is empty.", "Name a photograph.")
    return content
