from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from tests.server.fakes import picture, sha
from thresher.client import Client
from thresher.errors import InvalidInput, ThresherError
from thresher.syncing import Sync, SyncReport

RED, BLUE, GREEN = (sha(picture(color, number)) for color, number in (("red", 1), ("blue", 2), ("green", 3)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    (folder / "2020").mkdir(parents=True)
    (folder / "a.png").write_bytes(picture("red", 1))
    (folder / "2020" / "b.png").write_bytes(picture("blue", 2))
    return folder


def move(folder: Path, name: str) -> None:
    folder.rename(folder.with_name(name))


def make(folder: Path) -> None:
    folder.mkdir()


async def stored(client: Client, collection: str) -> dict[str, tuple[str, ...]]:
    return {record.id: record.paths async for record in client.images(collection)}


async def tags(client: Client, collection: str, image: str) -> set[str]:
    return set((await client.get_image(collection, image)).tags)


async def test_new_moved_and_gone(client: Client, folder: Path) -> None:
    mirror = Sync(client, "mirror", folder, ["t"])
    report = await mirror.run()
    assert (report.imported.created, report.moved, report.gone) == (2, [], [])
    assert await stored(client, "mirror") == {RED: ("a.png",), BLUE: ("2020/b.png",)}
    assert not (await mirror.run()).changed

    (folder / "2021").mkdir()
    (folder / "2020" / "b.png").rename(folder / "2021" / "c.png")
    (folder / "new.png").write_bytes(picture("green", 3))
    report = await mirror.run()
    assert (report.imported.created, report.moved) == (1, [(("2020/b.png",), ("2021/c.png",))])
    assert await stored(client, "mirror") == {RED: ("a.png",), BLUE: ("2021/c.png",), GREEN: ("new.png",)}
    assert await tags(client, "mirror", BLUE) == {"2021", "t"}

    (folder / "a.png").unlink()
    report = await Sync(client, "mirror", folder).run()
    assert ([record.id for record in report.gone], report.deleted) == ([RED], 0)
    assert RED in await stored(client, "mirror")
    report = await mirror.run(delete=True)
    assert ([record.paths for record in report.gone], report.deleted) == ([("a.png",)], 1)
    assert await stored(client, "mirror") == {BLUE: ("2021/c.png",), GREEN: ("new.png",)}
    assert not (await mirror.run(delete=True)).changed


async def test_copies_and_edits(client: Client, folder: Path) -> None:
    mirror = Sync(client, "copies", folder)
    (folder / "2020" / "copy.png").write_bytes(picture("red", 1))
    assert (await mirror.run()).imported.created == 2
    assert set((await stored(client, "copies"))[RED]) == {"a.png", "2020/copy.png"}
    (folder / "2020" / "copy.png").unlink()
    report = await mirror.run(delete=True)
    assert (report.moved, report.gone) == ([(("2020/copy.png",), ())], [])
    assert (await stored(client, "copies"))[RED] == ("a.png",)
    assert await tags(client, "copies", RED) == set()

    (folder / "a.png").write_bytes(picture("green", 3))
    report = await mirror.run()
    assert (report.imported.created, [record.id for record in report.gone]) == (1, [RED])
    report = await mirror.run(delete=True)
    assert report.deleted == 1
    assert await stored(client, "copies") == {GREEN: ("a.png",), BLUE: ("2020/b.png",)}


async def test_what_cannot_be_read_now_is_not_gone(client: Client, folder: Path) -> None:
    mirror = Sync(client, "held", folder)
    await mirror.run()
    (folder / "a.png").write_bytes(picture("red", 1)[:40])
    report = await mirror.run(delete=True)
    assert [name for name, _ in report.imported.failed] == ["a.png"]
    assert (report.gone, report.deleted) == ([], 0)
    assert RED in await stored(client, "held")
    again = await mirror.run(delete=True)
    assert again.imported.failed == []  # it is not sent again as it is


async def test_a_folder_that_is_not_there_deletes_nothing(client: Client, folder: Path) -> None:
    mirror = Sync(client, "unmounted", folder)
    await mirror.run()
    move(folder, "elsewhere")
    with pytest.raises(InvalidInput):
        await mirror.run(delete=True)
    make(folder)
    with pytest.raises(InvalidInput, match="no photographs"):
        await mirror.run(delete=True)
    assert len(await stored(client, "unmounted")) == 2
    with pytest.raises(InvalidInput, match="name of a collection"):
        Sync(client, "No Name", folder)


async def test_watching(client: Client, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("thresher.syncing.RETRY_SECONDS", 0.1)
    old = time.time() - 60
    for file in (folder / "a.png", folder / "2020" / "b.png"):
        os.utime(file, (old, old))

    async def one(rounds: AsyncGenerator[SyncReport | ThresherError, None], ready: Any) -> Any:
        async with asyncio.timeout(60):
            async for found in rounds:
                if ready(found):
                    return found
        raise AssertionError("the watching ended")

    def created(count: int) -> Any:
        return lambda found: isinstance(found, SyncReport) and found.imported.created == count

    async with aclosing(Sync(client, "watched", folder).watch()) as rounds:
        assert await one(rounds, created(2))
        (folder / "new.png").write_bytes(picture("green", 3)[:50])
        waiting = await one(rounds, lambda found: isinstance(found, SyncReport) and found.waiting)
        assert waiting.imported.failed == []
        (folder / "new.png").write_bytes(picture("green", 3))
        assert await one(rounds, created(1))
        (folder / "new.png").rename(folder / "2020" / "moved.png")
        moved = await one(rounds, lambda found: isinstance(found, SyncReport) and found.moved)
        assert moved.moved == [(("new.png",), ("2020/moved.png",))]
        move(folder, "away")
        assert await one(rounds, lambda found: isinstance(found, InvalidInput))
        move(folder.with_name("away"), folder.name)
        assert await one(rounds, lambda found: isinstance(found, SyncReport))
