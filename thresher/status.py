"""The errors of a call, as the client raises them: one tree (`thresher.errors`) out of gRPC status and its details."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

import grpc
from google.rpc import error_details_pb2, status_pb2

from thresher.errors import (
    AlreadyExists,
    DeadlineExceeded,
    InternalError,
    InvalidInput,
    NotFound,
    Overloaded,
    PermissionDenied,
    ThresherError,
    Unavailable,
)

DETAILS_KEY = "grpc-status-details-bin"
DOMAIN = "thresher"
START_HINT = "Start one with `thresher serve`, or name another with --address or THRESHER_ADDRESS."

_WRITE_FAILED = "Internal error from Core"
_WAIT_SECONDS = 0.5
T = TypeVar("T")

_BY_STATUS: dict[grpc.StatusCode, type[ThresherError]] = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidInput,
    grpc.StatusCode.NOT_FOUND: NotFound,
    grpc.StatusCode.ALREADY_EXISTS: AlreadyExists,
    grpc.StatusCode.PERMISSION_DENIED: PermissionDenied,
    grpc.StatusCode.RESOURCE_EXHAUSTED: InvalidInput,  # without details it is gRPC's own: the message is too large
}


def _tree(root: type[ThresherError]) -> Iterator[type[ThresherError]]:
    yield root
    for child in root.__subclasses__():
        yield from _tree(child)


def error_from_code(code: str, message: str, hint: str, retry_after: float = 1.0) -> ThresherError:
    """The error whose `code` this is; InternalError where this version does not know it."""
    if code == Overloaded.code:
        return Overloaded(message, hint, retry_after)
    kind = next((kind for kind in _tree(ThresherError) if "code" in vars(kind) and kind.code == code), InternalError)
    if kind is ThresherError:
        kind = InternalError
    return kind(message, hint)


def error_from_rpc(error: grpc.RpcError, address: str) -> ThresherError:
    """What a failed call to the server at `address` means."""
    code: grpc.StatusCode = error.code()
    text: str = error.details() or ""
    info, retry = _details(error)
    if info is not None:
        return error_from_code(info.reason, text, info.metadata.get("hint", ""), retry)
    if code is grpc.StatusCode.UNAVAILABLE:
        return Unavailable(f"No Thresher server answers at {address}.", START_HINT)
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return DeadlineExceeded("The server did not answer in time.", "Give it more time, or try again.")
    if code is grpc.StatusCode.UNIMPLEMENTED:
        return InternalError(f"The server at {address} does not know this call.", "Is it a Thresher of this version?")
    if code in _BY_STATUS:
        return _BY_STATUS[code](text)
    return InternalError(f"The call failed: {code.name}: {text}.")


def error_from_status(status: status_pb2.Status) -> ThresherError:
    """The error that a google.rpc.Status of the server means."""
    info, retry = _info(status)
    if info is None:
        return InternalError(status.message)
    return error_from_code(info.reason, status.message, info.metadata.get("hint", ""), retry)


def _details(error: grpc.RpcError) -> tuple[error_details_pb2.ErrorInfo | None, float]:
    """Our ErrorInfo, and after how many seconds to try again."""
    for key, value in error.trailing_metadata() or ():
        if key == DETAILS_KEY:
            return _info(status_pb2.Status.FromString(value))
    return None, 1.0


def _info(status: status_pb2.Status) -> tuple[error_details_pb2.ErrorInfo | None, float]:
    info, retry = None, 1.0
    for detail in status.details:
        if detail.Is(error_details_pb2.ErrorInfo.DESCRIPTOR):
            found = error_details_pb2.ErrorInfo()
            detail.Unpack(found)
            info = found if found.domain == DOMAIN else info
        elif detail.Is(error_details_pb2.RetryInfo.DESCRIPTOR):
            found = error_details_pb2.RetryInfo()
            detail.Unpack(found)
            retry = found.retry_delay.ToTimedelta().total_seconds()
    return info, retry


class ServerStatus:
    """The status that the server ended a streaming call with.

    Where a server ends a call while the client is still sending, grpc.aio overwrites that status with INTERNAL as the
    next write fails (grpc/grpc#36066). So it is noted the moment it comes.
    """

    def __init__(self, call: grpc.aio.Call) -> None:
        self._error: grpc.aio.AioRpcError | None = None
        call.add_done_callback(self._note)

    def _note(self, call: grpc.aio.Call) -> None:
        code, details = _value(call.code()), _value(call.details())
        if code is not grpc.StatusCode.OK and details != _WRITE_FAILED:
            trailing = grpc.aio.Metadata(*(_value(call.trailing_metadata()) or ()))
            self._error = grpc.aio.AioRpcError(code, grpc.aio.Metadata(), trailing, details)

    async def of(self, error: grpc.aio.AioRpcError) -> grpc.aio.AioRpcError:
        """What the server said, where `error` is only a write that failed."""
        if error.details() != _WRITE_FAILED:
            return error
        for _ in range(50):
            if self._error is not None:
                return self._error
            await asyncio.sleep(_WAIT_SECONDS / 50)
        return error


def _value(ready: Coroutine[Any, Any, T]) -> T:
    """Of a coroutine that has nothing to wait for."""
    try:
        ready.send(None)
    except StopIteration as end:
        value: T = end.value
        return value
    raise RuntimeError("The call has not ended.")
