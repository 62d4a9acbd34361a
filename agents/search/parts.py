"""What the forms of a search work with, and what they give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agents.params import SearchParts
from thresher.errors import InvalidInput
from thresher.types import Hit, ImageFeatures, ImageId, Pixels, Query


@dataclass(frozen=True, slots=True)
class Ranked:
    """Best first. `unknown`: the encoder knows no word of the text; `nearest` are then the closest words it knows."""

    hits: Sequence[Hit] = ()
    unknown: bool = False
    nearest: tuple[str, ...] = ()


async def pixels_of(query: Query, parts: SearchParts) -> Pixels:
    """The picture of a query, upright. NotFound, InvalidImage; InvalidInput where it has none."""
    if query.image:
        return await parts.load_pixels(query.image)
    if not query.content or parts.decode is None:
        raise InvalidInput("This search needs a picture.", "Give a photograph of the collection, or a file.", "query")
    return await parts.decode(query.content)


async def features_of(query: Query, parts: SearchParts) -> ImageFeatures:
    """What the encoder makes of a query's picture; errors as `pixels_of`."""
    [features] = await parts.encoder.images([await pixels_of(query, parts)])
    return features


async def appearance_of(query: Query, parts: SearchParts) -> NDArray[np.float32]:
    """f32 (appearance_dim,) of a query's picture: the stored one where it is stored. Errors as `pixels_of`."""
    if query.image:
        stored = await parts.store.vectors([query.image], "appearance")
        if query.image in stored:
            return stored[query.image]
    return (await features_of(query, parts)).appearance


def without(hits: Sequence[Hit], image: ImageId, limit: int) -> Sequence[Hit]:
    """Without the photograph that is asked with."""
    return [hit for hit in hits if hit.record.id != image][:limit]
