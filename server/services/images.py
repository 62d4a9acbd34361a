"""ImageService. The work of an upload is in server.ingest."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

from google.protobuf.empty_pb2 import Empty

from retrievers.protocols import ImageStore
from server.errors import error_to_proto
from server.gate import Gate
from server.imports import Imports
from server.ingest import Ingest, Settled
from server.pages import make_token, page_size, read_token
from server.parts import Parts
from server.receive import receive
from server.services.operations import operation_to_proto
from server.settings import Settings
from thresher.client import CHANGE_BATCH, MISSING_BATCH
from thresher.convert import filter_from_proto, image_to_proto
from thresher.convert_operations import change_from_proto
from thresher.errors import InvalidInput, InvalidUpload, NotFound
from thresher.names import is_image_id, parse_collection, parse_image
from thresher.records import Outcome
from thresher.uploading import CHUNK_BYTES, check_path, check_tags
from thresher.v1 import images_pb2


class ImageService:
    def __init__(
        self, parts: Parts, settings: Settings, ingest: Ingest, imports: Imports, stopping: asyncio.Event
    ) -> None:
        self._parts = parts
        self._limits = settings.limits
        self._ingest = ingest
        self._imports = imports
        self._stopping = stopping
        self._uploads = Gate(settings.limits.max_concurrent_uploads, "uploads", retry_after=10.0)

    async def _open(self, collection: str) -> ImageStore:
        return await self._parts.store.open(collection, self._parts.encoder.spec)

    async def UploadImages(self, requests: AsyncIterator[Any], _context: Any) -> AsyncGenerator[Any, None]:
        with self._uploads.hold():
            first = await anext(requests, None)
            if first is None or first.WhichOneof("message") != "parent":
                raise InvalidUpload("The upload does not name a collection.", "Send `parent` first.", "parent")
            images = await self._open(parse_collection(first.parent))
            results = self._ingest.run(receive(requests, self._limits), images, self._stopping)
            async with aclosing(results):
                async for settled in results:
                    for each in settled:
                        yield _upload_result(each)

    async def ImportImages(self, request: Any, _context: Any) -> Any:
        collection = parse_collection(request.parent)
        check_tags(request.tags)
        progress = await self._imports.begin(collection, request.folder, tuple(request.tags), request.retry_failed)
        return operation_to_proto(progress)

    async def FindMissingImages(self, request: Any, _context: Any) -> Any:
        if len(request.sha256) > MISSING_BATCH:
            raise InvalidInput(f"{len(request.sha256)} hashes at once.", f"Send {MISSING_BATCH:,} at most.", "sha256")
        if not all(map(is_image_id, request.sha256)):
            raise InvalidInput("A hash is not a SHA-256.", "Send 64 lower-case hexadecimal digits each.", "sha256")
        images = await self._open(parse_collection(request.parent))
        return images_pb2.FindMissingImagesResponse(sha256=await images.missing(request.sha256))

    async def GetImage(self, request: Any, _context: Any) -> Any:
        collection, image = parse_image(request.name)
        found = await (await self._open(collection)).get([image])
        if image not in found:
            raise NotFound(f'There is no photograph {image[:12]}… in "{collection}".', "See `thresher images list`.")
        return image_to_proto(collection, found[image])

    async def ListImages(self, request: Any, _context: Any) -> Any:
        collection = parse_collection(request.parent)
        scope = request.parent.encode() + request.filter.SerializeToString(deterministic=True)
        size, after = page_size(request.page_size), read_token(request.page_token, scope)
        where = filter_from_proto(collection, request.filter)
        found = await (await self._open(collection)).list(where, size + 1, after)
        page = found[:size]
        return images_pb2.ListImagesResponse(
            images=[image_to_proto(collection, record) for record in page],
            next_page_token=make_token(page[-1].id, scope) if len(found) > size else "",
        )

    async def DeleteImage(self, request: Any, _context: Any) -> Any:
        collection, image = parse_image(request.name)
        await (await self._open(collection)).delete(image)
        return Empty()

    async def ChangeImages(self, request: Any, _context: Any) -> Any:
        if len(request.changes) > CHANGE_BATCH:
            raise InvalidInput(f"{len(request.changes)} changes at once.", f"Send {CHANGE_BATCH:,} at most.", "changes")
        changes = [change_from_proto(change) for change in request.changes]
        for change in changes:
            check_tags(change.add_tags)
            for path in change.add_paths:
                check_path(path)
        images = await self._open(parse_collection(request.parent))
        there = await images.change(changes)
        return images_pb2.ChangeImagesResponse(missing=[change.id for change in changes if change.id not in there])

    async def DownloadImage(self, request: Any, _context: Any) -> AsyncGenerator[Any, None]:
        collection, image = parse_image(request.name)
        content = await (await self._open(collection)).content(image)
        for start in range(0, len(content), CHUNK_BYTES):
            yield images_pb2.DownloadImageResponse(chunk=content[start : start + CHUNK_BYTES])


_OUTCOMES = {
    Outcome.CREATED: images_pb2.UploadImagesResponse.OUTCOME_CREATED,
    Outcome.EXISTED: images_pb2.UploadImagesResponse.OUTCOME_EXISTED,
    Outcome.FAILED: images_pb2.UploadImagesResponse.OUTCOME_FAILED,
}


def _upload_result(settled: Settled) -> Any:
    return images_pb2.UploadImagesResponse(
        sha256=settled.item.sha256,
        path=settled.item.path,
        outcome=_OUTCOMES[settled.outcome],
        error=None if settled.error is None else error_to_proto(settled.error),
    )
