"""One table from our errors to gRPC status, with google.rpc details (AIP-193)."""

from __future__ import annotations

from typing import Any

import grpc
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2

from thresher.errors import (
    AlreadyExists,
    Cancelled,
    Conflict,
    DeadlineExceeded,
    InternalError,
    InvalidInput,
    NotFound,
    Overloaded,
    PermissionDenied,
    StorageFull,
    ThresherError,
    Unavailable,
    Unsupported,
)
from thresher.status import DETAILS_KEY, DOMAIN
from thresher.v1 import types_pb2

STATUS: dict[type[ThresherError], grpc.StatusCode] = {
    InvalidInput: grpc.StatusCode.INVALID_ARGUMENT,
    NotFound: grpc.StatusCode.NOT_FOUND,
    AlreadyExists: grpc.StatusCode.ALREADY_EXISTS,
    Conflict: grpc.StatusCode.FAILED_PRECONDITION,
    Unsupported: grpc.StatusCode.FAILED_PRECONDITION,
    PermissionDenied: grpc.StatusCode.PERMISSION_DENIED,
    Cancelled: grpc.StatusCode.CANCELLED,
    Overloaded: grpc.StatusCode.RESOURCE_EXHAUSTED,
    StorageFull: grpc.StatusCode.RESOURCE_EXHAUSTED,
    DeadlineExceeded: grpc.StatusCode.DEADLINE_EXCEEDED,
    Unavailable: grpc.StatusCode.UNAVAILABLE,
    InternalError: grpc.StatusCode.INTERNAL,
    ThresherError: grpc.StatusCode.INTERNAL,
}


def status_of(error: ThresherError) -> grpc.StatusCode:
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def trailing_details(error: ThresherError, request: Any, request_id: str) -> tuple[str, bytes]:
    """The metadata entry that carries google.rpc.Status. `request` names the resource that was not found."""
    return DETAILS_KEY, status_to_proto(error, request, request_id).SerializeToString()


def status_to_proto(error: ThresherError, request: Any = None, request_id: str = "") -> Any:
    """google.rpc.Status with its details."""
    info = error_details_pb2.ErrorInfo(
        reason=error.code, domain=DOMAIN, metadata={"hint": error.hint, "request_id": request_id}
    )
    details: list[Any] = [info]
    if isinstance(error, InvalidInput):
        violation = error_details_pb2.BadRequest.FieldViolation(field=error.field, description=error.message)
        details.append(error_details_pb2.BadRequest(field_violations=[violation]))
    elif isinstance(error, Overloaded):
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromMilliseconds(int(error.retry_after * 1000))
        details.append(retry)
    elif isinstance(error, NotFound | AlreadyExists):
        details.append(error_details_pb2.ResourceInfo(resource_name=_resource(request), description=error.message))
    packed = []
    for detail in details:
        packed.append(any_pb2.Any())
        packed[-1].Pack(detail)
    return status_pb2.Status(code=status_of(error).value[0], message=error.message, details=packed)


def _resource(request: Any) -> str:
    """Resource name that a request is about; empty where it has none (a stream)."""
    for field in ("name", "image", "parent"):
        name = getattr(request, field, "")
        if isinstance(name, str) and name:
            return name
    collection = getattr(request, "collection_id", "")
    return f"collections/{collection}" if collection else ""


def error_to_proto(error: ThresherError) -> Any:
    """For one item of a stream, where the call itself goes on."""
    return types_pb2.Error(code=error.code, message=error.message, hint=error.hint, retryable=error.retryable)
