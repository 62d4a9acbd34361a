"""A collection as the mirror of one folder: what is new goes in, what was moved is renamed, what is gone is found.

Photographs are known by the hash of their bytes, so a file that was moved or renamed is not sent again.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from thresher.client import Client
from thresher.errors import InvalidInput, NotFound, ThresherError
from thresher.importing import Found, ImportReport, Photo, find_photos, import_photos
from thresher.names import check_name
from thresher.photos import photo_tags
from thresher.types import ImageChange, ImageId, ImageRecord
from thresher.uploading import check_tags

SETTLE_SECONDS = 2.0
"""While watching, a file that was written to more recently may not be complete."""
RETRY_SECONDS = 5.0


@dataclass(slots=True)
class SyncReport:
    """`moved`: paths a photograph had and has. `gone`: photographs whose file is not there, or has other content now;
    `deleted` of them. `waiting`: files that are being written."""

    imported: ImportReport
    moved: list[tuple[tuple[str, ...], tuple[str, ...]]] = field(default_factory=list)
    gone: list[ImageRecord] = field(default_factory=list)
    deleted: int = 0
    waiting: int = 0

    @property
    def changed(self) -> bool:
        return bool(self.imported.created or self.imported.failed or self.moved or self.gone)


@dataclass(frozen=True, slots=True)
class _Stamp:
    """A file that has the same one has the same content."""

    size: int
    modified_ns: int
    inode: int


class Sync:
    """Keeps what it knows of the files from one `run` to the next."""

    def __init__(self, client: Client, collection: str, folder: Path, tags: Sequence[str] = ()) -> None:
        check_tags(tags)
        self._client = client
        self._collection = check_name(collection)
        self._folder = folder
        self._tags = tuple(tags)
        self._hashes: dict[Path, tuple[_Stamp, ImageId]] = {}
        self._refused: set[ImageId] = set()

    async def run(self, *, delete: bool = False, settle: float = 0.0) -> SyncReport:
        """Make the collection as the folder is; it is made if there is none. Photographs are deleted if `delete`.

        Files written to in the last `settle` seconds are left for later. InvalidInput where the folder is not there or
        has no photographs, so that a disk that is not mounted deletes nothing.
        """
        found = await asyncio.to_thread(find_photos, [self._folder], self._tags)
        report = SyncReport(ImportReport(skipped=found.skipped))
        here, held = await self._read(found, report, settle)
        stored = await self._stored()
        known = stored.keys() | self._refused
        new = [photo for image, photos in here.items() if image not in known for photo in photos]
        if new:
            report.imported = await import_photos(self._client, self._collection, Found(tuple(new), found.skipped))
            failed = {name for name, _ in report.imported.failed}
            held |= failed
            self._refused |= {image for image, photos in here.items() if any(photo.name in failed for photo in photos)}
        await self._rename(stored, here, held, report)
        report.gone = [
            record for image, record in stored.items() if image not in here and not held.intersection(record.paths)
        ]
        if delete:
            for record in report.gone:
                try:
                    await self._client.delete_image(self._collection, record.id)
                    report.deleted += 1
                except NotFound:  # someone else did
                    continue
        return report

    async def watch(self, *, delete: bool = False) -> AsyncGenerator[SyncReport | ThresherError, None]:
        """Run now and after each change in the folder, for ever. Errors that may pass are handed out, and tried again:
        a server that is away, a folder that is not mounted."""
        from watchfiles import awatch  # not loaded by every command

        while True:
            due = True
            try:
                async for changes in awatch(
                    self._folder, watch_filter=None, rust_timeout=1_000, yield_on_timeout=True, step=200
                ):
                    if not (changes or due):
                        continue
                    report = await self.run(delete=delete, settle=SETTLE_SECONDS)
                    due = report.waiting > 0
                    yield report
            except FileNotFoundError:
                yield InvalidInput(f"{self._folder} does not exist.", "It is looked for again and again.")
            except ThresherError as error:
                if not error.retryable and not isinstance(error, InvalidInput):
                    raise
                yield error
            await asyncio.sleep(RETRY_SECONDS)

    async def _read(
        self, found: Found, report: SyncReport, settle: float
    ) -> tuple[dict[ImageId, list[Photo]], set[str]]:
        """Photographs by content, and the names of those whose content is not known now."""
        here: dict[ImageId, list[Photo]] = defaultdict(list)
        held: set[str] = set()
        hashes = {}
        for photo in found.photos:
            try:
                stat = photo.file.stat()
                stamp = _Stamp(stat.st_size, stat.st_mtime_ns, stat.st_ino)
                known = self._hashes.get(photo.file)
                if known is None or known[0] != stamp:
                    if abs(time.time() - stat.st_mtime) < settle:
                        report.waiting += 1
                        held.add(photo.name)
                        continue
                    known = stamp, await asyncio.to_thread(_hash, photo.file)
                hashes[photo.file] = known
                here[known[1]].append(photo)
            except OSError as error:
                report.imported.failed.append((photo.name, f"It cannot be read: {error.strerror or error}."))
                held.add(photo.name)
        self._hashes = hashes
        return here, held

    async def _stored(self) -> dict[ImageId, ImageRecord]:
        try:
            return {record.id: record async for record in self._client.images(self._collection)}
        except NotFound:
            return {}

    async def _rename(
        self,
        stored: dict[ImageId, ImageRecord],
        here: dict[ImageId, list[Photo]],
        held: set[str],
        report: SyncReport,
    ) -> None:
        """Paths of what is stored and here, and the tags that come of folders."""
        changes = []
        for image, photos in here.items():
            record = stored.get(image)
            if record is None:
                continue
            names = [photo.name for photo in photos]
            lost = tuple(path for path in record.paths if path not in names and path not in held)
            gained = tuple(name for name in names if name not in record.paths)
            tags = dict.fromkeys(tag for photo in photos for tag in photo.tags)
            missing = any(tag not in record.tags for tag in self._tags)
            if not (lost or gained or missing):
                continue
            former = {tag for path in lost for tag in photo_tags(PurePath(path))} - tags.keys()
            changes.append(ImageChange(image, gained, lost, tuple(tags), tuple(former)))
            if lost or gained:
                report.moved.append((lost, gained))
        await self._client.change_images(self._collection, changes)


def _hash(file: Path) -> ImageId:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
