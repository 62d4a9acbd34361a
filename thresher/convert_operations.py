"""Operations and changes of photographs: protobuf to types and back."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from thresher.errors import InternalError, InvalidInput
from thresher.names import is_image_id, parse_collection, parse_operation
from thresher.records import ImportOperation, ImportState, ImportSummary
from thresher.status import error_from_status
from thresher.types import ImageChange
from thresher.v1 import images_pb2

Message = Any

_STATES = {
    images_pb2.ImportImagesMetadata.STATE_WAITING: ImportState.WAITING,
    images_pb2.ImportImagesMetadata.STATE_SCANNING: ImportState.SCANNING,
    images_pb2.ImportImagesMetadata.STATE_IMPORTING: ImportState.IMPORTING,
    images_pb2.ImportImagesMetadata.STATE_CANCELLING: ImportState.CANCELLING,
}


def operation_from_proto(message: Message) -> ImportOperation:
    """InternalError where it is no import."""
    metadata = images_pb2.ImportImagesMetadata()
    if not message.metadata.Unpack(metadata):
        raise InternalError(f"{message.name} is not an import.", "Is it a server of this version?")
    so_far = metadata.so_far
    return ImportOperation(
        id=parse_operation(message.name),
        collection=parse_collection(metadata.parent),
        folder=metadata.folder,
        tags=tuple(metadata.tags),
        state=ImportState.ENDED if message.done else _STATES.get(metadata.state, ImportState.IMPORTING),
        summary=ImportSummary(
            pending=so_far.pending,
            done=so_far.done,
            skipped=so_far.skipped,
            failed=so_far.failed,
            done_bytes=so_far.done_bytes,
            failures=tuple((failure.path, failure.reason) for failure in so_far.failures),
            skips=tuple((skip.reason, skip.count) for skip in so_far.skips),
        ),
        rate=metadata.images_per_second,
        created_at=metadata.create_time.ToDatetime(tzinfo=UTC),
        ended_at=metadata.end_time.ToDatetime(tzinfo=UTC) if metadata.HasField("end_time") else None,
        error=error_from_status(message.error) if message.HasField("error") else None,
    )


def change_to_proto(change: ImageChange) -> Message:
    return images_pb2.ImageChange(
        sha256=change.id,
        add_paths=change.add_paths,
        remove_paths=change.remove_paths,
        add_tags=change.add_tags,
        remove_tags=change.remove_tags,
    )


def change_from_proto(message: Message) -> ImageChange:
    """InvalidInput where it names no photograph."""
    if not is_image_id(message.sha256):
        raise InvalidInput("A hash is not a SHA-256.", "Send 64 lower-case hexadecimal digits each.", "changes")
    return ImageChange(
        message.sha256,
        tuple(message.add_paths),
        tuple(message.remove_paths),
        tuple(message.add_tags),
        tuple(message.remove_tags),
    )
