"""Where errors of lancedb, Arrow, SQLite and the system become ours: the only place that knows their texts."""

from __future__ import annotations

import errno
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from thresher.errors import InternalError, StorageFull, ThresherError

_FULL = re.compile(r"no space left|disk quota exceeded|disk is full|os error (28|122)\b", re.IGNORECASE)
_CONFLICT = re.compile(r"commit conflict|preempted by concurrent", re.IGNORECASE)
_FULL_ERRNO = {errno.ENOSPC, errno.EDQUOT}
_SCARCE = 1 << 20


@contextmanager
def translated(doing: str, path: Path, size: int = 0) -> Iterator[None]:
    """Raise what happens inside as a ThresherError. `doing` completes "could not ..."; `size` bytes were to be written.

    Lance does not always say that the disk is full: a packed blob cut short reads "exceeds blob object size". So a
    failure with less space left than was to be written counts as full, too.
    """
    try:
        yield
    except ThresherError:
        raise
    except (OSError, RuntimeError, ValueError, pa.ArrowException, sqlite3.Error) as error:
        if _is_full(error) or (size and _free(path) < size + _SCARCE):
            raise StorageFull(
                f"The disk that holds {path} is full: could not {doing}.",
                "Free some space and try again; what was stored before is still there.",
            ) from error
        text = str(error).partition(", /")[0]  # Lance appends the Rust source line
        raise InternalError(f"Could not {doing}: {text}", f"The data is in {path}; see the server's log.") from error


def is_conflict(error: BaseException) -> bool:
    """Whether a commit to a table lost against another one, and may be tried again."""
    return _CONFLICT.search(str(error)) is not None


def _is_full(error: BaseException) -> bool:
    if isinstance(error, OSError) and error.errno in _FULL_ERRNO:
        return True
    return _FULL.search(str(error)) is not None


def _free(path: Path) -> int:
    try:
        return shutil.disk_usage(path).free
    except OSError:
        return 1 << 62
