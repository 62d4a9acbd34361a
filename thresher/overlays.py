"""Photographs with boxes and masks drawn on them. Pillow is needed for this alone."""

from __future__ import annotations

import asyncio
import colorsys
import io
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from thresher.client import Client
from thresher.errors import InvalidImage, Unavailable
from thresher.rle import decode
from thresher.types import Citation, Region

if TYPE_CHECKING:
    from PIL import Image

MASK_OPACITY = 0.45
GOLDEN_ANGLE = 0.381966
Color = tuple[int, int, int]


def require_pillow() -> None:
    """Unavailable, saying how to get it, where Pillow is not installed."""
    try:
        import PIL  # noqa: F401
    except ImportError as error:
        raise Unavailable("Drawing needs Pillow.", "Install it: pip install pillow") from error


async def save_overlays(client: Client, collection: str, citations: Sequence[Citation], folder: Path) -> list[Path]:
    """One JPEG for each citation, in `folder` (made where missing): 01-beach.jpg, 02-harbour.jpg ..."""
    require_pillow()
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    written = []
    for number, citation in enumerate(citations, start=1):
        content = await client.download(collection, citation.image_id)
        path = folder / f"{number:02d}-{PurePosixPath(citation.path).stem}.jpg"
        await asyncio.to_thread(_write, content, citation, path)
        written.append(path)
    return written


def _write(content: bytes, citation: Citation, path: Path) -> None:
    draw_regions(open_photograph(content, citation.path), citation.regions).save(path, quality=90)


def open_photograph(content: bytes, name: str) -> Image.Image:
    """Upright RGB; `name` is what a failure calls it. InvalidImage."""
    from PIL import Image, ImageOps

    try:
        import pillow_heif
    except ImportError:
        pass
    else:
        pillow_heif.register_heif_opener()
    try:
        image = Image.open(io.BytesIO(content))
        return ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, ValueError) as error:
        raise InvalidImage(f"{name} cannot be drawn on: {error}.", "For HEIC: pip install pillow-heif") from error


def draw_regions(image: Image.Image, regions: Sequence[Region]) -> Image.Image:
    """A copy of an upright RGB image: masks tinted, boxes outlined, each labelled with its phrase and score."""
    from PIL import Image, ImageDraw, ImageFont

    pixels = np.asarray(image).astype(np.float32)
    for number, region in enumerate(regions):
        if region.mask is not None and (region.mask.height, region.mask.width) == pixels.shape[:2]:
            inside = decode(region.mask)
            pixels[inside] = (1 - MASK_OPACITY) * pixels[inside] + MASK_OPACITY * np.array(color(number))
    drawn = Image.fromarray(pixels.astype(np.uint8))
    pen = ImageDraw.Draw(drawn)
    short = min(drawn.size)
    font = ImageFont.load_default(max(11, short // 32))
    for number, region in enumerate(regions):
        box = (region.box.x0, region.box.y0, region.box.x1, region.box.y1)
        pen.rectangle(box, outline=color(number), width=max(2, short // 200))
        label = f"{region.phrase} {region.score:.2f}"
        left, top, right, bottom = pen.textbbox((region.box.x0, region.box.y0), label, font=font)
        drop = max(0.0, min(0.0, region.box.y0 - (bottom - top) - 4) * -1)
        offset = drop - (bottom - top) - 4
        pen.rectangle((left - 2, top + offset - 2, right + 2, bottom + offset + 2), fill=color(number))
        pen.text((region.box.x0, region.box.y0 + offset), label, fill=(255, 255, 255), font=font)
    return drawn


def color(number: int) -> Color:
    """Hues far apart for neighbouring numbers, dark enough for white letters."""
    red, green, blue = colorsys.hsv_to_rgb(number * GOLDEN_ANGLE % 1.0, 0.85, 0.78)
    return int(red * 255), int(green * 255), int(blue * 255)
