"""Which photographs of a table a filter leaves, and what is read of them. Takes no lock: writes use it, too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from retrievers.cache import Scope
from retrievers.filters import id_chunks, ids_sql, where_sql
from retrievers.lance_table import LanceTable
from thresher.types import Filter, ImageId, ImageRecord


async def scope_of(table: LanceTable, where: Filter) -> Scope:
    """The photographs that match, by id, at their slots of this moment."""
    cache = table.cache
    wanted = None if where.ids is None else set(where.ids)
    sql = where_sql(where)
    if sql and wanted != set():
        matching = {image_id async for image_id in table.ids(sql)}
        wanted = matching if wanted is None else matching & wanted
    return cache.everything() if wanted is None else cache.scope(sorted(wanted))


async def records_of_ids(table: LanceTable, ids: Sequence[ImageId]) -> dict[ImageId, ImageRecord]:
    """Records of those that are stored."""
    return await objects_of(table, ids, "record")


async def objects_of(
    table: LanceTable, ids: Sequence[ImageId], name: Literal["record", "proposals", "patches"]
) -> dict[ImageId, Any]:
    """From the cache where it has the column, else from the table."""
    held = table.cache.objects(name)
    if held is not None:
        return {image_id: held[table.cache.slots[image_id]] for image_id in ids if image_id in table.cache.slots}
    found: dict[ImageId, Any] = {}
    for chunk in id_chunks(ids):
        async for image_id, value in table.objects(name, ids_sql(chunk)):
            found[image_id] = value
    return found
