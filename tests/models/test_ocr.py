"""What every reader of text must do, on pictures whose words are drawn here."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from models.protocols import Ocr
from thresher.types import Box, Pixels, Word

pytest.importorskip("rapidocr", reason="pip install rapidocr")

WIDTH, HEIGHT = 640, 480
LEFT, TOP = 100, 120


@pytest.fixture(scope="module")
def reader() -> Ocr:
    from models.readers.rapid import RapidOcr

    return RapidOcr()


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Models come from the wheel: whoever connects fails the test."""

    def refuse(*_: object) -> None:
        raise AssertionError("a reader must not use the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    yield


def texture() -> Image.Image:
    """What photographs are made of where nothing is written: soft noise, an edge, a disc."""
    noise = np.random.default_rng(3).integers(60, 190, (HEIGHT // 8, WIDTH // 8, 3), np.uint8)
    image = Image.fromarray(noise).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 400, WIDTH, HEIGHT), fill=(70, 60, 50))
    draw.ellipse((480, 40, 560, 120), fill=(240, 220, 90))
    return image


def sign(text: str, size: int, angle: float = 0) -> Pixels:
    """White letters of `size` pixels on a red board, turned by `angle` degrees."""
    font = ImageFont.load_default(size)
    left, top, right, bottom = font.getbbox(text)
    board = Image.new("RGBA", (int(right - left) + size, int(bottom - top) + size), (180, 20, 30, 255))
    ImageDraw.Draw(board).text((size // 2 - left, size // 2 - top), text, font=font, fill="white")
    board = board.rotate(angle, expand=True)
    image = texture()
    image.paste(board, (LEFT, TOP), board)
    return np.asarray(image)


def read(reader: Ocr, image: Pixels) -> list[tuple[str, Box, float]]:
    async def words() -> Sequence[Word]:
        return await reader.read(image)

    return [(word.text, word.box, word.score) for word in asyncio.run(words())]


@pytest.mark.parametrize("size", [18, 32, 72])
@pytest.mark.parametrize("text", ["STOP", "No parking", "exit-only lane", "25 Main Street"])
def test_words_are_read_with_their_boxes(reader: Ocr, text: str, size: int) -> None:
    found = read(reader, sign(text, size))
    assert [word for word, _, _ in found] == text.split()
    lefts = [box.x0 for _, box, _ in found]
    assert lefts == sorted(lefts)
    for _, box, score in found:
        assert 0.5 < score <= 1
        assert LEFT - size <= box.x0 < box.x1 <= WIDTH
        assert TOP - size <= box.y0 < box.y1 <= TOP + 3 * size


def test_a_word_is_where_it_is_drawn(reader: Ocr) -> None:
    """Around all of its letters, with no more than the board about them."""
    [(_, box, _)] = read(reader, sign("STOP", 64))
    left, top, right, bottom = ImageFont.load_default(64).getbbox("STOP")
    letters = Box(LEFT + 32, TOP + 32, LEFT + 32 + right - left, TOP + 32 + bottom - top)
    board = Box(LEFT, TOP, letters.x1 + 32, letters.y1 + 32)
    assert box.intersection(letters) > 0.9 * letters.area
    assert box.intersection(board) > 0.8 * box.area


@pytest.mark.parametrize("angle", [-20, 15, 30, 90, 180])
def test_a_turned_sign_is_read(reader: Ocr, angle: float) -> None:
    assert [word for word, _, _ in read(reader, sign("BERLIN", 40, angle))] == ["BERLIN"]


def test_lines_come_from_top_to_bottom(reader: Ocr) -> None:
    image = Image.fromarray(sign("upper", 40))
    draw = ImageDraw.Draw(image)
    draw.rectangle((LEFT, 280, LEFT + 200, 360), fill="black")
    draw.text((LEFT + 20, 290), "lower", font=ImageFont.load_default(40), fill="white")
    assert [word for word, _, _ in read(reader, np.asarray(image))] == ["upper", "lower"]


def test_small_letters_of_a_large_photograph(reader: Ocr) -> None:
    image = Image.fromarray(sign("STOP", 48)).resize((4 * WIDTH, 4 * HEIGHT))
    [(word, box, _)] = read(reader, np.asarray(image))
    assert word == "STOP"
    assert box.x1 > WIDTH and box.x1 <= 4 * WIDTH


def test_where_nothing_is_written_nothing_is_read(reader: Ocr) -> None:
    assert read(reader, np.asarray(texture())) == []


@pytest.mark.parametrize("shape", [(1, 1), (1, 4000), (4000, 3), (17, 17), (HEIGHT, WIDTH)])
def test_pictures_of_nothing(reader: Ocr, shape: tuple[int, int]) -> None:
    assert read(reader, np.zeros((*shape, 3), np.uint8)) == []


async def test_the_loop_goes_on_while_it_reads(reader: Ocr) -> None:
    ticks = 0
    task = asyncio.ensure_future(reader.read(sign("STOP", 64)))
    while not task.done():
        ticks += 1
        await asyncio.sleep(0.001)
    assert ticks > 1
    assert [word.text for word in task.result()] == ["STOP"]


def test_an_engine_that_fails_reads_nothing(reader: Ocr, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(reader, "_engine", fail)
    assert read(reader, sign("STOP", 64)) == []
