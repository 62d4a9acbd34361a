"""google.longrunning.Operations: the imports of folders, as `operations/{id}`."""

from __future__ import annotations

import os
from pathlib import PurePath
from typing import Any

from google.longrunning import operations_pb2
from google.protobuf.empty_pb2 import Empty

from retrievers.ledger import State, Summary
from server.calls import MARGIN_SECONDS, time_limit
from server.errors import status_to_proto
from server.imports import Imports, Progress
from server.pages import make_token, page_size, read_token
from thresher.errors import Cancelled, InvalidInput
from thresher.names import collection_name, operation_name, parse_operation
from thresher.photos import photo_name
from thresher.status import error_from_code
from thresher.v1 import images_pb2

_SCOPE = b"operations"
_STATES = {
    State.SCANNING: images_pb2.ImportImagesMetadata.STATE_SCANNING,
    State.IMPORTING: images_pb2.ImportImagesMetadata.STATE_IMPORTING,
    State.CANCELLING: images_pb2.ImportImagesMetadata.STATE_CANCELLING,
}


class OperationsService:
    def __init__(self, imports: Imports, max_seconds: float) -> None:
        self._imports = imports
        self._max_seconds = max_seconds

    async def GetOperation(self, request: Any, _context: Any) -> Any:
        return operation_to_proto(await self._imports.get(parse_operation(request.name)))

    async def ListOperations(self, request: Any, _context: Any) -> Any:
        """The newest first."""
        if request.filter:
            raise InvalidInput("Operations are not filtered.", "Leave `filter` empty.", "filter")
        size, before = page_size(request.page_size), read_token(request.page_token, _SCOPE)
        found = await self._imports.list(size + 1, before)
        page = found[:size]
        return operations_pb2.ListOperationsResponse(
            operations=map(operation_to_proto, page),
            next_page_token=make_token(page[-1].operation.id, _SCOPE) if len(found) > size else "",
        )

    async def CancelOperation(self, request: Any, _context: Any) -> Any:
        await self._imports.cancel(parse_operation(request.name))
        return Empty()

    async def DeleteOperation(self, request: Any, _context: Any) -> Any:
        await self._imports.delete(parse_operation(request.name))
        return Empty()

    async def WaitOperation(self, request: Any, context: Any) -> Any:
        """As it is at the end, after `timeout`, or a little before the call's own time is over."""
        most = time_limit(context, self._max_seconds, 2 * MARGIN_SECONDS) or self._max_seconds
        seconds = request.timeout.ToTimedelta().total_seconds() if request.HasField("timeout") else most
        bounded = max(0.0, min(seconds, most))
        return operation_to_proto(await self._imports.wait(parse_operation(request.name), bounded))


def operation_to_proto(progress: Progress) -> Any:
    operation = progress.operation
    ended = operation.state.ended
    so_far = _summary(progress.summary)
    metadata = images_pb2.ImportImagesMetadata(
        parent=collection_name(operation.collection),
        folder=str(operation.folder).encode(errors="replace").decode(),
        tags=operation.tags,
        state=images_pb2.ImportImagesMetadata.STATE_WAITING if progress.waiting else _STATES.get(operation.state),
        so_far=so_far,
        images_per_second=progress.rate,
    )
    metadata.create_time.FromDatetime(operation.created_at)
    if operation.ended_at is not None:
        metadata.state = images_pb2.ImportImagesMetadata.STATE_ENDED
        metadata.end_time.FromDatetime(operation.ended_at)
    message = operations_pb2.Operation(name=operation_name(operation.id), done=ended)
    message.metadata.Pack(metadata)
    if operation.state is State.DONE:
        message.response.Pack(so_far)
    elif operation.state is State.CANCELLED:
        message.error.CopyFrom(status_to_proto(Cancelled("The import was cancelled.", "What was done stays.")))
    elif operation.state is State.FAILED:
        code, text, hint = operation.error
        message.error.CopyFrom(status_to_proto(error_from_code(code, text, hint)))
    return message


def _summary(summary: Summary) -> Any:
    return images_pb2.ImportImagesResponse(
        pending=summary.pending,
        done=summary.done,
        skipped=summary.skipped,
        failed=summary.failed,
        done_bytes=summary.done_bytes,
        failures=[
            images_pb2.ImportFailure(path=photo_name(PurePath(os.fsdecode(item.path))), reason=item.reason)
            for item in summary.failures
        ],
        skips=[images_pb2.ImportSkip(reason=reason, count=count) for reason, count in summary.skips],
    )
