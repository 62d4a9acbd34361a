"""Every image here is made in the test, so that what must come out is known."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pillow_heif
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational

from retrievers.images import DecodedImage, ImageLimits, count_pixels, read_image
from thresher.errors import InvalidImage

WIDTH, HEIGHT = 48, 32
RED, GREEN, BLUE, WHITE = (220, 30, 30), (30, 200, 40), (40, 50, 210), (255, 255, 255)


def picture(mode: str = "RGB") -> Image.Image:
    """Red at the upper left, green at the upper right, blue below: every turn of it looks different."""
    image = Image.new("RGB", (WIDTH, HEIGHT), BLUE)
    image.paste(RED, (0, 0, WIDTH // 2, HEIGHT // 2))
    image.paste(GREEN, (WIDTH // 2, 0, WIDTH, HEIGHT // 2))
    return image.convert(mode)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def jpeg(**options: Any) -> bytes:
    return encoded(picture(), "JPEG", quality=95, subsampling=0, **options)


def assert_is_picture(image: DecodedImage, tolerance: int = 30) -> None:
    assert image.pixels.shape == (HEIGHT, WIDTH, 3)
    assert (image.height, image.width) == (HEIGHT, WIDTH)
    assert image.pixels.dtype == np.uint8
    for (x, y), color in {(8, 5): RED, (40, 5): GREEN, (8, 27): BLUE, (40, 27): BLUE}.items():
        np.testing.assert_allclose(image.pixels[y, x].astype(int), color, atol=tolerance)


def animated(kind: str) -> bytes:
    others = [Image.new("RGB", (WIDTH, HEIGHT), color) for color in ("black", "yellow")]
    return encoded(picture(), kind, save_all=True, append_images=others, duration=100)


def heic() -> bytes:
    file = io.BytesIO()
    pillow_heif.from_pillow(picture()).save(file, quality=95)
    return file.getvalue()


def multi_picture() -> bytes:
    return encoded(picture(), "MPO", save_all=True, append_images=[Image.new("RGB", (WIDTH, HEIGHT))], quality=95)


WORKING: dict[str, tuple[Callable[[], bytes], str]] = {
    "jpeg": (jpeg, "image/jpeg"),
    "progressive jpeg": (lambda: jpeg(progressive=True), "image/jpeg"),
    "cmyk jpeg": (lambda: encoded(picture("CMYK"), "JPEG", quality=95), "image/jpeg"),
    "jpeg of several pictures": (multi_picture, "image/jpeg"),
    "png": (lambda: encoded(picture(), "PNG"), "image/png"),
    "palette png": (lambda: encoded(picture().quantize(8), "PNG"), "image/png"),
    "gif": (lambda: encoded(picture().quantize(8), "GIF"), "image/gif"),
    "animated gif": (lambda: animated("GIF"), "image/gif"),
    "animated webp": (lambda: animated("WEBP"), "image/webp"),
    "animated png": (lambda: animated("PNG"), "image/png"),
    "webp": (lambda: encoded(picture(), "WEBP", lossless=True), "image/webp"),
    "tiff": (lambda: encoded(picture(), "TIFF"), "image/tiff"),
    "cmyk tiff": (lambda: encoded(picture("CMYK"), "TIFF"), "image/tiff"),
    "bmp": (lambda: encoded(picture(), "BMP"), "image/bmp"),
    "heic": (heic, "image/heif"),
    "avif": (lambda: encoded(picture(), "AVIF", quality=95), "image/avif"),
}


@pytest.mark.parametrize("name", WORKING)
def test_formats(name: str) -> None:
    make, mime_type = WORKING[name]
    image = read_image(make())
    assert_is_picture(image, tolerance=60 if name == "cmyk jpeg" else 30)
    assert image.mime_type == mime_type
    assert (image.taken_at, image.camera, image.latitude, image.longitude) == (None, "", None, None)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_an_image_stands_upright_whatever_the_camera_did(orientation: int, kind: str) -> None:
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,  # stored turned to the left, shown turned to the right
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = picture() if orientation == 1 else picture().transpose(undo[orientation])
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    assert_is_picture(read_image(encoded(stored, kind, exif=exif)))


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_turned_heic_is_turned_once(orientation: int) -> None:
    """As phones write it: turned by the container, and EXIF says so once more."""
    stored = picture() if orientation == 1 else picture().transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    assert_is_picture(read_image(encoded(stored, "HEIF", quality=95, exif=exif.tobytes())))


def ramp(top: float) -> np.ndarray:
    """Brightness from 0 to `top` in 256 steps."""
    return np.tile(np.linspace(0, top, 256), (4, 1))


def png16(values: np.ndarray, color: int) -> bytes:
    """A PNG of 16 bits a channel, written by hand: u16 (h, w) or (h, w, 3)."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    lines = b"".join(b"\0" + line.astype(">u2").tobytes() for line in values)
    header = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], 16, color, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


