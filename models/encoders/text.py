"""Words and sentences into the concept space and the caption space of the offline profile."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor

from models.encoders.captions import CAPTION_DIM, CaptionHead
from models.encoders.chunks import queries
from models.encoders.patches import PATCH_DIM, PatchHead
from models.encoders.phrases import concept_names, is_sentence, lookup, normalise
from thresher.types import Concept, TextFeatures

MIXTURE = 12
"""Concepts of the mixture that stands for a word without a concept of its own."""

NEAREST = 3


@dataclass(frozen=True, slots=True)
class Nearness:
    """When a word without a concept of its own may be read as its neighbours: cosine of the best one from `least`
    on; the mixture's weights are softmax(cosine / temperature)."""

    least: float
    temperature: float

    @staticmethod
    def load(path: Path) -> Nearness:
        values: dict[str, float] = json.loads(path.read_text())
        return Nearness(values["least"], values["temperature"])


class SentenceEncoder:
    """MiniLM, the text tower of the open_clip model: texts to unit vectors f32 (n, 384)."""

    def __init__(self, clip: Any, tokenizer: Any) -> None:
        self._clip = clip
        self._tokenizer = tokenizer

    @torch.inference_mode()
    def __call__(self, texts: Sequence[str]) -> Tensor:
        tokens = self._tokenizer(list(texts))
        used = int((tokens != 0).sum(1).max())
        vectors: Tensor = self._clip.encode_text(tokens[:, :used], normalize=True)
        return vectors.float()


def prompt(phrase: str) -> str:
    """How a phrase is put to MiniLM when it is compared with concepts."""
    return f"a photo of a {phrase}."


class Vocabulary:
    """The concepts as centred unit MiniLM vectors. `vectors` (concepts, 384), `mean` (384,)."""

    def __init__(self, vectors: Tensor, mean: Tensor) -> None:
        self.vectors = vectors
        self.mean = mean

    @staticmethod
    def load(path: Path) -> Vocabulary:
        values = load_file(path)
        return Vocabulary(values["vectors"].float(), values["mean"].float())

    @staticmethod
    def of(embeddings: Tensor) -> Vocabulary:
        """From the plain vectors of all concepts' prompts."""
        mean = embeddings.mean(0)
        return Vocabulary(F.normalize(embeddings - mean, dim=-1), mean)

    def nearest(self, embedding: Tensor, count: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Cosines and indices of the nearest concepts of one embedded prompt, nearest first."""
        cosine = self.vectors @ F.normalize(embedding - self.mean, dim=-1)
        value, index = cosine.topk(count)
        return value.numpy(), index.numpy()


class TextReader:
    """The rule: known words -> their concepts; sentences -> the caption space; near words -> a mixture of
    neighbours; anything else is unknown."""

    def __init__(
        self,
        sentences: SentenceEncoder,
        vocabulary: Vocabulary,
        captions: CaptionHead,
        patch_head: PatchHead,
        nearness: Nearness,
    ) -> None:
        self.sentences = sentences
        self._vocabulary = vocabulary
        self._captions = captions
        self._patch_head = patch_head
        self._nearness = nearness
        self._names = concept_names()

    def read(self, text: str) -> TextFeatures:
        return replace(self._vector(text), phrases=self.phrases(text))

    @torch.inference_mode()
    def phrases(self, text: str) -> NDArray[np.float32]:
        """What is compared with patches, (m, 64): the text as a whole and each of its noun phrases."""
        parts = queries(text)
        if not parts:
            return np.zeros((0, PATCH_DIM), np.float32)
        vectors: NDArray[np.float32] = self._patch_head.text(self.sentences(parts)).numpy()
        return vectors

    def _vector(self, text: str) -> TextFeatures:
        found = lookup(text)
        if found is not None and found.concepts:
            return self._concepts([(index, 1.0) for index in found.concepts])
        if found is None and is_sentence(text):
            return self._sentence(text)
        return self._neighbours(text, allowed=found is None)

    def _concepts(self, weighted: Sequence[tuple[int, float]]) -> TextFeatures:
        vector = np.zeros(len(self._names) + CAPTION_DIM, np.float32)
        for index, weight in weighted:
            vector[index] = weight
        concepts = tuple(Concept(index, self._names[index], weight) for index, weight in weighted)
        return TextFeatures(vector, concepts, known=True, calibrated=True)

    @torch.inference_mode()
    def _sentence(self, text: str) -> TextFeatures:
        vector = np.zeros(len(self._names) + CAPTION_DIM, np.float32)
        vector[len(self._names) :] = self._captions.text(self.sentences([text]))[0].numpy()
        return TextFeatures(vector)

    def _neighbours(self, text: str, allowed: bool) -> TextFeatures:
        cosine, index = self._vocabulary.nearest(self.sentences([prompt(normalise(text))])[0], MIXTURE)
        if allowed and cosine[0] >= self._nearness.least:
            weight = np.exp((cosine - cosine[0]) / self._nearness.temperature)
            weight /= weight.sum()
            return self._concepts([(int(i), float(w)) for i, w in zip(index, weight, strict=True)])
        nearest = tuple(dict.fromkeys(self._names[i] for i in index))[:NEAREST]
        return TextFeatures(np.zeros(len(self._names) + CAPTION_DIM, np.float32), known=False, nearest=nearest)
