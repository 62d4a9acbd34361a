"""A server of our own for a run: started as a child process, watched while it starts, ended with the run."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from thresher.errors import DeadlineExceeded, ThresherError, Unavailable

REPOSITORY = Path(__file__).resolve().parent.parent
START_SECONDS = 300.0
STOP_SECONDS = 20.0
_POLL_SECONDS = 0.25
_TAIL_LINES = 15
_READY = re.compile(r"^Ready at (\S+)\s*$", re.MULTILINE)

Progress = Callable[[float, str], None]
"""Told while the server starts: seconds so far, and the last line of its log."""


@dataclass(frozen=True, slots=True)
class LocalServer:
    """A server that answers. `seconds` is what its start took."""

    address: str
    log: Path
    seconds: float
    process: asyncio.subprocess.Process


@contextlib.asynccontextmanager
async def local_server(
    data: Path,
    *,
    log: Path,
    profile: str = "offline",
    settings: Mapping[str, str] | None = None,
    progress: Progress | None = None,
    start_seconds: float = START_SECONDS,
) -> AsyncIterator[LocalServer]:
    """Run `thresher serve` on a free port of this machine for the length of the block; `log` takes its output.

    `settings` are environment variables of the server; one that is set already is not changed.
    It is ended by SIGTERM when the block is left, however that happens, and killed where it does not end in 20 s.
    Raises `Unavailable` with the end of the log where it does not start, or is gone when the block fails for want of
    it; `DeadlineExceeded` where it does not answer within `start_seconds`.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *_command(data, profile), cwd=REPOSITORY, env=_environment(settings), stdout=output, stderr=output
        )
    with _sigterm_as_interrupt():
        try:
            address = await _ready(process, log, started, start_seconds, progress)
            try:
                yield LocalServer(address, log, time.monotonic() - started, process)
            except Unavailable as error:
                if await _ends(process, 1.0):
                    raise _gone(process, log) from error
                raise
        finally:
            await _stop(process)


def tail(log: Path, lines: int = _TAIL_LINES) -> str:
    """The last lines of a log file that are not empty; empty where there is no file."""
    return "\n".join([line for line in _text(log).splitlines() if line.strip()][-lines:])


def _text(log: Path) -> str:
    try:
        return log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


@contextlib.contextmanager
def _sigterm_as_interrupt() -> Iterator[None]:
    """SIGTERM does what Ctrl-C does, so that a run that is ended does not leave its server behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    interrupt = signal.getsignal(signal.SIGINT)
    if not callable(interrupt):  # ignored, as in the background of a shell
        interrupt = signal.default_int_handler
    former = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former)


def _command(data: Path, profile: str) -> tuple[str, ...]:
    serve = ("serve", "--profile", profile, "--data", str(data.resolve()), "--port", "0")
    return (sys.executable, "-m", "thresher", *serve)


def _environment(settings: Mapping[str, str] | None) -> dict[str, str]:
    return {**(settings or {}), **os.environ}


async def _ready(
    process: asyncio.subprocess.Process, log: Path, started: float, start_seconds: float, progress: Progress | None
) -> str:
    """Wait for the line that names the server's address, and return that."""
    while True:
        if process.returncode is not None:
            raise _gone(process, log)
        found = _READY.search(_text(log))
        if found:
            return found[1]
        waited = time.monotonic() - started
        if waited > start_seconds:
            raise DeadlineExceeded(
                f"The server did not start within {start_seconds:.0f} s. The end of its log:\n{tail(log)}\n",
                f"The whole log: {log}",
            )
        if progress is not None:
            progress(waited, tail(log, 1))
        await asyncio.sleep(_POLL_SECONDS)


def _gone(process: asyncio.subprocess.Process, log: Path) -> ThresherError:
    return Unavailable(
        f"The server ended with status {process.returncode}. The end of its log:\n{tail(log)}\n",
        f"The whole log: {log}",
    )


async def _ends(process: asyncio.subprocess.Process, seconds: float) -> bool:
    """Whether it has ended, or does within so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            await process.wait()
    except TimeoutError:
        return False
    return True


async def _stop(process: asyncio.subprocess.Process) -> None:
    """End the child and wait for it."""
    if process.returncode is not None:
        return
    try:
        process.terminate()
        await _ends(process, STOP_SECONDS)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
