"""Images, boxes, features, collections, searches; and what a language model is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from thresher.types.indexes import IndexSpec

Pixels = NDArray[np.uint8]
"""Upright RGB image, shape (height, width, 3), uint8."""

ImageId = str
"""Lower-case hex SHA-256 of the uploaded bytes."""

Metric = Literal["cosine", "dot"]


@dataclass(frozen=True, slots=True)
class Box:
    """Half-open box in pixels: x0 <= x < x1, y0 <= y < y1."""

    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def area(self) -> float:
        return max(0.0, self.x1 - self.x0) * max(0.0, self.y1 - self.y0)

    @property
    def center(self) -> tuple[float, float]:
        return (self.x0 + self.x1) / 2, (self.y0 + self.y1) / 2

    def intersection(self, other: Box) -> float:
        """Area in common, in square pixels."""
        width = min(self.x1, other.x1) - max(self.x0, other.x0)
        height = min(self.y1, other.y1) - max(self.y0, other.y0)
        return max(0.0, width) * max(0.0, height)

    def iou(self, other: Box) -> float:
        common = self.intersection(other)
        union = self.area + other.area - common
        return common / union if union > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Mask:
    """COCO run-length encoding (compressed counts, column-major) of a binary mask of the whole image."""

    height: int
    width: int
    counts: bytes


@dataclass(frozen=True, slots=True)
class Region:
    """Where a phrase is seen in one image; `score` is a probability in 0..1."""

    box: Box
    score: float
    phrase: str
    mask: Mask | None = None


@dataclass(frozen=True, slots=True)
class Point:
    x: float
    y: float


Prompt = str | Point | Box
"""What a grounder is asked for: a phrase, a point or a box."""


@dataclass(frozen=True, slots=True)
class EncoderSpec:
    """Identity of a vector space. Vectors of different specs are never compared.

    `weights` is a SHA-256 over everything that decides the numbers (weights, preprocessing version). `patch_dim` is 0
    where the encoder makes no patch vectors.
    """

    id: str
    dim: int
    metric: Metric
    appearance_dim: int
    weights: str
    patch_dim: int = 0


@dataclass(frozen=True, slots=True)
class Proposals:
    """Boxes of one image with sparse class scores, as stored in its row.

    `boxes` f32 (n, 4) x0 y0 x1 y1 in pixels; `concepts` i16 (n, k) indices into the encoder's concepts
    (-1: unused); `scores` f32 (n, k) in 0..1. All three have n = 0 where the encoder proposes nothing.
    """

    boxes: NDArray[np.float32]
    concepts: NDArray[np.int16]
    scores: NDArray[np.float32]

    @staticmethod
    def none() -> Proposals:
        empty = np.zeros((0, 0), np.float32)
        return Proposals(np.zeros((0, 4), np.float32), empty.astype(np.int16), empty)


@dataclass(frozen=True, slots=True)
class Patches:
    """Parts of one image as vectors, for late interaction (MaxSim).

    `vectors` f16 (n, patch_dim), unit rows, n >= 0; `boxes` f32 (n, 4) x0 y0 x1 y1 in pixels: where each is.
    """

    vectors: NDArray[np.float16]
    boxes: NDArray[np.float32]

    @staticmethod
    def none(patch_dim: int = 0) -> Patches:
        return Patches(np.zeros((0, patch_dim), np.float16), np.zeros((0, 4), np.float32))


@dataclass(frozen=True, slots=True)
class ImageFeatures:
    """What an encoder keeps of one image.

    `vector` f32 (dim,), compared with text vectors by the spec's metric; `appearance` f32 (appearance_dim,),
    unit length, compared with other images by cosine.
    """

    vector: NDArray[np.float32]
    appearance: NDArray[np.float32]
    proposals: Proposals
    patches: Patches = field(default_factory=Patches.none)


@dataclass(frozen=True, slots=True)
class Concept:
    """A word an encoder has a score for. `index` is its place in the concept space; `weight` its part in a phrase."""

    index: int
    name: str
    weight: float


@dataclass(frozen=True, slots=True)
class TextFeatures:
    """A phrase in the encoder's space.

    `vector` f32 (dim,). `concepts` are those the phrase stands for (empty for a sentence, and for encoders without
    a closed vocabulary). `known` is False where no concept is near enough: then `nearest` names the closest ones and
    the vector must not be used for a judgement. `calibrated`: the dot product with an image vector is already a
    probability. `phrases` f32 (m, patch_dim), unit rows: its parts, compared with patches by MaxSim; m = 0 where the
    encoder makes none.
    """

    vector: NDArray[np.float32]
    concepts: tuple[Concept, ...] = ()
    known: bool = True
    nearest: tuple[str, ...] = ()
    calibrated: bool = False
    phrases: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0), np.float32))


@dataclass(frozen=True, slots=True)
class Collection:
    name: str
    encoder: EncoderSpec
    schema_version: int
    created_at: datetime
    image_count: int = 0
    display_name: str = ""
    indexes: IndexSpec = field(default_factory=IndexSpec)


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """One photograph of a collection: everything about it but its bytes and vectors.

    `taken_at` is local wall-clock time labelled UTC: what the camera's clock showed, wherever it was. `caption` and
    `place` are what the file says about itself, `text` the words that can be read in the photograph. `group` is the
    photograph that this one nearly repeats, empty where it repeats none.
    """

    id: ImageId
    paths: tuple[str, ...]
    width: int
    height: int
    mime_type: str
    size_bytes: int
    imported_at: datetime
    taken_at: datetime | None = None
    camera: str = ""
    latitude: float | None = None
    longitude: float | None = None
    tags: tuple[str, ...] = ()
    caption: str = ""
    place: str = ""
    text: str = ""
    group: ImageId = ""

    @property
    def path(self) -> str:
        """The name a person knows it by."""
        return self.paths[0] if self.paths else self.id[:12]


@dataclass(frozen=True, slots=True)
class ImageChange:
    """Paths and tags that one photograph loses (first) and gains."""

    id: ImageId
    add_paths: tuple[str, ...] = ()
    remove_paths: tuple[str, ...] = ()
    add_tags: tuple[str, ...] = ()
    remove_tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Word:
    """A word or line that can be read in a photograph, where, and how sure that is (0..1)."""

    text: str
    box: Box
    score: float


COLOUR_DIM = 64


@dataclass(frozen=True, slots=True)
class ImageRow:
    """An `ImageRecord` with its bytes and features, as written to a store.

    `words` in reading order; `phash` an unsigned perceptual hash of 64 bits, None where none was made; `colours` f32
    (COLOUR_DIM,), compared by dot product.
    """

    record: ImageRecord
    content: bytes
    features: ImageFeatures
    words: tuple[Word, ...] = ()
    phash: int | None = None
    colours: NDArray[np.float32] = field(default_factory=lambda: np.zeros(COLOUR_DIM, np.float32))


@dataclass(frozen=True, slots=True)
class Filter:
    """Typed prefilter of a search. Empty fields do not filter; given ones are combined with and.

    `ids` None: the whole collection; an empty tuple: nothing.
    `after`/`before` bound `taken_at` (after <= taken_at < before); an image without a date never matches either.
    `expression` is a filter after AIP-160 (docs/filters.md).
    """

    ids: tuple[ImageId, ...] | None = None
    tags: tuple[str, ...] = ()
    excluded_tags: tuple[str, ...] = ()
    after: datetime | None = None
    before: datetime | None = None
    min_width: int = 0
    min_height: int = 0
    path_prefix: str = ""
    expression: str = ""


@dataclass(frozen=True, slots=True)
class Hit:
    """One search result. `score` is in the metric of the search (dot, cosine, MaxSim, BM25, fused): larger is nearer.

    `regions` is where the match is, for searches that know; `duplicates` are photographs that this one stands for.
    """

    record: ImageRecord
    score: float
    regions: tuple[Region, ...] = ()
    duplicates: tuple[ImageId, ...] = ()


@dataclass(frozen=True, slots=True)
class GeneratorSpec:
    """What a language model can do here. `sees`: answers about images, at most `images` of them in one request;
    `plans`: reads questions by schema; `context` in tokens."""

    model: str
    sees: bool
    plans: bool
    context: int
    images: int = 1


@dataclass(frozen=True, slots=True)
class Message:
    """A chat message. `images` are encoded (JPEG or PNG) and follow the text."""

    role: Literal["system", "user", "assistant"]
    text: str
    images: Sequence[bytes] = ()
