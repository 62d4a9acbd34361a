"""A fake server that knows the labels: it answers the questions of the suites from them, and finds what they say."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import numpy as np

from evaluation.coco import LabelledPhotographs
from evaluation.labels import Object, Scene
from evaluation.phrases import plural, with_article
from evaluation.suite import Record, Suite
from thresher.client import Client
from thresher.records import Reply, SearchResult
from thresher.types import (
    Abstention,
    AskEvent,
    AskOptions,
    Box,
    Filter,
    Hit,
    ImageRecord,
    Kind,
    Prompt,
    Region,
    Verdict,
)

CATEGORIES = ("dog", "traffic light", "mouse", "apple", "person")
SIZE = (64, 48)


def world(
    count: int = 60, seed: int = 1, categories: Sequence[str] = CATEGORIES
) -> tuple[LabelledPhotographs, tuple[Scene, ...]]:
    """Photographs with up to three objects of each category, some a crowd."""
    random = np.random.default_rng(seed)
    scenes = []
    for image in range(count):
        objects: list[Object] = []
        for category in range(len(categories)):
            if random.random() < 0.4:
                crowd = random.random() < 0.1
                for _ in range(random.integers(1, 4)):
                    x, y = random.integers(0, 30), random.integers(0, 20)
                    box = Box(float(x), float(y), float(x + random.integers(9, 30)), float(y + random.integers(9, 25)))
                    corners = (box.x0, box.y0, box.x1, box.y0, box.x1, box.y1, box.x0, box.y1)
                    objects.append(Object(category, box, crowd, () if crowd else (corners,)))
        scenes.append(Scene(image, *SIZE, image % 3 == 0, tuple(objects)))
    presence = np.zeros((count, len(categories)), bool)
    for row, scene in enumerate(scenes):
        presence[row, [thing.category for thing in scene.objects]] = True
    photographs = LabelledPhotographs(
        files=tuple(Path(f"{image}.jpg") for image in range(count)),
        ids=tuple(f"{image:064x}" for image in range(count)),
        categories=tuple(categories),
        presence=presence,
    )
    return photographs, tuple(scenes)


class LabelClient:
    """`asked` are the questions with their options. `change` turns a true verdict into the one that is given."""

    def __init__(
        self,
        photographs: LabelledPhotographs,
        scenes: Sequence[Scene] = (),
        change: Callable[[Verdict], Verdict] = lambda verdict: verdict,
    ) -> None:
        self.photographs, self.scenes, self.change = photographs, scenes, change
        self.asked: list[tuple[str, AskOptions]] = []
        self.row = {image: row for row, image in enumerate(photographs.ids)}
        names = [(column, name) for column, name in enumerate(photographs.categories)]
        self.columns = {form(name): column for column, name in names for form in (str, with_article, plural)}

    async def ask(
        self, collection: str, question: str, options: AskOptions | None = None
    ) -> AsyncGenerator[AskEvent, None]:
        assert collection == "set" and options is not None and options.scope.ids
        self.asked.append((question, options))
        yield Reply(self.change(self.verdict(question, [self.row[image] for image in options.scope.ids])), "", (), 1.0)

    def verdict(self, question: str, scope: Sequence[int]) -> Verdict:
        """The truth about photographs (rows)."""
        forms: dict[str, Callable[..., Verdict]] = {
            r"How many photos show (.+)\?": lambda x: self._count(Kind.COUNT, len(self._with(x, scope))),
            r"How many (.+) are there in the photo with the (.+)\?": lambda y, x: self._one(
                x, scope, lambda row: self._count(Kind.COUNT_OBJECTS, self._objects(y, [row]))
            ),
            r"How many (.+) are there\?": lambda x: self._count(Kind.COUNT_OBJECTS, self._objects(x, scope)),
            r"Is there (?:a photo of )?(.+?)(?: in the image)?\?": lambda x: Verdict(
                Kind.EXISTS, bool(self._with(x, scope))
            ),
            r"For the photo with the (.+), is there (.+)\?": lambda x, y: self._one(
                x, scope, lambda row: Verdict(Kind.EXISTS, bool(self._with(y, [row])))
            ),
            r"Show me the photo with the (.+)": lambda x: Verdict(
                Kind.FIND, len(self._with(x, scope)), tuple(self.photographs.ids[row] for row in self._with(x, scope))
            ),
        }
        for form, answer in forms.items():
            read = re.fullmatch(form, question)
            if read is not None:
                if any(name not in self.columns for name in read.groups()):
                    return Verdict(Kind.FIND, None, abstention=Abstention.UNKNOWN_CONCEPT)
                return answer(*read.groups())
        return Verdict(Kind.FIND, None, abstention=Abstention.NOT_UNDERSTOOD)

    def _with(self, name: str, rows: Sequence[int]) -> list[int]:
        return [row for row in rows if self.photographs.presence[row, self.columns[name]]]

    def _objects(self, name: str, rows: Sequence[int]) -> int:
        return sum(self.scenes[row].count(self.columns[name]) or 0 for row in rows)

    def _count(self, kind: Kind, value: int) -> Verdict:
        return Verdict(kind, value, interval=(value, value + 2) if kind is Kind.COUNT else None)

    def _one(self, x: str, scope: Sequence[int], about: Callable[[int], Verdict]) -> Verdict:
        rows = self._with(x, scope)
        return about(rows[0]) if rows else Verdict(Kind.EXISTS, None, abstention=Abstention.NOT_FOUND)

    async def search(
        self, collection: str, text: str = "", *, where: Filter | None = None, limit: int = 20, **_: bool
    ) -> SearchResult:
        """Photographs that show it first; nothing for what is no category."""
        assert collection == "set" and where is not None and where.ids
        if text not in self.columns:
            return SearchResult((), True)
        ids = sorted(where.ids, key=lambda image: -int(self.photographs.presence[self.row[image], self.columns[text]]))
        scores = [float(self.photographs.presence[self.row[image], self.columns[text]]) for image in ids]
        hits = [Hit(self._record(image), score) for image, score in zip(ids, scores, strict=True)]
        return SearchResult(tuple(hits[:limit]))

    async def ground(self, collection: str, image: str, prompts: Sequence[Prompt]) -> list[tuple[Region, ...]]:
        """The true boxes of a category."""
        assert collection == "set" and len(prompts) <= 16
        scene = self.scenes[self.row[image]]
        return [
            tuple(Region(box, 0.9, prompt) for box in scene.boxes(self.columns[prompt]))
            if isinstance(prompt, str)
            else ()
            for prompt in prompts
        ]

    async def get_image(self, collection: str, image: str) -> ImageRecord:
        assert collection == "set"
        return self._record(image)

    def _record(self, image: str) -> ImageRecord:
        return ImageRecord(image, (), *SIZE, "image/jpeg", 1, datetime(2024, 1, 1, tzinfo=UTC))


async def records_of(suite: Suite, client: Any) -> list[Record]:
    """Every question of a suite, asked."""
    return [{"key": question.key, **await question.ask(cast(Client, client), "set")} for question in suite.questions]
