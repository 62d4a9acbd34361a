"""What a search of one collection works with, out of the server's parts."""

from __future__ import annotations

from functools import partial

from agents.params import SearchParts
from retrievers.protocols import ImageStore
from server.parts import Parts
from server.photographs import Photographs
from thresher.types import Ranker


def search_parts(parts: Parts, images: ImageStore, ranker: Ranker = Ranker.DEFAULT) -> SearchParts:
    photographs = Photographs(images, parts.read_image)
    return SearchParts(
        store=images,
        encoder=parts.encoder,
        load_pixels=photographs.pixels,
        decode=photographs.decoded,
        grounder=parts.grounder,
        exemplars=partial(parts.exemplars.lessons, images.collection),
        judge=parts.judging,
        ranker=ranker,
    )
