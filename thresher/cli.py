"""The command line. `serve` and `eval` come from an installation of the server, by entry points."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, Any

import typer

from thresher import render
from thresher.cli_ask import ask
from thresher.cli_exemplars import exemplars, forget, teach
from thresher.cli_import import import_
from thresher.cli_operations import operations
from thresher.cli_search import search
from thresher.cli_sync import sync
from thresher.client import Client
from thresher.errors import InvalidInput, NotFound, ThresherError, Unavailable
from thresher.names import is_image_id
from thresher.options import Address, CollectionName, Expression, Json, command, fail
from thresher.types import Filter, ImageId, ImageRecord
from thresher.version import __version__

GROUP = "thresher.commands"
_ADDED = {"serve": "Start a server on this machine.", "eval": "Measure how often answers are right."}

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Ask questions of large image collections and get true, cited, grounded answers.",
)
collections = typer.Typer(no_args_is_help=True, help="List, look at, make and delete collections.")
images = typer.Typer(no_args_is_help=True, help="List, look at and delete the photographs of a collection.")
app.add_typer(collections, name="collections")
app.add_typer(images, name="images")
app.add_typer(operations, name="operations")
app.command("import")(import_)
app.command("sync")(sync)
app.command("ask")(ask)
app.command("teach")(teach)
app.command("exemplars")(exemplars)
app.command("forget")(forget)
app.command("search")(search)


def _version(wanted: bool) -> None:
    if wanted:
        render.out.print(__version__)
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show it.")] = False,
) -> None:
    pass


@app.command("status")
@command
async def status(json: Json = False, address: Address = None) -> None:
    """What the server is: models, limits, and whether the language model is up."""
    async with Client(address) as client:
        info = await client.server_info()
    if json:
        render.print_json(render.info_object(info))
    else:
        render.out.print(render.info_table(info))


@collections.command("list")
@command
async def list_collections(json: Json = False, address: Address = None) -> None:
    """All collections."""
    async with Client(address) as client:
        found = await client.list_collections()
    if json:
        render.print_json([render.collection_object(each) for each in found])
    else:
        render.out.print(render.collections_table(found) if found else "There are none. Make one: thresher import")


@collections.command("get")
@command
async def get_collection(collection: CollectionName, json: Json = False, address: Address = None) -> None:
    """One collection."""
    async with Client(address) as client:
        found = await client.get_collection(collection)
    if json:
        render.print_json(render.collection_object(found))
    else:
        render.out.print(render.collections_table([found]))


@collections.command("create")
@command
async def create_collection(
    collection: CollectionName,
    display_name: Annotated[str, typer.Option(help="A name for people.")] = "",
    json: Json = False,
    address: Address = None,
) -> None:
    """Make an empty collection."""
    async with Client(address) as client:
        made = await client.create_collection(collection, display_name)
    if json:
        render.print_json(render.collection_object(made))
    else:
        render.out.print(f"Made {made.name}.")


@collections.command("delete")
@command
async def delete_collection(
    collection: CollectionName,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: Json = False,
    address: Address = None,
) -> None:
    """Delete a collection and all its photographs."""
    async with Client(address) as client:
        if not yes:
            _confirm(f"Delete {collection} and {await _what_it_has(client, collection)}?")
        await client.delete_collection(collection)
    if json:
        render.print_json({"deleted": collection})
    else:
        render.out.print(f"Deleted {collection}.")


@images.command("list")
@command
async def list_images(
    collection: CollectionName,
    tag: Annotated[list[str] | None, typer.Option(help="Only with this tag; may be repeated.")] = None,
    expression: Expression = "",
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 100,
    json: Json = False,
    address: Address = None,
) -> None:
    """Photographs of a collection."""
    async with Client(address) as client:
        found = [
            each
            async for each in client.images(collection, Filter(tags=tuple(tag or ()), expression=expression), limit)
        ]
    if json:
        render.print_json([render.image_object(each) for each in found])
    else:
        render.out.print(render.images_table(found) if found else "There are none.")


@images.command("get")
@command
async def get_image(
    collection: CollectionName,
    image: Annotated[str, typer.Argument(help="Id, its beginning, or a path.", show_default=False)],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write the photograph to this file.")] = None,
    json: Json = False,
    address: Address = None,
) -> None:
    """What is known about one photograph."""
    async with Client(address) as client:
        record = await _find(client, collection, image)
        if output is not None:
            output.write_bytes(await client.download(collection, record.id))
    if json:
        render.print_json(render.image_object(record))
    else:
        for name, value in render.image_object(record).items():
            if value not in (None, "", []):
                shown = ", ".join(value) if isinstance(value, list) else value
                render.out.print(f"{name}: {shown}", markup=False, soft_wrap=True)


@images.command("delete")
@command
async def delete_image(
    collection: CollectionName,
    image: Annotated[str, typer.Argument(help="Id, its beginning, or a path.", show_default=False)],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: Json = False,
    address: Address = None,
) -> None:
    """Delete one photograph."""
    async with Client(address) as client:
        record = await _find(client, collection, image)
        if not yes:
            _confirm(f"Delete {', '.join(record.paths) or record.path}?")
        await client.delete_image(collection, record.id)
    if json:
        render.print_json({"deleted": record.id})
    else:
        render.out.print(f"Deleted {record.path}.", markup=False)


async def _find(client: Client, collection: str, wanted: str) -> ImageRecord:
    """The photograph of that id, id's beginning (8 digits at least) or path. InvalidInput unless there is one."""
    if is_image_id(wanted):
        try:
            return await client.get_image(collection, wanted)
        except NotFound:  # the collection is not there, or it is a path that looks like an id
            pass
    found: dict[ImageId, ImageRecord] = {}
    async for record in client.images(collection):
        if wanted in record.paths or (len(wanted) >= 8 and record.id.startswith(wanted)):
            found[record.id] = record
    if len(found) != 1:
        how_many = "No photograph" if not found else f"{len(found)} photographs"
        raise InvalidInput(f'{how_many} of "{collection}" fit "{wanted}".', "See `thresher images list`.")
    return next(iter(found.values()))


