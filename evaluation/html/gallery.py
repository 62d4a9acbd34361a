"""Wrong answers of a run, and their photographs with what the server sees in them."""

from __future__ import annotations

import asyncio
import base64
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

from evaluation.html.words import told, words
from evaluation.suite import Record
from thresher.client import Client
from thresher.errors import InvalidInput, NotFound
from thresher.overlays import draw_regions, open_photograph, require_pillow
from thresher.types import (
    And,
    AskOptions,
    Expr,
    Filter,
    Grounding,
    ImageId,
    Not,
    Or,
    Plan,
    Predicate,
    Region,
    Wording,
)

SHOWN = 12
"""Wrong answers of a run on the page."""
REGIONS = 3
"""Regions drawn of a phrase, the best ones."""
PHRASES = 8
"""Looked for in one photograph."""
PIXELS = 480
QUALITY = 72
RIGHT = ("right", "accuracy_strict", "accuracy", "as_it_should", "within_one", "pointing", "recall_at_10")
"""Scores that are 0 where an answer is wrong."""
_ID = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Failure:
    """What was asked, said and is true; `where` is its row, and which other scores are 0.

    `image` is the photograph it is about, empty where it is about many; `phrases` are looked for in it (none: what the
    question names). `picture` is a data URL, `drawn` says what is drawn on it.
    """

    asked: str
    said: str
    true: str
    where: str
    image: ImageId
    phrases: tuple[str, ...]
    picture: str = ""
    drawn: str = ""


def failures(records: Sequence[Record], limit: int = SHOWN) -> tuple[list[Failure], int]:
    """At most `limit` wrong ones, as many of each row as can be, one of a photograph; and how many there are.

    The agent's alone where a run has several pipelines.
    """
    wrong = [record for record in records if is_wrong(record) and record["row"].get("pipeline", "agent") == "agent"]
    rows: dict[str, list[Record]] = {}
    seen: set[str] = set()
    for record in wrong:
        about = _image(record) or record["key"]
        if about not in seen:
            seen.add(about)
            rows.setdefault(str(record["row"]), []).append(record)
    turns = [members[turn] for turn in range(limit) for members in rows.values() if turn < len(members)]
    return [_failure(record) for record in turns[:limit]], len(wrong)


def right_score(records: Sequence[Record]) -> str | None:
    """The first of `RIGHT` that the records have."""
    return next((name for name in RIGHT if any(name in record["scores"] for record in records)), None)


def is_wrong(record: Record) -> bool:
    """Whether one of `RIGHT` is 0."""
    values = [record["scores"].get(name) for name in RIGHT]
    return any(value is not None and float(value) == 0.0 for value in values)


async def with_pictures(client: Client, found: Sequence[Failure]) -> list[Failure]:
    """The same, with pictures of those whose photograph the server holds. Unavailable without Pillow."""
    require_pillow()
    collection = await _collection_with(client, sorted({failure.image for failure in found if failure.image}))
    return [failure if collection is None else await _with_picture(client, collection, failure) for failure in found]


async def _collection_with(client: Client, images: Sequence[ImageId]) -> str | None:
    """The collection that holds most of these photographs; None where none holds one."""
    best, held = None, 0
    for collection in await client.list_collections():
        here = len(images) - len(await client.missing(collection.name, images))
        if here > held:
            best, held = collection.name, here
    return best


async def _with_picture(client: Client, collection: str, failure: Failure) -> Failure:
    if not failure.image:
        return failure
    try:
        content = await client.download(collection, failure.image)
        phrases = failure.phrases or await _phrases(client, collection, failure)
        found = await client.ground(collection, failure.image, phrases) if phrases else []
        regions = [region for each in found for region in each[:REGIONS]]
        picture = await asyncio.to_thread(_jpeg, content, failure.image, regions)
    except (NotFound, InvalidInput):
        return failure
    drawn = ", ".join(f"{region.phrase} ({region.score:.2f})" for region in regions)
    return replace(failure, picture=picture, drawn=drawn or f"no {' or '.join(phrases) or 'thing'} found")


async def _phrases(client: Client, collection: str, failure: Failure) -> list[str]:
    """What the question names, as the server reads it."""
    options = AskOptions(
        wording=Wording.NONE, ground=Grounding.NONE, max_evidence=0, scope=Filter(ids=(failure.image,))
    )
    async with aclosing(client.ask(collection, failure.asked, options)) as events:
        async for event in events:
            if isinstance(event, Plan):
                return list(dict.fromkeys([*_nouns(event.target), *_nouns(event.condition)]))
    return []


def _nouns(expression: Expr | None) -> Iterator[str]:
    if isinstance(expression, Predicate):
        yield expression.noun
        if expression.object:
            yield expression.object
    elif isinstance(expression, And | Or):
        for part in expression.parts:
            yield from _nouns(part)
    elif isinstance(expression, Not):
        yield from _nouns(expression.part)


def _jpeg(content: bytes, name: str, regions: Sequence[Region]) -> str:
    """A data URL of at most `PIXELS` pixels a side."""
    image = draw_regions(open_photograph(content, name), regions)
    image.thumbnail((PIXELS, PIXELS))
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=QUALITY, optimize=True)
    return f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode()}"


def _failure(record: Record) -> Failure:
    row, scores = record["row"], record["scores"]
    missed = [words(name) for name, value in scores.items() if value is False and name not in RIGHT]
    pairs = tuple(pair["name"] for pair in record.get("pairs", ()) if not pair["pointing"])
    question = str(record.get("question", row.get("question", record["key"])))
    return Failure(
        asked=f"Where is: {', '.join(pairs)}" if pairs else question,
        said="" if pairs else _said(record),
        true="" if pairs else _text(truth(record)),
        where=told(row, [name for name in row if name not in ("question", "pipeline")])
        + (f"; not {', '.join(missed)}" if missed else ""),
        image=_image(record),
        phrases=pairs[:PHRASES],
    )


def _image(record: Record) -> ImageId:
    """The photograph it is about; empty where its cluster is none."""
    return record["cluster"] if _ID.fullmatch(str(record["cluster"])) else ""


def truth(record: Record) -> Any:
    """The true answer as a record holds it; empty where it has none (a search)."""
    if "truth" in record:
        return record["truth"]
    answer = record.get("answer")
    return answer if isinstance(answer, bool) else ""


def _said(record: Record) -> str:
    if record.get("wrong"):
        return f"{record['answer']} ({record['wrong']})"
    if "rank" in record:
        return "not among the best" if record["rank"] is None else f"place {record['rank'] + 1}"
    value, why = record.get("value", ""), record.get("abstention")
    return f"{_text(value)} ({why})" if why else _text(value)


def _text(value: Any) -> str:
    if value is None:
        return "no answer"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value))
    return f"photograph {value[:12]}" if _ID.fullmatch(str(value)) else str(value)
