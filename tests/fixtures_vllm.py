"""One vLLM for a whole test run: the offline profile's, at an address of its own (imported by tests/conftest.py)."""

from __future__ import annotations

import asyncio
import contextlib
import platform
import sys
import threading
import time
from collections.abc import Coroutine, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil
import pytest

from models.generators.vllm_server import VllmCommand, VllmGenerator, smollm2_command

START_SECONDS = 300.0


class LoopThread:
    """An event loop that outlives the tests' own, and the thread that a vLLM child is tied to."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Any], seconds: float) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(seconds)

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(timeout=10)
        self.loop.close()


def with_children(pid: int | None) -> list[psutil.Process]:
    if pid is None or not psutil.pid_exists(pid):
        return []
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def alive(processes: list[psutil.Process], seconds: float = 5.0) -> list[psutil.Process]:
    """Those that still run after at most `seconds`; a zombie is dead."""

    def running(process: psutil.Process) -> bool:
        with contextlib.suppress(psutil.NoSuchProcess):
            return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
        return False

    until = time.monotonic() + seconds
    while (left := [process for process in processes if running(process)]) and time.monotonic() < until:
        time.sleep(0.05)
    return left


def serving(command: VllmCommand, log: Path) -> Iterator[VllmGenerator]:
    """A ready one, for a fixture. Use its `base_url` and `spec`; its methods belong to another event loop."""
    server = VllmGenerator(command, log)
    thread = LoopThread()
    try:
        thread.run(server.start(), 10)
        thread.run(server.wait_ready(START_SECONDS), START_SECONDS + 10)
        yield server
    finally:
        processes = with_children(server.pid)
        thread.run(server.stop(), 30)
        thread.close()
    assert not alive(processes), "vLLM left processes behind"


@pytest.fixture(scope="session")
def vllm_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VllmGenerator]:
    """SmolLM2's."""
    if find_spec("vllm") is None and not (sys.platform == "linux" and platform.machine() == "x86_64"):
        pytest.skip("vLLM is not installed (extra offline or gpu)")
    yield from serving(smollm2_command(), tmp_path_factory.mktemp("vllm") / "vllm.log")
