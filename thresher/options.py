"""What the commands of the CLI share: common options, and how a command runs and fails."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Annotated, Any

import typer
from rich.markup import escape

from thresher import render
from thresher.errors import InvalidInput, ThresherError

Address = Annotated[
    str | None,
    typer.Option("--address", envvar="THRESHER_ADDRESS", help="HOST:PORT of the server.", show_default=False),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead.")]
Expression = Annotated[
    str,
    typer.Option(
        "--filter",
        metavar="EXPRESSION",
        help="""Only what fits, as in 'taken_at > "2020-01-01" AND tag:"beach" AND width >= 1024'.""",
        show_default=False,
    ),
]
CollectionName = Annotated[str, typer.Argument(metavar="COLLECTION", show_default=False)]


def fail(error: ThresherError) -> None:
    """One red line and what to do, on standard error."""
    message, hint = (text.encode(errors="replace").decode() for text in (error.message, error.hint))
    render.err.print(f"[bold red]{escape(message)}[/] {escape(hint)}".strip(), soft_wrap=True)


def command(work: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """An async function as a command: our errors, and those of files, become one line and exit code 1."""

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
        except (OSError, UnicodeError) as error:
            fail(_of_system(error))
            raise typer.Exit(1) from error

    return run


def _of_system(error: OSError | UnicodeError) -> ThresherError:
    if isinstance(error, UnicodeError):
        return InvalidInput("What was given is not text.", "Use characters of UTF-8.")
    name = f"{error.filename}: " if error.filename else ""
    return InvalidInput(f"{name}{error.strerror or error or type(error).__name__}.", "Name another file or folder.")