async def _what_it_has(client: Client, collection: str) -> str:
    try:
        return f"its {(await client.get_collection(collection)).image_count:,} photographs"
    except NotFound:
        raise
    except ThresherError:  # damaged, or of another version: it can be deleted all the same
        return "all that it has (it cannot be read)"


def _confirm(question: str) -> None:
    if not sys.stdin.isatty():
        raise InvalidInput("Not deleted.", "Say --yes where nobody can be asked.")
    if not typer.confirm(question):
        raise typer.Exit(1)


def _add_commands() -> None:
    """Commands of other packages; where they are not installed, a command that says how to get it."""
    found = {point.name: point for point in entry_points(group=GROUP)}
    for name, what in _ADDED.items():
        loaded: Any = None
        reason = ""
        if name in found:
            try:
                loaded = found[name].load()
            except ImportError as error:
                reason = f" ({error})"
        if isinstance(loaded, typer.Typer):
            app.add_typer(loaded, name=name)
        else:
            anything = {} if loaded else {"allow_extra_args": True, "ignore_unknown_options": True}
            described = None if loaded else what
            app.command(name, help=described, context_settings=anything)(loaded or _not_installed(name, reason))


def _not_installed(name: str, reason: str) -> Callable[[], None]:
    def missing() -> None:
        fail(
            Unavailable(
                f"`thresher {name}` is not part of the client alone{reason}.",
                "It runs from a checkout of Thresher's sources: `make demo` there installs everything.",
            )
        )
        raise typer.Exit(1)

    return missing


def main() -> None:
    """Entry point of the `thresher` command."""
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    _add_commands()
    try:
        app()
    except ThresherError as error:
        fail(error)
        sys.exit(1)
