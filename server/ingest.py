"""From files to committed photographs, for uploads and folder imports alike.

Files are decoded by a few threads and encoded one after the other by the encoder's own, which finds the next one
waiting whatever is decoded or committed meanwhile. Results go into the store in groups, in the order of the files; a
photograph is settled once its group is committed. Memory is bounded by `IngestSettings.memory_bytes`: the source is
held back. Photographs are handed to the encoder one by one: in batches the offline trunk is slower on a CPU, and
rounds otherwise; an encoder that gains by them can put together what is waiting.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from retrievers.images import DecodedImage, count_pixels
from retrievers.protocols import ImageStore
from retrievers.signatures import Signatures, signatures
from server.budget import Budget, Share
from server.parts import Parts
from server.receive import Received
from server.settings import IngestSettings
from thresher.errors import InvalidInput, InvalidUpload, NotFound, ThresherError, Unavailable
from thresher.records import Outcome
from thresher.types import ImageChange, ImageFeatures, ImageId, ImageRecord, ImageRow, Pixels, Word

AHEAD = 64
"""Files between the source and the commit of one upload or import."""
ENCODING = 2
"""Photographs of one upload or import that the encoder has at a time: one it works on, one it finds waiting."""
GROUP_BYTES = 64 * 1024 * 1024
GROUP_KNOWN = 256
PIXEL_BYTES = 3

T = TypeVar("T")
Given = TypeVar("Given")


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of one file; `error` where it failed. The others are committed."""

    item: Received
    outcome: Outcome
    error: ThresherError | None = None


@dataclass(frozen=True, slots=True)
class _Ready:
    """A file as it can be committed. Neither row nor error: the collection has it, only path and tags are new."""

    item: Received
    row: ImageRow | None = None
    error: ThresherError | None = None


@dataclass(frozen=True, slots=True)
class _End:
    error: Exception | None = None


class _Idle:
    """Nothing came until the group was due."""


@dataclass(slots=True)
class _Group:
    """What the next commit brings. `again`: photographs that are stored already, or come twice."""

    opened: float
    created: list[tuple[Received, ImageRow]] = field(default_factory=list)
    again: list[Received] = field(default_factory=list)

    def due(self, settings: IngestSettings) -> bool:
        return (
            len(self.created) >= settings.commit_images
            or len(self.again) >= GROUP_KNOWN
            or sum(len(row.content) for _, row in self.created) >= GROUP_BYTES
            or time.monotonic() >= self.opened + settings.commit_seconds
        )


class Ingest:
    """The way into the store; one for the whole server."""

    def __init__(self, parts: Parts, settings: IngestSettings) -> None:
        self.encoder = parts.encoder
        self.reader = parts.reader
        self.read_image = parts.read_image
        self.settings = settings
        self.decoders = ThreadPoolExecutor(settings.decode_threads, "decode")
        self.budget = Budget(settings.memory_bytes)

    async def read_text(self, image: Pixels) -> Sequence[Word]:
        """The words of a photograph; none where nothing reads them."""
        return () if self.reader is None else await self.reader.read(image)

    async def run(
        self, items: AsyncGenerator[Received, None], images: ImageStore, stopping: asyncio.Event
    ) -> AsyncGenerator[list[Settled], None]:
        """What became of the items, by commits. Closed half-way, whole groups are stored or nothing.

        Once `stopping` is set, what is encoded is committed and Unavailable raised.
        """
        stream = _Stream(self, items, images, stopping)
        group: _Group | None = None
        try:
            while True:
                found = await stream.next(group.opened + self.settings.commit_seconds if group else None)
                if isinstance(found, _Ready):
                    if found.error is not None:
                        yield [stream.settled(found.item, Outcome.FAILED, found.error)]
                    else:
                        group = group or _Group(time.monotonic())
                        if found.row is None:
                            group.again.append(found.item)
                        else:
                            group.created.append((found.item, found.row))
                if group is not None and (not isinstance(found, _Ready) or group.due(self.settings)):
                    yield await stream.commit(group)
                    group = None
                if isinstance(found, _End):
                    break
        finally:
            await stream.close()
        if found.error is not None:
            raise found.error


