"""Start and end: health, signals, ports, data directories, logs."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from retrievers.memory_store import MemoryStore
from server.app import App, check_port
from server.lifecycle import run
from tests.server.fake_process import Process
from tests.server.fakes import Bench, make_settings, picture, ready, serving
from thresher import errors
from thresher.client import Client
from thresher.records import Reply, UploadItem

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Process]]:
    started: list[Process] = []

    def make(port: int = 0, data: str = "data", shutdown: float = 10.0) -> Process:
        started.append(Process(tmp_path / data, port, shutdown))
        return started[-1]

    yield make
    for each in started:
        each.kill()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


async def check(address: str, service: str = "") -> int:
    async with grpc.aio.insecure_channel(address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        status: int = (await stub.Check(health_pb2.HealthCheckRequest(service=service))).status
        return status


async def test_health_of_the_whole_and_of_the_language_model(bench: Bench) -> None:
    assert await check(bench.address) == SERVING
    assert await check(bench.address, "thresher.generation") == NOT_SERVING
    async with grpc.aio.insecure_channel(bench.address) as channel:
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(service="thresher.generation"))
        assert (await watch.read()).status == NOT_SERVING
        bench.generator["now"] = ready(bench.generator["now"])
        async with asyncio.timeout(3):
            assert (await watch.read()).status == SERVING
        bench.generator["now"] = ready(bench.generator["now"]).__class__(bench.generator["now"].model, detail="died")
        async with asyncio.timeout(3):
            assert (await watch.read()).status == NOT_SERVING
        watch.cancel()
    assert await check(bench.address) == SERVING


async def test_reflection_is_off_unless_set(tmp_path: Path, bench: Bench) -> None:
    async def services(address: str) -> set[str]:
        async with grpc.aio.insecure_channel(address) as channel:
            stub = reflection_pb2_grpc.ServerReflectionStub(channel)
            call = stub.ServerReflectionInfo(iter([reflection_pb2.ServerReflectionRequest(list_services="")]))
            return {each.name async for reply in call for each in reply.list_services_response.service}

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await services(bench.address)
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
    async with serving(make_settings(tmp_path, reflection=True), MemoryStore()) as open_bench:
        assert {"thresher.v1.AskService", "thresher.v1.ImageService"} <= await services(open_bench.address)


async def test_sigterm_lets_an_ask_end(start: Callable[..., Process]) -> None:
    server = start()
    async with Client(server.address) as client, grpc.aio.insecure_channel(server.address) as channel:
        await client.create_collection("c")
        events = client.ask("c", "red?")
        await anext(events)
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        assert (await watch.read()).status == SERVING
        server.process.send_signal(signal.SIGTERM)
        assert (await watch.read()).status == NOT_SERVING
        watch.cancel()
        await asyncio.sleep(0.2)
        with pytest.raises((errors.Unavailable, grpc.aio.AioRpcError)):
            async with Client(server.address, timeout=2) as late:
                await late.list_collections()
        assert isinstance([event async for event in events][-1], Reply)
    assert server.process.wait(10) == 0


async def test_sigterm_cuts_what_takes_too_long(start: Callable[..., Process]) -> None:
    server = start(shutdown=0.3)
    async with Client(server.address) as client:
        await client.create_collection("c")
        events = client.ask("c", "red?")
        await anext(events)
        server.process.send_signal(signal.SIGINT)
        with pytest.raises(errors.ThresherError):
            [event async for event in events]
    assert server.process.wait(10) == 0


async def test_sigterm_ends_an_upload_soon_after_a_commit(start: Callable[..., Process]) -> None:
    server = start()
    acknowledged: list[str] = []
    async with Client(server.address) as client:
        await client.create_collection("c")

        async def items():  # type: ignore[no-untyped-def]
            for number in range(1000):
                yield UploadItem(f"{number}.png", picture("red", number))
                await asyncio.sleep(0.05)

        with pytest.raises(errors.Unavailable, match=r"is stopping\..*Start it again"):
            async for result in client.upload("c", items()):
                acknowledged.append(result.sha256)
                if len(acknowledged) == 1:
                    server.process.send_signal(signal.SIGTERM)
                    started = time.monotonic()
        assert time.monotonic() - started < 5
    assert server.process.wait(5) == 0
    again = start()
    async with Client(again.address) as client:
        assert {record.id async for record in client.images("c")} == set(acknowledged)


async def test_what_was_acknowledged_survives_sigkill(start: Callable[..., Process]) -> None:
    server = start()
    acknowledged: list[str] = []
    async with Client(server.address) as client:
        await client.create_collection("c")

        async def items():  # type: ignore[no-untyped-def]
            for number in range(100):
                yield UploadItem(f"{number}.png", picture("red", number))

        with pytest.raises(errors.Unavailable):
            async for result in client.upload("c", items()):
                acknowledged.append(result.sha256)
                if len(acknowledged) == 32:
                    server.process.kill()
    server.process.wait(10)
    assert len(acknowledged) >= 32
    again = start()
    async with Client(again.address) as client:
        stored = [record.id async for record in client.images("c")]
        assert set(acknowledged) <= set(stored)
        assert len(stored) == len(set(stored))
        async for _ in client.upload("c", items()):
            pass
        assert len([record async for record in client.images("c")]) == 100
    assert again.end() == 0


def test_port_in_use(start: Callable[..., Process]) -> None:
    port = free_port()
    start(port)
    second = start(port, data="other")
    assert second.process.wait(10) == 1
    assert second.lines[-1].startswith("UNAVAILABLE: Port")
    assert "--port" in second.lines[-1]
    assert "Loading" not in second.lines


def test_data_directory_in_use(start: Callable[..., Process]) -> None:
    start()
    second = start()
    assert second.process.wait(10) == 1
    assert second.lines[-1].startswith("DATA_DIR_IN_USE")


async def test_the_port_is_taken_between_check_and_start(tmp_path: Path, bench: Bench) -> None:
    settings = make_settings(tmp_path).model_copy(update={"port": bench.app.port})
    with pytest.raises(errors.Unavailable):
        check_port(settings)
    async with serving(make_settings(tmp_path), MemoryStore()) as other:
        parts = other.app._parts
        with pytest.raises(errors.Unavailable):
            await App(parts, settings).start()


async def test_run_checks_the_port_before_it_loads_anything(tmp_path: Path, bench: Bench) -> None:
    settings = make_settings(tmp_path).model_copy(update={"port": bench.app.port})
    with pytest.raises(errors.Unavailable):
        await run(settings, lambda *_: pytest.fail("loaded"), lambda _: None)


async def test_logs_are_json_with_request_ids_and_without_paths(start: Callable[..., Process]) -> None:
    server = start()
    async with Client(server.address) as client:
        await client.create_collection("c")

        async def items():  # type: ignore[no-untyped-def]
            yield UploadItem("private/name.png", picture(), ("private",))

        assert [result async for result in client.upload("c", items())]
        assert [event async for event in client.ask("c", "private question")]
    assert server.end() == 0
    logged = server.logged()
    assert "private" not in logged
    calls = [json.loads(line) for line in logged.splitlines() if '"method"' in line]
    assert {call["method"].rsplit("/", 1)[1] for call in calls} == {"CreateCollection", "UploadImages", "Ask"}
    assert len({call["request_id"] for call in calls}) == len(calls)
