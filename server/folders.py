"""Folders of this machine that may be imported: found, walked and read without ever following a link.

A path is checked against the roots once its links are resolved. From a root on, each part of it is opened by itself and
refused where it is a link, so what is swapped in meanwhile leads nowhere.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePath

from retrievers.ledger import Item, ItemState
from thresher.errors import InvalidImage, InvalidInput, PermissionDenied
from thresher.photos import HEAD_BYTES, has_image_suffix, is_image_head

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_DEPTH = 100
_TRIES = 3
"""A file that changes while it is read is read so often."""


class Folders:
    """The folders below `roots` (absolute)."""

    def __init__(self, roots: Sequence[Path]) -> None:
        self._roots = roots

    def check(self, folder: str) -> Path:
        """The folder without links in its path. PermissionDenied outside the roots; InvalidInput where it is none."""
        if not self._roots:
            raise PermissionDenied(
                "This server imports no folders of its own machine.",
                "Start it with --import-root FOLDER (THRESHER_IMPORT_ROOTS), or upload: `thresher import` without"
                " --on-server.",
            )
        path = Path(folder)
        if not path.is_absolute() or "\0" in folder:
            raise InvalidInput(f'"{folder[:80]}" is not an absolute path.', "Name it from / on.", "folder")
        try:
            path = path.resolve()
        except (OSError, RuntimeError) as error:
            raise self._outside(folder) from error
        with self._open(path):  # refuses what is outside
            return path

    @contextmanager
    def _open(self, folder: Path) -> Iterator[int]:
        """A descriptor of a folder as `check` gave it. PermissionDenied; InvalidInput where it is gone."""
        root = next((root for each in self._roots if folder.is_relative_to(root := each.resolve())), None)
        if root is None:
            raise self._outside(str(folder))
        try:
            descriptor = os.open(root, _FOLDER)
            try:
                for part in folder.relative_to(root).parts:
                    descriptor = _step(descriptor, part, _FOLDER)
            except OSError:
                os.close(descriptor)
                raise
        except OSError as error:
            raise InvalidInput(
                f"{folder} is no folder that the server can read: {error.strerror}.", "Name another.", "folder"
            ) from error
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def _outside(self, folder: str) -> PermissionDenied:
        roots = ", ".join(map(str, self._roots))
        return PermissionDenied(f"{folder[:200]} is outside the server's import roots.", f"They are: {roots}.")

    def walk(self, folder: Path) -> Iterator[Item]:
        """Every file below: pending where it may be a photograph, else skipped with a reason. In order."""
        with self._open(folder) as top:
            yield from _walk(top, b"")

    def read(self, folder: Path, path: bytes, most: int) -> bytes:
        """A file of the folder, whole and as it was at one moment. InvalidImage says why not."""
        with self._open(folder) as top:
            for _ in range(_TRIES):
                try:
                    content = _read(top, path, most)
                except OSError as error:
                    raise InvalidImage(_why_unreadable(error), "Mend that, then retry what failed.") from error
                if content is not None:
                    return content
        raise InvalidImage("It changed while it was read.", "Retry once it is complete.")


def _step(descriptor: int, part: str | bytes, flags: int) -> int:
    """Open an entry of a folder, and close the folder; where that fails the folder stays open."""
    inner = os.open(part, flags, dir_fd=descriptor)
    os.close(descriptor)
    return inner


def _walk(folder: int, below: bytes) -> Iterator[Item]:
    for name in sorted(os.listdir(folder)):
        raw = os.fsencode(name)
        path = below + raw
        try:
            mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
            if name.startswith("."):
                yield _skipped(path, "hidden")
            elif stat.S_ISLNK(mode):
                yield _skipped(path, "a link")
            elif stat.S_ISDIR(mode) and below.count(b"/") >= _DEPTH:
                yield _skipped(path, "too deep")
            elif stat.S_ISDIR(mode):
                inner = os.open(name, _FOLDER, dir_fd=folder)
                try:
                    yield from _walk(inner, path + b"/")
                finally:
                    os.close(inner)
            elif not stat.S_ISREG(mode):
                yield _skipped(path, "not a file")
            elif has_image_suffix(name) or _has_image_head(folder, name):
                yield Item(path, ItemState.PENDING)
            else:
                yield _skipped(path, "not a photograph")
        except FileNotFoundError:  # since it was listed
            continue
        except OSError as error:
            yield _skipped(path, "a link" if error.errno == errno.ELOOP else "not readable")


def _skipped(path: bytes, reason: str) -> Item:
    return Item(path, ItemState.SKIPPED, reason)


def _has_image_head(folder: int, name: str) -> bool:
    file = os.open(name, _FILE, dir_fd=folder)
    try:
        return is_image_head(os.read(file, HEAD_BYTES))
    finally:
        os.close(file)


def _read(top: int, path: bytes, most: int) -> bytes | None:
    """None where the file changed meanwhile."""
    *folders, name = PurePath(os.fsdecode(path)).parts
    descriptor = os.dup(top)
    try:
        for part in folders:
            descriptor = _step(descriptor, part, _FOLDER)
        descriptor = _step(descriptor, name, _FILE)
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode):
            raise InvalidImage("It is no file any more.", "Leave it out.")
        if before.st_size > most:
            raise InvalidImage(
                f"The file has {before.st_size:,} bytes; {most:,} are allowed.",
                "Make it smaller, or raise THRESHER_LIMITS__MAX_IMAGE_BYTES at the server.",
            )
        with os.fdopen(descriptor, "rb", closefd=False) as stream:
            content = stream.read(most + 1)
        after = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    same = (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns) and len(content) == after.st_size
    return content if same else None


def _why_unreadable(error: OSError) -> str:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return "It is not there any more."
    if error.errno == errno.ELOOP:
        return "It became a link; links are not followed."
    return f"It cannot be read: {error.strerror}."
