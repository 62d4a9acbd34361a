"""The demo's table as a suite: its questions about the photographs that installed packages carry."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from evaluation.asking import Asker, ask_once
from evaluation.photos import find_photographs, lay_out
from evaluation.table import DemoQuestion, Given, mismatches
from thresher.client import Client
from thresher.importing import Found, find_photos
from thresher.records import Reply
from thresher.types import AskOptions, Grounding, ImageId, Wording

SUITE = "demo"
COLLECTION = "demo"
OPTIONS = AskOptions(wording=Wording.PLAIN, ground=Grounding.NONE)

Names = Mapping[ImageId, tuple[str, ...]]
"""Photograph -> every path it is known by."""


def photographs(folder: Path) -> Found:
    """Lay the packages' pictures out in `folder` and find them there. Raises `NotFound` where a package is missing."""
    lay_out(folder, find_photographs())
    return find_photos([folder])


async def names_in(client: Client, collection: str) -> dict[ImageId, tuple[str, ...]]:
    """Every photograph's paths: the table may name any of them."""
    return {record.id: record.paths async for record in client.images(collection)}


def given(reply: Reply, names: Names) -> Given:
    """An answer in the words of the table."""
    shown = zip(reply.verdict.images, reply.paths, strict=True)
    return Given(
        value=reply.verdict.value,
        images=tuple(names.get(image, (path,)) for image, path in shown),
        reason=reply.verdict.abstention.value,
        text=reply.text,
    )


async def run(
    client: Asker, table: Sequence[DemoQuestion], names: Names, advance: Callable[[], None] | None = None
) -> list[dict[str, Any]]:
    """Ask everything, one after the other -> a row each; `wrong` says what does not agree, empty where all does."""
    rows: list[dict[str, Any]] = []
    for question in table:
        timed = await ask_once(client, COLLECTION, question.ask, OPTIONS)
        wrong = mismatches(question, given(timed.reply, names))
        rows.append(
            {
                "question": question.ask,
                "demo": question.demo,
                "right": not wrong,
                "wrong": "; ".join(wrong),
                "value": timed.reply.verdict.value,
                "answer": timed.reply.text,
                "seconds": timed.seconds,
            }
        )
        if advance is not None:
            advance()
    return rows


def result(run_info: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The JSON of a run."""
    return {"suite": SUITE, "run": dict(run_info), "rows": list(rows)}
