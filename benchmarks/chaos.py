"""Kill a server again and again while it imports, and see that nothing acknowledged is lost, doubled or damaged.

    python -m benchmarks.chaos [--kills 50] [--photos 24] [--seed 0]

`make chaos` runs it. Each round a real server (offline profile, no language model) starts on the same data directory,
goes on with the folder imports it had not ended, gets one more folder and the uploads that were not acknowledged, and
is killed by SIGKILL at a random moment: after so many seconds, or after so many acknowledgements. The last round ends
by itself. Exit code 1 where anything is not as it was promised.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import io
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from rich.table import Table

from evaluation.server import LocalServer, local_server
from thresher import render
from thresher.client import Client
from thresher.errors import AlreadyExists, ThresherError, Unavailable
from thresher.records import Outcome, UploadItem
from thresher.types import ImageId, Query

COLLECTION = "chaos"
LEDGER = "imports.sqlite"
SECONDS = 2.0
PATIENCE = 60.0
"""A kill comes up to 2 s after the server is ready, or after some uploads were acknowledged (60 s at most)."""
WAIT_SECONDS = 600.0


def photograph(seed: int) -> bytes:
    """Noise, long and narrow: the encoder's cost is its area at a fixed length."""
    pixels = np.random.default_rng(seed).integers(0, 255, (16, 320, 3), np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG")
    return stream.getvalue()


@dataclass
class Chaos:
    """What was promised so far: `uploads` and `folders` by path, ids acknowledged, and what was found amiss."""

    base: Path
    photos: int
    random: random.Random
    contents: dict[ImageId, bytes] = field(default_factory=dict)
    uploads: dict[str, ImageId] = field(default_factory=dict)
    files: dict[str, dict[str, ImageId]] = field(default_factory=dict)
    acknowledged: set[ImageId] = field(default_factory=set)
    kills: int = 0
    while_importing: int = 0
    while_uploading: int = 0
    resumed: int = 0
    violations: list[str] = field(default_factory=list)

    @property
    def data(self) -> Path:
        return self.base / "data"

    def expect(self, truth: bool, what: str) -> None:
        if not truth:
            self.violations.append(f"after {self.kills} kills: {what}")

    def add_round(self) -> None:
        """Photographs to upload, and a folder of as many others."""
        name = f"folder-{len(self.files)}"
        folder = self.base / "root" / name
        folder.mkdir(parents=True)
        self.files[name] = {}
        for number in range(self.photos):
            for goal, path in ((self.uploads, f"up-{len(self.uploads)}.jpg"), (self.files[name], f"{number}.jpg")):
                content = photograph(len(self.contents))
                image = hashlib.sha256(content).hexdigest()
                self.contents[image] = content
                goal[path] = image
                if goal is self.files[name]:
                    (folder / path).write_bytes(content)

    # --- one life of a server ---

    async def live(self, last: bool) -> None:
        settings = {"THRESHER_GENERATION": "none", "THRESHER_IMPORT_ROOTS": str(self.base / "root")}
        async with (
            local_server(self.data, log=self.base / "log", settings=settings) as server,
            Client(server.address) as client,
        ):
            await self._check_promises(client)
            if not last:
                await asyncio.to_thread(self.add_round)
            work = asyncio.gather(self._import(client, last), self._upload(client, last), return_exceptions=True)
            if not last:
                await self._kill(server)
            for failure in await work:
                self.expect(failure is None, f"a client failed: {failure}")
            if last:
                await self._check_all(client)

    async def _kill(self, server: LocalServer) -> None:
        began = time.monotonic()
        if self.random.random() < 0.7:
            enough = len(self.acknowledged) + self.random.randint(1, self.photos)
            while len(self.acknowledged) < enough and time.monotonic() < began + PATIENCE:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
        await asyncio.sleep(self.random.uniform(0, SECONDS))
        self.while_uploading += not self.acknowledged.issuperset(self.uploads.values())
        server.process.kill()
        await server.process.wait()
        self.kills += 1
        self.while_importing += bool(self._rows("SELECT 1 FROM operations WHERE ended_at IS NULL LIMIT 1"))

    async def _import(self, client: Client, last: bool) -> None:
        """Ask for the folders that the server does not know yet, and wait for all imports."""
        try:
            known = {Path(each.folder).name for each in await client.list_operations(10_000)}
            for name in self.files.keys() - known:
                await client.import_folder(COLLECTION, str(self.base / "root" / name))
            async with asyncio.timeout(WAIT_SECONDS):
                for each in await client.list_operations(10_000):
                    while not (await client.get_operation(each.id, wait=10.0)).ended:
                        pass
        except Unavailable:
            if last:
                raise

    async def _upload(self, client: Client, last: bool) -> None:
        """What is not acknowledged, as a client does it that starts again."""
        left = {path: image for path, image in self.uploads.items() if image not in self.acknowledged}

        async def items() -> AsyncIterator[UploadItem]:
            for path, image in left.items():
                yield UploadItem(path, self.contents[image])

        try:
            async for result in client.upload(COLLECTION, items()):
                self.expect(result.outcome is not Outcome.FAILED, f"{result.path} was refused: {result.error}")
                self.acknowledged.add(result.sha256)
        except Unavailable:
            if last:
                raise

    # --- what must hold ---

    def _rows(self, sql: str) -> list[Any]:
        if not (self.data / LEDGER).exists():
            return []
        with closing(sqlite3.connect(f"file:{self.data / LEDGER}?mode=ro", uri=True)) as connection:
            return connection.execute(sql).fetchall()

    async def _check_promises(self, client: Client) -> None:
        """After a start: every upload that was acknowledged, and every file that the ledger calls done, is stored."""
        with suppress(AlreadyExists):
            await client.create_collection(COLLECTION)
        done = {
            self.files[Path(folder.decode()).name][path.decode()]
            for folder, path in self._rows(
                "SELECT o.folder, i.path FROM items i JOIN operations o ON o.id = i.operation WHERE i.state = 'done'"
            )
        }
        self.resumed += len(self._rows("SELECT 1 FROM operations WHERE ended_at IS NULL"))
        for what, ids in (("acknowledged uploads", self.acknowledged), ("files done by the ledger", done)):
            lost = await client.missing(COLLECTION, sorted(ids))
            self.expect(not lost, f"{len(lost)} {what} are lost")
        stored = [record.id async for record in client.images(COLLECTION)]
        self.expect(len(stored) == len(set(stored)), "a photograph is there twice")

    async def _check_all(self, client: Client) -> None:
        """At the end: all are there once, whole, at their one path, and the ledger says the same."""
        expected = {image: path for path, image in self.uploads.items()}
        expected |= {image: path for files in self.files.values() for path, image in files.items()}
        records = [record async for record in client.images(COLLECTION)]
        self.expect(sorted(record.id for record in records) == sorted(expected), "not each photograph is there once")
        for record in records:
            self.expect(record.paths == (expected.get(record.id),), f"{record.path} has the paths {record.paths}")
            self.expect((record.width, record.height) == (320, 16), f"{record.path} is {record.width}x{record.height}")
            same = await client.download(COLLECTION, record.id) == self.contents.get(record.id)
            self.expect(same, f"{record.path} has other bytes")
        content = photograph(1 << 40)
        hits = (await client.search(COLLECTION, Query(content=content), limit=min(1000, len(expected)))).hits
        self.expect(len({hit.record.id for hit in hits}) == min(1000, len(expected)), "a photograph has no vector")
        self.expect(self._rows("PRAGMA integrity_check") == [("ok",)], "the ledger is damaged")
        states = dict(self._rows("SELECT state, count(*) FROM operations GROUP BY state"))
        self.expect(states == {"done": len(self.files)}, f"imports by state: {states}")
        items = dict(self._rows("SELECT state, count(*) FROM items GROUP BY state"))
        self.expect(items == {"done": self.photos * len(self.files)}, f"files by state: {items}")

    def table(self, seconds: float) -> Table:
        table = Table("Chaos", "", show_header=False)
        for name, value in (
            ("SIGKILLs", self.kills),
            ("  while an upload was not acknowledged whole", self.while_uploading),
            ("  while a folder import had not ended", self.while_importing),
            ("imports resumed by a start", self.resumed),
            ("photographs uploaded", len(self.uploads)),
            ("photographs in imported folders", self.photos * len(self.files)),
            ("violations", len(self.violations)),
            ("seconds", round(seconds)),
        ):
            table.add_row(name, f"{value:,}")
        return table


async def chaos(base: Path, kills: int, photos: int, seed: int) -> Chaos:
    """So many rounds below `base` (absolute, without links); see `violations`."""
    run = Chaos(base, photos, random.Random(seed))
    for number in range(kills + 1):
        await run.live(last=number == kills)
        if number < kills:
            render.err.print(f"kill {run.kills}: {len(run.acknowledged):,} uploads acknowledged", highlight=False)
    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--photos", type=int, default=24, help="uploaded, and imported as a folder, each round")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="thresher-chaos-") as name:
        try:
            run = asyncio.run(chaos(Path(name).resolve(), arguments.kills, arguments.photos, arguments.seed))
        except ThresherError as error:
            sys.exit(str(error))
    render.out.print(run.table(time.monotonic() - started))
    for violation in run.violations:
        render.err.print(f"[red]{violation}[/]", soft_wrap=True)
    sys.exit(1 if run.violations else 0)


if __name__ == "__main__":
    main()
