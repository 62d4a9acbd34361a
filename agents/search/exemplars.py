"""Things that somebody taught by name: photographs with a part like what the name was taught by.

The mean over what taught a name found more than the best of it (docs/retrieval-regions.md).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from agents.params import SearchParts
from agents.search.parts import Ranked
from agents.search.regions import ranked, region_vectors
from models.protocols import Encoder, Grounder
from retrievers.exemplars import Lesson
from thresher.errors import NotFound
from thresher.types import Box, Example, Filter, Hit, Pixels, Query


async def search(query: Query, where: Filter, limit: int, parts: SearchParts) -> Ranked:
    """Photographs by their parts, or where the encoder makes no vectors of parts their whole, that are most like what
    taught the name: the mean over its photographs. Those photographs are found, too. NotFound, EncoderMismatch,
    InvalidInput."""
    if parts.exemplars is None:
        raise NotFound(f'"{query.exemplar}" was not taught here.', "Teach it first: thresher teach.")
    lessons = await parts.exemplars(query.exemplar)
    if not parts.encoder.spec.patch_dim:
        mean = np.stack([lesson.appearance for lesson in lessons]).mean(0)
        return Ranked(await parts.store.search(mean, where, limit, "appearance"))
    hits = await ranked(np.stack([lesson.region for lesson in lessons]), where, limit, parts.store)
    return Ranked([_one_region(hit, len(lessons)) for hit in hits])


def _one_region(hit: Hit, lessons: int) -> Hit:
    """The hit with its mean similarity, and of what matched the lessons the best."""
    best = max(hit.regions, key=lambda region: region.score)
    return replace(hit, score=hit.score / lessons, regions=(best,))


async def learn(example: Example, pixels: Pixels, encoder: Encoder, grounder: Grounder) -> Lesson:
    """What a photograph teaches: how the part in the box looks, and the vector of the thing's mask (f32 (0,) where the
    encoder makes none). InvalidInput as `agents.search.regions`."""
    height, width = pixels.shape[:2]
    box = example.box or Box(0, 0, width, height)
    region = np.zeros(0, np.float32)
    if encoder.spec.patch_dim:
        [region] = await region_vectors(pixels, [box], encoder, grounder)
    part = pixels[max(0, int(box.y0)) : int(np.ceil(box.y1)), max(0, int(box.x0)) : int(np.ceil(box.x1))]
    [features] = await encoder.images([part])
    return Lesson(example, features.appearance, region)
