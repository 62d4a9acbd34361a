"""The questions of `thresher eval vhs`, as they are asked: drawn from labels, or of the authors' files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evaluation.coco import LabelledPhotographs
from evaluation.distractors import Distractors
from evaluation.haystacks import Draw, Drawn, Pool, VhsQuestion, draw_questions, draw_several, wording
from evaluation.official import OfficialFile, locate
from evaluation.suite import Row
from thresher.importing import Photo
from thresher.types import ImageId

RANKS = 5
"""Needles are looked for among so many."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What is asked. `sizes` are photographs in a haystack, `questions` questions of each size and draw.

    `needles` is their least and greatest number. `distractors_first`: haystacks are made of distractors, of labelled
    photographs only where these are too few; else the other way round.
    """

    sizes: tuple[int, ...] = (1, 10, 50, 100)
    questions: int = 1000
    seed: int = 7
    draws: tuple[Draw, ...] = tuple(Draw)
    needles: tuple[int, int] = (1, 1)
    distractors_first: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as it is asked, wherever it comes from. `row` names its row, without the pipeline; `x` is what the
    needles show, empty where the question does not say; recall is measured among the best of each of `ranks`."""

    key: str
    row: Row
    question: str
    answer: bool
    needles: tuple[ImageId, ...]
    haystack: tuple[ImageId, ...]
    x: str
    ranks: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Haystacks:
    """All questions of a run with their photographs. `dropped`: category names by (draw, size), of drawn ones."""

    title: str
    settings: Mapping[str, Any]
    photographs: tuple[Photo, ...]
    ids: tuple[ImageId, ...]
    asked: tuple[Asked, ...]
    dropped: Mapping[tuple[str, int], list[str]] = field(default_factory=dict)


def drawn(photographs: LabelledPhotographs, settings: Settings, distractors: Distractors | None = None) -> Haystacks:
    """The questions of every draw and size. Raises `InvalidInput` where one has none."""
    pool = Pool.of(photographs.presence, distractors.may_show if distractors else None, settings.distractors_first)
    found = {(draw, size): _draw(pool, size, draw, settings) for draw in settings.draws for size in settings.sizes}
    ids = photographs.ids + (distractors.ids if distractors else ())
    photos = tuple(Photo(file, file.name, ()) for file in photographs.files)
    fillers = f" and {len(distractors.ids)} distractors" if distractors else ""
    return Haystacks(
        title=f"vhs, {len(photographs.ids)} photographs{fillers}, seed {settings.seed}",
        settings={
            "sizes": list(settings.sizes),
            "questions": settings.questions,
            "seed": settings.seed,
            "draws": [draw.value for draw in settings.draws],
            "needles": list(settings.needles),
            "labels": photographs.digest,
            "distractors": len(distractors.ids) if distractors else 0,
        },
        photographs=photos + (distractors.photos if distractors else ()),
        ids=ids,
        asked=tuple(
            _asked(photographs.categories, ids, settings, draw, size, number, question)
            for (draw, size), of_size in found.items()
            for number, question in enumerate(of_size.questions)
        ),
        dropped={
            (draw.value, size): [photographs.categories[x] for x in of_size.dropped]
            for (draw, size), of_size in found.items()
        },
    )


def official(files: Sequence[OfficialFile], root: Path) -> Haystacks:
    """All questions of the authors' files, about photographs below `root`. Raises `InvalidInput` as `locate`."""
    paths, ids = locate(files, root)
    photos = {ids[name]: Photo(path, name, ()) for name, path in paths.items()}
    asked: list[Asked] = []
    for file in files:
        most = max(len(question.needles) for question in file.questions)
        for number, question in enumerate(file.questions):
            haystack = tuple(dict.fromkeys(ids[name] for name in (*question.needles, *question.others)))
            asked.append(
                Asked(
                    key=f"{file.name}/{number}",
                    row={"file": file.name, "n": len(question.needles) + len(question.others)},
                    question=question.question,
                    answer=question.answer,
                    needles=tuple(ids[name] for name in question.needles),
                    haystack=haystack,
                    x=question.x,
                    ranks=_ranks(most),
                )
            )
    return Haystacks(
        title=f"vhs, {', '.join(file.name for file in files)}, {len(photos)} photographs",
        settings={"official": {file.name: file.digest for file in files}},
        photographs=tuple(photos.values()),
        ids=tuple(photos),
        asked=tuple(asked),
    )


def _draw(pool: Pool, size: int, draw: Draw, settings: Settings) -> Drawn:
    if settings.needles == (1, 1):
        return draw_questions(pool, size, settings.questions, settings.seed, draw)
    return draw_several(pool, size, settings.questions, settings.seed, draw, settings.needles)


def _asked(
    categories: Sequence[str],
    ids: Sequence[ImageId],
    settings: Settings,
    draw: Draw,
    size: int,
    number: int,
    question: VhsQuestion,
) -> Asked:
    least, most = settings.needles
    x, y = categories[question.x], categories[question.y]
    needles = str(most) if least == most else f"{least}..{most}"
    return Asked(
        key=f"{draw.value}/{needles}/{size}/{number}",
        row={"draw": draw.value, "needles": needles, "n": size},
        question=wording(x, y, question.quantifier),
        answer=question.answer,
        needles=tuple(ids[index] for index in question.needles),
        haystack=tuple(ids[index] for index in question.haystack),
        x=x,
        ranks=_ranks(most),
    )


def _ranks(most: int) -> tuple[int, ...]:
    """Where to look for all of so many needles."""
    return (most, RANKS) if most < RANKS else (most,)
