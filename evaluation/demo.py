"""`python -m evaluation.demo`, run by `make demo`: photographs in, six questions, cited answers, pictures out.

Everything goes over a socket to a server of our own on `demo/data`; what is there from a run before is used again.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import time
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from evaluation.server import REPOSITORY
from evaluation.session import import_copies, started_server, wait_for_model
from evaluation.suites import demo as suite
from evaluation.table import DemoQuestion, load_table, mismatches
from thresher import render
from thresher.client import Client
from thresher.errors import InternalError, InvalidInput
from thresher.importing import Found, find_photos
from thresher.options import command
from thresher.overlays import save_overlays
from thresher.records import Reply

FOLDER = REPOSITORY / "demo"
EXAMPLE = "How many photos show a dog?"
NEXT = (
    ("make serve", "keep serving this data"),
    ('.venv/bin/thresher ask {collection} "..."', "ask it, from a second terminal"),
    (f'make demo PHOTOS=~/Pictures QUESTION="{EXAMPLE}"', "your own photographs"),
)

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@dataclass(slots=True)
class Clock:
    """Seconds from the start to the points that are reported."""

    started: float = field(default_factory=time.monotonic)
    marks: dict[str, float] = field(default_factory=dict)

    def mark(self, name: str) -> None:
        """Remember when that was, the first time."""
        self.marks.setdefault(name, time.monotonic() - self.started)

    def report(self) -> str:
        return ", ".join(f"{name} {seconds:.1f} s" for name, seconds in self.marks.items())


@dataclass(frozen=True, slots=True)
class Task:
    """What a run imports and asks."""

    collection: str
    found: Found
    questions: tuple[DemoQuestion, ...]


@app.command()
@command
async def demo(
    photos: Annotated[Path | None, typer.Option(help="Your own folder of photographs.", show_default=False)] = None,
    question: Annotated[str, typer.Option(help="Your own question, instead of the demo's.")] = "",
    profile: Annotated[str, typer.Option(help="Profile of the server.")] = "offline",
) -> None:
    """Import photographs, ask questions, show cited answers, write pictures with boxes and masks to demo/."""
    clock = Clock()
    task = prepare(photos, question)
    async with started_server(FOLDER / "data", FOLDER / "server.log", profile=profile) as server:
        clock.mark("server ready after")
        async with Client(server.address) as client:
            await import_copies(client, task.collection, task.found)
            clock.mark("photographs imported after")
            if await wait_for_model(client):
                clock.mark("language model ready after")
            wrong = await ask_all(client, task, FOLDER / "pictures", clock)
    known = sum(has_answer(each) for each in task.questions)
    if known:
        style = "bold red" if wrong else "bold green"
        render.out.print(Text(f"\n{known - wrong} of {known} answers are right.", style=style))
    print_line(f"{clock.report()}, all done after {time.monotonic() - clock.started:.1f} s.")
    print_line(f"Pictures with boxes and masks: {FOLDER / 'pictures'}")
    print_line("\nGo on:")
    commands = [(line.format(collection=task.collection), what) for line, what in NEXT]
    width = max(len(line) for line, _ in commands)
    for line, what in commands:
        print_line(f"  {line:{width}}  {what}")
    if wrong:
        raise typer.Exit(1)


def prepare(photos: Path | None, question: str) -> Task:
    """What to import and ask, before anything is started. `InvalidInput` where a folder has no photographs."""
    if photos is None:
        found = suite.photographs(FOLDER / "photos")
        asked = (DemoQuestion(question),) if question else tuple(each for each in load_table() if each.demo)
        return Task(suite.COLLECTION, found, asked)
    folder = photos.expanduser()
    if not folder.is_dir():
        raise InvalidInput(
            f"There is no folder {folder}.", f'Name one: make demo PHOTOS=~/Pictures QUESTION="{EXAMPLE}"'
        )
    found = find_photos([folder])
    if not question:
        print_line(f'No question given, so here is one. Yours: QUESTION="{EXAMPLE}"')
    return Task(collection_name(folder), found, (DemoQuestion(question or EXAMPLE),))


def collection_name(folder: Path) -> str:
    """A collection of its own for each folder: "pictures-1a2b3c4d"."""
    path = folder.resolve()
    words = re.sub(r"[^a-z0-9]+", "-", path.name.lower()).strip("-")[:40].strip("-")
    digest = hashlib.sha256(str(path).encode()).hexdigest()[:8]
    return f"{words if words[:1].isalpha() else 'photos'}-{digest}"


def has_answer(question: DemoQuestion) -> bool:
    """Whether the table says what is true."""
    return question != DemoQuestion(question.ask, question.demo)


async def ask_all(client: Client, task: Task, pictures: Path, clock: Clock) -> int:
    """Ask, show and check every question; pictures of each in a folder of its own -> how many are wrong."""
    names = await suite.names_in(client, task.collection)
    shutil.rmtree(pictures, ignore_errors=True)
    wrong = 0
    for number, question in enumerate(task.questions, start=1):
        render.out.print(Text(f"\n{number}. {question.ask}", style="bold"))
        reply = await ask_shown(client, task.collection, question.ask)
        clock.mark("first answer after")
        if reply.citations:
            folder = pictures / picture_folder(number, question.ask)
            written = await save_overlays(client, task.collection, reply.citations, folder)
            many = "s" if len(written) != 1 else ""
            shown = f"{len(written)} picture{many} in {folder.relative_to(REPOSITORY)}"
            render.out.print(Text(shown, style="dim"), soft_wrap=True)
        if has_answer(question):
            found = mismatches(question, suite.given(reply, names))
            wrong += bool(found)
            said = Text("✗ wrong: " + "; ".join(found), style="bold red") if found else Text("✓ right", style="green")
            render.out.print(said, soft_wrap=True)
    return wrong


async def ask_shown(client: Client, collection: str, question: str) -> Reply:
    """Ask, and print plan, steps and answer with citations as they come."""
    reply: Reply | None = None
    with render.AskView(render.out) as view:
        async with aclosing(client.ask(collection, question)) as events:
            async for event in events:
                view.show(event)
                if isinstance(event, Reply):
                    reply = event
    if reply is None:
        raise InternalError("The server ended its answer half-way.")
    view.finish(reply)
    return reply


def picture_folder(number: int, question: str) -> str:
    """ "1-how-many-photos-show-a-motorcycle"."""
    words = re.sub(r"[^a-z0-9]+", "-", question.lower()).strip("-")
    return f"{number}-{words[:60].strip('-')}"


def print_line(text: str) -> None:
    """On standard output as it is: no markup, not wrapped."""
    render.out.print(text, markup=False, highlight=False, soft_wrap=True)


if __name__ == "__main__":
    app()
