"""What holds for every call: errors with details, request ids, time limits, cancellation."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from retrievers.memory_store import MemoryStore
from server.calls import _timed_out
from server.errors import STATUS, status_of
from tests.server.fakes import Bench, make_settings, serving, until
from thresher import errors
from thresher.client import Client
from thresher.status import error_from_code
from thresher.v1 import ask_pb2, ask_pb2_grpc, collections_pb2, collections_pb2_grpc


def details_of(error: grpc.aio.AioRpcError) -> dict[str, Any]:
    metadata = dict(error.trailing_metadata() or ())
    status = status_pb2.Status.FromString(metadata["grpc-status-details-bin"])
    found = {}
    for detail in status.details:
        kind = detail.type_url.rsplit(".", 1)[-1]
        found[kind] = getattr(error_details_pb2, kind)()
        detail.Unpack(found[kind])
    return found


@pytest.fixture
async def channel(bench: Bench) -> AsyncIterator[grpc.aio.Channel]:
    async with grpc.aio.insecure_channel(bench.address) as channel:
        yield channel


async def test_an_error_has_reason_hint_and_resource(channel: grpc.aio.Channel) -> None:
    stub = collections_pb2_grpc.CollectionServiceStub(channel)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.GetCollection(collections_pb2.GetCollectionRequest(name="collections/holiday"))
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    details = details_of(caught.value)
    assert details["ErrorInfo"].reason == "NOT_FOUND"
    assert details["ErrorInfo"].domain == "thresher"
    assert details["ErrorInfo"].metadata["hint"]
    assert details["ResourceInfo"].resource_name == "collections/holiday"


async def test_invalid_input_names_its_field(channel: grpc.aio.Channel, client: Client) -> None:
    await client.create_collection("c")
    stub = ask_pb2_grpc.AskServiceStub(channel)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.Ask(ask_pb2.AskRequest(parent="collections/c", question=" ")).read()
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    [violation] = details_of(caught.value)["BadRequest"].field_violations
    assert violation.field == "question"


async def test_request_id_is_taken_and_returned(channel: grpc.aio.Channel) -> None:
    stub = collections_pb2_grpc.CollectionServiceStub(channel)
    call = stub.ListCollections(collections_pb2.ListCollectionsRequest(), metadata=(("x-request-id", "mine-7"),))
    await call
    assert dict(await call.trailing_metadata())["x-request-id"] == "mine-7"
    call = stub.ListCollections(collections_pb2.ListCollectionsRequest(), metadata=(("x-request-id", "not an id!"),))
    await call
    assert re.fullmatch("[0-9a-f]{32}", dict(await call.trailing_metadata())["x-request-id"])
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.GetCollection(
            collections_pb2.GetCollectionRequest(name="collections/x"), metadata=(("x-request-id", "mine-8"),)
        )
    assert dict(caught.value.trailing_metadata() or ())["x-request-id"] == "mine-8"


async def test_a_request_that_is_no_message_is_refused(channel: grpc.aio.Channel) -> None:
    method = channel.unary_unary("/thresher.v1.CollectionService/GetCollection")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await method(b"\x0a\xff\xff\xff\xff")
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    stream = channel.unary_stream("/thresher.v1.AskService/Ask")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stream(b"\x12\x02\xff\xfe").read()  # a question that is not UTF-8
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_fault_shows_nothing_inside(bench: Bench, client: Client) -> None:
    await client.create_collection("c")
    bench.ask.error = RuntimeError("secret of /home/someone")
    with pytest.raises(errors.InternalError) as caught:
        async for _ in client.ask("c", "red?"):
            pass
    assert "secret" not in str(caught.value)
    assert re.search("request id [0-9a-f]{32}", caught.value.hint)


async def test_a_cancelled_part_of_ours_is_a_fault_not_a_cancelled_call(bench: Bench, client: Client) -> None:
    await client.create_collection("c")
    bench.ask.error = asyncio.CancelledError()  # type: ignore[assignment]
    with pytest.raises(errors.InternalError):
        async for _ in client.ask("c", "red?"):
            pass


async def test_the_clients_deadline_is_handed_down_with_a_margin(bench: Bench, client: Client) -> None:
    await client.create_collection("c")
    async for _ in client.ask("c", "red?", seconds=5):
        pass
    assert bench.ask.seconds is not None
    assert 4 < bench.ask.seconds < 4.85


async def test_the_servers_maximum_ends_an_ask(tmp_path: Path) -> None:
    settings = make_settings(tmp_path, {"max_ask_seconds": 0.1})
    async with serving(settings, MemoryStore()) as bench, Client(bench.address) as client:
        await client.create_collection("c")
        bench.ask.hold.clear()
        with pytest.raises(errors.DeadlineExceeded):
            async for _ in client.ask("c", "red?", seconds=None):
                pass
        assert bench.ask.seconds == pytest.approx(0.1, abs=0.01)
        assert bench.ask.stopped == 1


async def test_a_deadline_of_the_client_ends_the_work(bench: Bench, client: Client) -> None:
    await client.create_collection("c")
    bench.ask.hold.clear()
    with pytest.raises(errors.DeadlineExceeded):
        async for _ in client.ask("c", "red?", seconds=0.5):
            pass
    await until(lambda: bench.ask.stopped)
    assert bench.ask.stopped == 1


async def test_an_abandoned_ask_stops_its_work(bench: Bench, client: Client) -> None:
    await client.create_collection("c")
    bench.ask.hold.clear()
    async with aclosing(client.ask("c", "red?")) as events:
        await anext(events)
    await until(lambda: bench.ask.stopped)
    assert bench.ask.stopped == 1


async def test_asks_over_the_limit_are_refused_at_once(tmp_path: Path) -> None:
    settings = make_settings(tmp_path, {"max_concurrent_asks": 1})
    async with serving(settings, MemoryStore()) as bench, Client(bench.address) as client:
        await client.create_collection("c")
        bench.ask.hold.clear()
        async with aclosing(client.ask("c", "red?")) as first:
            await anext(first)
            with pytest.raises(errors.Overloaded) as caught:
                async with asyncio.timeout(1):
                    await anext(client.ask("c", "red?"))
            assert caught.value.retryable
            assert caught.value.retry_after == 1.0
            await client.list_collections()  # others go on
            bench.ask.hold.set()
            assert [event async for event in first]
        assert [event async for event in client.ask("c", "red?")]


async def test_no_server(unused_tcp_port: int) -> None:
    async with Client(f"127.0.0.1:{unused_tcp_port}") as client:
        with pytest.raises(errors.Unavailable) as caught:
            await client.server_info()
    assert "thresher serve" in caught.value.hint


def test_every_error_has_a_status_and_survives_the_wire() -> None:
    def tree(kind: type[errors.ThresherError]) -> list[type[errors.ThresherError]]:
        return [kind, *(found for child in kind.__subclasses__() for found in tree(child))]

    for kind in tree(errors.ThresherError):
        assert status_of(kind("what", "hint")) in STATUS.values()
        if kind is not errors.ThresherError:
            assert type(error_from_code(kind.code, "what", "hint")) is kind


def test_next_to_no_time_is_not_told_as_zero_seconds() -> None:
    assert _timed_out(0.0).message == "Not done in the time given."
    assert _timed_out(1.5).message == "Not done within 1.5 seconds."
