"""Drawings and small copies: how often the photograph that a picture was made of is found, and photographs like it.

Protocol: pictures are made from the photographs by `evaluation.media` (sketch, low resolution: of photographs drawn at
random; line art: of those that have outlines). Each is searched with twice in the collection of all photographs: as
what it is (`query`: adapted) and as if it were a photograph (as it is). `recall_at_k`: the photograph itself is among
the best k. `category_at_5`: part of the best five others that show a category which it shows, "person" left out;
photographs that show nothing else do not count for it. A picture with nothing on it finds nothing.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial

import numpy as np
from PIL import Image

from evaluation import media
from evaluation.coco import LabelledPhotographs
from evaluation.labels import Scene
from evaluation.scopes import photos
from evaluation.suite import Question, Record, Suite, mean_rows
from thresher.client import Client
from thresher.errors import InvalidInput
from thresher.types import Medium, Pixels, Query

RANKS = (1, 5, 10)
OTHERS = 5
COMMON = "person"
QUERIES = {"adapted": True, "as it is": False}
MEDIA = (Medium.SKETCH, Medium.LINE_ART, Medium.LOW_RESOLUTION)


@dataclass(frozen=True, slots=True)
class Settings:
    """`pictures` of each medium at most."""

    pictures: int = 200
    seed: int = 7


def suite(photographs: LabelledPhotographs, scenes: Sequence[Scene], settings: Settings) -> Suite:
    """`scenes` belong to `photographs`. `InvalidInput` where these are fewer than `RANKS` asks for."""
    if len(photographs.ids) <= max(RANKS):
        raise InvalidInput(f"{len(photographs.ids)} photographs are too few to search among.", "Give more.")
    return Suite(
        name="sketches",
        title=f"sketches, line art and low resolution, {len(photographs.ids)} photographs, seed {settings.seed}",
        settings={**asdict(settings), "labels": photographs.digest},
        photographs=photos(photographs),
        ids=photographs.ids,
        questions=tuple(
            Question(
                f"{medium}/{query}/{photographs.files[row].name}",
                f"{medium}, {query}",
                partial(_search, photographs, scenes[row], row, medium, query),
            )
            for medium in MEDIA
            for row in drawn(scenes, medium, settings)
            for query in QUERIES
        ),
        rows=partial(mean_rows, seed=settings.seed),
    )


def drawn(scenes: Sequence[Scene], medium: Medium, settings: Settings) -> list[int]:
    """Rows of the photographs that are shown in a medium, in order. Pure and seeded."""
    rows = [row for row, scene in enumerate(scenes) if medium is not Medium.LINE_ART or outlines(scene)]
    chosen = np.random.default_rng(settings.seed).permutation(len(rows))[: settings.pictures]
    return [rows[one] for one in sorted(chosen.tolist())]


def outlines(scene: Scene) -> list[tuple[float, ...]]:
    """Polygons of the single objects."""
    return [polygon for thing in scene.objects if not thing.crowd for polygon in thing.polygons]


def picture(photographs: LabelledPhotographs, scene: Scene, row: int, medium: Medium) -> bytes:
    """A photograph in another medium, as PNG."""
    if medium is Medium.LINE_ART:
        return _png(media.line_art(outlines(scene), scene.height, scene.width))
    with Image.open(photographs.files[row]) as image:
        pixels = np.asarray(image.convert("RGB"))
    if medium is Medium.SKETCH:
        return _png(media.sketch(pixels))
    return _png(media.low_resolution(pixels, media.SIDES[scene.image % len(media.SIDES)]))


def _png(pixels: Pixels) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


async def _search(
    photographs: LabelledPhotographs,
    scene: Scene,
    row: int,
    medium: Medium,
    query: str,
    client: Client,
    collection: str,
) -> Record:
    """`rank` of the photograph, from 0; None beyond the last of `RANKS`."""
    content = picture(photographs, scene, row, medium)
    sought = Query(content=content, medium=medium if QUERIES[query] else Medium.PHOTOGRAPH)
    try:
        found = await client.search(collection, sought, limit=max(RANKS), separate_duplicates=True)
        ranking = [hit.record.id for hit in found.hits]
    except InvalidInput:  # nothing is drawn of a photograph without edges
        ranking = []
    own = photographs.ids[row]
    rank = ranking.index(own) if own in ranking else None
    return {
        "row": {"medium": medium.value, "query": query},
        "cluster": own,
        "question": f"{medium.value} of {photographs.files[row].name}",
        "rank": rank,
        "scores": {
            **{f"recall_at_{most}": rank is not None and rank < most for most in RANKS},
            "category_at_5": alike(photographs, row, [image for image in ranking if image != own][:OTHERS]),
        },
    }


def alike(photographs: LabelledPhotographs, row: int, others: Sequence[str]) -> float | None:
    """Part of `OTHERS` photographs that show a category that this one shows; None where it shows people alone."""
    wanted = photographs.presence[row].copy()
    if COMMON in photographs.categories:
        wanted[photographs.categories.index(COMMON)] = False
    if not wanted.any():
        return None
    place = {image: index for index, image in enumerate(photographs.ids)}
    return sum(bool(photographs.presence[place[image]][wanted].any()) for image in others) / OTHERS
