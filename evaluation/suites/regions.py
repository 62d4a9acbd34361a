"""Parts of photographs: how often what is found by a region, by several, or by a taught name shows the same.

Protocol, all of it with labelled boxes of single objects that cover `LEAST_AREA` of their photograph or more:

- one region: a box, searched for without its photograph; right is a photograph that shows its category.
- two regions: the boxes of two categories of one photograph; right is one that shows both.
- taught: a name taught by the boxes of one category in one or three photographs; right is another photograph that shows
  it.

Beside each region search stands the search with the whole photograph (`query`). Only categories, and pairs, that
`RELEVANT` other photographs show are asked about. `right_at_1` and `right_at_5` are parts of the best one and five.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial

import numpy as np

from evaluation.coco import LabelledPhotographs
from evaluation.labels import Scene
from evaluation.scopes import photos
from evaluation.suite import Question, Record, Suite, mean_rows
from thresher.client import Client
from thresher.errors import InvalidInput
from thresher.types import Box, Filter, Hit, Query

LEAST_AREA = 0.02
RELEVANT = 5
BEST = 5
LESSONS = (1, 3)


@dataclass(frozen=True, slots=True)
class Settings:
    """`questions` of one and of two regions each, and `draws` of photographs that teach a category."""

    questions: int = 200
    draws: int = 2
    seed: int = 7


@dataclass(frozen=True, slots=True)
class Parts:
    """Boxes of different categories (columns of the labels) in the photograph of a row."""

    row: int
    categories: tuple[int, ...]
    boxes: tuple[Box, ...]


def suite(photographs: LabelledPhotographs, scenes: Sequence[Scene], settings: Settings) -> Suite:
    """`scenes` belong to `photographs`. `InvalidInput` where nothing can be asked."""
    asked = {count: drawn(photographs, scenes, count, settings.questions, settings.seed) for count in (1, 2)}
    if not asked[1]:
        raise InvalidInput(
            f"No category is shown by more than {RELEVANT} of these photographs in a box.", "Give more photographs."
        )
    names = [file.name for file in photographs.files]
    searches = (
        Question(
            f"{count}/{query}/{names[parts.row]}/{'-'.join(map(str, parts.categories))}",
            f"{count} region{'s' * (count > 1)}, {query}",
            partial(_search, photographs, parts, query),
        )
        for count, every in asked.items()
        for parts in every
        for query in ("regions", "whole")
    )
    taught = (
        Question(
            f"taught/{photographs.categories[lessons[0].categories[0]]}/{draw}/{len(lessons)}",
            f"taught by {len(lessons)}",
            partial(_taught, photographs, lessons, f"{draw}-{len(lessons)}"),
        )
        for draw in range(settings.draws)
        for lessons in to_teach(photographs, scenes, settings.seed + draw)
    )
    return Suite(
        name="regions",
        title=f"regions and taught names, {len(photographs.ids)} photographs, seed {settings.seed}",
        settings={**asdict(settings), "labels": photographs.digest},
        photographs=photos(photographs),
        ids=photographs.ids,
        questions=(*searches, *taught),
        rows=partial(mean_rows, seed=settings.seed),
    )


def largest(scene: Scene) -> dict[int, Box]:
    """Category -> its largest single box that is large enough, by category."""
    found: dict[int, Box] = {}
    for thing in scene.objects:
        enough = thing.box.area >= LEAST_AREA * scene.width * scene.height
        known = found.get(thing.category)
        if enough and not thing.crowd and (known is None or thing.box.area > known.area):
            found[thing.category] = thing.box
    return dict(sorted(found.items()))


def drawn(
    photographs: LabelledPhotographs, scenes: Sequence[Scene], count: int, questions: int, seed: int
) -> list[Parts]:
    """At most `questions`, at most one of a photograph. Pure and seeded."""
    random = np.random.default_rng([seed, count])
    found: list[Parts] = []
    for row in random.permutation(len(scenes)).tolist():
        boxes = largest(scenes[row])
        if len(found) == questions or len(boxes) < count:
            continue
        chosen = tuple(sorted(random.permutation(list(boxes))[:count].tolist()))
        if len(relevant(photographs, chosen, {photographs.ids[row]})) >= RELEVANT:
            found.append(Parts(row, chosen, tuple(boxes[category] for category in chosen)))
    return found


def relevant(photographs: LabelledPhotographs, categories: Sequence[int], without: set[str]) -> set[str]:
    """Photographs that show all of the categories, but for some."""
    rows = np.flatnonzero(photographs.presence[:, list(categories)].all(1))
    return {photographs.ids[row] for row in rows} - without


def to_teach(photographs: LabelledPhotographs, scenes: Sequence[Scene], seed: int) -> Iterator[tuple[Parts, ...]]:
    """Boxes that teach a category, of as many photographs as `LESSONS` says, for every category that has enough."""
    random = np.random.default_rng([seed, 0])
    boxes = [largest(scene) for scene in scenes]
    for category in range(len(photographs.categories)):
        rows = [row for row, own in enumerate(boxes) if category in own]
        if len(rows) < max(LESSONS) or photographs.presence[:, category].sum() < max(LESSONS) + RELEVANT:
            continue
        rows = random.permutation(rows)[: max(LESSONS)].tolist()
        for count in LESSONS:
            yield tuple(Parts(row, (category,), (boxes[row][category],)) for row in rows[:count])


async def _search(
    photographs: LabelledPhotographs, parts: Parts, query: str, client: Client, collection: str
) -> Record:
    image = photographs.ids[parts.row]
    sought = Query(image=image, regions=parts.boxes if query == "regions" else ())
    found = await client.search(collection, sought, limit=BEST, separate_duplicates=True)
    right = relevant(photographs, parts.categories, {image})
    names = " and ".join(photographs.categories[category] for category in parts.categories)
    return {
        "row": {"of": names_of(len(parts.boxes)), "query": query},
        "cluster": image,
        "question": f"{names} of {photographs.files[parts.row].name}",
        "scores": scores(found.hits, right),
    }


def names_of(count: int) -> str:
    return "one region" if count == 1 else "two regions"


async def _taught(
    photographs: LabelledPhotographs, lessons: Sequence[Parts], mark: str, client: Client, collection: str
) -> Record:
    """Taught, searched for among the photographs that did not teach it, and forgotten again."""
    [category] = lessons[0].categories
    name = f"eval {photographs.categories[category]} {mark}"
    for parts in lessons:
        await client.teach(collection, name, image=photographs.ids[parts.row], box=parts.boxes[0])
    teachers = {photographs.ids[parts.row] for parts in lessons}
    others = tuple(image for image in photographs.ids if image not in teachers)
    found = await client.search(
        collection, Query(exemplar=name), where=Filter(ids=others), limit=BEST, separate_duplicates=True
    )
    await client.forget(collection, name)
    return {
        "row": {"of": "taught name", "query": f"{len(lessons)} photograph{'s' * (len(lessons) > 1)}"},
        "cluster": photographs.ids[lessons[0].row],
        "question": name,
        "scores": scores(found.hits, relevant(photographs, [category], teachers)),
    }


def scores(hits: Sequence[Hit], right: set[str]) -> dict[str, float]:
    found = [hit.record.id in right for hit in hits]
    return {"right_at_1": float(any(found[:1])), "right_at_5": sum(found[:BEST]) / BEST}
