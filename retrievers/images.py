"""Bytes of a stranger -> upright RGB pixels and what the file says about itself."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pillow_heif
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from retrievers.exif import Facts, read_facts
from thresher.errors import InvalidImage
from thresher.types import Pixels

pillow_heif.register_heif_opener()

_MIME_TYPES = {
    "AVIF": "image/avif",
    "BMP": "image/bmp",
    "GIF": "image/gif",
    "HEIF": "image/heif",
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "TIFF": "image/tiff",
    "WEBP": "image/webp",
}
_FORMATS = tuple(_MIME_TYPES)
_MIME_TYPES["MPO"] = "image/jpeg"  # a JPEG with more pictures behind the first, as phones write: opened as JPEG
_KINDS = "JPEG, PNG, GIF, WebP, TIFF, BMP, HEIC and AVIF"

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """What is refused: bytes as uploaded, pixels before anything is decoded."""

    max_bytes: int = 20 << 20
    max_pixels: int = 50_000_000


@dataclass(frozen=True, slots=True)
class DecodedImage:
    """`width` and `height` are those of the upright pixels; `taken_at` is local wall-clock time
    labelled UTC; degrees north and east."""

    pixels: Pixels
    width: int
    height: int
    mime_type: str
    taken_at: datetime | None
    camera: str
    latitude: float | None
    longitude: float | None
    caption: str = ""
    place: str = ""


def read_image(content: bytes, limits: ImageLimits | None = None) -> DecodedImage:
    """Decode one image by what its bytes say, whatever its file was called; of several frames the first.

    InvalidImage for everything that is no whole image of a known format within the limits. Takes as long as decoding
    does: call it in a thread.
    """
    limits = limits or ImageLimits()
    if not content:
        raise InvalidImage("The file is empty.", "Upload the photograph again.")
    if len(content) > limits.max_bytes:
        raise InvalidImage(
            f"The file has {len(content) / 2**20:.1f} MiB; at most {limits.max_bytes / 2**20:.0f} MiB are taken.",
            "Save it smaller.",
        )
    try:
        with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
            _check_size(image, limits)
            mime_type = _MIME_TYPES[image.format or ""]
            image.load()
            facts = read_facts(image)  # not before: loading a TIFF turns it upright and says so in its EXIF
            pixels = np.ascontiguousarray(np.asarray(_upright(_rgb(image), facts)))
    except InvalidImage:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InvalidImage("The image has too many pixels.", _smaller(limits)) from error
    except UnidentifiedImageError as error:
        raise InvalidImage("The file is not an image of a known format.", f"Formats are {_KINDS}.") from error
    except Exception as error:  # decoders of hostile bytes raise anything
        raise InvalidImage(
            f"The image is damaged or cut short{f': {error}' if isinstance(error, OSError) else ''}.",
            "Upload the whole file again.",
        ) from error
    height, width = pixels.shape[:2]
    return DecodedImage(
        pixels,
        width,
        height,
        mime_type,
        facts.taken_at,
        facts.camera,
        facts.latitude,
        facts.longitude,
        facts.caption,
        facts.place,
    )


def count_pixels(content: bytes) -> int:
    """Pixels that decoding would give, from the header alone; 0 where `read_image` will say what is wrong."""
    try:
        with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
            return image.width * image.height
    except Exception:  # as in read_image
        return 0


def _check_size(image: Image.Image, limits: ImageLimits) -> None:
    if image.width * image.height > limits.max_pixels:
        raise InvalidImage(f"The image has {image.width} x {image.height} pixels.", _smaller(limits))


def _smaller(limits: ImageLimits) -> str:
    return f"At most {limits.max_pixels / 1e6:.0f} megapixels are taken: save it smaller."


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):
        return _grey(np.asarray(image).astype(np.float64) / 65535)
    if image.mode in ("I", "F"):
        return _grey(_stretched(np.asarray(image).astype(np.float64)))
    if image.mode in ("La", "LA", "PA", "RGBA", "RGBa") or image.has_transparency_data:
        opaque = image.convert("RGBA")
        paper = Image.new("RGBA", opaque.size, "white")
        return Image.alpha_composite(paper, opaque).convert("RGB")
    return image.convert("RGB")


def _grey(values: NDArray[np.float64]) -> Image.Image:
    """From brightness (h, w) in 0..1."""
    return Image.fromarray(np.rint(values * 255).astype(np.uint8)).convert("RGB")


def _stretched(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Numbers without a fixed range (32 bits, floats): the least becomes black, the largest white."""
    values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    low, high = values.min(), values.max()
    spread = high - low
    return (values - low) / spread if spread > 0 else np.zeros_like(values)


def _upright(image: Image.Image, facts: Facts) -> Image.Image:
    turn = _UPRIGHT.get(facts.orientation)
    return image if turn is None else image.transpose(turn)
