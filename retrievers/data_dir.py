"""The data directory: one process owns it, and it says which version of Thresher's storage it holds."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from types import TracebackType

import platformdirs

from retrievers.failures import translated
from retrievers.schema import SCHEMA_VERSION, check_schema_version
from thresher.errors import DataDirInUse, InvalidSetting, SchemaMismatch

_LOCK = "lock"
_VERSION = "thresher.json"


def default_data_dir() -> Path:
    """Where the platform keeps a user's application data."""
    return Path(platformdirs.user_data_dir("thresher", appauthor=False))


class DataDir:
    """An owned data directory. Made by `open_data_dir`; `close`, or the end of the process, frees it."""

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self._lock = lock

    def close(self) -> None:
        """Give it up. Closing twice does nothing."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def __enter__(self) -> DataDir:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_data_dir(path: Path | None = None) -> DataDir:
    """Own a data directory (`default_data_dir()` where none is named), making it where there is none.

    DataDirInUse where another process owns it, SchemaMismatch where another version wrote it, InvalidSetting where it
    cannot be a directory of ours, StorageFull.
    """
    path = (path or default_data_dir()).expanduser().absolute()
    with translated("open the data directory", path):
        try:
            path.mkdir(parents=True, exist_ok=True)
            lock = os.open(path / _LOCK, os.O_RDWR | os.O_CREAT, 0o644)
        except (FileExistsError, NotADirectoryError, PermissionError) as error:
            raise InvalidSetting(
                f"{path} cannot be the data directory: {error.strerror}.", "Name a folder that you may write to."
            ) from error
        directory = DataDir(path, lock)
        try:
            _take(directory, lock)
            _check_version(path)
        except BaseException:
            directory.close()
            raise
        return directory


def _take(directory: DataDir, lock: int) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        owner = os.pread(lock, 32, 0).decode("ascii", "replace").strip() or "unknown"
        raise DataDirInUse(
            f"Data directory {directory.path} is in use by process {owner}.",
            "Stop that server, or give this one another directory.",
        ) from error
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)


def _check_version(path: Path) -> None:
    file = path / _VERSION
    try:
        version = int(json.loads(file.read_bytes())["schema_version"])
    except FileNotFoundError:
        scratch = file.with_suffix(".new")
        scratch.write_text(json.dumps({"schema_version": SCHEMA_VERSION}) + "\n")
        scratch.replace(file)
        return
    except (ValueError, KeyError, TypeError) as error:
        raise SchemaMismatch(f"{file} cannot be read.", "Restore it, or name another data directory.") from error
    check_schema_version(version, f"Data directory {path}")
