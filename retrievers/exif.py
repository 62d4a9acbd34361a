"""What EXIF says of a photograph. Every value in it is a stranger's: what makes no sense is left out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from PIL import ExifTags, Image

_LONGEST_CAMERA = 100


@dataclass(frozen=True, slots=True)
class Facts:
    """`orientation` is EXIF's, 1 (upright) to 8; `taken_at` is what the camera's clock
    showed, labelled UTC; degrees north and east."""

    orientation: int = 1
    taken_at: datetime | None = None
    camera: str = ""
    latitude: float | None = None
    longitude: float | None = None


def read_facts(image: Image.Image) -> Facts:
    """The facts of an opened image; the default ones where it has no EXIF or one that cannot be read."""
    base, shot, place = _directories(image)
    latitude = _degrees(place, ExifTags.GPS.GPSLatitude, ExifTags.GPS.GPSLatitudeRef, "S", 90)
    longitude = _degrees(place, ExifTags.GPS.GPSLongitude, ExifTags.GPS.GPSLongitudeRef, "W", 180)
    if latitude is None or longitude is None:
        latitude = longitude = None
    orientation = base.get(ExifTags.Base.Orientation)
    return Facts(
        orientation=orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1,
        taken_at=_moment(shot, ExifTags.Base.DateTimeOriginal) or _moment(shot, ExifTags.Base.DateTimeDigitized),
        camera=_camera(_text(base.get(ExifTags.Base.Make)), _text(base.get(ExifTags.Base.Model))),
        latitude=latitude,
        longitude=longitude,
    )


def _directories(image: Image.Image) -> tuple[Mapping[int, Any], Mapping[int, Any], Mapping[int, Any]]:
    """Tags of the image, of the shot and of the place; empty where they cannot be read."""
    found: list[Mapping[int, Any]] = [{}, {}, {}]
    try:
        exif = image.getexif()
        found[0] = dict(exif)
        found[1] = dict(exif.get_ifd(ExifTags.IFD.Exif))
        found[2] = dict(exif.get_ifd(ExifTags.IFD.GPSInfo))
    except Exception:  # Pillow's parser raises anything on hostile bytes; what was read before stands
        pass
    return found[0], found[1], found[2]


def _text(value: object) -> str:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if not isinstance(value, str):
        return ""
    printable = "".join(letter if letter.isprintable() else " " for letter in value.partition("\0")[0])
    return " ".join(printable.split())


def _moment(tags: Mapping[int, Any], tag: int) -> datetime | None:
    """Its offset from UTC is left out: "in 2020" is asked of the clock where the photograph was taken."""
    try:
        return datetime.strptime(_text(tags.get(tag))[:19], "%Y:%m:%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def _camera(make: str, model: str) -> str:
    """Make and model, the make once: models often begin with it."""
    first = make.partition(" ")[0].casefold()
    name = model if first and model.casefold().startswith(first) else f"{make} {model}"
    return name.strip()[:_LONGEST_CAMERA].strip()


def _degrees(tags: Mapping[int, Any], tag: int, reference: int, negative: str, limit: int) -> float | None:
    """Degrees, minutes and seconds as one signed number within +-limit."""
    try:
        degrees, minutes, seconds = (float(part) for part in tags[tag])
    except (KeyError, TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    value = degrees + minutes / 60 + seconds / 3600
    if not math.isfinite(value) or min(degrees, minutes, seconds) < 0 or value > limit:
        return None
    return -value if _text(tags.get(reference)).upper() == negative else value
