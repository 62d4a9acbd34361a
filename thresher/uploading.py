"""The messages of an upload, as the client sends and reads them."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import AsyncIterable, AsyncIterator, Collection
from typing import Any

from thresher.errors import InvalidUpload
from thresher.records import Outcome, UploadItem, UploadResult
from thresher.status import error_from_code
from thresher.v1 import images_pb2

CHUNK_BYTES = 256 * 1024
MAX_PATH = 1_024
MAX_TAGS = 64
MAX_TAG = 64
"""What a server takes: bytes a message, characters of a path, tags of a photograph, characters of a tag."""


def is_tag(tag: str) -> bool:
    return 0 < len(tag.strip()) <= len(tag) <= MAX_TAG and not has_control(tag)


def check_tags(tags: Collection[str]) -> None:
    """InvalidUpload for one that cannot be a tag, or too many."""
    if len(tags) > MAX_TAGS or any(not is_tag(tag) for tag in tags):
        raise InvalidUpload(
            "There are too many tags, or an empty or long one.",
            f"Give {MAX_TAGS} at most, each of 1 to {MAX_TAG} characters in one line.",
            "tags",
        )


def check_path(path: str) -> None:
    """InvalidUpload where it cannot name a photograph."""
    if not path.strip() or len(path) > MAX_PATH or has_control(path):
        raise InvalidUpload(
            "The path is empty, too long or has control characters.", f"Use 1 to {MAX_PATH:,} characters.", "path"
        )


def has_control(text: str) -> bool:
    return any(unicodedata.category(character) == "Cc" for character in text)


async def upload_messages(
    parent: str, items: AsyncIterable[UploadItem], failures: list[Exception]
) -> AsyncIterator[Any]:
    yield images_pb2.UploadImagesRequest(parent=parent)
    try:
        async for item in items:
            content = item.content or b""
            header = images_pb2.UploadHeader(
                sha256=item.sha256 or hashlib.sha256(content).hexdigest(),
                size_bytes=len(content) if item.size is None else item.size,
                path=item.path,
                tags=item.tags,
                known=item.content is None,
            )
            yield images_pb2.UploadImagesRequest(header=header)
            for start in range(0, len(content), CHUNK_BYTES):
                yield images_pb2.UploadImagesRequest(chunk=content[start : start + CHUNK_BYTES])
    except Exception as error:  # gRPC would only log it and cancel the call
        failures.append(error)


_OUTCOMES = {
    images_pb2.UploadImagesResponse.OUTCOME_CREATED: Outcome.CREATED,
    images_pb2.UploadImagesResponse.OUTCOME_EXISTED: Outcome.EXISTED,
}


def upload_result(response: Any) -> UploadResult:
    outcome = _OUTCOMES.get(response.outcome, Outcome.FAILED)
    error = None
    if outcome is Outcome.FAILED:
        error = error_from_code(response.error.code, response.error.message, response.error.hint)
    return UploadResult(response.sha256, response.path, outcome, error)
