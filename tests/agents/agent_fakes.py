# ruff: noqa: ARG002 (fakes ignore what they are given)
"""Parts of an ask without models: a vocabulary of a few words, scenes written by hand, a language model by script."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.nouns import singular_phrase
from agents.params import Budgets, Deps, JudgeParams
from retrievers.protocols import Scores
from thresher.errors import GeneratorUnavailable
from thresher.types import (
    Box,
    Collection,
    Concept,
    EncoderSpec,
    Filter,
    GeneratorSpec,
    ImageFeatures,
    ImageId,
    ImageRecord,
    Mask,
    Medium,
    Message,
    Pixels,
    Prompt,
    Proposals,
    Region,
    TextFeatures,
)

WORDS = ("person", "dog", "cat", "sofa", "motorcycle", "cup", "spoon", "lion", "tie", "ball", "fire hydrant")
SPEC = EncoderSpec("fake", len(WORDS), "dot", 1, "0" * 64)


@dataclass(frozen=True)
class Scene:
    """What one photograph shows: word -> P(shown), and boxes (word, x0, y0, x1, y1, score). `repeats`: the path of the
    scene that it nearly repeats."""

    path: str
    shows: Mapping[str, float]
    boxes: Sequence[tuple[str, float, float, float, float, float]] = ()
    tags: tuple[str, ...] = ()
    taken_at: datetime | None = None
    repeats: str = ""

    @property
    def id(self) -> ImageId:
        return hashlib.sha256(self.path.encode()).hexdigest()

    @property
    def record(self) -> ImageRecord:
        now = datetime(2024, 1, 1, tzinfo=UTC)
        return ImageRecord(self.id, (self.path,), 640, 480, "image/png", 1, now, self.taken_at, tags=self.tags)

    @property
    def vector(self) -> NDArray[np.float32]:
        return np.array([self.shows.get(word, 0.01) for word in WORDS], np.float32)

    @property
    def proposals(self) -> Proposals:
        if not self.boxes:
            return Proposals.none()
        return Proposals(
            np.array([box[1:5] for box in self.boxes], np.float32),
            np.array([[WORDS.index(box[0])] for box in self.boxes], np.int16),
            np.array([[box[5]] for box in self.boxes], np.float32),
        )


@dataclass
class FakeEncoder:
    """Knows `WORDS`. `wait`: seconds per text batch; `cancelled` is set where that wait was cancelled."""

    wait: float = 0.0
    cancelled: bool = False
    spec: EncoderSpec = SPEC
    concepts: Sequence[str] = WORDS

    async def images(self, batch: Sequence[Pixels]) -> Sequence[ImageFeatures]:
        raise NotImplementedError

    async def regions(self, image: Pixels, masks: Sequence[Mask]) -> NDArray[np.float32]:
        raise NotImplementedError

    async def query(self, image: Pixels, medium: Medium) -> NDArray[np.float32]:
        raise NotImplementedError

    async def texts(self, batch: Sequence[str]) -> Sequence[TextFeatures]:
        try:
            await asyncio.sleep(self.wait)
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        return [self._text(text) for text in batch]

    def _text(self, text: str) -> TextFeatures:
        word = singular_phrase(text)
        vector = np.zeros(len(WORDS), np.float32)
        if word not in WORDS:
            return TextFeatures(vector, known=False, nearest=("cat", "cup"))
        vector[WORDS.index(word)] = 1
        return TextFeatures(vector, (Concept(WORDS.index(word), word, 1.0),), calibrated=True)


class FakeStore:
    """The scenes, by the part of ImageStore that an ask uses."""

    def __init__(self, scenes: Sequence[Scene]) -> None:
        self.scenes = {scene.id: scene for scene in sorted(scenes, key=lambda scene: scene.id)}
        self.collection = Collection("c", SPEC, 1, datetime(2024, 1, 1, tzinfo=UTC), len(scenes))

    def _matching(self, where: Filter) -> list[Scene]:
        def fits(scene: Scene) -> bool:
            if where.ids is not None and scene.id not in where.ids:
                return False
            if not set(where.tags) <= set(scene.tags):
                return False
            if where.after and (scene.taken_at is None or scene.taken_at < where.after):
                return False
            return not (where.before and (scene.taken_at is None or scene.taken_at >= where.before))

        return [scene for scene in self.scenes.values() if fits(scene)]

    async def get(self, ids: Sequence[ImageId]) -> Mapping[ImageId, ImageRecord]:
        return {i: self.scenes[i].record for i in ids if i in self.scenes}

    async def ids(self, where: Filter) -> Sequence[ImageId]:
        return [scene.id for scene in self._matching(where)]

    async def count(self, where: Filter) -> int:
        return len(self._matching(where))

    async def scores(self, queries: NDArray[np.float32], where: Filter) -> Scores:
        scenes = self._matching(where)
        vectors = np.stack([scene.vector for scene in scenes]) if scenes else np.zeros((0, SPEC.dim), np.float32)
        return Scores(tuple(scene.id for scene in scenes), queries @ vectors.T)

    async def groups(self, ids: Sequence[ImageId]) -> Mapping[ImageId, ImageId]:
        return {i: Scene(self.scenes[i].repeats, {}).id for i in ids if self.scenes[i].repeats}

    async def proposals(self, ids: Sequence[ImageId]) -> Mapping[ImageId, Proposals]:
        return {i: self.scenes[i].proposals for i in ids if i in self.scenes}

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


@dataclass
class FakeGrounder:
    """A mask for every box; fails on the `broken` pixels' first value; `seen` counts calls."""

    broken: frozenset[int] = frozenset()
    wait: float = 0.0
    seen: int = 0

    async def ground(self, image: Pixels, prompts: Sequence[Prompt]) -> Sequence[Sequence[Region]]:
        self.seen += 1
        await asyncio.sleep(self.wait)
        if int(image[0, 0, 0]) in self.broken:
            raise GeneratorUnavailable("broken image")
        return [[Region(prompt, 1.0, "", Mask(2, 2, b"04"))] if isinstance(prompt, Box) else [] for prompt in prompts]


