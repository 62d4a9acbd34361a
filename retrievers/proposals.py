"""`Proposals` <-> the bytes that a row keeps of them."""

from __future__ import annotations

import struct

import numpy as np

from thresher.errors import InvalidInput
from thresher.types import Proposals

_HEADER = struct.Struct("<HH")  # boxes n, concepts a box k


def check(proposals: Proposals) -> None:
    """InvalidInput where shapes do not fit each other, a box is not finite or a score is outside 0..1."""
    boxes, concepts, scores = proposals.boxes, proposals.concepts, proposals.scores
    n, k = concepts.shape if concepts.ndim == 2 else (-1, -1)
    if boxes.shape != (n, 4) or scores.shape != (n, k) or max(n, k) > 0xFFFF:
        raise InvalidInput(f"Proposals have shapes {boxes.shape}, {concepts.shape}, {scores.shape}.", _HINT)
    if not np.isfinite(boxes).all() or not ((scores >= 0) & (scores <= 1)).all():
        raise InvalidInput("Proposals have a box that is not finite or a score outside 0..1.", _HINT)


def pack(proposals: Proposals) -> bytes:
    """Header n, k (u16), boxes f32 (n, 4), concepts i16 (n, k), scores f16 (n, k), little-endian."""
    n, k = proposals.concepts.shape
    boxes, concepts = proposals.boxes.astype("<f4"), proposals.concepts.astype("<i2")
    return _HEADER.pack(n, k) + boxes.tobytes() + concepts.tobytes() + proposals.scores.astype("<f2").tobytes()


def unpack(data: bytes) -> Proposals:
    """The inverse of `pack`; scores come back to within f16 (1/2048 of their size)."""
    n, k = _HEADER.unpack_from(data)
    boxes_end = _HEADER.size + n * 16
    boxes = np.frombuffer(data, "<f4", n * 4, _HEADER.size).reshape(n, 4)
    concepts = np.frombuffer(data, "<i2", n * k, boxes_end).reshape(n, k)
    scores = np.frombuffer(data, "<f2", n * k, boxes_end + n * k * 2).reshape(n, k)
    return Proposals(boxes.astype(np.float32), concepts.astype(np.int16), scores.astype(np.float32))


_HINT = "This is a fault of the encoder: boxes f32 (n, 4), concepts i16 (n, k), scores f32 (n, k)."
