"""A labelled folder of coloured pictures, and a server on a socket that knows colours: a fake from end to end.

A picture shows a category where it has a stripe of that colour.
"""

from __future__ import annotations

import asyncio
import io
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from evaluation.coco import Presence
from models.protocols import Grounder
from retrievers.exemplars import ExemplarStore
from retrievers.images import ImageLimits, read_image
from retrievers.ledger import Ledger
from retrievers.memory_store import MemoryStore
from retrievers.protocols import ImageStore
from server.app import App
from server.parts import Ask, GeneratorState, Parts
from tests.server.fakes import COLORS, FakeEncoder, FakeGrounder, make_settings, region
from thresher.errors import Unsupported
from thresher.records import ModelInfo
from thresher.types import (
    Answer,
    AskEvent,
    AskOptions,
    Citation,
    Filter,
    Kind,
    Pipeline,
    Plan,
    Predicate,
    Verdict,
    Wording,
)

NAMES = tuple(COLORS)


def labelled_folder(folder: Path, presence: Presence) -> Path:
    """`instances.json` and `images/` of pictures that show what `presence` (photographs, 3 colours) says."""
    (folder / "images").mkdir(parents=True)
    annotations = []
    for row, shown in enumerate(presence):
        name = f"{row:04d}.png"
        (folder / "images" / name).write_bytes(striped(shown, row))
        annotations += [{"image_id": row, "category_id": int(column)} for column in np.flatnonzero(shown)]
    data = {
        "categories": [{"id": column, "name": name} for column, name in enumerate(NAMES)],
        "images": [{"id": row, "file_name": f"{row:04d}.png"} for row in range(len(presence))],
        "annotations": annotations,
    }
    (folder / "instances.json").write_text(json.dumps(data))
    return folder


def striped(shown: np.ndarray[tuple[int], np.dtype[np.bool_]], seed: int) -> bytes:
    """A PNG with a stripe of 4 pixels for each colour shown; the last stripe is a grey of its own."""
    pixels = np.zeros((8, 16, 3), np.uint8)
    for column, name in enumerate(NAMES):
        if shown[column]:
            pixels[:, 4 * column : 4 * column + 4] = np.array(COLORS[name]) * 250
    pixels[0, 15] = seed % 256
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


async def ask_about_colours(
    question: str, options: AskOptions, images: ImageStore, seconds: float | None
) -> AsyncGenerator[AskEvent, None]:
    """Two hops: the photographs of the scope with X, or the one with most of it, then whether they have Y."""
    del seconds
    if options.pipeline is Pipeline.MODEL:
        raise Unsupported("No model here sees.")
    one = re.fullmatch(r"For the image with a (.+), is there a (.+)\?", question)
    several = re.fullmatch(r"For all images with a (.+), do (?:all|any) of them contain a (.+)\?", question)
    read = one or several
    assert read is not None
    x, y = (np.array(COLORS[name], np.float32) for name in read.groups())
    yield Plan(Kind.ANY, Predicate(read[1]), Predicate(read[2]))
    found = await images.search(x, options.scope, 1 if one else 1000)
    chosen = tuple(hit.record for hit in found if one or hit.score > 0.1)
    shows = [hit.score > 0.1 for hit in await images.search(y, Filter(ids=tuple(r.id for r in chosen)), 1000)]
    value = any(shows) if "do any" in question else all(shows)
    text = "" if options.wording is Wording.NONE else f"{'Yes' if value else 'No'}."
    shown = (Citation(chosen[0].id, chosen[0].path, 0.9, (region(read[1]),)),)[: options.max_evidence]
    yield Answer(Verdict(Kind.ANY, value, tuple(r.id for r in chosen)), text, shown, 1.0)


@asynccontextmanager
async def colour_server(
    folder: Path, ask: Ask = ask_about_colours, grounder: Grounder | None = None
) -> AsyncIterator[str]:
    """Address of a running server."""
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    settings = make_settings(folder)
    parts = Parts(
        encoder=FakeEncoder(),
        grounder=grounder or FakeGrounder(),
        grounder_model=ModelInfo("fake-grounder", "1" * 64),
        store=MemoryStore(),
        ledger=Ledger(folder),
        exemplars=ExemplarStore(folder),
        schema_version=1,
        read_image=partial(read_image, limits=ImageLimits(10**7, 10**7)),
        ask=ask,
        generator=lambda: GeneratorState(ModelInfo("")),
    )
    async with App(parts, settings) as app:
        yield f"127.0.0.1:{app.port}"