GREYS: dict[str, Callable[[], bytes]] = {
    "8 bits": lambda: encoded(Image.fromarray(ramp(255).round().astype(np.uint8)), "PNG"),
    "16 bits png": lambda: png16(ramp(65535), 0),
    "16 bits colour png": lambda: png16(np.repeat(ramp(65535)[..., None], 3, axis=2), 2),
    "16 bits tiff": lambda: encoded(Image.fromarray(ramp(65535).round().astype(np.uint16)), "TIFF"),
    "32 bits tiff": lambda: encoded(Image.fromarray(ramp(1e9).round().astype(np.int32)), "TIFF"),
    "float tiff": lambda: encoded(Image.fromarray(ramp(0.5).astype(np.float32)), "TIFF"),
}


@pytest.mark.parametrize("name", GREYS)
def test_greys_are_scaled_not_clipped(name: str) -> None:
    image = read_image(GREYS[name]())
    for channel in range(3):
        np.testing.assert_allclose(image.pixels[0, :, channel].astype(int), np.arange(256), atol=1)


def test_a_float_image_that_is_not_finite_or_flat() -> None:
    values = np.full((4, 6), np.nan, np.float32)
    assert read_image(encoded(Image.fromarray(values), "TIFF")).pixels.shape == (4, 6, 3)


