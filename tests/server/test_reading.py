"""What is written in a photograph and about it, from its import to a search."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from PIL import ExifTags, Image

import server.wiring
from retrievers.memory_store import MemoryStore
from server.settings import OcrSettings
from tests.server.fakes import make_settings, picture, serving
from thresher.client import Client
from thresher.errors import InvalidSetting
from thresher.records import UploadItem
from thresher.types import Box, Pixels, Word


class FakeOcr:
    """Reads STOP on red, nothing elsewhere."""

    async def read(self, image: Pixels) -> Sequence[Word]:
        red, green, _ = image[-1, -1]
        return (Word("STOP", Box(1, 2, 9, 8), 0.875),) if red > green else ()


def described(text: str) -> bytes:
    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription] = text
    file = io.BytesIO()
    Image.new("RGB", (16, 12), "green").save(file, "JPEG", exif=exif)
    return file.getvalue()


async def test_words_and_captions_are_stored_and_found(tmp_path: Path) -> None:
    items = [
        UploadItem("sign.png", picture("red")),
        UploadItem("meadow.png", picture("green")),
        UploadItem("party.jpg", described("Grandmother's birthday")),
    ]

    async def stream() -> AsyncIterator[UploadItem]:
        for item in items:
            yield item

    async with serving(make_settings(tmp_path), MemoryStore(), FakeOcr()) as bench, Client(bench.address) as client:
        await client.create_collection("c")
        results = [result async for result in client.upload("c", stream())]
        assert not [result.error for result in results if result.error]
        found = await client.search("c", "stop")
        assert [hit.record.path for hit in found.hits] == ["sign.png"]
        assert found.hits[0].record.text == "STOP"
        quoted = await client.search("c", '"stop"')
        assert [region.box for region in quoted.hits[0].regions] == [Box(1, 2, 9, 8)]
        found = await client.search("c", "birthday")
        assert [(hit.record.path, hit.record.caption) for hit in found.hits] == [
            ("party.jpg", "Grandmother's birthday")
        ]
        assert (await client.search("c", "zyzzyva")).unknown_concept


def test_reading_can_be_switched_off() -> None:
    assert server.wiring._load_reader(OcrSettings(enabled=False)) is None


def test_a_reader_that_is_not_installed_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    import models.readers.rapid

    def missing(*_: object) -> None:
        raise ImportError("No module named 'rapidocr'")

    monkeypatch.setattr(models.readers.rapid, "_engine", missing)
    with pytest.raises(InvalidSetting) as error:
        server.wiring._load_reader(OcrSettings())
    assert "THRESHER_OCR__ENABLED" in error.value.hint
