"""What a file says about its photograph in words: EXIF, IPTC (IIM 4.2) and XMP. All of it is a stranger's: what makes
no sense is left out, and nothing in it may stop an import.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from xml.etree import ElementTree

from PIL import ExifTags, Image, ImageFile, IptcImagePlugin

LONGEST = 2_000
"""Letters of a caption that are kept; a place has a tenth of them."""

_MOST_XMP = 1 << 20  # bytes; longer packets hold pictures
_XP_COMMENT = 0x9C9C
_IPTC_CAPTION, _IPTC_CITY, _IPTC_COUNTRY = (2, 120), (2, 90), (2, 101)
_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_DC_DESCRIPTION = "{http://purl.org/dc/elements/1.1/}description"
_PHOTOSHOP = "{http://ns.adobe.com/photoshop/1.0/}"
# What cameras write by themselves.
_NO_CAPTION = re.compile(r"(?:\w+ )?digital (?:still )?camera|dcim\b.*|default|untitled|charset=.*", re.IGNORECASE)


def read_words(image: Image.Image, exif: Mapping[int, Any]) -> tuple[str, str]:
    """Caption and place of an opened image (`exif` are the tags of its first directory); empty where there is none."""
    iptc, xmp = _iptc(image), _xmp(image)
    captions = (
        plain(iptc.get(_IPTC_CAPTION)),
        plain(_of_xmp(xmp, _DC_DESCRIPTION)),
        plain(exif.get(ExifTags.Base.ImageDescription)),
        plain(_utf16(exif.get(_XP_COMMENT))),
    )
    cities = (plain(iptc.get(_IPTC_CITY)), plain(_of_xmp(xmp, f"{_PHOTOSHOP}City")))
    countries = (plain(iptc.get(_IPTC_COUNTRY)), plain(_of_xmp(xmp, f"{_PHOTOSHOP}Country")))
    caption = _first(text for text in captions if not _NO_CAPTION.fullmatch(text))
    place = ", ".join(part for part in (_first(cities), _first(countries)) if part)
    return caption[:LONGEST].strip(), place[: LONGEST // 10].strip()


def plain(value: object) -> str:
    """Printable text on one line, up to the first NUL."""
    if isinstance(value, bytes):
        text = _decoded(value)
    elif isinstance(value, str):
        text = value
    else:
        return ""
    text = text.partition("\0")[0][: 4 * LONGEST]
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def _decoded(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _first(texts: Iterable[str]) -> str:
    return next((text for text in texts if text), "")


def _utf16(value: object) -> str:
    """What Windows writes: UTF-16, little-endian, as bytes or as numbers."""
    try:
        return bytes(value).decode("utf-16-le", "ignore") if isinstance(value, bytes | tuple) else ""
    except (TypeError, ValueError):
        return ""


def _iptc(image: Image.Image) -> Mapping[tuple[int, int], Any]:
    if not isinstance(image, ImageFile.ImageFile):
        return {}
    try:
        found = IptcImagePlugin.getiptcinfo(image) or {}
        return {tag: value[0] if isinstance(value, list) else value for tag, value in found.items()}
    except Exception:  # Pillow's parser raises anything on hostile bytes
        return {}


def _xmp(image: Image.Image) -> ElementTree.Element | None:
    """The packet's tree. One that declares types or entities is not looked at: XMP never does, bombs do."""
    packet = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp")
    try:
        text = packet.decode() if isinstance(packet, bytes) else packet
        if not isinstance(text, str) or len(text) > _MOST_XMP or "<!" in text:
            return None
        return ElementTree.fromstring(text.strip("\0 \r\n\t\ufeff"))
    except (ElementTree.ParseError, ValueError, RecursionError):
        return None


def _of_xmp(tree: ElementTree.Element | None, name: str) -> str:
    """A property: an attribute or an element, of several languages the first."""
    if tree is None:
        return ""
    for node in tree.iter(f"{_RDF}Description"):
        if name in node.attrib:
            return node.attrib[name]
        found = node.find(name)
        if found is not None:
            items = [item.text for item in found.iter(f"{_RDF}li") if item.text]
            return items[0] if items else found.text or ""
    return ""
