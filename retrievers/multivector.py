"""Patch vectors of photographs as a collection keeps them: checked, and encoded for the candidate stage."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from retrievers.maxsim import VectorSets
from retrievers.muvera import Muvera
from retrievers.schema import fde_dim
from thresher.errors import InvalidInput
from thresher.types import Collection, EncoderSpec, FdeSpec, Patches


@cache
def muvera(spec: FdeSpec, dim: int) -> Muvera:
    """The encoder of sets of `dim`-dimensional vectors; drawn once."""
    return Muvera(spec, dim)


def encode(documents: Sequence[NDArray[np.float16]], collection: Collection) -> NDArray[np.float32]:
    """f32 (n, fde_dim) of n sets of patch vectors; zeros where a set is empty or the encoder makes none."""
    dim = collection.encoder.patch_dim
    if not dim:
        return np.zeros((len(documents), fde_dim(collection)), np.float32)
    return muvera(collection.indexes.fde, dim).documents(VectorSets.of(documents, dim))


def check_patches(patches: Patches, encoder: EncoderSpec) -> None:
    """InvalidInput where vectors are of another dimension, not finite, or there is not one box for each."""
    vectors, boxes = patches.vectors, patches.boxes
    dims = vectors.shape[1:] == (encoder.patch_dim,) or (vectors.ndim == 2 and not len(vectors))
    shapes = dims and boxes.shape == (len(vectors), 4)
    if not shapes or not np.isfinite(vectors).all() or not np.isfinite(boxes).all():
        raise InvalidInput(
            f"Patches have shapes {vectors.shape} and {boxes.shape}, or values that are not finite.",
            f"This is a fault of the encoder: vectors f16 (n, {encoder.patch_dim}), boxes f32 (n, 4).",
        )


def patch_queries(queries: ArrayLike, encoder: EncoderSpec) -> NDArray[np.float32]:
    """f32 (m, patch_dim), m >= 1, as they are compared by dot product. InvalidInput."""
    array = np.asarray(queries, np.float32)
    if not encoder.patch_dim:
        raise InvalidInput("The collection's encoder makes no patch vectors.", "Search by text or photograph.")
    if array.ndim != 2 or not len(array) or array.shape[1] != encoder.patch_dim:
        raise InvalidInput(
            f"Query vectors have shape {array.shape}; a search takes (m, {encoder.patch_dim}) with m of at least 1.",
            "Use the encoder that the collection was made with.",
        )
    if not np.isfinite(array).all():
        raise InvalidInput("A query vector has values that are not finite.", "Use finite numbers.")
    return array
