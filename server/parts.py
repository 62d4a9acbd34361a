"""What the services work with. `server.wiring` makes the real ones; tests make theirs."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Protocol

from agents.params import JudgeParams
from models.protocols import Encoder, Grounder, Ocr
from retrievers.exemplars import ExemplarStore
from retrievers.images import DecodedImage
from retrievers.ledger import Ledger
from retrievers.protocols import ImageStore, Store
from thresher.records import ModelInfo
from thresher.types import AskEvent, AskOptions


class ReadImage(Protocol):
    def __call__(self, content: bytes) -> DecodedImage:
        """Called in a thread. InvalidImage."""
        ...


class Ask(Protocol):
    def __call__(
        self, question: str, options: AskOptions, images: ImageStore, seconds: float | None
    ) -> AsyncGenerator[AskEvent, None]:
        """Answers within `seconds`; closing the generator stops the work."""
        ...


@dataclass(frozen=True, slots=True)
class GeneratorState:
    """The language model at present; `detail` says why it is not ready, `failed` that it has given up."""

    model: ModelInfo
    ready: bool = False
    detail: str = ""
    sees: bool = False
    plans: bool = False
    failed: bool = False


class GeneratorStatus(Protocol):
    def __call__(self) -> GeneratorState: ...


@dataclass(frozen=True, slots=True)
class Parts:
    """`schema_version` is that of the store; `reader` None: photographs are not read at import."""

    encoder: Encoder
    grounder: Grounder
    grounder_model: ModelInfo
    store: Store
    ledger: Ledger
    exemplars: ExemplarStore
    schema_version: int
    read_image: ReadImage
    ask: Ask
    generator: GeneratorStatus
    judge: ModelInfo = field(default_factory=lambda: ModelInfo(""))
    judging: JudgeParams = field(default_factory=JudgeParams)
    reader: Ocr | None = None
