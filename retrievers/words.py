"""Words that can be read in a photograph <-> the bytes that a row keeps of them."""

from __future__ import annotations

import json
from collections.abc import Sequence

from thresher.types import Box, Word


def pack_words(words: Sequence[Word]) -> bytes:
    """JSON: [[text, x0, y0, x1, y1, score], ...]."""
    rows = [
        [word.text, *(round(v, 1) for v in (word.box.x0, word.box.y0, word.box.x1, word.box.y1)), round(word.score, 3)]
        for word in words
    ]
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":")).encode() if rows else b""


def unpack_words(data: bytes) -> tuple[Word, ...]:
    """The inverse of `pack_words`; boxes come back to within .05 pixels, scores to within .0005."""
    return tuple(Word(text, Box(*box), score) for text, *box, score in json.loads(data)) if data else ()