class _Stream:
    """The files of one upload or import that are under way."""

    def __init__(
        self, ingest: Ingest, items: AsyncGenerator[Received, None], images: ImageStore, stopping: asyncio.Event
    ) -> None:
        self._ingest = ingest
        self._images = images
        self._stopping = stopping
        self._share = Share(ingest.budget)
        self._encoding = asyncio.Semaphore(ENCODING)
        self._queue: asyncio.Queue[asyncio.Task[_Ready | None] | _End] = asyncio.Queue(AHEAD)
        self._head: asyncio.Task[_Ready | None] | _End | None = None
        self._under_way: dict[ImageId, asyncio.Task[_Ready | None]] = {}
        self._refused: dict[ImageId, ThresherError] = {}
        self._tasks: set[asyncio.Task[_Ready | None]] = set()
        self._reader = asyncio.create_task(self._read(items))
        self._stopper = asyncio.create_task(self._stop())

    # --- reading, decoding, encoding ---

    async def _stop(self) -> None:
        await self._stopping.wait()
        self._reader.cancel()
        await asyncio.wait([self._reader])
        await self._queue.put(
            _End(Unavailable("The server is stopping.", "Start it again: what is stored is not sent twice."))
        )

    async def _read(self, items: AsyncGenerator[Received, None]) -> None:
        """Begin with each item that comes; at the end None, or what went wrong."""
        end: Exception | None = None
        try:
            async with aclosing(items):
                async for item in items:
                    await self._queue.put(await self._begin(item))
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            end = InvalidUpload("The upload stopped half-way.", "Start it again: what is stored is not sent twice.")
        except Exception as error:
            end = error
        await self._queue.put(_End(end))

    async def _begin(self, item: Received) -> asyncio.Task[_Ready | None]:
        """Memory is taken here, in the order of the items, so that none waits for one behind it."""
        content, item = item.content, replace(item, content=None, error=item.error or self._refused.get(item.sha256))
        first = self._under_way.get(item.sha256)
        if item.error is None and first is not None:
            return self._task(self._again(item, first))
        if item.error is not None or content is None or not await self._images.missing([item.sha256]):
            return self._task(self._as_is(item))
        decoded = PIXEL_BYTES * await self._in_thread(count_pixels, content)
        await self._share.take(len(content) + decoded)
        task = self._under_way[item.sha256] = self._task(self._prepare(item, content, decoded))
        return task

    def _task(self, work: Coroutine[Any, Any, _Ready | None]) -> asyncio.Task[_Ready | None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[_Ready | None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # seen: it reaches the caller unless one before it does

    async def _in_thread(self, work: Callable[[Given], T], given: Given) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._ingest.decoders, work, given)

    async def _as_is(self, item: Received) -> _Ready:
        return _Ready(item, error=item.error)

    async def _again(self, item: Received, first: asyncio.Task[_Ready | None]) -> _Ready | None:
        """The same photograph as one that is under way."""
        ready = await asyncio.shield(first)
        return ready and _Ready(item, error=ready.error)

    async def _prepare(self, item: Received, content: bytes, decoded: int) -> _Ready | None:
        """None where the server stops before the encoder has begun."""
        try:
            image = await self._in_thread(self._ingest.read_image, content)
            signed = await self._in_thread(signatures, image.pixels)
        except InvalidInput as error:
            self._share.give(decoded + len(content))
            self._refused[item.sha256] = error
            return _Ready(item, error=error)
        async with self._encoding:
            if self._stopping.is_set():
                return None
            [features], words = await asyncio.gather(
                self._ingest.encoder.images([image.pixels]), self._ingest.read_text(image.pixels)
            )
        self._share.give(decoded)
        return _Ready(item, _row(item, content, image, features, signed, words))

    # --- committing ---

    async def next(self, until: float | None) -> _Ready | _End | _Idle:
        """The next item once it is ready, or `_Idle` at `until` (seconds of `time.monotonic`)."""
        try:
            async with asyncio.timeout(None if until is None else max(0.0, until - time.monotonic())) as timer:
                while True:
                    if self._head is None:
                        self._head = await self._queue.get()
                    if isinstance(self._head, _End):
                        return self._head
                    ready = await asyncio.shield(self._head)
                    self._head = None
                    if ready is not None:
                        return ready
        except Exception as error:
            return _Idle() if timer.expired() else _End(error)

    def settled(self, item: Received, outcome: Outcome, error: ThresherError | None = None) -> Settled:
        self._under_way.pop(item.sha256, None)
        return Settled(item, outcome, error)

    async def commit(self, group: _Group) -> list[Settled]:
        settled = []
        if group.created:
            await self._images.add([row for _, row in group.created])
            self._share.give(sum(len(row.content) for _, row in group.created))
            settled += [self.settled(item, Outcome.CREATED) for item, _ in group.created]
        if group.again:
            changes = [ImageChange(item.sha256, add_paths=(item.path,), add_tags=item.tags) for item in group.again]
            there = await self._images.change(changes)
            missing = NotFound("The collection does not have this photograph.", "Upload it with its bytes.")
            settled += [
                Settled(item, Outcome.EXISTED) if item.sha256 in there else Settled(item, Outcome.FAILED, missing)
                for item in group.again
            ]
        return settled

    async def close(self) -> None:
        tasks = [self._stopper, self._reader, *self._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        self._share.close()


def _row(
    item: Received,
    content: bytes,
    image: DecodedImage,
    features: ImageFeatures,
    signed: Signatures,
    words: Sequence[Word],
) -> ImageRow:
    record = ImageRecord(
        id=item.sha256,
        paths=(item.path,),
        width=image.width,
        height=image.height,
        mime_type=image.mime_type,
        size_bytes=len(content),
        imported_at=datetime.now(UTC),
        taken_at=image.taken_at,
        camera=image.camera,
        latitude=image.latitude,
        longitude=image.longitude,
        tags=item.tags,
        caption=image.caption,
        place=image.place,
    )
    return ImageRow(record, content, features, tuple(words), phash=signed.phash, colours=signed.colours)
