"""The real process: `thresher serve --profile offline` with LanceDB and the shipped encoder, and the CLI against it.

The language model is off here: tests/generators and the demo start it.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from thresher.client import Client
from thresher.errors import NotFound
from thresher.records import Reply, UploadItem

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 300


class RealServer:
    def __init__(self, data: Path) -> None:
        self.data = data
        self.log = data.with_suffix(".log")
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "thresher", "serve", "--profile", "offline", "--data", str(data), "--port", "0"],
                cwd=ROOT,
                env={**os.environ, "THRESHER_GENERATION": "none"},
                stdout=log,
                stderr=log,
            )
        try:
            self.address = self._wait()
        except BaseException:
            self.process.kill()
            raise

    def _wait(self) -> str:
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and self.process.poll() is None:
            for line in self.log.read_text().splitlines():
                if line.startswith("Ready at "):
                    return line.removeprefix("Ready at ").strip()
            time.sleep(0.2)
        raise AssertionError(self.log.read_text())

    def begin(self, *arguments: str | Path) -> subprocess.Popen[str]:
        """A `thresher` command against this server."""
        return subprocess.Popen(
            [sys.executable, "-m", "thresher", *map(str, arguments)],
            cwd=ROOT,
            env={**os.environ, "THRESHER_ADDRESS": self.address},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def cli(self, *arguments: str | Path) -> str:
        command = self.begin(*arguments)
        output, errors = command.communicate(timeout=120)
        assert command.returncode == 0, errors
        return output


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealServer]:
    server = RealServer(tmp_path_factory.mktemp("real") / "data")
    yield server
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(30) == 0


def drawing(seed: int, width: int = 96, height: int = 64) -> Image.Image:
    """Noise: nothing that anyone would call a dog."""
    return Image.fromarray(np.random.default_rng(seed).integers(0, 255, (height, width, 3), np.uint8))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What cameras and scanners write, beside what is no photograph."""
    folder = tmp_path / "photos"
    (folder / "odd").mkdir(parents=True)
    drawing(1).save(folder / "plain.jpg")
    drawing(2).convert("CMYK").save(folder / "odd" / "cmyk.jpg")
    drawing(3).save(folder / "odd" / "frames.gif", save_all=True, append_images=[drawing(4)])
    Image.fromarray(np.arange(64 * 96, dtype=np.uint16).reshape(64, 96) * 10).save(folder / "odd" / "deep.png")
    turned = drawing(5)
    exif = turned.getexif()
    exif[0x0112] = 6
    turned.save(folder / "odd" / "turned.jpg", exif=exif)
    drawing(6).save(folder / "odd" / "named-wrongly.png", "JPEG")
    drawing(7).save(folder / "odd" / "phone.heic")
    (folder / "text.jpg").write_text("no image")
    (folder / "cut.jpg").write_bytes((folder / "plain.jpg").read_bytes()[:900])
    Image.new("L", (10_000, 10_000)).save(folder / "vast.png")
    return folder


