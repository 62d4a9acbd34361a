"""CollectionService."""

from __future__ import annotations

from typing import Any

from google.protobuf.empty_pb2 import Empty

from server.pages import make_token, page_size, read_token
from server.parts import Parts
from thresher.convert import collection_to_proto
from thresher.names import check_name, parse_collection
from thresher.v1 import collections_pb2


class CollectionService:
    def __init__(self, parts: Parts) -> None:
        self._store = parts.store
        self._exemplars = parts.exemplars
        self._spec = parts.encoder.spec

    async def CreateCollection(self, request: Any, _context: Any) -> Any:
        name = check_name(request.collection_id)
        return collection_to_proto(await self._store.create(name, self._spec, request.collection.display_name))

    async def GetCollection(self, request: Any, _context: Any) -> Any:
        return collection_to_proto(await self._store.get(parse_collection(request.name)))

    async def ListCollections(self, request: Any, _context: Any) -> Any:
        size, after = page_size(request.page_size), read_token(request.page_token, b"collections")
        rest = sorted((found for found in await self._store.list() if found.name > after), key=lambda it: it.name)
        page = rest[:size]
        return collections_pb2.ListCollectionsResponse(
            collections=map(collection_to_proto, page),
            next_page_token=make_token(page[-1].name, b"collections") if len(rest) > size else "",
        )

    async def DeleteCollection(self, request: Any, _context: Any) -> Any:
        name = parse_collection(request.name)
        await self._store.delete(name)
        await self._exemplars.forget_all(name)
        return Empty()
