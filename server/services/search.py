"""SearchService and GroundingService."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrievers.protocols import ImageStore
from server.parts import Parts
from server.settings import Settings
from thresher.client import CONTENT_BYTES
from thresher.convert import filter_from_proto, hit_to_proto, prompt_from_proto, region_to_proto
from thresher.errors import InvalidInput
from thresher.names import parse_collection, parse_image
from thresher.types import Filter, Hit
from thresher.v1 import search_pb2

DEFAULT_LIMIT = 20
MAX_LIMIT = 1_000
MAX_PROMPTS = 100


class SearchService:
    def __init__(self, parts: Parts, settings: Settings) -> None:
        self._parts = parts
        self._most_characters = settings.limits.max_question_characters

    async def Search(self, request: Any, _context: Any) -> Any:
        collection = parse_collection(request.parent)
        where = filter_from_proto(collection, request.filter)
        limit = _limit(request.limit)
        query = request.WhichOneof("query")
        if query == "text":
            self._check_text(request.text)
        elif query is None:
            raise InvalidInput("There is nothing to search for.", "Give a text, an image or image_content.", "query")
        images = await self._parts.store.open(collection, self._parts.encoder.spec)
        if query == "text":
            [features] = await self._parts.encoder.texts([request.text])
            if not features.known:
                return search_pb2.SearchResponse(unknown_concept=True, nearest=features.nearest)
            hits = await images.search(features.vector, where, limit)
        elif query == "image":
            hits = await self._like_stored(images, collection, request.image, where, limit)
        else:
            if len(request.image_content) > CONTENT_BYTES:
                raise InvalidInput("The image is over 7 MiB.", "Send a smaller one.", "image_content")
            appearance = await self._appearance(request.image_content)
            hits = await images.search(appearance, where, limit, "appearance")
        return search_pb2.SearchResponse(hits=[hit_to_proto(collection, hit) for hit in hits])

    async def _like_stored(
        self, images: ImageStore, collection: str, name: str, where: Filter, limit: int
    ) -> list[Hit]:
        """Without the photograph itself."""
        owner, image = parse_image(name)
        if owner != collection:
            raise InvalidInput(f'{name} is not in "{collection}".', "Name a photograph of the collection.", "image")
        appearance = await self._appearance(await images.content(image))
        hits = await images.search(appearance, where, limit + 1, "appearance")
        return [hit for hit in hits if hit.record.id != image][:limit]

    async def _appearance(self, content: bytes) -> NDArray[np.float32]:
        decoded = await asyncio.to_thread(self._parts.read_image, content)
        [features] = await self._parts.encoder.images([decoded.pixels])
        return features.appearance

    def _check_text(self, text: str) -> None:
        if not text.strip() or len(text) > self._most_characters:
            raise InvalidInput(
                "The text to search for is empty or too long.",
                f"Use 1 to {self._most_characters:,} characters.",
                "text",
            )


class GroundingService:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def Ground(self, request: Any, _context: Any) -> Any:
        collection, image = parse_image(request.image)
        if not 1 <= len(request.prompts) <= MAX_PROMPTS:
            raise InvalidInput(f"{len(request.prompts)} prompts.", f"Send 1 to {MAX_PROMPTS}.", "prompts")
        prompts = [prompt_from_proto(prompt) for prompt in request.prompts]
        images = await self._parts.store.open(collection, self._parts.encoder.spec)
        decoded = await asyncio.to_thread(self._parts.read_image, await images.content(image))
        found = await self._parts.grounder.ground(decoded.pixels, prompts)
        return search_pb2.GroundResponse(
            results=[search_pb2.GroundResult(regions=map(region_to_proto, regions)) for regions in found]
        )


def _limit(asked: int) -> int:
    if not 0 <= asked <= MAX_LIMIT:
        raise InvalidInput(f"limit is {asked}.", f"Use 1 to {MAX_LIMIT:,}, or 0 for {DEFAULT_LIMIT}.", "limit")
    return asked or DEFAULT_LIMIT