def test_the_cli_from_a_folder_to_an_answer(server: RealServer, folder: Path) -> None:
    report = json.loads(server.cli("import", "real", folder, "--tag", "t", "--json"))
    assert (report["created"], report["existed"]) == (7, 0)
    reasons = {failure["path"]: failure["reason"] for failure in report["failed"]}
    assert set(reasons) == {"text.jpg", "cut.jpg", "vast.png"}
    assert "megapixels" in reasons["vast.png"]
    again = json.loads(server.cli("import", "real", folder, "--json"))
    assert (again["created"], again["existed"]) == (0, 7)
    sizes = {
        each["paths"][0]: (each["width"], each["height"])
        for each in json.loads(server.cli("images", "list", "real", "--json"))
    }
    assert sizes["odd/turned.jpg"] == (64, 96)
    assert sizes["plain.jpg"] == (96, 64)
    answer = json.loads(server.cli("ask", "real", "How many photos show a giraffe?", "--json"))
    assert answer["verdict"]["kind"] == "count"
    assert answer["verdict"]["value"] == 0
    assert answer["verdict"]["images"] == []
    assert answer["degraded"]
    unknown = json.loads(server.cli("ask", "real", "How many photos show a flibbertigibbet?", "--json"))
    assert (unknown["abstained"], unknown["reason"], unknown["verdict"]["value"]) == (True, "unknown_concept", None)
    unread = json.loads(server.cli("ask", "real", "colourless green ideas sleep furiously", "--json"))
    assert unread["plan"] is None or unread["abstained"]
    found = json.loads(server.cli("search", "real", "--image", folder / "plain.jpg", "--limit", "1", "--json"))
    assert found["hits"][0]["image"] == "plain.jpg"
    status = json.loads(server.cli("status", "--json"))
    assert status["profile"] == "offline"
    assert len(status["encoder"]["weights"]) == 64


async def test_answers_come_while_an_upload_runs(server: RealServer) -> None:
    async with Client(server.address) as client:
        await client.create_collection("busy")
        done = asyncio.Event()

        async def items() -> AsyncIterator[UploadItem]:
            for seed in range(24):
                yield UploadItem(f"{seed}.png", _png(seed))

        async def upload() -> int:
            count = len([result async for result in client.upload("busy", items())])
            done.set()
            return count

        task = asyncio.create_task(upload())
        await asyncio.sleep(1.0)
        events = [event async for event in client.ask("busy", "Is there a photo of a dog?")]
        await client.search("busy", "a dog")
        assert isinstance(events[-1], Reply)
        assert not done.is_set(), "the upload was over before the answer"
        assert await task == 24


def test_a_second_server_is_refused(server: RealServer, tmp_path: Path) -> None:
    port = server.address.rsplit(":", 1)[1]
    for arguments, said in (
        (["--data", str(server.data), "--port", "0"], "in use by process"),
        (["--data", str(tmp_path), "--port", port], "--port"),
        (["--host", "0.0.0.0"], "this machine only"),
        (["--profile", "huge"], "huge"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "thresher", "serve", *arguments],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=100,
        )
        assert done.returncode == 1
        assert said in done.stderr.splitlines()[-1]
        assert "Traceback" not in done.stderr


async def test_sigkill_during_an_import_loses_nothing(tmp_path: Path) -> None:
    total = 48
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed in range(total):
        (folder / f"{seed}.png").write_bytes(_png(1000 + seed))
    server = RealServer(tmp_path / "data")
    importing = server.begin("import", "killed", folder)
    async with Client(server.address) as client:
        for _ in range(600):
            if await _count(client) >= 16:
                break
            await asyncio.sleep(0.1)
    server.process.kill()
    _, said = importing.communicate(timeout=30)
    assert importing.returncode == 1
    found = re.search(rf"(\d+) of {total} photographs are in.*Run the same command again", said.replace("\n", " "))
    assert found, said
    acknowledged = int(found[1])
    server.process.wait(30)
    again = RealServer(tmp_path / "data")
    try:
        async with Client(again.address) as client:
            stored = [record.id async for record in client.images("killed")]
            assert acknowledged <= len(stored) == len(set(stored)) < total
            for image in stored:
                assert hashlib.sha256(await client.download("killed", image)).hexdigest() == image
            report = json.loads(again.cli("import", "killed", folder, "--json"))
            assert (report["existed"], report["created"]) == (len(stored), total - len(stored))
            assert await _count(client) == total
    finally:
        again.process.send_signal(signal.SIGTERM)
        assert again.process.wait(30) == 0


async def _count(client: Client) -> int:
    try:
        return (await client.get_collection("killed")).image_count
    except NotFound:
        return 0


def _png(seed: int) -> bytes:
    stream = io.BytesIO()
    drawing(seed).save(stream, "PNG")
    return stream.getvalue()
