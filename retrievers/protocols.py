"""What a store must do. One contract suite (tests/retrievers) runs on LanceDB and on the in-memory oracle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from thresher.types import (
    Collection,
    EncoderSpec,
    Filter,
    Hit,
    ImageChange,
    ImageId,
    ImageRecord,
    ImageRow,
    Proposals,
)

VectorField = Literal["vector", "appearance"]


@dataclass(frozen=True, slots=True)
class Scores:
    """Every photograph of a scope with its score for each of q query vectors: `values` f32 (q, len(ids))."""

    ids: tuple[ImageId, ...]
    values: NDArray[np.float32]


class ImageStore(Protocol):
    """The photographs of one collection. Writes are committed when a call returns."""

    @property
    def collection(self) -> Collection: ...

    async def add(self, rows: Sequence[ImageRow]) -> None:
        """Store photographs. One that is there already gains the paths and tags of the new row, nothing else.

        Nothing is stored where a row is malformed: InvalidInput (an id that is not the SHA-256 of the bytes, a vector
        that is not finite or of another dimension, text that is not UTF-8). StorageFull keeps what was acknowledged.
        A cancelled call still finishes its write.
        """
        ...

    async def change(self, changes: Sequence[ImageChange]) -> Mapping[ImageId, ImageRecord]:
        """Remove and add paths and tags in one commit: the records of those that are stored, as they are now.

        InvalidInput where a photograph would lose its last path, and for text that cannot be stored; then nothing is
        changed.
        """
        ...

    async def missing(self, ids: Sequence[ImageId]) -> Sequence[ImageId]:
        """Those that are not stored, in the order given."""
        ...

    async def get(self, ids: Sequence[ImageId]) -> Mapping[ImageId, ImageRecord]:
        """Records of those that are stored."""
        ...

    async def list(self, where: Filter, limit: int, after: ImageId = "") -> Sequence[ImageRecord]:
        """At most `limit` records with id > `after`, by id."""
        ...

    async def count(self, where: Filter) -> int: ...

    async def ids(self, where: Filter) -> Sequence[ImageId]:
        """All that match, by id."""
        ...

    async def content(self, image_id: ImageId) -> bytes:
        """The bytes as uploaded. NotFound."""
        ...

    async def delete(self, image_id: ImageId) -> None:
        """NotFound."""
        ...

    async def search(
        self, query: NDArray[np.float32], where: Filter, limit: int, field: VectorField = "vector"
    ) -> Sequence[Hit]:
        """The `limit` best by the spec's metric (`vector`) or cosine (`appearance`), best first; always prefiltered.

        `query` f32 (dim,) or (appearance_dim,). A zero vector has the cosine 0 with everything.
        """
        ...

    async def scores(self, queries: NDArray[np.float32], where: Filter) -> Scores:
        """Exact scores of the whole scope, by id: f32 (q, dim) against `vector` by the spec's metric."""
        ...

    async def proposals(self, ids: Sequence[ImageId]) -> Mapping[ImageId, Proposals]:
        """Stored boxes of those that are stored."""
        ...


class Store(Protocol):
    """The collections of one tenant."""

    async def create(self, name: str, encoder: EncoderSpec, display_name: str = "") -> Collection:
        """AlreadyExists."""
        ...

    async def list(self) -> Sequence[Collection]: ...

    async def open(self, name: str, encoder: EncoderSpec) -> ImageStore:
        """NotFound; EncoderMismatch where it was made with another encoder; SchemaMismatch."""
        ...

    async def get(self, name: str) -> Collection:
        """NotFound. Works whatever encoder the collection was made with."""
        ...

    async def delete(self, name: str) -> None:
        """NotFound. Photographs and all; an `ImageStore` of it that is still held then raises NotFound."""
        ...

    async def close(self) -> None:
        """Wait for the writes under way. Nothing committed depends on it."""
        ...
