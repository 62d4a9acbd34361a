"""Parts of a picture: points and boxes -> masks -> vectors -> photographs with parts like them.

Each region is compared with every stored patch of a photograph (region-to-region search); several regions add up
(MaxSim). Taking the worst matched region instead, so that each has to be there, found fewer photographs that show all
of them (docs/retrieval-regions.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from agents.params import SearchParts
from agents.search.parts import Ranked, pixels_of, without
from models.protocols import Encoder, Grounder
from retrievers.protocols import ImageStore
from thresher.errors import InvalidInput, Unsupported
from thresher.rle import run_lengths
from thresher.types import Box, Filter, Hit, Mask, Patches, Pixels, Point, Query, Region


async def search(query: Query, where: Filter, limit: int, parts: SearchParts) -> Ranked:
    """Photographs with a part like each region; each hit has the patches that match, in the order of the regions.

    InvalidInput for a region outside the picture or of which no mask can be made; Unsupported where the encoder makes
    no patch vectors; NotFound, InvalidImage.
    """
    if parts.grounder is None:
        raise Unsupported("This server cannot mask the parts of a picture.", "Search with the whole picture.")
    pixels = await pixels_of(query, parts)
    vectors = await region_vectors(pixels, query.regions, parts.encoder, parts.grounder)
    hits = await ranked(vectors, where, limit + bool(query.image), parts.store)
    return Ranked(without(hits, query.image, limit))


async def ranked(vectors: NDArray[np.float32], where: Filter, limit: int, store: ImageStore) -> Sequence[Hit]:
    """Photographs by the sum, over unit `vectors` f32 (n, patch_dim), of the nearest patch's cosine, best first."""
    hits = await store.search_patches(vectors, where, limit)
    patches = await store.patches([hit.record.id for hit in hits])
    return [placed(hit, vectors, patches[hit.record.id]) for hit in hits if hit.record.id in patches]


async def region_vectors(
    pixels: Pixels, prompts: Sequence[Point | Box], encoder: Encoder, grounder: Grounder
) -> NDArray[np.float32]:
    """f32 (n, patch_dim), unit rows: what is at each point or in each box. InvalidInput and Unsupported as `search`."""
    if not encoder.spec.patch_dim:
        raise Unsupported("This server's encoder makes no vectors of parts.", "Search with the whole picture.")
    return await encoder.regions(pixels, await region_masks(pixels, prompts, grounder))


async def region_masks(pixels: Pixels, prompts: Sequence[Point | Box], grounder: Grounder) -> list[Mask]:
    """A mask of what is at each point or in each box. InvalidInput as `search`."""
    height, width = pixels.shape[:2]
    for prompt in prompts:
        if not _inside(prompt, width, height):
            raise InvalidInput(
                f"{_words(prompt)} is outside the picture of {width} x {height} pixels.",
                "Give pixels of the upright picture, from its upper left corner.",
                "regions",
            )
    found = await grounder.ground(pixels, list(prompts))
    masks: list[Mask] = []
    for prompt, regions in zip(prompts, found, strict=True):
        mask = regions[0].mask if regions else None
        if mask is None or not any(run_lengths(mask.counts)[1::2]):
            raise InvalidInput(
                f"Nothing stands out at {_words(prompt)} in the picture of {width} x {height} pixels.",
                "Draw a box around all of the thing.",
                "regions",
            )
        masks.append(mask)
    return masks


def placed(hit: Hit, vectors: NDArray[np.float32], patches: Patches) -> Hit:
    """The hit with the patch nearest to each vector as its regions."""
    similar = vectors @ patches.vectors.astype(np.float32).T
    return replace(
        hit,
        regions=tuple(
            Region(Box(*map(float, patches.boxes[place])), float(np.clip(row[place], 0, 1)), "")
            for place, row in zip(similar.argmax(1), similar, strict=True)
        ),
    )


def _inside(prompt: Point | Box, width: int, height: int) -> bool:
    if isinstance(prompt, Point):
        return 0 <= prompt.x < width and 0 <= prompt.y < height
    return prompt.area > 0 and Box(0, 0, width, height).intersection(prompt) > 0


def _words(prompt: Point | Box) -> str:
    if isinstance(prompt, Point):
        return f"the point ({prompt.x:g}, {prompt.y:g})"
    return f"the box ({prompt.x0:g}, {prompt.y0:g}, {prompt.x1:g}, {prompt.y1:g})"
