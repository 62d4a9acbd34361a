"""`thresher ask`."""

from __future__ import annotations

import sys
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer

from thresher import render
from thresher.client import Client
from thresher.errors import InvalidInput, InvalidQuestion, Unavailable, Unsupported
from thresher.options import Address, CollectionName, Expression, Json, command
from thresher.overlays import require_pillow, save_overlays
from thresher.records import ReadPlan, Reply
from thresher.types import AskEvent, AskOptions, Duplicates, Filter, Grounding, Pipeline, Step, Wording


@dataclass(slots=True)
class _Asked:
    """One question and what came of it."""

    question: str
    plan: ReadPlan | None = None
    steps: list[Step] = field(default_factory=list)
    reply: Reply | None = None

    def take(self, event: AskEvent) -> None:
        if isinstance(event, ReadPlan):
            self.plan = event
        elif isinstance(event, Step):
            self.steps.append(event)
        elif isinstance(event, Reply):
            self.reply = event

    def finished(self) -> Reply:
        if self.reply is None:
            raise Unavailable("The server ended the answer half-way.", "Ask again.")
        return self.reply


@command
async def ask(
    collection: CollectionName,
    question: Annotated[str, typer.Argument(help="In English, as you would ask a person.", show_default=False)] = "",
    questions: Annotated[
        Path | None, typer.Option(help="Ask each line of this file (-: standard input); prints one JSON object a line.")
    ] = None,
    save_overlays_to: Annotated[
        Path | None, typer.Option("--save-overlays", help="Write the photographs shown, with boxes and masks, here.")
    ] = None,
    wording: Annotated[Wording, typer.Option(help="Who words the answer.")] = Wording.MODEL,
    abstain: Annotated[bool, typer.Option(help="--no-abstain: a value even where the judge is unsure.")] = True,
    ground: Annotated[Grounding, typer.Option(help="Masks for what is shown.")] = Grounding.SHOWN,
    max_evidence: Annotated[int, typer.Option(min=0, max=100, help="Photographs shown.")] = 12,
    pipeline: Annotated[
        Pipeline, typer.Option(help="What answers: the agent, or a baseline to compare it with.")
    ] = Pipeline.AGENT,
    count_duplicates: Annotated[
        bool, typer.Option("--count-duplicates", help="Count photographs that nearly repeat another, too.")
    ] = False,
    tag: Annotated[list[str] | None, typer.Option(help="Only photographs with this tag; may be repeated.")] = None,
    path: Annotated[str, typer.Option(help="Only photographs whose path starts so.")] = "",
    expression: Expression = "",
    seconds: Annotated[float, typer.Option("--timeout", min=0.1, help="Seconds for an answer.")] = 120.0,
    json: Json = False,
    address: Address = None,
) -> None:
    """Ask a question about a collection."""
    if bool(question) == (questions is not None):
        raise typer.BadParameter("Give a QUESTION, or --questions FILE.")
    if save_overlays_to is not None:
        require_pillow()
        _make_folder(save_overlays_to)
    options = AskOptions(
        abstain=abstain,
        wording=wording,
        ground=ground,
        max_evidence=max_evidence,
        scope=Filter(tags=tuple(tag or ()), path_prefix=path, expression=expression),
        pipeline=pipeline,
        duplicates=Duplicates.SEPARATE if count_duplicates else Duplicates.GROUPED,
    )
    async with Client(address) as client:
        if questions is not None:
            await _ask_all(client, collection, _read_lines(questions), options, seconds, save_overlays_to)
            return
        asked = _Asked(question)
        with render.AskView(render.out) as view:
            async with aclosing(client.ask(collection, question, options, seconds=seconds)) as events:
                async for event in events:
                    asked.take(event)
                    if not json:
                        view.show(event)
        reply = asked.finished()
        if json:
            render.print_json(render.ask_object(question, asked.plan, asked.steps, reply))
        else:
            view.finish(reply)
        if save_overlays_to is not None:
            written = await save_overlays(client, collection, reply.citations, save_overlays_to)
            render.err.print(f"{len(written)} pictures in {save_overlays_to}")


def _make_folder(folder: Path) -> None:
    """Before anything is asked, so that no answer is lost."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput(f"{folder} cannot be a folder for pictures: {error.strerror}.", "Name another.") from error


def _read_lines(file: Path) -> list[str]:
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{file} cannot be read: {error}.", "Give a text file with a question a line.") from error
    return [line.strip() for line in text.splitlines() if line.strip()]


async def _ask_all(
    client: Client, collection: str, questions: list[str], options: AskOptions, seconds: float, overlays: Path | None
) -> None:
    """A question that is refused has an object with `error`; the others are asked all the same, and 1 is the end."""
    refused = False
    for number, question in enumerate(questions, start=1):
        asked = _Asked(question)
        try:
            async with aclosing(client.ask(collection, question, options, seconds=seconds)) as events:
                async for event in events:
                    asked.take(event)
        except (InvalidQuestion, Unsupported) as error:
            refused = True
            failure = {"code": error.code, "message": error.message, "hint": error.hint}
            render.print_json({"question": question, "error": failure})
            continue
        reply = asked.finished()
        render.print_json(render.ask_object(question, asked.plan, asked.steps, reply))
        if overlays is not None:
            await save_overlays(client, collection, reply.citations, overlays / f"{number:02d}")
    if refused:
        raise typer.Exit(1)
