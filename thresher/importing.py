"""Photographs of folders into a collection: found, hashed, and only those uploaded that the server does not hold.

Stopped and started again it goes on, because what is stored is known by its hash.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path

from thresher.client import Client
from thresher.errors import InvalidInput, NotFound
from thresher.photos import HEAD_BYTES, SUFFIXES, has_image_suffix, is_image_head, photo_name, photo_tags
from thresher.records import Outcome, UploadItem, UploadResult
from thresher.types import ImageId
from thresher.uploading import check_tags

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
    """`skipped` entries were left out; `why` says for which reasons ("2 not photographs, 1 link that leads out")."""

    photos: tuple[Photo, ...]
    skipped: int
    why: str = ""


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

    Hidden files and folders are left out; links to folders and out of their source, and what is no file, are skipped.
    InvalidInput where a source is not there or holds nothing that looks like an image, or a tag cannot be one.
    """
    check_tags(tags)
    photos: list[Photo] = []
    skipped: Counter[str] = Counter()
    for source in sources:
        if not source.exists():
            raise InvalidInput(f"{source} does not exist.", "Name a folder or a photograph.")
        root = source if source.is_dir() else source.parent
        for file in _walk(source, skipped) if source.is_dir() else [source]:
            reason = _why_not(file, root if file is not source else None)
            if reason:
                skipped[reason] += 1
                continue
            relative = file.relative_to(root)
            photos.append(Photo(file, photo_name(relative), photo_tags(relative, tags)))
    why = ", ".join(f"{count} {reason}" for reason, count in skipped.most_common() if count)
    if not photos:
        where = ", ".join(map(str, sources))
        looked = f"Looked for: {' '.join(sorted(SUFFIXES))}"
        raise InvalidInput(
            f"There are no photographs in {where}.", f"{looked}; skipped: {why}." if why else f"{looked}."
        )
    return Found(tuple(photos), skipped.total(), why)


def _walk(root: Path, skipped: Counter[str]) -> Iterator[Path]:
    """Everything below that is not hidden, but for folders: links to them are not followed."""

    def unreadable(_error: OSError) -> None:
        skipped["folders that cannot be read"] += 1

    for folder, folders, files in os.walk(root, onerror=unreadable):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        skipped["links to folders"] += sum(Path(folder, name).is_symlink() for name in folders)
        yield from (Path(folder, name) for name in sorted(files) if not name.startswith("."))


def _why_not(file: Path, root: Path | None) -> str:
    """Why a file is skipped; empty where it looks like an image. `root` None: a link may lead anywhere."""
    try:
        if root is not None and file.is_symlink() and file.exists() and not _is_inside(file, root):
            return "links that lead out of the folder"
        if not file.is_file():
            return "broken links" if file.is_symlink() else "neither files nor folders"
        return "" if has_image_suffix(file.name) or _looks_like_image(file) else "not photographs"
    except (OSError, RuntimeError):  # RuntimeError: a link to itself
        return "not readable"


def _looks_like_image(file: Path) -> bool:
    with file.open("rb") as stream:
        return is_image_head(stream.read(HEAD_BYTES))


def _is_inside(file: Path, root: Path) -> bool:
    return file.resolve().is_relative_to(root.resolve())


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
            report.failed.append((result.path, str(result.error or "The server refused it.")))
        tell()

    async with aclosing(client.upload(collection, items())) as results:
        async for result in results:
            count(result)
    return report


def _hash(content: bytes) -> ImageId:
    return hashlib.sha256(content).hexdigest()
