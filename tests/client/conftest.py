from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.server.fake_process import Process
from thresher.client import Client


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server around fakes, in a process of its own."""
    server = Process(tmp_path_factory.mktemp("data"), ask=0.0, roots=[tmp_path_factory.getbasetemp()])
    yield server.address
    server.kill()


@pytest.fixture
async def client(address: str) -> AsyncIterator[Client]:
    async with Client(address, timeout=20) as client:
        yield client


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder: three photographs (one of them twice), a hidden one, a text, a link that leads out."""
    from tests.server.fakes import picture

    folder = tmp_path / "photos"
    (folder / "2020" / "beach").mkdir(parents=True)
    (folder / ".thumbs").mkdir()
    (folder / "a.png").write_bytes(picture("red", 1))
    (folder / "2020" / "b.png").write_bytes(picture("blue", 2))
    (folder / "2020" / "beach" / "no-suffix").write_bytes(picture("green", 3))
    (folder / "2020" / "beach" / "copy.png").write_bytes(picture("red", 1))
    (folder / ".thumbs" / "t.png").write_bytes(picture("red", 9))
    (folder / ".hidden.png").write_bytes(picture("red", 8))
    (folder / "notes.txt").write_text("notes")
    outside = tmp_path / "outside.png"
    outside.write_bytes(picture("blue", 7))
    (folder / "link.png").symlink_to(outside)
    (folder / "inner.png").symlink_to(folder / "a.png")
    (folder / "away").symlink_to(tmp_path)
    return folder
