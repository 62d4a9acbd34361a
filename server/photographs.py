"""Stored photographs as the models want them, decoded off the event loop."""

from __future__ import annotations

import asyncio
import io

from PIL import Image

from retrievers.protocols import ImageStore
from server.parts import ReadImage
from thresher.types import ImageId, Pixels

JPEG_SIDE = 768
"""Longest side, in pixels, of the copy that a language model sees."""


class Photographs:
    """The photographs of one collection. What reads stored ones raises NotFound."""

    def __init__(self, images: ImageStore, read_image: ReadImage) -> None:
        self._images = images
        self._read_image = read_image

    async def pixels(self, image: ImageId) -> Pixels:
        """Upright RGB."""
        return await self.decoded(await self._images.content(image))

    async def decoded(self, content: bytes) -> Pixels:
        """Upright RGB of any picture. InvalidImage."""
        return (await asyncio.to_thread(self._read_image, content)).pixels

    async def jpeg(self, image: ImageId) -> bytes:
        """Upright, without what the file says about itself."""
        pixels = await self.pixels(image)
        return await asyncio.to_thread(_small_jpeg, pixels)


def _small_jpeg(pixels: Pixels) -> bytes:
    picture = Image.fromarray(pixels)
    picture.thumbnail((JPEG_SIDE, JPEG_SIDE))
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=88)
    return stream.getvalue()
