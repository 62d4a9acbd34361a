"""ExemplarService."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

from google.protobuf.empty_pb2 import Empty

from agents.search.exemplars import learn
from retrievers.exemplars import folded
from server.pages import make_token, page_size, read_token
from server.parts import Parts
from thresher.client import CONTENT_BYTES
from thresher.convert import box_from_proto
from thresher.convert_exemplars import exemplar_to_proto
from thresher.errors import InvalidInput
from thresher.names import parse_collection, parse_exemplar, parse_image
from thresher.types import Example
from thresher.v1 import exemplars_pb2


class ExemplarService:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def CreateExemplar(self, request: Any, _context: Any) -> Any:
        collection, which = parse_collection(request.parent), request.WhichOneof("photograph")
        folded(request.display_name)
        if which is None:
            raise InvalidInput("There is no photograph to learn from.", "Give an image or image_content.", "photograph")
        if len(request.image_content) > CONTENT_BYTES:
            raise InvalidInput("The image is over 7 MiB.", "Send a smaller one.", "image_content")
        images = await self._parts.store.open(collection, self._parts.encoder.spec)
        content: bytes = request.image_content
        if which == "image":
            owner, image = parse_image(request.image)
            if owner != collection:
                raise InvalidInput(
                    f'{request.image} is not in "{collection}".', "Name a photograph of the collection.", "image"
                )
            content = await images.content(image)
        pixels = (await asyncio.to_thread(self._parts.read_image, content)).pixels
        box = box_from_proto(request.box) if request.HasField("box") else None
        example = Example(hashlib.sha256(content).hexdigest(), box)
        lesson = await learn(example, pixels, self._parts.encoder, self._parts.grounder)
        taught = await self._parts.exemplars.teach(images.collection, request.display_name, lesson)
        return exemplar_to_proto(collection, taught)

    async def ListExemplars(self, request: Any, _context: Any) -> Any:
        collection = await self._parts.store.get(parse_collection(request.parent))
        scope = f"exemplars {collection.name} {collection.created_at.isoformat()}".encode()
        size, after = page_size(request.page_size), read_token(request.page_token, scope)
        rest = [each for each in await self._parts.exemplars.list(collection) if folded(each.name) > after]
        page = rest[:size]
        return exemplars_pb2.ListExemplarsResponse(
            exemplars=[exemplar_to_proto(collection.name, each) for each in page],
            next_page_token=make_token(folded(page[-1].name), scope) if len(rest) > size else "",
        )

    async def DeleteExemplar(self, request: Any, _context: Any) -> Any:
        collection, name = parse_exemplar(request.name)
        await self._parts.exemplars.forget(await self._parts.store.get(collection), name)
        return Empty()
