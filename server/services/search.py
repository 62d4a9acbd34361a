"""SearchService and GroundingService."""

from __future__ import annotations

import asyncio
from typing import Any

from agents.duplicates import search_once
from agents.search.run import search
from server.parts import Parts
from server.searching import search_parts
from server.settings import Settings
from thresher.client import CONTENT_BYTES
from thresher.convert import filter_from_proto, prompt_from_proto, region_to_proto
from thresher.convert_search import hit_to_proto, query_from_proto, ranker_from_proto
from thresher.errors import InvalidInput
from thresher.names import parse_collection, parse_image
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
        query = query_from_proto(collection, request.query)
        if len(query.text) > self._most_characters:
            raise InvalidInput(
                "The text to search for is too long.",
                f"Use at most {self._most_characters:,} characters.",
                "query.text",
            )
        if len(query.content) > CONTENT_BYTES:
            raise InvalidInput("The picture is over 7 MiB.", "Send a smaller one.", "query.content")
        images = await self._parts.store.open(collection, self._parts.encoder.spec)
        parts = search_parts(self._parts, images, ranker_from_proto(request.ranker))
        run = search if request.separate_duplicates else search_once
        found = await run(query, where, limit, parts)
        return search_pb2.SearchResponse(
            hits=[hit_to_proto(collection, hit) for hit in found.hits],
            unknown_concept=found.unknown,
            nearest=found.nearest,
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
