"""What a model must do to serve here. One contract suite (tests/models) runs on every implementation."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Protocol

from thresher.types import (
    EncoderSpec,
    GeneratorSpec,
    ImageFeatures,
    Message,
    Pixels,
    Prompt,
    Region,
    TextFeatures,
)


class Encoder(Protocol):
    """Images and texts into one space. Both methods keep the order of their batch and compute off the event loop."""

    @property
    def spec(self) -> EncoderSpec: ...

    @property
    def concepts(self) -> Sequence[str]:
        """Names of the concept space that `Proposals.concepts` and `TextFeatures.concepts` index; empty if open."""
        ...

    async def images(self, batch: Sequence[Pixels]) -> Sequence[ImageFeatures]: ...

    async def texts(self, batch: Sequence[str]) -> Sequence[TextFeatures]: ...


class Grounder(Protocol):
    async def ground(self, image: Pixels, prompts: Sequence[Prompt]) -> Sequence[Sequence[Region]]:
        """Regions with masks for each prompt, best first; an empty sequence where nothing fits."""
        ...


class Generator(Protocol):
    """A language model. Every method raises `GeneratorUnavailable` when it cannot be reached or fails."""

    @property
    def spec(self) -> GeneratorSpec: ...

    async def choose(self, messages: Sequence[Message], choices: Sequence[str]) -> Mapping[str, float]:
        """Probabilities of the choices (they sum to 1), from log-probabilities; {} where no choice was answered."""
        ...

    async def json(self, messages: Sequence[Message], schema: Mapping[str, object]) -> Mapping[str, object]: ...

    def stream(self, messages: Sequence[Message], max_tokens: int = 120) -> AsyncIterator[str]: ...
