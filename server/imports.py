"""Imports of folders of this machine: one after the other, each noted file by file, so that a killed one goes on.

A photograph is committed to the store before the ledger says so. Between the two a kill leaves it pending; the import
then finds it by its hash.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import PurePath

import structlog

from retrievers.ledger import Item, ItemState, Ledger, Operation, State, Summary
from server.folders import Folders
from server.ingest import Ingest, Settled
from server.parts import Parts
from server.receive import Received
from server.settings import Settings
from thresher.errors import (
    AlreadyExists,
    Conflict,
    InternalError,
    InvalidImage,
    InvalidInput,
    ThresherError,
    Unavailable,
)
from thresher.photos import photo_name, photo_tags
from thresher.records import Outcome

CHUNK = 1_000
"""Items the ledger takes or gives at a time."""
RATE_SECONDS = 20.0

_log = structlog.get_logger("thresher.import")


@dataclass(frozen=True, slots=True)
class Progress:
    """An import as it is now. `rate`: files settled a second."""

    operation: Operation
    summary: Summary
    waiting: bool = False
    rate: float = 0.0


@dataclass(frozen=True, slots=True)
class _File(Received):
    """A file of a folder, by its path there."""

    file: bytes = b""
    size: int = 0


@dataclass(slots=True)
class _Running:
    """An import that this process works on. `stopping`: it was cancelled, or the server stops."""

    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    cancelled: bool = False
    begun: bool = False
    settled: deque[tuple[float, int]] = field(default_factory=deque)

    def note(self, count: int) -> None:
        self.settled.append((time.monotonic(), count))

    def rate(self) -> float:
        now = time.monotonic()
        while self.settled and self.settled[0][0] < now - RATE_SECONDS:
            self.settled.popleft()
        if not self.settled:
            return 0.0
        return sum(count for _, count in self.settled) / max(1.0, now - self.settled[0][0])


class Imports:
    """All imports of folders. `start` goes on with those that had not ended."""

    def __init__(self, parts: Parts, settings: Settings, ingest: Ingest) -> None:
        self._parts = parts
        self._ledger: Ledger = parts.ledger
        self._ingest = ingest
        self._most = settings.limits.max_image_bytes
        self._grace = settings.limits.shutdown_seconds
        self._folders = Folders(settings.import_roots)
        self._turn = asyncio.Lock()
        self._beginning = asyncio.Lock()
        self._running: dict[str, _Running] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False

    async def start(self) -> None:
        for operation in await self._ledger.unfinished():
            if operation.state is State.CANCELLING:
                await self._ledger.move(operation.id, State.CANCELLED)
            else:
                _log.info("going on", operation=operation.id)
                self._go(operation)

    async def stop(self) -> None:
        """What is encoded is committed; the imports go on when the server is started again."""
        self._stopping = True  # for one that is just beginning
        for running in self._running.values():
            running.stopping.set()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=self._grace)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)

    # --- what is asked of an import ---

    async def begin(self, collection: str, folder: str, tags: Sequence[str], retry_failed: bool) -> Progress:
        """PermissionDenied, InvalidInput, NotFound (collection; nothing to retry), AlreadyExists, EncoderMismatch."""
        path = await asyncio.to_thread(self._folders.check, folder)
        await self._parts.store.open(collection, self._parts.encoder.spec)
        async with self._beginning:
            for other in await self._ledger.unfinished():
                if (other.collection, other.folder) == (collection, path):
                    raise AlreadyExists(
                        f"{path} is being imported into {collection!r} already.",
                        f"See `thresher operations show {other.id}`.",
                    )
            make = self._ledger.retry if retry_failed else self._ledger.create
            operation = await make(collection, path, tags)
        self._go(operation)
        return await self.get(operation.id)

    async def get(self, name: str) -> Progress:
        """NotFound."""
        return await self._progress(await self._ledger.get(name))

    async def list(self, limit: int, before: str) -> Sequence[Progress]:
        """The newest first; those older than `before`."""
        return [await self._progress(operation) for operation in await self._ledger.list(limit, before)]

    async def _progress(self, operation: Operation) -> Progress:
        running = self._running.get(operation.id)
        summary = await self._ledger.summary(operation.id)
        if running is None:
            return Progress(operation, summary)
        return Progress(operation, summary, not running.begun, running.rate())

    async def wait(self, name: str, seconds: float) -> Progress:
        """As it is once it has ended, or after so many seconds. NotFound."""
        await self._ledger.get(name)
        running = self._running.get(name)
        if running is not None:
            try:
                async with asyncio.timeout(seconds):
                    await running.ended.wait()
            except TimeoutError:
                pass
        return await self.get(name)

    async def cancel(self, name: str) -> None:
        """What is encoded is committed and stays. One that has ended stays as it is. NotFound."""
        if (await self._ledger.get(name)).state.ended:
            return
        running = self._running.get(name)
        if running is None:
            await self._ledger.move(name, State.CANCELLED)
            return
        running.cancelled = True
        running.stopping.set()
        await self._ledger.move(name, State.CANCELLING if running.begun else State.CANCELLED)
        if not running.begun:
            running.ended.set()

    async def delete(self, name: str) -> None:
        """Forget one that has ended; its photographs stay. NotFound; Conflict where it has not ended."""
        if not (await self._ledger.get(name)).state.ended:
            raise Conflict(f"{name} has not ended.", f"Cancel it first: thresher operations cancel {name}.")
        await self._ledger.delete(name)

    # --- the work ---

    def _go(self, operation: Operation) -> None:
        running = self._running[operation.id] = _Running()
        if self._stopping:
            running.stopping.set()
        task = asyncio.create_task(self._run(operation, running))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, operation: Operation, running: _Running) -> None:
        """To its end, or until the server stops; then the ledger says that it has not ended."""
        started = time.monotonic()
        try:
            async with self._turn:
                state, error = await self._outcome(operation, running)
            if state is not None:
                told = None if error is None else (error.code, error.message, error.hint)
                await self._ledger.move(operation.id, state, told)
        except ThresherError as failure:
            _log.error("the end of an import could not be noted", operation=operation.id, exc_info=failure)
        finally:
            del self._running[operation.id]
            running.ended.set()
            _log.info("import left", operation=operation.id, seconds=round(time.monotonic() - started, 3))

    async def _outcome(self, operation: Operation, running: _Running) -> tuple[State | None, ThresherError | None]:
        """How the import ended; None where it did not, because the server stops."""
        running.begun = True
        try:
            if not running.stopping.is_set():
                await self._import(operation, running)
                return State.DONE, None
        except Unavailable as error:
            if not running.stopping.is_set():
                return State.FAILED, error
        except ThresherError as error:
            return State.FAILED, error
        except Exception as error:
            _log.error("fault", operation=operation.id, exc_info=error)
            return State.FAILED, InternalError("The server failed on this import.", "Its log has more.")
        return (State.CANCELLED if running.cancelled else None), None

    async def _import(self, operation: Operation, running: _Running) -> None:
        """Unavailable once it is to stop."""
        images = await self._parts.store.open(operation.collection, self._parts.encoder.spec)
        if operation.state is State.SCANNING:
            await self._scan(operation, running)
        groups = self._ingest.run(self._files(operation), images, running.stopping)
        async with aclosing(groups):
            async for group in groups:
                await self._ledger.settle(operation.id, [_item(settled) for settled in group])
                running.note(len(group))

    async def _scan(self, operation: Operation, running: _Running) -> None:
        walk = self._folders.walk(operation.folder)
        while chunk := await asyncio.to_thread(list, islice(walk, CHUNK)):
            await self._ledger.add(operation.id, chunk)
            if running.stopping.is_set():
                raise Unavailable("The import stops.")
        found = await self._ledger.summary(operation.id)
        if not found.pending + found.done + found.failed:
            why = ", ".join(f"{count:,} {reason}" for reason, count in found.skips) or "it is empty"
            raise InvalidInput(f"There are no photographs in {operation.folder}.", f"Left out: {why}.", "folder")
        await self._ledger.move(operation.id, State.IMPORTING)

    async def _files(self, operation: Operation) -> AsyncGenerator[Received, None]:
        after = b""
        while paths := await self._ledger.pending(operation.id, after, CHUNK):
            for path in paths:
                yield await asyncio.to_thread(self._read, operation, path)
            after = paths[-1]

    def _read(self, operation: Operation, path: bytes) -> _File:
        relative = PurePath(os.fsdecode(path))
        name, tags = photo_name(relative), photo_tags(relative, operation.tags)
        try:
            content = self._folders.read(operation.folder, path, self._most)
        except InvalidImage as error:
            return _File("", name, tags, error=error, file=path)
        return _File(hashlib.sha256(content).hexdigest(), name, tags, content, file=path, size=len(content))


def _item(settled: Settled) -> Item:
    if not isinstance(settled.item, _File):
        raise TypeError(type(settled.item))
    if settled.outcome is Outcome.FAILED:
        return Item(settled.item.file, ItemState.FAILED, str(settled.error))
    return Item(settled.item.file, ItemState.DONE, bytes=settled.item.size)
