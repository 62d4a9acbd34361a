"""The fields that a filter may name: their types, their columns, and which operators each type takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from thresher.types import ImageRecord

Value = float | datetime | str | tuple[str, ...] | None


class Kind(Enum):
    """`operators` in the order in which errors name them; `like` is how a value is written."""

    NUMBER = "a number", ("=", "!=", "<", "<=", ">", ">=", ":"), "1024"
    TIME = "a date or time", ("=", "!=", "<", "<=", ">", ">=", ":"), '"2020-01-31" or "2020-01-31T12:00:00Z"'
    STRING = "text", ("=", "!=", "<", "<=", ">", ">=", ":"), '"some text"'
    WORDS = "words", ("=", "!=", "<", "<=", ">", ">=", ":"), '"some text"'
    PATHS = "paths", ("=", "!=", ":"), '"trip/*"'
    TAGS = "tags", (":",), '"beach"'

    def __init__(self, what: str, operators: tuple[str, ...], like: str) -> None:
        self.what = what
        self.operators = operators
        self.like = like


@dataclass(frozen=True, slots=True)
class Field:
    """`column` is SQL, of type DOUBLE for numbers; `read` is None, "" or () where a photograph lacks the field."""

    name: str
    kind: Kind
    column: str
    read: Callable[[ImageRecord], Value]


def _megapixels(record: ImageRecord) -> float:
    return record.width * record.height / 1e6


FIELDS: Mapping[str, Field] = {
    field.name: field
    for field in (
        Field("path", Kind.PATHS, "paths", lambda record: record.paths),
        Field("tag", Kind.TAGS, "tags", lambda record: record.tags),
        Field("width", Kind.NUMBER, "CAST(width AS DOUBLE)", lambda record: record.width),
        Field("height", Kind.NUMBER, "CAST(height AS DOUBLE)", lambda record: record.height),
        Field("megapixels", Kind.NUMBER, "CAST(width AS DOUBLE) * height / 1000000.0", _megapixels),
        Field("size_bytes", Kind.NUMBER, "CAST(size_bytes AS DOUBLE)", lambda record: record.size_bytes),
        Field("latitude", Kind.NUMBER, "latitude", lambda record: record.latitude),
        Field("longitude", Kind.NUMBER, "longitude", lambda record: record.longitude),
        Field("taken_at", Kind.TIME, "taken_at", lambda record: record.taken_at),
        Field("imported_at", Kind.TIME, "imported_at", lambda record: record.imported_at),
        Field("mime_type", Kind.STRING, "mime_type", lambda record: record.mime_type),
        Field("camera", Kind.STRING, "camera", lambda record: record.camera),
        Field("caption", Kind.STRING, "caption", lambda record: record.caption),
        Field("place", Kind.STRING, "place", lambda record: record.place),
        Field("text", Kind.WORDS, "text", lambda record: record.text),
    )
}

ALIASES: Mapping[str, str] = {
    "paths": "path",
    "tags": "tag",
    "taken_time": "taken_at",
    "import_time": "imported_at",
}
"""Names of the same fields in `thresher.v1.Image`."""

SEARCHED = tuple(FIELDS[name] for name in ("path", "tag", "camera", "caption", "place", "text"))
"""Where a bare literal is looked for."""
