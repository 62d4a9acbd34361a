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
    IndexSpec,
    Patches,
    Proposals,
    Word,
)

VectorField = Literal["vector", "appearance", "colours"]


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

        A new one that nearly repeats another gets it as its `group`, whatever the row says.

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

    async def groups(self, ids: Sequence[ImageId]) -> Mapping[ImageId, ImageId]:
        """The photograph that each of these nearly repeats; those that repeat none are not in it."""
        ...

    async def delete(self, image_id: ImageId) -> None:
        """NotFound. Of the photographs that nearly repeat it, the first by id stands for the others from now on."""
        ...

    async def search(
        self, query: NDArray[np.float32], where: Filter, limit: int, field: VectorField = "vector"
    ) -> Sequence[Hit]:
        """The `limit` best by the spec's metric (`vector`), cosine (`appearance`) or dot product (`colours`), best
        first; always prefiltered.

        `query` f32 (dim,), (appearance_dim,) or (COLOUR_DIM,). A zero vector has the cosine 0 with everything.
        """
        ...

    async def search_patches(self, queries: NDArray[np.float32], where: Filter, limit: int) -> Sequence[Hit]:
        """The `limit` best by Chamfer similarity (MaxSim): the sum over `queries` f32 (m, patch_dim) of the largest dot
        product with a patch. Photographs without patches are no hits. A large collection may leave out some of the last
        for queries of many vectors (docs/retrieval.md).

        InvalidInput for queries of another dimension, of no vectors or not finite, and where the encoder makes no
        patches."""
        ...

    async def search_text(self, text: str, where: Filter, limit: int, every: bool = False) -> Sequence[Hit]:
        """The `limit` best by BM25 over file names, captions, words that can be read, places, cameras and tags; only
        photographs that have one of the words, or `every` one of them."""
        ...

    async def vectors(self, ids: Sequence[ImageId], field: VectorField) -> Mapping[ImageId, NDArray[np.float32]]:
        """Stored vectors of those that are stored."""
        ...

    async def patches(self, ids: Sequence[ImageId]) -> Mapping[ImageId, Patches]:
        """Stored patches of those that are stored."""
        ...

    async def words(self, ids: Sequence[ImageId]) -> Mapping[ImageId, tuple[Word, ...]]:
        """What can be read in those that are stored."""
        ...

    async def scores(self, queries: NDArray[np.float32], where: Filter) -> Scores:
        """Exact scores of the whole scope, by id: f32 (q, dim) against `vector` by the spec's metric."""
        ...

    async def proposals(self, ids: Sequence[ImageId]) -> Mapping[ImageId, Proposals]:
        """Stored boxes of those that are stored."""
        ...


class Store(Protocol):
    """The collections of one tenant."""

    async def create(
        self, name: str, encoder: EncoderSpec, display_name: str = "", indexes: IndexSpec | None = None
    ) -> Collection:
        """AlreadyExists. `indexes` are what is usual where they are not given, and stay with the collection."""
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