def transparent(mode: str) -> bytes:
    """Left half red, right half invisible black."""
    image = Image.new("RGBA", (WIDTH, HEIGHT), (0, 0, 0, 0))
    image.paste((*RED, 255), (0, 0, WIDTH // 2, HEIGHT))
    if mode == "palette":
        palette = Image.new("P", (WIDTH, HEIGHT), 0)
        palette.putpalette([0, 0, 0, *RED])
        palette.paste(1, (0, 0, WIDTH // 2, HEIGHT))
        return encoded(palette, "PNG", transparency=0)
    if mode == "one colour":
        return encoded(image.convert("RGB"), "PNG", transparency=(0, 0, 0))
    if mode == "grey":
        return encoded(image.convert("LA"), "PNG")
    return encoded(image, mode, lossless=True)


@pytest.mark.parametrize("mode", ["PNG", "WEBP", "palette", "one colour", "grey"])
def test_what_is_transparent_is_white(mode: str) -> None:
    image = read_image(transparent(mode))
    assert tuple(image.pixels[16, 40]) == WHITE
    expected = (RED[0] * 299 + RED[1] * 587 + RED[2] * 114) / 1000 if mode == "grey" else RED
    np.testing.assert_allclose(image.pixels[16, 8].astype(float), expected, atol=2)


# --- what is refused ---


def bomb(width: int, height: int) -> bytes:
    """A PNG header that promises more than is there."""
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = b"IDAT" + zlib.compress(b"\0")
    chunks = (
        struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body)),
        struct.pack(">I", len(data) - 4) + data + struct.pack(">I", zlib.crc32(data)),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "empty"),
    "text": (lambda: b"hello, I am not an image" * 100, "not an image"),
    "text that ends in .jpg": (lambda: b"\xff\xd8\xff", "damaged|not an image"),
    "pdf": (lambda: b"%PDF-1.7\n" + b"0" * 500, "not an image"),
    "svg": (lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not an image"),
    "postscript": (lambda: encoded(picture(), "EPS"), "not an image"),
    "a format nobody asked for": (lambda: encoded(picture(), "PPM"), "not an image"),
    "jpeg cut short": (lambda: jpeg()[:-300], "damaged"),
    "png cut short": (lambda: encoded(picture(), "PNG")[:-40], "damaged"),
    "gif cut short": (lambda: encoded(Image.effect_noise((200, 200), 90), "GIF")[:9000], "damaged"),
    "heic cut short": (lambda: heic()[:-200], "damaged|not an image"),
    "webp cut short": (lambda: encoded(picture(), "WEBP")[:-20], "damaged|not an image"),
    "101 megapixels": (lambda: bomb(10100, 10000), "pixels"),
    "51 megapixels": (lambda: bomb(51, 1_000_000), "51 x 1000000 pixels"),
    "400 megapixels": (lambda: bomb(20_000, 20_000), "too many pixels"),
    "4 gigapixels": (lambda: bomb(65_535, 65_535), "too many pixels"),
    "21 MiB": (lambda: jpeg() + b"\0" * (21 << 20), "21.0 MiB"),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    make, message = REFUSED[name]
    with pytest.raises(InvalidImage, match=message) as error:
        read_image(make())
    assert error.value.hint


def test_limits_are_those_given() -> None:
    limits = ImageLimits(max_bytes=10_000, max_pixels=WIDTH * HEIGHT)
    assert_is_picture(read_image(jpeg(), limits))
    with pytest.raises(InvalidImage, match="48 x 32 pixels"):
        read_image(jpeg(), ImageLimits(max_pixels=WIDTH * HEIGHT - 1))
    with pytest.raises(InvalidImage, match="MiB"):
        read_image(jpeg(), ImageLimits(max_bytes=len(jpeg()) - 1))


# --- EXIF ---


def with_exif(
    base: dict[int, Any], shot: dict[int, Any] | None = None, place: dict[int, Any] | None = None, kind: str = "JPEG"
) -> bytes:
    exif = Image.Exif()
    exif.update(base)
    exif.get_ifd(ExifTags.IFD.Exif).update(shot or {})
    exif.get_ifd(ExifTags.IFD.GPSInfo).update(place or {})
    written = jpeg(exif=exif)
    if kind == "JPEG":
        return written
    again = Image.open(io.BytesIO(written)).getexif()  # a TIFF takes the parts only of an Exif that was read
    return encoded(picture(), kind, exif=again.tobytes() if kind == "HEIF" else again)


def degrees(*parts: float | IFDRational) -> tuple[IFDRational, ...]:
    return tuple(part if isinstance(part, IFDRational) else IFDRational(part) for part in parts)


GPS = ExifTags.GPS
TAKEN, OFFSET, DIGITIZED = (
    ExifTags.Base.DateTimeOriginal,
    ExifTags.Base.OffsetTimeOriginal,
    ExifTags.Base.DateTimeDigitized,
)


@pytest.mark.parametrize(
    ("shot", "expected"),
    [
        ({TAKEN: "2021:07:08 09:10:11"}, datetime(2021, 7, 8, 9, 10, 11, tzinfo=UTC)),
        ({TAKEN: "2021:07:08 09:10:11", OFFSET: "+02:00"}, datetime(2021, 7, 8, 9, 10, 11, tzinfo=UTC)),
        ({TAKEN: "2020:01:01 00:30:00", OFFSET: "+02:00"}, datetime(2020, 1, 1, 0, 30, tzinfo=UTC)),
        ({TAKEN: "2021:07:08 09:10:11", OFFSET: "summer"}, datetime(2021, 7, 8, 9, 10, 11, tzinfo=UTC)),
        ({DIGITIZED: "2021:07:08 09:10:11"}, datetime(2021, 7, 8, 9, 10, 11, tzinfo=UTC)),
        ({TAKEN: "0000:00:00 00:00:00"}, None),
        ({TAKEN: "    :  :     :  :  "}, None),
        ({TAKEN: "2021:13:45 99:00:00"}, None),
        ({TAKEN: "yesterday"}, None),
        ({TAKEN: "0001:01:01 00:00:00", OFFSET: "+14:00"}, datetime(1, 1, 1, tzinfo=UTC)),
        ({}, None),
    ],
)
def test_when_it_was_taken(shot: dict[int, Any], expected: datetime | None) -> None:
    assert read_image(with_exif({}, shot)).taken_at == expected


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "HEIF", "AVIF"])
def test_every_format_tells_its_facts(kind: str) -> None:
    place = {GPS.GPSLatitudeRef: "N", GPS.GPSLatitude: degrees(1, 30, 0)}
    place |= {GPS.GPSLongitudeRef: "W", GPS.GPSLongitude: degrees(2, 30, 0)}
    image = read_image(with_exif({ExifTags.Base.Model: "X100"}, {TAKEN: "2021:07:08 09:10:11"}, place, kind))
    assert (image.camera, image.latitude, image.longitude) == ("X100", 1.5, -2.5)
    assert image.taken_at == datetime(2021, 7, 8, 9, 10, 11, tzinfo=UTC)


@pytest.mark.parametrize(
    ("make", "model", "expected"),
    [
        ("Canon", "Canon EOS 5D", "Canon EOS 5D"),
        ("NIKON CORPORATION", "NIKON D90", "NIKON D90"),
        ("Apple", "iPhone 12", "Apple iPhone 12"),
        ("Apple\0\0", "  iPhone\n12 ", "Apple iPhone 12"),
        ("", "X100", "X100"),
        ("Leica", "", "Leica"),
        ("", "", ""),
        ("x" * 500, "y", "x" * 100),
    ],
)
def test_camera(make: str, model: str, expected: str) -> None:
    image = read_image(with_exif({ExifTags.Base.Make: make, ExifTags.Base.Model: model}))
    assert image.camera == expected


@pytest.mark.parametrize(
    ("latitude", "longitude", "references", "expected"),
    [
        (degrees(48, 30, 36), degrees(2, 15, 0), "NE", (48.51, 2.25)),
        (degrees(33, 30, 0), degrees(70, 45, 0), "SW", (-33.5, -70.75)),
        (degrees(91, 0, 0), degrees(2, 0, 0), "NE", (None, None)),
        (degrees(48, 0, 0), degrees(181, 0, 0), "NE", (None, None)),
        (degrees(48, IFDRational(1, 0), 0), degrees(2, 0, 0), "NE", (None, None)),
        (degrees(48), degrees(2, 0, 0), "NE", (None, None)),
        (None, degrees(2, 0, 0), "NE", (None, None)),
    ],
)
def test_where_it_was_taken(latitude: Any, longitude: Any, references: str, expected: tuple[float, float]) -> None:
    place = {GPS.GPSLatitudeRef: references[0], GPS.GPSLongitudeRef: references[1], GPS.GPSLongitude: longitude}
    if latitude is not None:
        place[GPS.GPSLatitude] = latitude
    image = read_image(with_exif({}, {}, place))
    assert (image.latitude, image.longitude) == pytest.approx(expected)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(
    "block",
    [
        b"garbage that is no TIFF",
        b"MM",
        b"MM\0*\xff\xff\xff\xff",
        b"II*\0\x08\0\0\0\xff\xff" + b"\x12\x01\x03\0\xff\xff\xff\xff\xff\xff\xff\xff",
        b"II*\0\x08\0\0\0\x01\0" + b"\x69\x87\x04\0\x01\0\0\0\x08\0\0\0" + b"\x08\0\0\0",  # an IFD inside itself
        b"II*\0\x08\0\0\0\x01\0" + b"\x25\x88\x02\0\x03\0\0\0N!!\0" + b"\0" * 4,  # GPS is text
    ],
)
def test_exif_that_cannot_be_read_is_left_out(kind: str, block: bytes) -> None:
    image = read_image(encoded(picture(), kind, exif=b"Exif\0\0" + block))
    assert_is_picture(image, tolerance=90)
    assert (image.taken_at, image.camera, image.latitude) == (None, "", None)


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=150, deadline=None, database=None)
@given(st.data())
def test_hostile_exif_does_no_harm(data: st.DataObject) -> None:
    whole = with_exif(
        {ExifTags.Base.Make: "Canon", ExifTags.Base.Orientation: 1},
        {TAKEN: "2021:07:08 09:10:11", OFFSET: "+02:00"},
        {GPS.GPSLatitudeRef: "N", GPS.GPSLatitude: degrees(1, 2, 3)},
    )
    begin = whole.index(b"Exif\0\0") + 6
    end = begin + struct.unpack(">H", whole[begin - 8 : begin - 6])[0] - 8
    block = bytearray(whole[begin:end])
    for _ in range(data.draw(st.integers(1, 12))):
        block[data.draw(st.integers(0, len(block) - 1))] = data.draw(st.integers(0, 255))
    image = read_image(whole[:begin] + bytes(block) + whole[end:])
    assert sorted(image.pixels.shape) == [3, HEIGHT, WIDTH]


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=100, deadline=None, database=None)
@given(kind=st.sampled_from(["JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "HEIF"]), data=st.data())
def test_damaged_files_are_read_or_refused(kind: str, data: st.DataObject) -> None:
    whole = bytearray(encoded(picture(), kind))
    for _ in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        image = read_image(bytes(whole[: data.draw(st.integers(1, len(whole)))]))
    except InvalidImage as error:
        assert error.hint
    else:
        assert image.pixels.dtype == np.uint8


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "HEIF", "AVIF"])
def test_pixels_are_counted_without_decoding(kind: str) -> None:
    assert count_pixels(encoded(picture(), kind)) == WIDTH * HEIGHT


@pytest.mark.parametrize("content", [b"", b"no image", b"\x89PNG\r\n\x1a\n", jpeg()[:20]])
def test_what_is_no_image_has_no_pixels(content: bytes) -> None:
    assert count_pixels(content) == 0
