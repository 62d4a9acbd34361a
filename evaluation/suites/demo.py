"""The demo's table as a suite: its questions about the photographs that installed packages carry."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from evaluation.asking import ask_once
from evaluation.photos import find_photographs, lay_out
from evaluation.suite import Question, Record, Row, Suite
from evaluation.table import DemoQuestion, Given, mismatches
from thresher.client import Client
from thresher.importing import Found, find_photos
from thresher.records import Reply
from thresher.types import AskOptions, Grounding, ImageId, Wording

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


def suite(table: Sequence[DemoQuestion], folder: Path) -> Suite:
    """Every question of the table; the photographs are laid out in `folder`."""
    photos = photographs(folder).photos
    names: dict[ImageId, tuple[str, ...]] = {}
    for photo in photos:
        content = hashlib.sha256(photo.file.read_bytes()).hexdigest()
        names[content] = (*names.get(content, ()), photo.name)
    return Suite(
        name="demo",
        title="demo questions",
        settings={"table": hashlib.sha256(repr(tuple(table)).encode()).hexdigest()[:12]},
        photographs=photos,
        ids=tuple(names),
        questions=tuple(
            Question(str(number), "asking", partial(_ask, each, names)) for number, each in enumerate(table)
        ),
        rows=_rows,
    )


async def _ask(question: DemoQuestion, names: Names, client: Client, collection: str) -> Record:
    """`wrong` says what does not agree, empty where all does."""
    timed = await ask_once(client, collection, question.ask, OPTIONS)
    wrong = mismatches(question, given(timed.reply, names))
    return {
        "row": {"question": question.ask, "demo": question.demo},
        "cluster": question.ask,
        "scores": {"right": not wrong, "seconds": timed.seconds},
        "value": timed.reply.verdict.value,
        "answer": timed.reply.text,
        "wrong": "; ".join(wrong),
    }


def _rows(records: Sequence[Record]) -> list[Row]:
    return [
        {
            **record["row"],
            "right": record["scores"]["right"],
            "answer": record["answer"],
            "wrong": record["wrong"],
            "value": record["value"],
            "seconds": record["scores"]["seconds"],
        }
        for record in records
    ]