@dataclass
class FakeGenerator:
    """Says what `say` makes of the last message. `fails`: after how many pieces it is gone; `wait` seconds a piece.
    `chosen`: the messages of every choice."""

    say: Callable[[str], str] = lambda _: "nonsense"
    sees: bool = False
    plans: bool = False
    answers: Mapping[str, float] = field(default_factory=dict)
    planned: Mapping[str, object] = field(default_factory=dict)
    fails: int | None = None
    wait: float = 0.0
    looked: int = 0
    images: int = 1
    chosen: list[Sequence[Message]] = field(default_factory=list)

    @property
    def spec(self) -> GeneratorSpec:
        return GeneratorSpec("fake-lm", self.sees, self.plans, 2048, self.images)

    async def choose(self, messages: Sequence[Message], choices: Sequence[str]) -> Mapping[str, float]:
        self.looked += 1
        self.chosen.append(messages)
        if self.fails is not None:
            raise GeneratorUnavailable("gone")
        return {k: v for k, v in self.answers.items() if k in choices}

    async def json(self, messages: Sequence[Message], schema: Mapping[str, object]) -> Mapping[str, object]:
        if self.fails is not None:
            raise GeneratorUnavailable("gone")
        return self.planned

    async def stream(self, messages: Sequence[Message], max_tokens: int = 120) -> AsyncIterator[str]:
        for number, piece in enumerate(self.say(messages[-1].text).split(" ")):
            if self.fails is not None and number >= self.fails:
                raise GeneratorUnavailable("gone")
            await asyncio.sleep(self.wait)
            yield ("" if number == 0 else " ") + piece


def deps(scenes: Sequence[Scene], **parts: Any) -> Deps:
    """Parts for an ask over the scenes; pixels of a scene are all 0, those of "broken.png" 1."""
    store = FakeStore(scenes)

    async def load_pixels(image_id: ImageId) -> Pixels:
        broken = "broken" in store.scenes[image_id].path
        return np.full((4, 4, 3), int(broken), np.uint8)

    async def load_jpeg(image_id: ImageId) -> bytes:
        return image_id.encode()

    made: dict[str, Any] = {"encoder": FakeEncoder(), "judge": JudgeParams(), "budgets": Budgets(), **parts}
    return Deps(store=store, load_pixels=load_pixels, load_jpeg=load_jpeg, **made)  # type: ignore[arg-type]


SCENES = (
    Scene("a/dog.png", {"dog": 0.95}, [("dog", 10, 10, 90, 90, 0.9)], ("beach",), datetime(2019, 7, 1, tzinfo=UTC)),
    Scene(
        "a/sofa.png",
        {"dog": 0.9, "sofa": 0.9, "person": 0.05},
        [("dog", 100, 120, 200, 220, 0.8), ("sofa", 50, 150, 400, 300, 0.9)],
        (),
        datetime(2021, 5, 1, tzinfo=UTC),
    ),
    Scene("b/coffee.png", {"cup": 0.97, "spoon": 0.9}, [("cup", 0, 0, 9, 9, 0.9), ("spoon", 8, 0, 20, 3, 0.5)]),
    Scene("b/lions.jpg", {"lion": 0.99}, [("lion", 0, 0, 50, 50, 0.9), ("lion", 60, 0, 110, 50, 0.8)]),
    Scene("b/man.jpg", {"person": 0.98, "tie": 0.9}, [("person", 0, 0, 80, 200, 0.9)], ("beach", "New York")),
    Scene("b/crowd.jpg", {"person": 0.99}, [("person", i * 50, 0, i * 50 + 40, 100, 0.7) for i in range(4)]),
    Scene("b/bike.jpg", {"motorcycle": 0.9}, [("motorcycle", 0, 0, 80, 80, 0.9)]),
    Scene("c/empty.png", {}),
)
