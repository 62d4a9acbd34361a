"""ServerService: what this server is."""

from __future__ import annotations

from typing import Any

from server.parts import Parts
from server.settings import Settings
from thresher.records import ModelInfo
from thresher.v1 import server_pb2
from thresher.version import __version__


class ServerService:
    def __init__(self, parts: Parts, settings: Settings) -> None:
        self._parts = parts
        self._settings = settings

    async def GetServerInfo(self, _request: Any, _context: Any) -> Any:
        spec = self._parts.encoder.spec
        generator = self._parts.generator()
        limits = self._settings.limits
        return server_pb2.ServerInfo(
            version=__version__,
            schema_version=self._parts.schema_version,
            profile=self._settings.profile,
            encoder=server_pb2.ModelInfo(id=spec.id, weights=spec.weights),
            grounder=_model(self._parts.grounder_model),
            generator=_model(generator.model),
            generator_ready=generator.ready,
            generator_detail=generator.detail,
            generator_failed=generator.failed,
            judge=_model(self._parts.judge),
            sees=generator.sees,
            plans=generator.plans,
            limits=server_pb2.Limits(
                max_concurrent_asks=limits.max_concurrent_asks,
                max_image_bytes=limits.max_image_bytes,
                max_image_pixels=limits.max_image_pixels,
                max_question_characters=limits.max_question_characters,
                max_ask_seconds=limits.max_ask_seconds,
            ),
        )


def _model(info: ModelInfo) -> Any:
    return server_pb2.ModelInfo(id=info.id, weights=info.weights)
