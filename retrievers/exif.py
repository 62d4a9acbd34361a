"""What EXIF says of a photograph. Every value in it is a stranger's: what makes no sense is left out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from PIL import ExifTags, Image

from retrievers.captions import plain, read_words
from retrievers.geocoding import place_at

_LONGEST_CAMERA = 100


@dataclass(frozen=True, slots=True)
class Facts:
    """`orientation` is EXIF's, 1 (upright) to 8; `taken_at` is what the camera's clock
    showed, labelled UTC; degrees north and east. `caption` and `place` are empty where the file says nothing; a place
    without a name is that of its nearest town."""

    orientation: int = 1
    taken_at: datetime | None = None
    camera: str = ""
    latitude: float | None = None
    longitude: float | None = None
    caption: str = ""
    place: str = ""


def read_facts(image: Image.Image) -> Facts:
    """The facts of an opened image; the default ones where it has no EXIF or one that cannot be read."""
    base, shot, gps = _directories(image)
    latitude = _degrees(gps, ExifTags.GPS.GPSLatitude, ExifTags.GPS.GPSLatitudeRef, "S", 90)
    longitude = _degrees(gps, ExifTags.GPS.GPSLongitude, ExifTags.GPS.GPSLongitudeRef, "W", 180)
    if latitude is None or longitude is None:
        latitude = longitude = None
    caption, place = read_words(image, base)
    if not place and latitude is not None and longitude is not None:
        place = place_at(latitude, longitude)
    orientation = base.get(ExifTags.Base.Orientation)
    return Facts(
        orientation=orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1,
        taken_at=_moment(shot, ExifTags.Base.DateTimeOriginal) or _moment(shot, ExifTags.Base.DateTimeDigitized),
        camera=_camera(plain(base.get(ExifTags.Base.Make)), plain(base.get(ExifTags.Base.Model))),
        latitude=latitude,
        longitude=longitude,
        caption=caption,
        place=place,
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


def _moment(tags: Mapping[int, Any], tag: int) -> datetime | None:
    """Its offset from UTC is left out: "in 2020" is asked of the clock where the photograph was taken."""
    try:
        return datetime.strptime(plain(tags.get(tag))[:19], "%Y:%m:%d %H:%M:%S").replace(tzinfo=UTC)
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
    return -value if plain(tags.get(reference)).upper() == negative else value
