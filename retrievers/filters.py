"""`Filter` -> SQL for Lance. Values are quoted here and nowhere else.

`Filter.ids` is not part of the SQL: thousands of ids are matched in memory (`id_chunks` where there is no other way).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from thresher.errors import InvalidInput
from thresher.types import Filter, ImageId

ID_CHUNK = 500
"""Ids in one IN list: parsing and matching grow with each."""


def utc(moment: datetime) -> datetime:
    """The same moment in UTC; one without a zone is taken as UTC."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def where_sql(where: Filter) -> str:
    """The condition for everything but `ids`, empty where nothing is asked."""
    parts = [f"array_has(tags, {quoted(tag)})" for tag in where.tags]
    parts += [f"NOT array_has(tags, {quoted(tag)})" for tag in where.excluded_tags]
    if where.after is not None:
        parts.append(f"taken_at >= {_moment(where.after)}")
    if where.before is not None:
        parts.append(f"taken_at < {_moment(where.before)}")
    if where.min_width > 0:
        parts.append(f"width >= {int(where.min_width)}")
    if where.min_height > 0:
        parts.append(f"height >= {int(where.min_height)}")
    if where.path_prefix:
        # NUL stands in no stored path, so it marks where each of them begins.
        begin = quoted("\0")
        found = f"strpos(concat({begin}, array_to_string(paths, {begin})), {quoted(chr(0) + where.path_prefix)})"
        parts.append(f"{found} > 0")
    return " AND ".join(parts)


def both(left: str, right: str) -> str:
    """Two conditions as one; either may be empty."""
    return f"{left} AND {right}" if left and right else left or right


def ids_sql(ids: Iterable[ImageId]) -> str:
    """`id` is one of these."""
    ids = tuple(ids)
    if not ids:
        return "false"
    return f"id IN ({', '.join(quoted(image_id) for image_id in ids)})"


def id_chunks(ids: Iterable[ImageId]) -> Iterator[list[ImageId]]:
    """Distinct ids in lists of at most `ID_CHUNK`."""
    distinct = list(dict.fromkeys(ids))
    for start in range(0, len(distinct), ID_CHUNK):
        yield distinct[start : start + ID_CHUNK]


def quoted(text: str) -> str:
    """A SQL string literal: DataFusion knows one escape in it, the doubled quote. InvalidInput for lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidInput(f"{text!r} is not UTF-8 text.", "Filter by text that can be written as UTF-8.") from error
    return "'" + text.replace("'", "''") + "'"


def _moment(moment: datetime) -> str:
    return f"timestamp '{utc(moment).isoformat(timespec='microseconds')}'"
