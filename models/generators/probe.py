"""What a language model is asked at start, to find out what it can do."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator

from thresher.types import Message

_SIDE = 224  # pixels
_COLOURS = {"red": (220, 20, 20), "blue": (20, 40, 220)}

PLAN_QUESTION = Message("user", 'Read the question "How many photos show a bus?" into JSON: its kind and its noun.')
PLAN_KIND = "count"
PLAN_SCHEMA = {
    "type": "object",
    "properties": {
        "kind": {"type": "string", "enum": ["count", "exists", "find"]},
        "noun": {"type": "string", "maxLength": 40},
    },
    "required": ["kind", "noun"],
    "additionalProperties": False,
}


def colour_questions() -> Iterator[tuple[Message, str, str]]:
    """A question about a plain picture, its right and its wrong answer. The words alone do not tell which is right."""
    text = "What colour is this picture, red or blue? Answer with one word."
    for right, rgb in _COLOURS.items():
        wrong = next(colour for colour in _COLOURS if colour != right)
        yield Message("user", text, images=(plain_png(rgb),)), right, wrong


def names_only(text: str, right: str, wrong: str) -> bool:
    words = re.findall(r"[a-z]+", text.lower())
    return right in words and wrong not in words


def plain_png(rgb: tuple[int, int, int], side: int = _SIDE) -> bytes:
    """A square PNG of one colour."""
    rows = (b"\0" + bytes(rgb) * side) * side

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
