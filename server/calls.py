"""What every call of ours goes through: request id, log line, time limit, and the translation of errors.

One interceptor wraps each handler, so that a handler may simply return, yield and raise `ThresherError`.
"""

from __future__ import annotations

import asyncio
import re
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

import grpc
import structlog
from google.protobuf.message import DecodeError

from server.errors import status_of, trailing_details
from thresher.errors import DeadlineExceeded, InternalError, InvalidInput, ThresherError

REQUEST_ID_KEY = "x-request-id"
MARGIN_SECONDS = 0.2
"""Kept back from the client's deadline, so that our answer is there before the client gives up."""

_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_log = structlog.get_logger("thresher.call")


def time_limit(context: Any, maximum: float | None, margin: float = MARGIN_SECONDS) -> float | None:
    """Seconds a call may take from now: the client's deadline less a margin, and `maximum`; None: not bounded."""
    remaining: float | None = context.time_remaining()
    if remaining is not None:
        remaining = max(0.0, remaining - margin)
    return min((bound for bound in (remaining, maximum) if bound is not None), default=None)


class _Unreadable:
    """In the place of a request that is not a message of ours."""


def _reader(deserialize: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    def read(content: bytes) -> Any:
        try:
            return deserialize(content)
        except DecodeError:
            return _Unreadable()

    return read


def _check(request: Any) -> None:
    if isinstance(request, _Unreadable):
        raise InvalidInput("The request cannot be read.", "Send messages of thresher.v1; text must be UTF-8.")


async def _checked(requests: AsyncIterator[Any]) -> AsyncIterator[Any]:
    async for request in requests:
        _check(request)
        yield request


class CallInterceptor(grpc.aio.ServerInterceptor):  # type: ignore[misc]
    """Wraps the handlers of our services; health and reflection pass through.

    `limits` maps a method name ("Ask") to the most seconds it may take; "" is for methods not named, None: no limit.
    """

    def __init__(self, limits: dict[str, float | None]) -> None:
        self._limits = limits

    async def intercept_service(
        self, continuation: Callable[[Any], Awaitable[Any]], details: grpc.HandlerCallDetails
    ) -> Any:
        handler = await continuation(details)
        if handler is None or not details.method.startswith(("/thresher.", "/google.longrunning.")):
            return handler
        call = _Call(details.method, self._limit(details.method))
        read, write = _reader(handler.request_deserializer), handler.response_serializer
        if handler.request_streaming and handler.response_streaming:
            return grpc.stream_stream_rpc_method_handler(call.streaming(handler.stream_stream), read, write)
        if handler.response_streaming:
            return grpc.unary_stream_rpc_method_handler(call.streaming(handler.unary_stream), read, write)
        return grpc.unary_unary_rpc_method_handler(call.unary(handler.unary_unary), read, write)

    def _limit(self, method: str) -> float | None:
        name = method.rsplit("/", 1)[-1]
        return self._limits.get(name, self._limits[""])


class _Call:
    def __init__(self, method: str, limit: float | None) -> None:
        self._method = method
        self._limit = limit

    def unary(self, handler: Callable[[Any, Any], Awaitable[Any]]) -> Callable[[Any, Any], Awaitable[Any]]:
        async def behaviour(request: Any, context: Any) -> Any:
            async def work() -> Any:
                _check(request)
                return await handler(request, context)

            return await self._guarded(request, context, work)

        return behaviour

    def streaming(
        self, handler: Callable[[Any, Any], AsyncGenerator[Any, None]]
    ) -> Callable[[Any, Any], Awaitable[None]]:
        """Written by hand rather than left to gRPC, so that an abandoned stream is closed at once."""

        async def behaviour(request: Any, context: Any) -> None:
            async def send() -> None:
                if hasattr(request, "__aiter__"):
                    stream = handler(_checked(request), context)
                else:
                    _check(request)
                    stream = handler(request, context)
                async with aclosing(stream) as responses:
                    async for response in responses:
                        await context.write(response)

            await self._guarded(request, context, send)

        return behaviour

    async def _guarded(self, request: Any, context: Any, work: Callable[[], Awaitable[Any]]) -> Any:
        request_id = _request_id(context)
        context.set_trailing_metadata(((REQUEST_ID_KEY, request_id),))
        log = _log.bind(method=self._method, request_id=request_id)
        started = time.monotonic()
        limit = time_limit(context, self._limit)
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                async with asyncio.timeout(limit) as timer:
                    result = await work()
            except TimeoutError as error:
                failure = _timed_out(limit) if timer.expired() else _fault(error, log, request_id)
            except ThresherError as error:
                failure = error
            except asyncio.CancelledError as error:
                task = asyncio.current_task()
                if task is not None and task.cancelling():
                    log.info("cancelled", seconds=_since(started))
                    raise
                failure = _fault(error, log, request_id)  # of something we awaited: must not look like the client's
            except Exception as error:
                failure = _fault(error, log, request_id)
            else:
                log.info("done", seconds=_since(started))
                return result
        log.info("refused", code=failure.code, seconds=_since(started))
        trailing = (trailing_details(failure, request, request_id), (REQUEST_ID_KEY, request_id))
        return await context.abort(status_of(failure), failure.message, trailing)


def _request_id(context: Any) -> str:
    for key, value in context.invocation_metadata() or ():
        if key == REQUEST_ID_KEY and isinstance(value, str) and _ID.fullmatch(value):
            return value
    return uuid.uuid4().hex


def _timed_out(limit: float | None) -> ThresherError:
    within = f"within {limit:.1f} seconds" if limit and limit >= 0.1 else "in the time given"
    return DeadlineExceeded(f"Not done {within}.", "Allow more time, or ask about fewer photographs.")


def _fault(error: BaseException, log: Any, request_id: str) -> ThresherError:
    """Something we did not foresee: logged in full, told without internals."""
    log.error("fault", exc_info=error)
    return InternalError("The server failed on this request.", f"Its log has more under request id {request_id}.")


def _since(started: float) -> float:
    return round(time.monotonic() - started, 3)
