"""Photographs for the tests of stores: small, different from each other, made from a number."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from retrievers.protocols import ImageStore, Store
from thresher.types import Box, EncoderSpec, ImageFeatures, ImageRecord, ImageRow, Proposals, Word

DOT = EncoderSpec(id="fake-dot", dim=6, metric="dot", appearance_dim=4, weights="a" * 64)
COSINE = replace(DOT, id="fake-cosine", metric="cosine")

IMPORTED = datetime(2024, 5, 6, 7, 8, 9, 123456, tzinfo=UTC)


def content_of(number: int, size: int = 200) -> bytes:
    return (f"photograph {number} " * size)[:size].encode()


def proposals_of(number: int) -> Proposals:
    rng = np.random.default_rng(number)
    n = number % 4
    return Proposals(
        boxes=rng.uniform(0, 300, (n, 4)).astype(np.float32),
        concepts=rng.integers(-1, 300, (n, 3)).astype(np.int16),
        scores=rng.uniform(0, 1, (n, 3)).astype(np.float32),
    )


def row(number: int, size: int = 200, **record: Any) -> ImageRow:
    content = content_of(number, size)
    rng = np.random.default_rng(number)
    facts: dict[str, Any] = {
        "id": hashlib.sha256(content).hexdigest(),
        "paths": (f"album/{number}.jpg",),
        "width": 100 + number,
        "height": 80,
        "mime_type": "image/jpeg",
        "size_bytes": len(content),
        "imported_at": IMPORTED,
    }
    features = ImageFeatures(
        vector=rng.normal(size=DOT.dim).astype(np.float32),
        appearance=rng.normal(size=DOT.appearance_dim).astype(np.float32),
        proposals=proposals_of(number),
    )
    made = ImageRecord(**(facts | record))
    words = (Word(made.text, Box(0, 0, 10, 10), 0.9),) if made.text else ()
    return ImageRow(made, content, features, words=words)


def repeating(given: ImageRow, of: int, bits: int = 0, turn: float = 0.0) -> ImageRow:
    """The row as a near-duplicate of photograph `of`: its hash with `bits` bits flipped, its appearance turned away by
    `turn` (0: the same, 1: a right angle)."""
    rng = np.random.default_rng([7, of])
    first, second = np.linalg.qr(rng.normal(size=(DOT.appearance_dim, 2)))[0].T
    angle = turn * np.pi / 2
    appearance = (first * np.cos(angle) + second * np.sin(angle)).astype(np.float32)
    phash = int(rng.integers(0, 1 << 63)) * 2 ^ ((1 << bits) - 1)
    return replace(with_features(given, appearance=appearance), phash=phash)


def rows(count: int, first: int = 0) -> list[ImageRow]:
    return [row(number) for number in range(first, first + count)]


def ids_of(some: Sequence[ImageRow]) -> list[str]:
    return [each.record.id for each in some]


def with_features(given: ImageRow, **features: Any) -> ImageRow:
    return replace(given, features=replace(given.features, **features))


async def made(store: Store, encoder: EncoderSpec, name: str = "holiday") -> ImageStore:
    await store.create(name, encoder)
    return await store.open(name, encoder)
