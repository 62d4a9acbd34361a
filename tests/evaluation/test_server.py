"""Starting, watching and ending a server process; the process is a script that stands in for it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from evaluation import server
from evaluation.server import local_server, tail
from thresher.errors import DeadlineExceeded, NotFound, Unavailable

READY = "import sys, time; print('Loading', flush=True); print('Ready at 127.0.0.1:4321', flush=True); "


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Its one item is the Python code that is run in place of the server."""
    code = [READY + "time.sleep(60)"]
    monkeypatch.setattr(server, "_command", lambda *_: (sys.executable, "-c", code[0]))
    return code


async def test_ends_with_the_block(script: list[str], tmp_path: Path) -> None:
    del script
    async with local_server(tmp_path / "data", log=tmp_path / "logs" / "server.log") as running:
        assert running.address == "127.0.0.1:4321"
        assert running.process.returncode is None
    assert running.process.returncode == -signal.SIGTERM
    assert tail(tmp_path / "logs" / "server.log") == "Loading\nReady at 127.0.0.1:4321"


async def test_ends_with_an_error_in_the_block(script: list[str], tmp_path: Path) -> None:
    del script
    with pytest.raises(NotFound):
        async with local_server(tmp_path, log=tmp_path / "log") as running:
            raise NotFound("No such collection.")
    assert running.process.returncode == -signal.SIGTERM


async def test_one_that_does_not_end_is_killed(
    script: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "STOP_SECONDS", 0.2)
    script[0] = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + READY + "time.sleep(60)"
    async with local_server(tmp_path, log=tmp_path / "log") as running:
        pass
    assert running.process.returncode == -signal.SIGKILL


async def test_one_that_does_not_start_says_why(script: list[str], tmp_path: Path) -> None:
    script[0] = "import sys; print('The data directory is in use.'); sys.exit(1)"
    with pytest.raises(Unavailable, match=r"status 1.*\nThe data directory is in use\."):
        async with local_server(tmp_path, log=tmp_path / "log"):
            raise AssertionError("it never started")


async def test_one_that_takes_too_long_is_ended(script: list[str], tmp_path: Path) -> None:
    script[0] = "import time; print('Loading', flush=True); time.sleep(60)"
    heard: list[str] = []
    with pytest.raises(DeadlineExceeded, match="Loading"):
        async with local_server(
            tmp_path, log=tmp_path / "log", start_seconds=1.5, progress=lambda _, line: heard.append(line)
        ):
            raise AssertionError("it never started")
    assert heard[-1] == "Loading"


async def test_one_that_dies_during_the_run_is_told_from_one_that_refuses(script: list[str], tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="at the moment"):
        async with local_server(tmp_path, log=tmp_path / "log"):
            raise Unavailable("Not at the moment.")
    script[0] = READY + "print('out of memory'); sys.exit(3)"
    with pytest.raises(Unavailable, match=r"status 3.*\n.*\n.*\nout of memory"):
        async with local_server(tmp_path, log=tmp_path / "log"):
            await asyncio.sleep(0.5)
            raise Unavailable("No server answers.")


def test_sigterm_ends_the_server_too(script: list[str], tmp_path: Path) -> None:
    del script
    ended: list[int | None] = []

    async def run() -> None:
        async with local_server(tmp_path, log=tmp_path / "log") as running:
            try:
                os.kill(os.getpid(), signal.SIGTERM)
                await asyncio.sleep(30)
            finally:
                process = running.process
        ended.append(process.returncode)

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(run())
    assert "Ready" in tail(tmp_path / "log")
    assert ended == []


def test_settings_do_not_replace_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THRESHER_GENERATION", "vllm")
    made = server._environment({"THRESHER_GENERATION": "none", "THRESHER_PORT": "1"})
    assert (made["THRESHER_GENERATION"], made["THRESHER_PORT"]) == ("vllm", "1")
