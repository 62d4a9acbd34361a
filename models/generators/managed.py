"""Generators that come and go: the shape they share, and the one for an endpoint that somebody else runs."""

from __future__ import annotations

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing

from models.generators.openai_endpoint import OpenAIGenerator
from thresher.errors import GeneratorUnavailable
from thresher.types import GeneratorSpec, Message


class ManagedGenerator(ABC):
    """A `Generator` that a background task keeps ready, from `start` to `stop`.

    While `ready` is False its methods raise `GeneratorUnavailable` at once, with `detail` as the reason.
    """

    def __init__(self) -> None:
        self._current: OpenAIGenerator | None = None
        self._detail = "The language model has not been started."
        self._ready = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    @abstractmethod
    def spec(self) -> GeneratorSpec: ...

    @abstractmethod
    async def _keep(self) -> None:
        """Call `_up` and `_down` as things change; end when there is no hope, with the reason in `_down`.
        Cancelled by `stop`."""

    @property
    def ready(self) -> bool:
        return self._current is not None

    @property
    def detail(self) -> str:
        """Why it is not ready, for people; empty when it is."""
        return self._detail

    @property
    def failed(self) -> bool:
        """Whether it has given up."""
        return self._task is not None and self._task.done()

    async def start(self) -> None:
        """Begin; returns at once."""
        if self._task is None:
            self._detail = "The language model is starting."
            self._task = asyncio.create_task(self._guarded(), name=type(self).__name__)

    async def stop(self) -> None:
        """End the task and what it runs; safe to call twice."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        self._down("The language model was stopped.")

    async def wait_ready(self, seconds: float) -> None:
        """Raises `GeneratorUnavailable` after `seconds`, and as soon as it gives up."""
        if self._task is not None:
            waiting = asyncio.create_task(self._ready.wait())
            try:
                await asyncio.wait({waiting, self._task}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            finally:
                waiting.cancel()
        self._generator()

    async def choose(self, messages: Sequence[Message], choices: Sequence[str]) -> Mapping[str, float]:
        return await self._generator().choose(messages, choices)

    async def json(self, messages: Sequence[Message], schema: Mapping[str, object]) -> Mapping[str, object]:
        return await self._generator().json(messages, schema)

    async def stream(self, messages: Sequence[Message], max_tokens: int = 120) -> AsyncGenerator[str, None]:
        async with aclosing(self._generator().stream(messages, max_tokens)) as pieces:
            async for piece in pieces:
                yield piece

    def _generator(self) -> OpenAIGenerator:
        if self._current is None:
            raise GeneratorUnavailable(self._detail)
        return self._current

    def _up(self, generator: OpenAIGenerator) -> None:
        self._current, self._detail = generator, ""
        self._ready.set()

    def _down(self, detail: str) -> None:
        self._current, self._detail = None, detail
        self._ready.clear()

    async def _guarded(self) -> None:
        try:
            await self._keep()
        except Exception as error:
            self._down(f"The language model cannot be kept running: {error!r}.")
            raise


class EndpointGenerator(ManagedGenerator):
    """An OpenAI-compatible endpoint elsewhere. It is probed at start and whenever it comes back."""

    CHECK_SECONDS = 15.0
    FIRST_DELAY_SECONDS = 1.0
    MAX_DELAY_SECONDS = 30.0

    def __init__(self, base_url: str, *, model: str = "", api_key: str = "") -> None:
        super().__init__()
        self._endpoint = OpenAIGenerator(base_url, model=model, api_key=api_key)

    @property
    def spec(self) -> GeneratorSpec:
        return self._endpoint.spec

    async def stop(self) -> None:
        await super().stop()
        await self._endpoint.aclose()

    async def _keep(self) -> None:
        delay = self.FIRST_DELAY_SECONDS
        while True:
            try:
                if not self.ready:
                    await self._endpoint.probe()
                    self._up(self._endpoint)
                    delay = self.FIRST_DELAY_SECONDS
                await asyncio.sleep(self.CHECK_SECONDS)
                await self._endpoint.alive()
            except GeneratorUnavailable as error:
                self._down(str(error))
                await asyncio.sleep(delay)
                delay = min(2 * delay, self.MAX_DELAY_SECONDS)
