"""`Filter` -> SQL for Lance.

`Filter.ids` is not part of the SQL: thousands of ids are matched in memory (`id_chunks` where there is no other way).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from retrievers.filtering.parse import parse
from retrievers.filtering.sql import sql
from retrievers.literals import quoted, timestamp
from thresher.types import Filter, ImageId

ID_CHUNK = 500
"""Ids in one IN list: parsing and matching grow with each."""


def where_sql(where: Filter) -> str:
    """The condition for everything but `ids`, empty where nothing is asked. InvalidInput for a wrong expression."""
    parts = [f"array_has(tags, {quoted(tag)})" for tag in where.tags]
    parts += [f"NOT array_has(tags, {quoted(tag)})" for tag in where.excluded_tags]
    if where.after is not None:
        parts.append(f"taken_at >= {timestamp(where.after)}")
    if where.before is not None:
        parts.append(f"taken_at < {timestamp(where.before)}")
    if where.min_width > 0:
        parts.append(f"width >= {int(where.min_width)}")
    if where.min_height > 0:
        parts.append(f"height >= {int(where.min_height)}")
    if where.path_prefix:
        # NUL stands in no stored path, so it marks where each of them begins.
        begin = quoted("\0")
        found = f"strpos(concat({begin}, array_to_string(paths, {begin})), {quoted(chr(0) + where.path_prefix)})"
        parts.append(f"{found} > 0")
    if (tree := parse(where.expression)) is not None:
        parts.append(sql(tree))
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
