"""Photographs encoded once, and collections of any size made of them: rows with jittered copies of what was stored."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.protocols import Encoder
from retrievers.data_dir import open_data_dir
from retrievers.images import DecodedImage, read_image
from retrievers.lance_store import LanceStore
from thresher.types import ImageFeatures, ImageRecord, ImageRow

TENANT = "default"
BATCH = 64
PROBABILITIES = 1080
"""The first numbers of an offline vector; the rest is the caption vector (models/offline/README.md)."""
JITTER = 0.3
"""Standard deviation of the noise, in logits and in units of a vector's own spread."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """A photograph as it was read, with its features."""

    content: bytes
    image: DecodedImage
    features: ImageFeatures


def decode(files: Sequence[Path]) -> list[tuple[bytes, DecodedImage]]:
    contents = [file.read_bytes() for file in files]
    return [(content, read_image(content)) for content in contents]


async def encode(encoder: Encoder, decoded: Sequence[tuple[bytes, DecodedImage]], batch: int) -> list[Encoded]:
    """As an import does it: `batch` photographs at a time."""
    found: list[Encoded] = []
    for first in range(0, len(decoded), batch):
        part = decoded[first : first + batch]
        features = await encoder.images([image.pixels for _, image in part])
        found += [Encoded(*each, vectors) for each, vectors in zip(part, features, strict=True)]
    return found


async def images_per_second(encoder: Encoder, decoded: Sequence[tuple[bytes, DecodedImage]], batch: int) -> float:
    """Of the bare encoder, on pixels that are in memory."""
    started = time.perf_counter()
    await encode(encoder, decoded, batch)
    return len(decoded) / (time.perf_counter() - started)


async def fill(data: Path, encoder: Encoder, encoded: Sequence[Encoded], sizes: Sequence[int]) -> None:
    """Collections "fill-N" of each size in the data directory of a server that does not run."""
    with open_data_dir(data) as opened:
        store = LanceStore(opened.path, TENANT)
        for size in sizes:
            await store.create(f"fill-{size}", encoder.spec)
            images = await store.open(f"fill-{size}", encoder.spec)
            for rows in _batches(encoded, size):
                await images.add(rows)
        await store.close()


def _batches(encoded: Sequence[Encoded], size: int) -> Iterator[list[ImageRow]]:
    random = np.random.default_rng(size)
    for first in range(0, size, BATCH):
        numbers = range(first, min(first + BATCH, size))
        yield [_row(random, number, encoded[number % len(encoded)]) for number in numbers]


def _row(random: np.random.Generator, number: int, source: Encoded) -> ImageRow:
    """Decoders ignore what follows the end of a picture, so that each copy has bytes, and an id, of its own."""
    content = source.content + random.bytes(16)
    image, features = source.image, source.features
    record = ImageRecord(
        id=hashlib.sha256(content).hexdigest(),
        paths=(f"fill/{number:06}.jpg",),
        width=image.width,
        height=image.height,
        mime_type=image.mime_type,
        size_bytes=len(content),
        imported_at=datetime.now(UTC),
    )
    vector, caption = features.vector[:PROBABILITIES], features.vector[PROBABILITIES:]
    jittered = replace(
        features,
        vector=np.concatenate([_jittered_logits(random, vector), _jittered_unit(random, caption)]),
        appearance=_jittered_unit(random, features.appearance),
    )
    return ImageRow(record, content, jittered)


def _jittered_logits(random: np.random.Generator, p: NDArray[np.float32]) -> NDArray[np.float32]:
    clipped = np.clip(p.astype(np.float64), 1e-7, 1 - 1e-7)
    logits = np.log(clipped) - np.log1p(-clipped) + random.normal(0, JITTER, p.shape)
    return np.asarray(1 / (1 + np.exp(-logits)), np.float32)


def _jittered_unit(random: np.random.Generator, vector: NDArray[np.float32]) -> NDArray[np.float32]:
    noisy = vector + random.normal(0, JITTER * float(vector.std()), vector.shape)
    return np.asarray(noisy / np.linalg.norm(noisy), np.float32)
