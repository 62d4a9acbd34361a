"""The gRPC server: services, health, reflection, start and stop."""

from __future__ import annotations

import asyncio
import socket
from types import TracebackType

import grpc
import structlog
from google.longrunning import operations_pb2, operations_pb2_grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from server.calls import CallInterceptor
from server.imports import Imports
from server.ingest import Ingest
from server.parts import Parts
from server.services.ask import AskService
from server.services.collections import CollectionService
from server.services.exemplars import ExemplarService
from server.services.images import ImageService
from server.services.operations import OperationsService
from server.services.search import GroundingService, SearchService
from server.services.server_info import ServerService
from server.settings import Settings
from thresher.client import MESSAGE_BYTES
from thresher.errors import Unavailable
from thresher.v1 import (
    ask_pb2,
    ask_pb2_grpc,
    collections_pb2,
    collections_pb2_grpc,
    exemplars_pb2,
    exemplars_pb2_grpc,
    images_pb2,
    images_pb2_grpc,
    search_pb2,
    search_pb2_grpc,
    server_pb2,
    server_pb2_grpc,
)

GENERATION = "thresher.generation"
"""Health entry of the language model; the overall entry is ""."""

_POLL_SECONDS = 0.5
_OPTIONS = [
    ("grpc.max_receive_message_length", MESSAGE_BYTES),
    ("grpc.max_send_message_length", MESSAGE_BYTES),
    ("grpc.so_reuseport", 0),
    ("grpc.http2.min_ping_interval_without_data_ms", 30_000),
]
_SERVICES = tuple(
    file.DESCRIPTOR.services_by_name[name].full_name
    for file, names in (
        (ask_pb2, ["AskService"]),
        (collections_pb2, ["CollectionService"]),
        (exemplars_pb2, ["ExemplarService"]),
        (images_pb2, ["ImageService"]),
        (operations_pb2, ["Operations"]),
        (search_pb2, ["SearchService", "GroundingService"]),
        (server_pb2, ["ServerService"]),
    )
    for name in names
)
_SERVING = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
_log = structlog.get_logger("thresher.app")


class App:
    """A server on a socket. `async with App(parts, settings) as app:` starts it, and drains it at the end."""

    def __init__(self, parts: Parts, settings: Settings) -> None:
        self._parts = parts
        self._settings = settings
        self.port = settings.port
        self._stopping = asyncio.Event()
        self._ingest = Ingest(parts, settings.ingest)
        self._imports = Imports(parts, settings, self._ingest)

    async def __aenter__(self) -> App:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Unavailable where the port is taken."""
        limits = self._settings.limits
        seconds = {"": limits.max_call_seconds, "Ask": limits.max_ask_seconds + 1.0}
        unbounded = dict.fromkeys(("UploadImages", "DownloadImage"))
        server = grpc.aio.server(interceptors=[CallInterceptor({**seconds, **unbounded})], options=_OPTIONS)
        self._register(server)
        try:
            self.port = server.add_insecure_port(self._settings.address)
        except RuntimeError as error:
            raise port_in_use(self._settings) from error
        await self._imports.start()
        await server.start()
        self._server = server
        await self._health.set("", _SERVING)
        await self._health.set(GENERATION, _NOT_SERVING)
        self._watch = asyncio.create_task(self._watch_generator())

    async def stop(self) -> None:
        """Health NOT_SERVING, no new calls, uploads and imports ended after a commit, `shutdown_seconds` for the other
        calls under way; then they are cancelled."""
        self._watch.cancel()
        await asyncio.wait([self._watch])
        await self._health.enter_graceful_shutdown()
        self._stopping.set()
        stopped = asyncio.create_task(self._server.stop(self._settings.limits.shutdown_seconds))
        await self._imports.stop()
        await stopped

    def _register(self, server: grpc.aio.Server) -> None:
        parts, settings = self._parts, self._settings
        server_pb2_grpc.add_ServerServiceServicer_to_server(ServerService(parts, settings), server)
        collections_pb2_grpc.add_CollectionServiceServicer_to_server(CollectionService(parts), server)
        images = ImageService(parts, settings, self._ingest, self._imports, self._stopping)
        images_pb2_grpc.add_ImageServiceServicer_to_server(images, server)
        operations = OperationsService(self._imports, settings.limits.max_call_seconds)
        operations_pb2_grpc.add_OperationsServicer_to_server(operations, server)
        search_pb2_grpc.add_SearchServiceServicer_to_server(SearchService(parts, settings), server)
        search_pb2_grpc.add_GroundingServiceServicer_to_server(GroundingService(parts), server)
        exemplars_pb2_grpc.add_ExemplarServiceServicer_to_server(ExemplarService(parts), server)
        ask_pb2_grpc.add_AskServiceServicer_to_server(AskService(parts, settings), server)
        self._health = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        if settings.reflection:
            reflection.enable_server_reflection((*_SERVICES, health.SERVICE_NAME, reflection.SERVICE_NAME), server)

    async def _watch_generator(self) -> None:
        """Keeps the language model's health entry."""
        was = False
        while True:
            state = self._parts.generator()
            if state.ready != was:
                was = state.ready
                _log.info("language model", ready=state.ready, detail=state.detail)
                await self._health.set(GENERATION, _SERVING if state.ready else _NOT_SERVING)
            await asyncio.sleep(_POLL_SECONDS)


def check_port(settings: Settings) -> None:
    """Before anything large is loaded: Unavailable where the port is taken."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise port_in_use(settings) from error


def port_in_use(settings: Settings) -> Unavailable:
    return Unavailable(
        f"Port {settings.port} of {settings.host} is in use, perhaps by another Thresher.",
        "Stop that one, or choose another with --port or THRESHER_PORT (0: any that is free).",
    )
