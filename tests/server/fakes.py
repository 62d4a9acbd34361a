"""Small stand-ins for the models, and a server on a real socket around them."""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pycocotools import mask as coco_mask

from models.protocols import Ocr
from retrievers.exemplars import ExemplarStore
from retrievers.images import DecodedImage, ImageLimits, read_image
from retrievers.ledger import Ledger
from retrievers.protocols import ImageStore, Store
from server.app import App
from server.parts import GeneratorState, Parts
from server.settings import IngestSettings, LimitSettings, Settings
from thresher.records import ModelInfo
from thresher.rle import decode
from thresher.types import (
    Answer,
    AskEvent,
    AskOptions,
    Box,
    Citation,
    Concept,
    EncoderSpec,
    Evidence,
    Filter,
    ImageFeatures,
    Kind,
    Mask,
    Medium,
    Patches,
    Pixels,
    Plan,
    Point,
    Predicate,
    Prompt,
    Proposals,
    Region,
    Step,
    Text,
    TextFeatures,
    Verdict,
)

COLORS = {"red": (1.0, 0.0, 0.0), "green": (0.0, 1.0, 0.0), "blue": (0.0, 0.0, 1.0)}


def picture(color: str = "red", seed: int = 0, size: tuple[int, int] = (16, 12)) -> bytes:
    """A PNG of one colour; different seeds have different bytes."""
    pixels = np.zeros((size[1], size[0], 3), np.uint8)
    pixels[:] = np.array(COLORS[color]) * 250
    pixels[0, 0] = (seed % 256, seed // 256 % 256, seed // 65536)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


async def until(condition: Callable[[], object]) -> None:
    """Wait for something that happens soon; fails after five seconds."""
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("It did not happen.")


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class FakeEncoder:
    """Mean colour. Texts are colour words. `hold` (an event) makes images wait; `batches` are the sizes it saw."""

    def __init__(self) -> None:
        self.spec = EncoderSpec("fake", 3, "dot", 3, "0" * 64, patch_dim=3)
        self.concepts: Sequence[str] = tuple(COLORS)
        self.batches: list[int] = []
        self.hold = asyncio.Event()
        self.hold.set()

    async def images(self, batch: Sequence[Pixels]) -> Sequence[ImageFeatures]:
        self.batches.append(len(batch))
        await self.hold.wait()
        found = []
        for pixels in batch:
            vector = pixels.reshape(-1, 3).mean(0).astype(np.float32) / 255
            unit = vector / max(float(np.linalg.norm(vector)), 1e-6)
            found.append(ImageFeatures(vector, unit, Proposals.none(), halves(pixels)))
        return found

    async def regions(self, image: Pixels, masks: Sequence[Mask]) -> NDArray[np.float32]:
        return np.stack([unit_colour(image[decode(mask)]) for mask in masks])

    async def query(self, image: Pixels, medium: Medium) -> NDArray[np.float32]:
        """A sketch means the complement of its colour."""
        return unit_colour(image if medium is Medium.PHOTOGRAPH else 255 - image)

    async def texts(self, batch: Sequence[str]) -> Sequence[TextFeatures]:
        return [
            TextFeatures(np.array(COLORS[text], np.float32), (Concept(list(COLORS).index(text), text, 1.0),))
            if text in COLORS
            else TextFeatures(np.zeros(3, np.float32), known=False, nearest=("red", "green"))
            for text in batch
        ]


def unit_colour(pixels: Pixels) -> NDArray[np.float32]:
    """Mean colour of pixels (..., 3), of unit length."""
    vector = pixels.reshape(-1, 3).mean(0).astype(np.float32) + 1e-3
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


def halves(pixels: Pixels) -> Patches:
    """A patch for the left and one for the right half."""
    height, width = pixels.shape[:2]
    boxes = np.array([[0, 0, width // 2, height], [width // 2, 0, width, height]], np.float32)
    vectors = [unit_colour(pixels[:, : width // 2]), unit_colour(pixels[:, width // 2 :])]
    return Patches(np.stack(vectors).astype(np.float16), boxes)


class FakeGrounder:
    """Masks a box as it is; finds nothing at a point."""

    async def ground(self, image: Pixels, prompts: Sequence[Prompt]) -> Sequence[Sequence[Region]]:
        return [[] if isinstance(prompt, Point) else [_grounded(image, prompt)] for prompt in prompts]


def _grounded(image: Pixels, prompt: str | Box) -> Region:
    if isinstance(prompt, str):
        return region(prompt)
    inside = np.zeros(image.shape[:2], np.uint8, order="F")
    inside[int(prompt.y0) : int(prompt.y1), int(prompt.x0) : int(prompt.x1)] = 1
    return Region(prompt, 1.0, "", Mask(image.shape[0], image.shape[1], coco_mask.encode(inside)["counts"]))


def region(phrase: str) -> Region:
    return Region(Box(1, 1, 5, 6), 0.75, phrase, Mask(12, 16, b"=5700000S4"))


@dataclass
class FakeAsk:
    """Answers about colours. `hold` (an event) makes it wait after its plan; `stopped` counts closed ones."""

    hold: asyncio.Event = field(default_factory=asyncio.Event)
    started: asyncio.Event = field(default_factory=asyncio.Event)
    stopped: int = 0
    seconds: float | None = None
    options: AskOptions | None = None
    error: Exception | None = None

    async def __call__(
        self, _question: str, options: AskOptions, images: ImageStore, seconds: float | None
    ) -> AsyncGenerator[AskEvent, None]:
        self.seconds, self.options = seconds, options
        try:
            yield Plan(Kind.COUNT, Predicate("red"))
            self.started.set()
            await self.hold.wait()
            if self.error is not None:
                raise self.error
            hits = await images.search(np.array(COLORS["red"], np.float32), options.scope, options.max_evidence)
            yield Step("retrieve", "red", len(hits), 1.5)
            yield Text(f"{len(hits)} photographs.", "plain")
            citations = tuple(Citation(hit.record.id, hit.record.path, 0.9, (region("red"),)) for hit in hits)
            for citation in citations:
                yield Evidence(citation)
            verdict = Verdict(
                Kind.COUNT,
                len(hits),
                tuple(hit.record.id for hit in hits),
                (len(hits), len(hits) + 1),
                0.9,
                len(hits),
                await images.count(Filter()),
            )
            yield Answer(verdict, f"{len(hits)} photographs.", citations, 0.9, "no language model")
        except (asyncio.CancelledError, GeneratorExit):
            self.stopped += 1
            raise


@dataclass
class Bench:
    """A running server and all that it is made of. `decoded`: bytes of each photograph that was decoded."""

    app: App
    encoder: FakeEncoder
    ask: FakeAsk
    store: Store
    ledger: Ledger
    exemplars: ExemplarStore
    generator: dict[str, GeneratorState]
    decoded: list[int]

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.app.port}"


def make_settings(
    folder: Path, limits: dict[str, Any] | None = None, ingest: dict[str, Any] | None = None, **values: Any
) -> Settings:
    return Settings(
        profile="test",
        port=0,
        data_dir=folder,
        limits=LimitSettings(**{"shutdown_seconds": 0.0, **(limits or {})}),
        ingest=IngestSettings(**{"commit_seconds": 0.2, **(ingest or {})}),
        **values,
    )


@asynccontextmanager
async def serving(settings: Settings, store: Store, reader: Ocr | None = None) -> AsyncIterator[Bench]:
    limits = settings.limits
    encoder, ask = FakeEncoder(), FakeAsk()
    assert settings.data_dir is not None
    ledger = Ledger(settings.data_dir)
    exemplars = ExemplarStore(settings.data_dir)
    ask.hold.set()
    decoded: list[int] = []

    def read(content: bytes) -> DecodedImage:
        decoded.append(len(content))
        return read_image(content, ImageLimits(limits.max_image_bytes, limits.max_image_pixels))

    state = {"now": GeneratorState(ModelInfo("fake-model"), detail="starting")}
    parts = Parts(
        encoder=encoder,
        grounder=FakeGrounder(),
        grounder_model=ModelInfo("fake-grounder", "1" * 64),
        store=store,
        ledger=ledger,
        exemplars=exemplars,
        schema_version=1,
        read_image=read,
        ask=ask,
        generator=lambda: state["now"],
        reader=reader,
    )
    async with App(parts, settings) as app:
        yield Bench(app, encoder, ask, store, ledger, exemplars, state, decoded)
    await ledger.close()
    await exemplars.close()


def ready(state: GeneratorState) -> GeneratorState:
    return replace(state, ready=True, detail="")
