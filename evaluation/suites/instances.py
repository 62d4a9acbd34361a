"""The very same thing again: how often the photograph is found that something was taken from, and where in it.

Protocol: an object is cut out by its mask and pasted, scaled and turned, into another photograph of the set (the query
is that picture and the box of the object); a part of a photograph is seen at a slant (the query is the part alone).
Only the photograph it was taken from is right; the one that was pasted into is not searched, as its own
parts are in the query, too. `global`: by appearance alone, of the object's box or of the part;
`local`: the instance search. `iou`: of the best match's mask with what was taken, where its source comes first.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial

import numpy as np
from PIL import Image

from evaluation.coco import LabelledPhotographs
from evaluation.labels import Scene
from evaluation.pasting import Seen, outlined, pasted, slanted
from evaluation.scopes import photos
from evaluation.suite import Question, Record, Suite, mean_rows
from thresher.client import Client
from thresher.errors import InvalidInput
from thresher.rle import decode
from thresher.types import Aspect, Filter, Pixels, Query

RANKS = (1, 5)
KINDS = ("pasted", "slanted")
STAGES = ("global", "local")
_SHARE = 0.02, 0.5
"""Of a photograph's area that an object has which is cut out."""


@dataclass(frozen=True, slots=True)
class Settings:
    """`pictures` of each kind at most."""

    pictures: int = 60
    seed: int = 7


def suite(photographs: LabelledPhotographs, scenes: Sequence[Scene], settings: Settings) -> Suite:
    """`scenes` belong to `photographs`. `InvalidInput` where these are fewer than `RANKS` asks for."""
    if len(photographs.ids) <= max(RANKS):
        raise InvalidInput(f"{len(photographs.ids)} photographs are too few to search among.", "Give more.")
    random = np.random.default_rng(settings.seed)
    objects = [(row, number) for row, scene in enumerate(scenes) for number in cuttable(scene)]
    chosen = [objects[one] for one in sorted(random.permutation(len(objects))[: settings.pictures].tolist())]
    parts = [(row, 0) for row in sorted(random.permutation(len(scenes))[: settings.pictures].tolist())]
    return Suite(
        name="instances",
        title=f"instances, {len(photographs.ids)} photographs, seed {settings.seed}",
        settings={**asdict(settings), "labels": photographs.digest},
        photographs=photos(photographs),
        ids=photographs.ids,
        questions=tuple(
            Question(
                f"{kind}/{stage}/{photographs.files[row].name}/{number}",
                f"{kind}, {stage}",
                partial(_search, photographs, scenes, (row, number), kind, stage, settings.seed),
            )
            for kind, places in zip(KINDS, (chosen, parts), strict=True)
            for row, number in places
            for stage in STAGES
        ),
        rows=partial(mean_rows, seed=settings.seed),
    )


def cuttable(scene: Scene) -> list[int]:
    """Places of the objects that are neither crowds nor too small or large, where masks are true."""
    found = []
    for number, thing in enumerate(scene.objects):
        if scene.has_masks and not thing.crowd and thing.polygons:
            share = outlined(thing.polygons, scene.height, scene.width).mean()
            found += [number] if _SHARE[0] <= share <= _SHARE[1] else []
    return found


def made(
    photographs: LabelledPhotographs, scenes: Sequence[Scene], place: tuple[int, int], kind: str, seed: int
) -> Seen:
    """The picture of one question. Seeded by the question alone."""
    row, number = place
    random = np.random.default_rng([seed, row, number, KINDS.index(kind)])
    source = _pixels(photographs, row)
    if kind == "slanted":
        return slanted(source, random)
    scene = scenes[row]
    mask = outlined(scene.objects[number].polygons, scene.height, scene.width)
    return pasted(source, mask, _pixels(photographs, background(place, len(scenes), seed)), random)


def background(place: tuple[int, int], count: int, seed: int) -> int:
    """Row of the photograph, of `count`, that an object is pasted into: another one."""
    return (place[0] + 1 + int(np.random.default_rng([seed, *place]).integers(count - 1))) % count


async def _search(
    photographs: LabelledPhotographs,
    scenes: Sequence[Scene],
    place: tuple[int, int],
    kind: str,
    stage: str,
    seed: int,
    client: Client,
    collection: str,
) -> Record:
    """`rank` of the source, from 0; None beyond the last of `RANKS`."""
    seen = made(photographs, scenes, place, kind, seed)
    if stage == "local":
        query = Query(content=seen.content, regions=(seen.box,) if seen.box else (), aspect=Aspect.INSTANCE)
    else:
        query = Query(content=_cut(seen))
    around = photographs.ids[background(place, len(scenes), seed)] if kind == "pasted" else ""
    where = Filter(ids=tuple(image for image in photographs.ids if image != around))
    found = await client.search(collection, query, where=where, limit=max(RANKS), separate_duplicates=True)
    own = photographs.ids[place[0]]
    ranking = [hit.record.id for hit in found.hits]
    rank = ranking.index(own) if own in ranking else None
    iou = None
    if rank == 0 and found.hits[0].regions and (mask := found.hits[0].regions[0].mask) is not None:
        matched = decode(mask)
        iou = float((matched & seen.source).sum() / (matched | seen.source).sum())
    return {
        "row": {"kind": kind, "stage": stage},
        "cluster": own,
        "question": f"{kind} of {photographs.files[place[0]].name}",
        "rank": rank,
        "scores": {**{f"recall_at_{most}": rank is not None and rank < most for most in RANKS}, "iou": iou},
    }


def _pixels(photographs: LabelledPhotographs, row: int) -> Pixels:
    with Image.open(photographs.files[row]) as image:
        return np.asarray(image.convert("RGB"))


def _cut(seen: Seen) -> bytes:
    """The picture, or what of it is in the box."""
    if seen.box is None:
        return seen.content
    stream = io.BytesIO()
    with Image.open(io.BytesIO(seen.content)) as picture:
        x0, y0 = int(seen.box.x0), int(seen.box.y0)
        box = x0, y0, max(x0 + 1, int(seen.box.x1)), max(y0 + 1, int(seen.box.y1))
        picture.crop(box).save(stream, "PNG")
    return stream.getvalue()
