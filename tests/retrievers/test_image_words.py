"""What files say of their photographs in words, and what hostile ones try."""

from __future__ import annotations

import io
import struct
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image
from PIL.PngImagePlugin import PngInfo
from PIL.TiffImagePlugin import IFDRational

from retrievers.captions import LONGEST
from retrievers.geocoding import place_at
from retrievers.images import DecodedImage, read_image

XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"
 xmlns:dc="http://purl.org/dc/elements/1.1/" photoshop:City="Göteborg">
 <photoshop:Country>Sweden</photoshop:Country>
 <dc:description><rdf:Alt><rdf:li xml:lang="x-default">A tram in the rain</rdf:li></rdf:Alt></dc:description>
</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>""".encode()

BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a "aaaaaaaaaa">'
    + b"".join(b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10 if n else b"&a;" * 10) for n in range(12))
    + b"]>"
    + XMP.replace(b"A tram", b"&a11;").partition(b"?>")[2]
)


def saved(kind: str = "JPEG", **options: Any) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (24, 16), "red").save(file, kind, **options)
    return file.getvalue()


def exif(**tags: Any) -> Image.Exif:
    found = Image.Exif()
    found.update({getattr(ExifTags.Base, name): value for name, value in tags.items()})
    return found


def iptc(*records: tuple[int, bytes]) -> bytes:
    """A JPEG with an IIM block in Photoshop's segment."""
    block = b"".join(struct.pack(">BBBH", 0x1C, 2, number, len(value)) + value for number, value in records)
    resource = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(block)) + block + b"\0" * (len(block) % 2)
    segment = b"Photoshop 3.0\0" + resource
    whole = saved()
    return whole[:2] + b"\xff\xed" + struct.pack(">H", len(segment) + 2) + segment + whole[2:]


def words(content: bytes) -> tuple[str, str]:
    image = read_image(content)
    return image.caption, image.place


def test_a_file_that_says_nothing() -> None:
    assert words(saved()) == ("", "")


@pytest.mark.parametrize(
    ("written", "caption"),
    [
        ("My dog on the beach", "My dog on the beach"),
        ("  two\r\nlines \t and\x07 noise\0hidden", "two lines and noise"),
        ("OLYMPUS DIGITAL CAMERA         ", ""),
        ("SAMSUNG DIGITAL CAMERA", ""),
        ("DCIM\\100MEDIA\\DJI_0001.JPG", ""),
        ("x" * 10_000, "x" * LONGEST),
        ("   ", ""),
    ],
)
def test_exif_description(written: str, caption: str) -> None:
    assert words(saved(exif=exif(ImageDescription=written))) == (caption, "")


def test_the_comment_of_windows() -> None:
    comment = "Größe: ☂\0".encode("utf-16-le")
    assert words(saved(exif=exif(XPComment=comment))) == ("Größe: ☂", "")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_xmp(kind: str) -> None:
    if kind == "PNG":
        info = PngInfo()
        info.add_itxt("XML:com.adobe.xmp", XMP.decode())
        content = saved("PNG", pnginfo=info)
    elif kind == "TIFF":
        content = saved("TIFF", tiffinfo={700: XMP})
    else:
        content = saved(kind, xmp=XMP)
    assert words(content) == ("A tram in the rain", "Göteborg, Sweden")


def test_iptc_comes_before_the_others() -> None:
    content = iptc((120, "Fähre nach Malmö".encode()), (90, b"Malm\xf6"), (101, b"Sweden"))
    assert words(content) == ("Fähre nach Malmö", "Malmö, Sweden")


GPS = ExifTags.GPS


def at(north: int, east: int, **tags: Any) -> DecodedImage:
    found = exif(**tags)
    found.get_ifd(ExifTags.IFD.GPSInfo).update(
        {
            GPS.GPSLatitudeRef: "S" if north < 0 else "N",
            GPS.GPSLatitude: (IFDRational(abs(north), 100), IFDRational(0), IFDRational(0)),
            GPS.GPSLongitudeRef: "W" if east < 0 else "E",
            GPS.GPSLongitude: (IFDRational(abs(east), 100), IFDRational(0), IFDRational(0)),
        }
    )
    return read_image(saved(exif=found))


@pytest.mark.parametrize(
    ("north", "east", "parts"),
    [
        (6414, -2194, ["Reykjavík", "Iceland"]),
        (-3387, 15121, ["New South Wales", "Australia"]),
        (4071, -7401, ["New York", "United States"]),
        (0, -3000, []),  # the open sea
        (8990, 0, []),
    ],
)
def test_coordinates_have_the_name_of_their_town(north: int, east: int, parts: list[str]) -> None:
    place = at(north, east).place
    assert bool(place) == bool(parts)
    assert all(part in place for part in parts)


def test_the_date_line_is_no_border() -> None:
    """Towns of Fiji on both sides of 180 degrees."""
    assert "Fiji" in place_at(-16.78, 179.34)
    assert place_at(-16.78, 179.34) == place_at(-16.78, 179.34 - 360)


def test_what_the_file_calls_the_place_comes_first() -> None:
    assert words(saved(xmp=XMP, exif=at_exif()))[1] == "Göteborg, Sweden"


def at_exif() -> Image.Exif:
    return Image.open(io.BytesIO(saved(exif=_berlin()))).getexif()


def _berlin() -> Image.Exif:
    found = exif()
    found.get_ifd(ExifTags.IFD.GPSInfo).update(
        {
            GPS.GPSLatitudeRef: "N",
            GPS.GPSLatitude: (IFDRational(52), IFDRational(31), IFDRational(0)),
            GPS.GPSLongitudeRef: "E",
            GPS.GPSLongitude: (IFDRational(13), IFDRational(24), IFDRational(0)),
        }
    )
    return found


@pytest.mark.parametrize(
    "packet",
    [
        BOMB,
        BOMB.decode().encode("utf-16"),
        b"<a>" * 20_000,
        b"<" * 1000,
        XMP[:200],
        b"\xff\xfe\0<",
        XMP.replace(b"A tram", b"&xxe;"),
        XMP.replace(b"A tram in the rain", b'<rdf:li xmlns:rdf="x"/>'),
        b"",
    ],
)
def test_hostile_xmp_does_no_harm(packet: bytes) -> None:
    begin = time.process_time()
    caption, _ = words(saved("WEBP", xmp=packet) if len(packet) > 60_000 else saved(xmp=packet))
    assert "aaaa" not in caption
    assert time.process_time() - begin < 5


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=100, deadline=None, database=None)
@given(st.data())
def test_damaged_words_do_no_harm(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["iptc", "xmp"]))
    whole = bytearray(iptc((120, b"A tram"), (90, b"Malmo")) if kind == "iptc" else saved(xmp=XMP))
    marker = whole.index(b"\xff\xed" if kind == "iptc" else b"\xff\xe1")
    length = struct.unpack(">H", whole[marker + 2 : marker + 4])[0]
    for _ in range(data.draw(st.integers(1, 20))):
        whole[data.draw(st.integers(marker + 4, marker + 1 + length))] = data.draw(st.integers(0, 255))
    image = read_image(bytes(whole))
    assert (image.height, image.width) == (16, 24)
    assert image.caption.isprintable() and image.place.isprintable()
