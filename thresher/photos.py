"""Which files may be photographs, and the names and tags they get."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Sequence
from pathlib import PurePath

from thresher.uploading import MAX_PATH, MAX_TAG, MAX_TAGS, is_tag

SUFFIXES = frozenset(
    (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".webp", ".bmp", ".tif", ".tiff", ".heic", ".heif", ".avif")
)
HEAD_BYTES = 16
_MAGIC = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"II*\x00", b"MM\x00*")
_BRANDS = (b"heic", b"heix", b"mif1", b"msf1", b"hevc", b"avif")


def has_image_suffix(name: str) -> bool:
    return PurePath(name).suffix.lower() in SUFFIXES


def is_image_head(head: bytes) -> bool:
    """Whether the first `HEAD_BYTES` of a file are those of an image."""
    if head[4:8] == b"ftyp":
        return head[8:12] in _BRANDS
    return head.startswith(_MAGIC) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")


def photo_name(relative: PurePath) -> str:
    """The path of a photograph by its place below the imported folder."""
    return _text(relative.as_posix())[-MAX_PATH:]


def photo_tags(relative: PurePath, tags: Sequence[str] = ()) -> tuple[str, ...]:
    """The folders it lies in, then `tags`; of the folders no more than a photograph may have."""
    folders = [tag for part in relative.parts[:-1] if is_tag(tag := _text(part)[:MAX_TAG])]
    return tuple(dict.fromkeys((*folders[: MAX_TAGS - len(tags)], *tags)))


def _text(name: str) -> str:
    """A file name as text: bytes that are none, and control characters, become U+FFFD."""
    decoded = os.fsencode(name).decode("utf-8", "replace")
    return "".join("\ufffd" if unicodedata.category(each) == "Cc" else each for each in decoded)
