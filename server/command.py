"""`thresher serve`: imports nothing large before it is called, because every `thresher` command loads this file."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from thresher import render
from thresher.errors import ThresherError
from thresher.options import fail


def serve(
    profile: Annotated[
        str | None,
        typer.Option(envvar="THRESHER_PROFILE", help='Name of a profile ("offline") or path of a TOML file.'),
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Folder for the collections.", show_default=False)] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0: any that is free. Default 50551.")] = None,
    import_root: Annotated[
        list[Path] | None,
        typer.Option(help="Clients may import folders of this machine below it; may be repeated.", show_default=False),
    ] = None,
    host: Annotated[str | None, typer.Option(help="Loopback address to listen on.")] = None,
) -> None:
    """Start a server on this machine."""
    from server.lifecycle import run
    from server.logs import configure_logs
    from server.settings import load_settings
    from server.wiring import open_parts

    roots = [root.absolute() for root in import_root] if import_root else None
    given = {"data_dir": data, "port": port, "host": host, "import_roots": roots}
    try:
        settings = load_settings(profile, {name: value for name, value in given.items() if value is not None})
        configure_logs(settings)
        asyncio.run(
            run(
                settings, open_parts, lambda line: render.err.print(line, markup=False, highlight=False, soft_wrap=True)
            )
        )
    except ThresherError as error:
        fail(error)
        raise typer.Exit(1) from error
