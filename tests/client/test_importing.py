from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.server.fakes import picture, sha
from thresher.client import Client
from thresher.errors import InvalidInput
from thresher.importing import ImportReport, find_photos, import_photos


def test_what_is_found(photos: Path) -> None:
    found = find_photos([photos], ["trip"])
    assert {photo.name: photo.tags for photo in found.photos} == {
        "a.png": ("trip",),
        "inner.png": ("trip",),
        "2020/b.png": ("2020", "trip"),
        "2020/beach/copy.png": ("2020", "beach", "trip"),
        "2020/beach/no-suffix": ("2020", "beach", "trip"),
    }
    assert found.skipped == 3
    assert all(part in found.why for part in ("not photographs", "lead out of", "links to folders"))
    [single] = find_photos([photos / "2020" / "b.png"]).photos
    assert (single.name, single.tags) == ("b.png", ())


def test_nothing_to_import(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidInput, match="no photographs"):
        find_photos([tmp_path / "empty"])
    with pytest.raises(InvalidInput, match="does not exist"):
        find_photos([tmp_path / "nowhere"])


def test_what_is_no_file_is_skipped_and_said(tmp_path: Path) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    os.mkfifo(folder / "pipe.jpg")
    (folder / "gone.jpg").symlink_to(folder / "nowhere")
    (folder / "loop.jpg").symlink_to(folder / "loop.jpg")
    with pytest.raises(InvalidInput) as caught:
        find_photos([folder])
    assert "1 neither files nor folders" in caught.value.hint
    assert "2 broken links" in caught.value.hint
    with pytest.raises(InvalidInput, match="no photographs"):
        find_photos([folder / "pipe.jpg"])


@pytest.mark.parametrize("tags", [[""], [" "], ["a\nb"], ["x" * 65], ["x"] * 65])
def test_tags_are_checked_once(photos: Path, tags: list[str]) -> None:
    with pytest.raises(InvalidInput, match="tag"):
        find_photos([photos], tags)


def test_names_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"caf\xe9\n.png")).write_bytes(picture())
    [photo] = find_photos([tmp_path]).photos
    assert photo.name == "caf\ufffd\ufffd.png"


async def stored(client: Client, collection: str) -> dict[str, set[str]]:
    return {record.id: set(record.paths) async for record in client.images(collection)}


async def test_import_and_import_again(client: Client, photos: Path) -> None:
    seen: list[int] = []
    report = await import_photos(client, "again", find_photos([photos]), lambda now: seen.append(now.done))
    assert report == ImportReport(created=3, existed=2, skipped=3)
    assert seen == [1, 2, 3, 4, 5]
    expected = {
        sha(picture("red", 1)): {"a.png", "inner.png", "2020/beach/copy.png"},
        sha(picture("blue", 2)): {"2020/b.png"},
        sha(picture("green", 3)): {"2020/beach/no-suffix"},
    }
    assert await stored(client, "again") == expected
    (photos / "new.png").write_bytes(picture("red", 4))
    (photos / "2020" / "b.png").rename(photos / "moved.png")
    report = await import_photos(client, "again", find_photos([photos], ["late"]))
    assert report == ImportReport(created=1, existed=5, skipped=3)
    assert (await stored(client, "again"))[sha(picture("blue", 2))] == {"2020/b.png", "moved.png"}
    assert "late" in (await client.get_image("again", sha(picture("blue", 2)))).tags


async def test_failures_have_reasons_and_do_not_stop_the_rest(client: Client, tmp_path: Path) -> None:
    (tmp_path / "good.png").write_bytes(picture("red", 1))
    (tmp_path / "text.jpg").write_text("no image")
    (tmp_path / "text-copy.jpg").write_text("no image")
    (tmp_path / "cut.png").write_bytes(picture("red", 2, (300, 300))[:60])
    (tmp_path / "zero.png").write_bytes(b"")
    (tmp_path / "huge.png").write_bytes(b"\x89PNG" + b"\0" * (21 * 1024 * 1024))
    (tmp_path / "locked.png").symlink_to(tmp_path / "gone.png")
    report = await import_photos(client, "failures", find_photos([tmp_path]))
    assert report.created == 1
    reasons = dict(report.failed)
    assert set(reasons) == {"text.jpg", "text-copy.jpg", "cut.png", "zero.png", "huge.png"}
    assert reasons["text.jpg"] == reasons["text-copy.jpg"]
    assert "22,020,100 bytes" in reasons["huge.png"]


async def test_a_file_that_vanishes_meanwhile(client: Client, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(picture("red", 1))
    (tmp_path / "b.png").write_bytes(picture("red", 2))
    found = find_photos([tmp_path])
    (tmp_path / "b.png").unlink()
    report = await import_photos(client, "vanishing", found)
    assert (report.created, [name for name, _ in report.failed]) == (1, ["b.png"])
