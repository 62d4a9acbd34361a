"""`python -m server`."""

import typer

from server.command import serve

typer.run(serve)
