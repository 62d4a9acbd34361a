"""Photographs of folders into a collection: found, hashed, and only those uploaded that the server does not hold.

Stopped and started again it goes on, because what is stored is known by its hash.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import unicodedata
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path

from thresher.client import Client
from thresher.errors import InvalidInput, NotFound
from thresher.records import Outcome, UploadItem, UploadResult
from thresher.types import ImageId
from thresher.uploading import MAX_PATH, MAX_TAG

SUFFIXES = frozenset(
    (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".webp", ".bmp", ".tif", ".tiff", ".heic", ".heif", ".avif")
)
_MAGIC = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"II*\x00", b"MM\x00*")
_BRANDS = (b"heic", b"heix", b"mif1", b"msf1", b"hevc", b"avif")
WINDOW = 256
"""Photographs that are hashed and asked about at a time."""


@dataclass(frozen=True, slots=True)
class Photo:
    """A file to import: where it is, and the name and tags it gets."""

    file: Path
    name: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """`skipped` files do not look like images."""

    photos: tuple[Photo, ...]
    skipped: int


@dataclass(slots=True)
class ImportReport:
    """`existed`: were there already, and now have this path and these tags. `failed`: name and reason."""

    created: int = 0
    existed: int = 0
    skipped: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)

    @property
    def done(self) -> int:
        return self.created + self.existed + len(self.failed)


def find_photos(sources: Sequence[Path], tags: Sequence[str] = ()) -> Found:
    """Files of the folders and the files named, by name. Folder names below a source become tags.

    Hidden files and folders are left out, and links that lead out of their source. InvalidInput where a source is not
    there, or holds nothing that looks like an image.
    """
    photos: list[Photo] = []
    skipped = 0
    for source in sources:
        if not source.exists():
            raise InvalidInput(f"{source} does not exist.", "Name a folder or a photograph.")
        root = source if source.is_dir() else source.parent
        for file in _walk(source) if source.is_dir() else [source]:
            if not _looks_like_image(file):
                skipped += 1
                continue
            relative = file.relative_to(root)
            folders = tuple(_text(part)[:MAX_TAG] for part in relative.parts[:-1])
            photos.append(Photo(file, _text(relative.as_posix())[-MAX_PATH:], tuple(dict.fromkeys((*folders, *tags)))))
    if not photos:
        where = ", ".join(map(str, sources))
        raise InvalidInput(
            f"There are no photographs in {where}.",
            f"Looked for: {' '.join(sorted(SUFFIXES))}; skipped {skipped} files.",
        )
    return Found(tuple(photos), skipped)


def _walk(root: Path) -> Iterator[Path]:
    inside = root.resolve()
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            file = Path(folder, name)
            if name.startswith(".") or (file.is_symlink() and not file.resolve().is_relative_to(inside)):
                continue
            if file.is_file():
                yield file


def _looks_like_image(file: Path) -> bool:
    if file.suffix.lower() in SUFFIXES:
        return True
    try:
        with file.open("rb") as stream:
            head = stream.read(16)
    except OSError:
        return False
    if head[4:8] == b"ftyp":
        return head[8:12] in _BRANDS
    return head.startswith(_MAGIC) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")


def _text(name: str) -> str:
    """A file name as text: bytes that are none, and control characters, become U+FFFD."""
    decoded = os.fsencode(name).decode("utf-8", "replace")
    return "".join("\ufffd" if unicodedata.category(each) == "Cc" else each for each in decoded)


async def import_photos(
    client: Client, collection: str, found: Found, on_done: Callable[[ImportReport], None] | None = None
) -> ImportReport:
    """Upload what is missing, making the collection if there is none. `on_done` hears of each photograph.

    One failed photograph does not stop the others. What raises (`Unavailable`, `StorageFull` ...) leaves what was
    done so far in place.
    """
    try:
        await client.get_collection(collection)
    except NotFound:
        await client.create_collection(collection)
    most = (await client.server_info()).limits.max_image_bytes
    report = ImportReport(skipped=found.skipped)
    reasons: dict[ImageId, str] = {}

    def tell() -> None:
        if on_done is not None:
            on_done(report)

    def fail(name: str, reason: str) -> None:
        report.failed.append((name, reason))
        tell()

    async def items() -> AsyncIterator[UploadItem]:
        for start in range(0, len(found.photos), WINDOW):
            window = []
            for photo in found.photos[start : start + WINDOW]:
                try:
                    size = photo.file.stat().st_size
                    if size > most:
                        fail(photo.name, f"The file has {size:,} bytes; the server takes {most:,}.")
                        continue
                    window.append((photo, _hash(await asyncio.to_thread(photo.file.read_bytes))))
                except OSError as error:
                    fail(photo.name, f"It cannot be read: {error.strerror or error}.")
            missing = set(await client.missing(collection, list(dict.fromkeys(image for _, image in window))))
            for photo, image in window:
                if image not in missing:
                    yield UploadItem(photo.name, None, photo.tags, image)
                    continue
                missing.discard(image)  # the same photograph at a second path is not sent twice
                try:
                    content = await asyncio.to_thread(photo.file.read_bytes)
                except OSError as error:
                    fail(photo.name, f"It cannot be read: {error.strerror or error}.")
                    continue
                yield UploadItem(photo.name, content, photo.tags, _hash(content))

    def count(result: UploadResult) -> None:
        if result.outcome is Outcome.CREATED:
            report.created += 1
        elif result.outcome is Outcome.EXISTED:
            report.existed += 1
        else:
            reason = str(result.error or "The server refused it.")
            if isinstance(result.error, NotFound):  # the second path of a photograph that was refused
                reason = reasons.get(result.sha256, reason)
            reasons[result.sha256] = reason
            report.failed.append((result.path, reason))
        tell()

    async with aclosing(client.upload(collection, items())) as results:
        async for result in results:
            count(result)
    return report


def _hash(content: bytes) -> ImageId:
    return hashlib.sha256(content).hexdigest()
