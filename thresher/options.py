"""What the commands of the CLI share: common options, and how a command runs and fails."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Annotated, Any

import typer
from rich.markup import escape

from thresher import render
from thresher.errors import ThresherError

Address = Annotated[
    str | None,
    typer.Option("--address", envvar="THRESHER_ADDRESS", help="HOST:PORT of the server.", show_default=False),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead.")]
CollectionName = Annotated[str, typer.Argument(metavar="COLLECTION", show_default=False)]


def fail(error: ThresherError) -> None:
    """One red line and what to do, on standard error."""
    render.err.print(f"[bold red]{escape(error.message)}[/] {escape(error.hint)}".strip(), soft_wrap=True)


def command(work: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """An async function as a command: our errors become one line and exit code 1, never a traceback."""

    @wraps(work)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            asyncio.run(work(*args, **kwargs))
        except ThresherError as error:
            fail(error)
            raise typer.Exit(1) from error
        except KeyboardInterrupt:
            raise typer.Exit(130) from None
        except BrokenPipeError:
            raise typer.Exit(1) from None

    return run
