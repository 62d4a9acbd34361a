"""Photographs in which words can be read, and where."""

from __future__ import annotations

import re

from retrievers.protocols import ImageStore
from thresher.types import Filter, ImageId, Region, Says, Word

MOST = 1_000
"""Photographs of a full-text search that are looked through for the words themselves."""
_APART = re.compile(r"[\W_]+")


async def said(says: Says, scope: Filter, store: ImageStore) -> dict[ImageId, tuple[Region, ...]]:
    """Those of the scope that say all the words, in any case, and the places of these."""
    wanted = set(_words(says.text))
    hits = await store.search_text(says.text, scope, MOST)
    read = await store.words([hit.record.id for hit in hits])
    found: dict[ImageId, tuple[Region, ...]] = {}
    for image_id, words in read.items():
        matching = [word for word in words if wanted.intersection(_words(word.text))]
        if wanted and wanted <= {part for word in matching for part in _words(word.text)}:
            found[image_id] = tuple(region_of(word) for word in matching)
    return found


def region_of(word: Word) -> Region:
    """Where a word stands; the phrase is the word."""
    return Region(word.box, min(1.0, max(0.0, word.score)), word.text)


def _words(text: str) -> list[str]:
    return [part for part in _APART.split(text.casefold()) if part]
