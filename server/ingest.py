"""An upload at work: decode, encode in small batches, commit in groups, and only then acknowledge.

Reading and decoding run ahead of encoding by a bounded number of photographs, so that memory stays bounded and the
sender is held back. Batches are small so that a question's text never waits long for the encoder.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Collection
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from retrievers.images import DecodedImage
from retrievers.protocols import ImageStore
from server.errors import error_to_proto
from server.parts import Parts
from server.receive import Received
from server.settings import IngestSettings
from thresher.errors import InternalError, InvalidInput, InvalidUpload, NotFound, ThresherError, Unavailable
from thresher.records import Outcome, UploadResult
from thresher.types import ImageFeatures, ImageId, ImageRecord, ImageRow
from thresher.v1 import images_pb2

AHEAD = 4
"""Photographs that wait, decoded, for the encoder."""
BATCH_PIXELS = 24_000_000
"""A batch is closed early at so many pixels (72 MB)."""
GROUP_BYTES = 64 * 1024 * 1024
GROUP_KNOWN = 256


@dataclass(frozen=True, slots=True)
class _Prepared:
    """`image` None: the collection has it already, or there is an error."""

    item: Received
    image: DecodedImage | None = None
    error: ThresherError | None = None


@dataclass(slots=True)
class _Group:
    """What the next commit brings. `again`: photographs that are stored already, or come twice."""

    opened: float
    created: dict[ImageId, tuple[Received, ImageRow]] = field(default_factory=dict)
    again: list[Received] = field(default_factory=list)


class Ingest:
    """`stopping`: once it is set, what has arrived is committed and every upload ends with Unavailable."""

    def __init__(self, parts: Parts, settings: IngestSettings, stopping: asyncio.Event) -> None:
        self._encoder = parts.encoder
        self._read_image = parts.read_image
        self._settings = settings
        self._stopping = stopping

    async def run(
        self, items: AsyncGenerator[Received, None], images: ImageStore
    ) -> AsyncGenerator[UploadResult, None]:
        """A result for each item once it is committed. Closed half-way, whole groups are stored or nothing."""
        queue: asyncio.Queue[_Prepared | Exception | None] = asyncio.Queue(AHEAD)
        reader = asyncio.create_task(self._read(items, images, queue))
        stopper = asyncio.create_task(self._stop(reader, queue))
        group: _Group | None = None
        batch: dict[ImageId, _Prepared] = {}
        try:
            ended = False
            while not ended:
                found = await _next(queue, group.opened + self._settings.commit_seconds if group else None)
                ended = not isinstance(found, _Prepared | _Idle)
                if isinstance(found, _Prepared):
                    if found.error is not None:
                        yield _failed(found.item, found.error)
                    else:
                        group = group or _Group(time.monotonic())
                        _place(found, batch, group)
                if group is None:
                    continue
                if batch and (queue.empty() or ended or self._full(batch.values())):
                    await self._encode(batch, group)
                if not batch and (ended or isinstance(found, _Idle) or self._due(group)):
                    for result in await _commit(group, images):
                        yield result
                    group = None
            if isinstance(found, Exception):
                raise found
        finally:
            stopper.cancel()
            reader.cancel()
            await asyncio.wait([stopper, reader])

    async def _stop(self, reader: asyncio.Task[None], queue: asyncio.Queue[_Prepared | Exception | None]) -> None:
        await self._stopping.wait()
        reader.cancel()
        await asyncio.wait([reader])
        await queue.put(Unavailable("The server is stopping.", "Start it again: what is stored is not sent twice."))

    async def _read(
        self,
        items: AsyncGenerator[Received, None],
        images: ImageStore,
        queue: asyncio.Queue[_Prepared | Exception | None],
    ) -> None:
        """Decode what arrives; at the end None, or what went wrong."""
        end: Exception | None = None
        try:
            async with aclosing(items):
                async for item in items:
                    await queue.put(await self._prepare(item, images))
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            end = InvalidUpload("The upload stopped half-way.", "Start it again: what is stored is not sent twice.")
        except Exception as error:
            end = error
        await queue.put(end)

    async def _prepare(self, item: Received, images: ImageStore) -> _Prepared:
        if item.error is not None or item.content is None:
            return _Prepared(item, error=item.error)
        if not await images.missing([item.sha256]):
            return _Prepared(replace(item, content=None))
        try:
            return _Prepared(item, await asyncio.to_thread(self._read_image, item.content))
        except InvalidInput as error:
            return _Prepared(replace(item, content=None), error=error)

    def _full(self, batch: Collection[_Prepared]) -> bool:
        return len(batch) >= self._settings.batch or sum(map(_pixels, batch)) >= BATCH_PIXELS

    def _due(self, group: _Group) -> bool:
        return (
            len(group.created) >= self._settings.commit_images
            or len(group.again) >= GROUP_KNOWN
            or sum(len(row.content) for _, row in group.created.values()) >= GROUP_BYTES
            or time.monotonic() >= group.opened + self._settings.commit_seconds
        )

    async def _encode(self, batch: dict[ImageId, _Prepared], group: _Group) -> None:
        """Move the batch to the group, with features."""
        prepared = list(batch.values())
        features = await self._encoder.images([item.image.pixels for item in prepared if item.image is not None])
        for each, vectors in zip(prepared, features, strict=True):
            group.created[each.item.sha256] = (each.item, _row(each, vectors))
        batch.clear()


class _Idle:
    """Nothing came until the group was due."""


async def _next(
    queue: asyncio.Queue[_Prepared | Exception | None], until: float | None
) -> _Prepared | Exception | _Idle | None:
    """`until` is in seconds of `time.monotonic`."""
    try:
        async with asyncio.timeout(None if until is None else max(0.0, until - time.monotonic())):
            return await queue.get()
    except TimeoutError:
        return _Idle()


def _place(found: _Prepared, batch: dict[ImageId, _Prepared], group: _Group) -> None:
    image = found.item.sha256
    if found.image is None or image in batch or image in group.created:
        group.again.append(replace(found.item, content=None))
    else:
        batch[image] = found


def _pixels(prepared: _Prepared) -> int:
    return 0 if prepared.image is None else prepared.image.pixels.size // 3


def _row(prepared: _Prepared, features: ImageFeatures) -> ImageRow:
    item, image = prepared.item, prepared.image
    if image is None or item.content is None:
        raise InternalError("A photograph without pixels reached the encoder.")
    height, width = image.pixels.shape[:2]
    record = ImageRecord(
        id=item.sha256,
        paths=(item.path,),
        width=width,
        height=height,
        mime_type=image.mime_type,
        size_bytes=len(item.content),
        imported_at=datetime.now(UTC),
        taken_at=image.taken_at,
        camera=image.camera,
        latitude=image.latitude,
        longitude=image.longitude,
        tags=item.tags,
    )
    return ImageRow(record, item.content, features)


async def _commit(group: _Group, images: ImageStore) -> list[UploadResult]:
    if group.created:
        await images.add([row for _, row in group.created.values()])
    results = [UploadResult(item.sha256, item.path, Outcome.CREATED) for item, _ in group.created.values()]
    records = await images.get([item.sha256 for item in group.again]) if group.again else {}
    for item in group.again:
        record = records.get(item.sha256)
        if record is None:
            error = NotFound("The collection does not have this photograph.", "Upload it with its bytes.")
            results.append(_failed(item, error))
            continue
        if item.path not in record.paths or not set(item.tags) <= set(record.tags):
            await images.tag(item.sha256, item.path, item.tags)
        results.append(UploadResult(item.sha256, item.path, Outcome.EXISTED))
    return results


def _failed(item: Received, error: ThresherError) -> UploadResult:
    return UploadResult(item.sha256, item.path, Outcome.FAILED, error)


_OUTCOMES = {
    Outcome.CREATED: images_pb2.UploadImagesResponse.OUTCOME_CREATED,
    Outcome.EXISTED: images_pb2.UploadImagesResponse.OUTCOME_EXISTED,
    Outcome.FAILED: images_pb2.UploadImagesResponse.OUTCOME_FAILED,
}


def item_result(result: UploadResult) -> Any:
    return images_pb2.UploadImagesResponse(
        sha256=result.sha256,
        path=result.path,
        outcome=_OUTCOMES[result.outcome],
        error=None if result.error is None else error_to_proto(result.error),
    )
