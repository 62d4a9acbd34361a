"""What a model must do to serve here. One contract suite (tests/models) runs on every implementation."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from thresher.types import (
    EncoderSpec,
    GeneratorSpec,
    ImageFeatures,
    Mask,
    Medium,
    Message,
    Pixels,
    Prompt,
    Region,
    TextFeatures,
    Word,
)


class Encoder(Protocol):
    """Images and texts into one space. All methods keep the order of their batch and compute off the event loop."""

    @property
    def spec(self) -> EncoderSpec: ...

    @property
    def concepts(self) -> Sequence[str]:
        """Names of the concept space that `Proposals.concepts` and `TextFeatures.concepts` index; empty if open."""
        ...

    async def images(self, batch: Sequence[Pixels]) -> Sequence[ImageFeatures]: ...

    async def texts(self, batch: Sequence[str]) -> Sequence[TextFeatures]: ...

    async def regions(self, image: Pixels, masks: Sequence[Mask]) -> NDArray[np.float32]:
        """f32 (n, patch_dim), unit rows: each masked part of an image, in the space of patches. InvalidInput where a
        mask is empty or of another size than the image."""
        ...

    async def query(self, image: Pixels, medium: Medium) -> NDArray[np.float32]:
        """f32 (appearance_dim,), unit: what the photograph looks like that a picture of this medium stands for."""
        ...


class Grounder(Protocol):
    async def ground(self, image: Pixels, prompts: Sequence[Prompt]) -> Sequence[Sequence[Region]]:
        """Regions with masks for each prompt, best first; an empty sequence where nothing fits."""
        ...


class Ocr(Protocol):
    async def read(self, image: Pixels) -> Sequence[Word]:
        """The words that can be read in a photograph, in reading order; computes off the event loop."""
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
