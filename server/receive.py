"""The messages of an upload, put together to photographs. Size and hash are verified here."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import Any

from server.settings import LimitSettings
from thresher.errors import InvalidImage, InvalidUpload, ThresherError
from thresher.names import is_image_id
from thresher.types import ImageId
from thresher.uploading import CHUNK_BYTES, check_path, check_tags


@dataclass(frozen=True, slots=True)
class Received:
    """One photograph as it arrived. `content` None: only path and tags are new. `error`: it is refused."""

    sha256: ImageId
    path: str
    tags: tuple[str, ...]
    content: bytes | None = None
    error: ThresherError | None = None


async def receive(requests: AsyncIterator[Any], limits: LimitSettings) -> AsyncGenerator[Received, None]:
    """Each photograph once it is whole, or refused with a reason; the last one too where the stream stops half-way.

    InvalidUpload where the messages are not in order: nothing after that can be trusted.
    """
    item: _Item | None = None
    async for request in requests:
        which = request.WhichOneof("message")
        if which == "header":
            if item is not None and not item.ended:
                yield item.end()
            item = _Item(request.header, limits)
        elif which == "chunk":
            if item is None or (item.ended and not item.refused):
                raise InvalidUpload(
                    "There are bytes without a header.", "Send a header before each photograph.", "chunk"
                )
            if len(request.chunk) > CHUNK_BYTES:
                raise InvalidUpload("A chunk is over 256 KiB.", "Send smaller ones.", "chunk")
            item.add(request.chunk)
        else:
            raise InvalidUpload("A message of the upload is neither header nor bytes.", "See images.proto.", "message")
        if not item.ended and (item.whole or item.refused):
            yield item.end()
    if item is not None and not item.ended:
        yield item.end()


class _Item:
    """A photograph that is coming. The bytes of one that is refused are let go."""

    def __init__(self, header: Any, limits: LimitSettings) -> None:
        self._header = header
        self._content = bytearray()
        self._error = _check(header, limits)
        self.ended = False

    @property
    def refused(self) -> bool:
        return self._error is not None

    @property
    def whole(self) -> bool:
        return bool(self._header.known or len(self._content) == self._header.size_bytes)

    def add(self, chunk: bytes) -> None:
        if self.refused:
            return
        self._content += chunk
        if len(self._content) > self._header.size_bytes:
            self._error = _size_differs("More", self._header)

    def end(self) -> Received:
        header, content = self._header, bytes(self._content)
        self.ended = True
        if not self.refused and not self.whole:
            self._error = _size_differs("Fewer", header)
        if not self.refused and not header.known and hashlib.sha256(content).hexdigest() != header.sha256:
            self._error = InvalidUpload("The bytes do not have the SHA-256 that was declared.", "Upload it again.")
        keep = None if self.refused or header.known else content
        self._content.clear()
        return Received(header.sha256, header.path, tuple(header.tags), keep, self._error)


def _size_differs(how: str, header: Any) -> ThresherError:
    return InvalidUpload(f"{how} bytes came than the {header.size_bytes:,} declared.", "Upload it again.")


def _check(header: Any, limits: LimitSettings) -> ThresherError | None:
    if not is_image_id(header.sha256):
        return InvalidUpload("The declared SHA-256 is none.", "Send 64 lower-case hexadecimal digits.", "sha256")
    try:
        check_path(header.path)
        check_tags(header.tags)
    except InvalidUpload as error:
        return error
    if header.known:
        return None
    if header.size_bytes <= 0:
        return InvalidImage("The file is empty.", "Leave it out.")
    if header.size_bytes > limits.max_image_bytes:
        return InvalidImage(
            f"The file has {header.size_bytes:,} bytes; {limits.max_image_bytes:,} are allowed.",
            "Make it smaller, or raise THRESHER_LIMITS__MAX_IMAGE_BYTES at the server.",
        )
    return None
