"""A server process around fakes.

`python -m tests.server.fake_process DATA PORT SHUTDOWN_SECONDS ASK_SECONDS [IMPORT_ROOT...]`
"""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from retrievers.data_dir import open_data_dir
from retrievers.exemplars import ExemplarStore
from retrievers.images import ImageLimits, read_image
from retrievers.lance_store import LanceStore
from retrievers.ledger import Ledger
from server.lifecycle import Say, run
from server.logs import configure_logs
from server.parts import GeneratorState, Parts
from server.settings import LimitSettings, Settings
from tests.server.fakes import FakeAsk, FakeEncoder, FakeGrounder
from thresher.errors import ThresherError
from thresher.records import ModelInfo


@asynccontextmanager
async def open_parts(settings: Settings, say: Say) -> AsyncIterator[Parts]:
    say("Loading")
    ask = FakeAsk()
    with open_data_dir(settings.data_dir) as data:
        store = LanceStore(data.path)
        ledger = Ledger(data.path)
        exemplars = ExemplarStore(data.path)
        release = asyncio.create_task(_release(ask))
        yield Parts(
            encoder=FakeEncoder(),
            grounder=FakeGrounder(),
            grounder_model=ModelInfo("fake"),
            store=store,
            ledger=ledger,
            exemplars=exemplars,
            schema_version=1,
            read_image=partial(read_image, limits=ImageLimits()),
            ask=ask,
            generator=lambda: GeneratorState(ModelInfo("fake")),
        )
        release.cancel()
        await store.close()
        await ledger.close()
        await exemplars.close()


async def _release(ask: FakeAsk) -> None:
    """The first ask takes its time."""
    await ask.started.wait()
    await asyncio.sleep(float(sys.argv[4]))
    ask.hold.set()


class Process:
    """Such a process, from its start to the line that it is ready."""

    def __init__(
        self, data: Path, port: int = 0, shutdown: float = 10.0, ask: float = 2.0, roots: Sequence[Path] = ()
    ) -> None:
        # A pipe that nobody reads would stop the server.
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.server.fake_process", *map(str, (data, port, shutdown, ask, *roots))],
            cwd=Path(__file__).resolve().parents[2],
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        assert self.process.stdout is not None
        self.lines: list[str] = []
        for line in self.process.stdout:
            self.lines.append(line.strip())
            if line.startswith("Ready at "):
                self.address = line.removeprefix("Ready at ").strip()
                break

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(20)

    def logged(self) -> str:
        """What it wrote to standard error."""
        self._log.seek(0)
        return self._log.read()

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


def main() -> None:
    settings = Settings(
        profile="fake",
        data_dir=Path(sys.argv[1]),
        port=int(sys.argv[2]),
        import_roots=tuple(map(Path, sys.argv[5:])),
        log_format="json",
        limits=LimitSettings(shutdown_seconds=float(sys.argv[3])),
    )
    configure_logs(settings)
    try:
        asyncio.run(run(settings, open_parts, lambda line: print(line, flush=True)))
    except ThresherError as error:
        print(f"{error.code}: {error}", flush=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
